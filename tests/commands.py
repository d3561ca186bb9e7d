"""The program as its users call it, in this process or in one of its own."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Sequence
from contextlib import chdir, nullcontext, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from ressenti.pipeline.cli import main

PROGRAM = (sys.executable, "-c", "from ressenti.pipeline.cli import main; main()")


@dataclass(frozen=True)
class Done:
    """What a command left: its exit code, and what it printed."""

    returncode: int
    stdout: str
    stderr: str


def ressenti(*arguments: str | Path, cwd: Path | None = None) -> Done:
    """Run a command by the program's own `main`, in this process: that costs no start."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with (
        pytest.MonkeyPatch.context() as patch,
        redirect_stdout(out),
        redirect_stderr(err),
        chdir(cwd) if cwd else nullcontext(),
    ):
        patch.setattr(sys, "argv", ["ressenti", *map(str, arguments)])
        try:
            main()
        except SystemExit as done:
            code = done.code if isinstance(done.code, int) else int(bool(done.code))
    return Done(code, out.getvalue(), err.getvalue())


def ressenti_alone(
    *arguments: str | Path, cwd: Path | None = None, program: Sequence[str] = PROGRAM
) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own; `analyze` recognises words only if the test says how."""
    off = ("--words", "off") if arguments[:1] == ("analyze",) and "--words" not in arguments else ()
    command = [*program, *map(str, arguments), *off]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, timeout=300)
