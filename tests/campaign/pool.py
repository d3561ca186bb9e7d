"""Two warm workers, each with a limit of time for a case; one that takes longer is killed, by its own number."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")
CHECKOUT = Path(__file__).resolve().parents[2]
LIMIT_S = 60.0
LIMIT_MB = 2_000.0
_AT_ONCE = 2
_ADDRESSES = 4 << 30  # what a worker may map at all, so that no bomb takes the machine with it


_TELLS_CI = ("CI", "TF_BUILD", "GITHUB_ACTIONS", "GITLAB_CI", "CIRCLECI", "TRAVIS", "JENKINS_URL", "CODEBUILD_BUILD_ID",
             "BUILDKITE", "TEAMCITY_VERSION", "APPVEYOR")  # fmt: skip


def environment(**more: str) -> dict[str, str]:
    """For processes of the campaign: this checkout, one thread, no installed models.

    And nothing that says CI: onnxruntime sends nothing from there, so that a witness would see nothing either.
    """
    paths = os.pathsep.join([str(CHECKOUT), str(CHECKOUT / "tests")])
    own = {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "NO_COLOR": "1", "COLUMNS": "200"}
    own |= {"RESSENTI_MODELS": "/nonexistent/models", "RESSENTI_SETTINGS": "/nonexistent/settings"}
    inherited = {name: value for name, value in os.environ.items() if name not in _TELLS_CI}
    return {**inherited, **own, **more}


def end(process: subprocess.Popen[Any]) -> None:
    """Kill a process that leads a session of its own, with its children, and close its pipes."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for pipe in (process.stdin, process.stdout):
        with contextlib.suppress(OSError):
            if pipe is not None:
                pipe.close()


class Worker:
    """One process of `campaign.worker`, started anew after a hang, a crash or too much memory."""

    def __init__(self, addresses: int = _ADDRESSES, **more: str) -> None:
        self._addresses, self._more = addresses, more
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, job: dict[str, Any], limit_s: float = LIMIT_S) -> dict[str, Any]:
        """The answer to a job; `hang` or `crash` where there was none."""
        process = self._process = self._process or subprocess.Popen(
            [sys.executable, "-m", "campaign.worker", str(self._addresses)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=job.get("cwd") or "/",
            env=environment(**self._more), start_new_session=True,
        )  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(json.dumps(job).encode() + b"\n")
            process.stdin.flush()
        ready, _, _ = select.select([process.stdout], [], [], limit_s)
        line = process.stdout.readline() if ready else b""
        if line.endswith(b"\n"):
            answer: dict[str, Any] = json.loads(line)
            if answer["peak_mb"] > LIMIT_MB:
                self.close()
            return answer
        self.close()
        if not ready:
            return {"code": 1, "type": "hang", "words": f"no answer in {limit_s:g} s", "peak_mb": 0.0, "ours": False}
        words = f"the process ended with {process.returncode}"
        return {"code": 1, "type": "crash", "words": words, "peak_mb": 0.0, "ours": False}

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            end(self._process)
        self._process = None


def spread(cases: Iterable[T], do: Callable[[Worker, T], R], addresses: int = _ADDRESSES) -> Iterator[R]:
    """`do` for every case in two workers, in order; few cases are made ahead of their turn."""
    own = threading.local()
    made: list[Worker] = []

    def one(case: T) -> R:
        if not hasattr(own, "worker"):
            own.worker = Worker(addresses)
            made.append(own.worker)
        return do(own.worker, case)

    waiting: list[Any] = []
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        try:
            for case in cases:
                waiting.append(threads.submit(one, case))
                if len(waiting) > 4 * _AT_ONCE:
                    yield waiting.pop(0).result()
            for future in waiting:
                yield future.result()
        finally:
            threads.shutdown(wait=True, cancel_futures=True)
            for worker in made:
                worker.close()
