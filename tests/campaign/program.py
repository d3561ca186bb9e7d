"""The `ressenti` command as a process of its own: with a limit of time, and how much memory its processes took."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

from campaign.pool import LIMIT_S, end, environment

COMMAND = (sys.executable, "-c", "from ressenti.pipeline.cli import main; main()")
_ADDRESSES = 12 << 30
# what no user should read: Python's and the system's words, and our own for what nobody thought of
_UNSAID = re.compile(
    r"Traceback|bug in Ressenti|unexpected [A-Z]\w+|\[Errno|Errno \d|Operation not permitted|Invalid data found|"
    r"Invalid argument|Protocol not found|avcodec_|Not yet implemented|Generic error|<none>|Immediate exit"
)


@dataclass(frozen=True)
class Ran:
    """What came of a process: its exit code (negative for a signal), words, most memory in MB, whether it hung."""

    code: int
    words: str
    peak_mb: float
    hung: bool


def unsaid(words: str) -> str:
    """The first thing in some words that no user should read; empty where there is none."""
    found = _UNSAID.search(words)
    return found.group() if found else ""


def run(
    arguments: Sequence[str | bytes], folder: Path, limit_s: float = LIMIT_S, command: Sequence[str] = COMMAND
) -> Ran:
    """Run it in a folder; its standard input is empty."""

    def bounded() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (_ADDRESSES, resource.RLIM_INFINITY))

    with TemporaryFile() as said:
        process = subprocess.Popen(
            [*command, *arguments], cwd=folder, stdin=subprocess.DEVNULL, stdout=said, stderr=said,
            env=environment(), start_new_session=True, preexec_fn=bounded,  # noqa: PLW1509  # it only sets a limit
        )  # fmt: skip
        until = time.monotonic() + limit_s
        while True:
            number, status, usage = os.wait4(process.pid, os.WNOHANG)
            if number:
                process.returncode = os.waitstatus_to_exitcode(status)
                break
            if time.monotonic() > until:
                end(process)
                return Ran(-9, "", 0.0, hung=True)
            time.sleep(0.02)
        said.seek(0)
        words = said.read().decode("utf-8", "replace")
    return Ran(process.returncode, words, usage.ru_maxrss / 1024, hung=False)
