"""Runs of `ressenti analyze` with fake models and a fake page, forked off a process that has imported everything, to be killed.

A job is {"folder", "arguments", "kill_after_s" or "kill_at"}: the run is killed so long after its start, or at its
so-manieth call that renames, links, removes or syncs a file. The answer: its exit code (-9: killed), and its seconds.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

from campaign.pool import end, environment

TOUCHING = ("replace", "rename", "link", "symlink", "unlink", "remove", "rmdir", "fsync", "mkdir")
SEGMENTS = [(0.5, 3.0, "S1"), (3.5, 5.0, "S2"), (5.5, 7.9, "S1")]


class Forks:
    """The process that forks them; a context."""

    def __enter__(self) -> Forks:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "campaign.forks"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env=environment(), start_new_session=True,
        )  # fmt: skip
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        end(self._process)

    def run(self, folder: str, arguments: list[str], **kill: float) -> tuple[int, float]:
        """Exit code and seconds of a run."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        job = {"folder": folder, "arguments": arguments, **kill}
        self._process.stdin.write(json.dumps(job).encode() + b"\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        return answer["code"], answer["seconds"]


def _with_fakes() -> None:
    """Models that answer at once, and a page that is drawn at once: as large as one, and another for other content."""
    import ressenti.reports.page
    from ressenti.pipeline import store
    from ressenti.pipeline.diarization.fake import FakeDiarizer
    from ressenti.pipeline.emotion.fake import FakeEmotion
    from ressenti.pipeline.loaded_models import Models

    diarizer, emotion = FakeDiarizer(SEGMENTS), FakeEmotion()
    Models.diarizer = lambda *_: diarizer  # type: ignore[assignment,method-assign]
    Models.emotion = lambda *_: emotion  # type: ignore[assignment,method-assign]
    ressenti.reports.page.render = lambda conversation, *_, **__: store.dumps(conversation) * 100


def _dying_at(count: int) -> None:
    """Kill this process, and those it started, at its `count`-th call that touches names or the disk."""
    left = [count]

    def watched(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            left[0] -= 1
            if left[0] == 0:
                os.killpg(0, signal.SIGKILL)
            return real(*arguments, **options)

        return call

    for name in TOUCHING:
        setattr(os, name, watched(getattr(os, name)))


def _child(job: dict[str, Any]) -> int:
    os.setsid()
    os.chdir(job["folder"])
    quiet = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(quiet, number)
    if "kill_at" in job:
        _dying_at(int(job["kill_at"]))
    from ressenti.pipeline.cli import main

    sys.argv = ["ressenti", *job["arguments"]]
    try:
        main()
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else 0 if done.code is None else 1
    except BaseException:  # noqa: BLE001  # a defect, whatever it is
        return 1
    return 0


def _run(job: dict[str, Any]) -> dict[str, Any]:
    started = time.monotonic()
    number = os.fork()
    if number == 0:
        code = 1
        try:
            code = _child(job)
        finally:
            os._exit(code)
    until = started + float(job.get("kill_after_s", 60.0))
    while True:
        ended, status = os.waitpid(number, os.WNOHANG)
        if ended:
            return {"code": os.waitstatus_to_exitcode(status), "seconds": time.monotonic() - started}
        if time.monotonic() >= until:
            try:
                os.killpg(number, signal.SIGKILL)
            except ProcessLookupError:  # it has no group of its own yet
                os.kill(number, signal.SIGKILL)
        time.sleep(0.001)


def main() -> None:
    """Answer the jobs of standard input."""
    import av  # noqa: F401  # imported here, so that runs have it when they are forked

    import ressenti.pipeline.run
    import ressenti.reports.page  # noqa: F401
    from ressenti.pipeline.cli import app  # noqa: F401

    _with_fakes()
    for line in sys.stdin:
        print(json.dumps(_run(json.loads(line))), flush=True)  # noqa: T201  # to the process that asked


if __name__ == "__main__":
    main()
