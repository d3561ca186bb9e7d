"""Run the decoder in a child process, one per file, and always end it."""

from __future__ import annotations

import importlib.util
import json
import os
import select
import subprocess  # runs our own program with our own arguments
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO

from ressenti.pipeline import errors
from ressenti.pipeline.audio.files import Opened
from ressenti.pipeline.audio.worker import decode as worker
from ressenti.pipeline.audio.worker.opening import Job
from ressenti.pipeline.audio.worker.source import Source

_HEADER_BYTES = 8
_LONGEST_TEXT, _LONGEST_SAMPLES = 1 << 20, 1 << 23
_STALLED_S = 60.0  # without a message; a working decoder reports progress every few seconds of sound
_WAKE_S = 0.5
_BOOT = "import sys; sys.path += sys.argv[2:]; from worker.start import main; main()"


class BrokeDownError(Exception):
    """The decoder stopped early: it crashed, or exceeded its memory or time limit."""


@contextmanager
def decoding(
    file: Opened, job: Job, *, trusted: bool = False, alive: Callable[[], None] = lambda: None
) -> Iterator[Iterator[worker.Message]]:
    """Yield the decoder's messages about an open file.

    FFmpeg's libraries are native code reading untrusted bytes, so they run in a separate process. Only `trusted` files
    (a corpus of thousands of short clips) are decoded in this process, which saves the third of a second that a process
    takes to start. `alive` is called from time to time while no message arrives; an exception from it ends the decoder.
    Raises `BrokeDownError`.
    """
    if trusted or not sys.executable:  # an embedded interpreter has no executable to start
        yield worker.messages(Source(file.descriptor, file.size), job)
        return
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-I", "-S", "-c", _BOOT, json.dumps(asdict(job)), *_paths()],
        stdin=file.descriptor,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
    )
    try:
        if process.stdout is None:
            raise BrokeDownError("no pipe")
        yield _messages(process, process.stdout, alive)
    finally:
        process.kill()
        if process.stdout is not None:
            process.stdout.close()
        process.wait()


def _paths() -> list[str]:
    """Import paths of the decoder, numpy and PyAV; the child process sees no other installed packages."""
    paths = [str(Path(__file__).parent)]
    for name in ("numpy", "av"):
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise errors.RessentiError(f"{name} is not installed, but Ressenti needs it. Install Ressenti again.")
        paths.append(str(Path(spec.origin).parent.parent))
    return list(dict.fromkeys(paths))


def _messages(process: subprocess.Popen[bytes], pipe: IO[bytes], alive: Callable[[], None]) -> Iterator[worker.Message]:
    if _exactly(pipe, _HEADER_BYTES, alive) is None:
        code = process.wait()
        if code < 0:
            raise BrokeDownError(f"killed by signal {-code}")
        raise errors.RessentiError(
            f"the decoder could not start (exit code {code}); {sys.executable} must be able to import numpy and av. "
            "If a memory limit is set (ulimit -v), raise it; otherwise install Ressenti again."
        )
    while True:
        header = _exactly(pipe, _HEADER_BYTES, alive)
        if header is None:
            raise BrokeDownError(f"exit code {process.wait()}")
        sizes = int.from_bytes(header[:4], "little"), int.from_bytes(header[4:], "little")
        if sizes[0] > _LONGEST_TEXT or sizes[1] > _LONGEST_SAMPLES:
            raise BrokeDownError("invalid message")
        text, samples = (_exactly(pipe, size, alive) for size in sizes)
        if text is None or samples is None:
            raise BrokeDownError(f"exit code {process.wait()}")
        try:
            about = json.loads(text)
            kind = about["is"]
        except (LookupError, TypeError, ValueError) as exc:
            raise BrokeDownError("invalid message") from exc
        yield about, samples
        if kind in {"end", "refused"}:
            return


def _exactly(pipe: IO[bytes], count: int, alive: Callable[[], None]) -> bytes | None:
    """Read exactly `count` bytes; return None if the pipe ends first."""
    found = bytearray()
    quiet_since = time.monotonic()
    poll = select.poll() if hasattr(select, "poll") else None  # on Windows, os.read blocks instead
    if poll is not None:
        poll.register(pipe, select.POLLIN)
    while len(found) < count:
        if poll is not None and not poll.poll(_WAKE_S * 1000):
            alive()
            if time.monotonic() - quiet_since > _STALLED_S:
                raise BrokeDownError("stalled")
            continue
        block = os.read(pipe.fileno(), count - len(found))
        if not block:
            return None
        found += block
        quiet_since = time.monotonic()
    return bytes(found)
