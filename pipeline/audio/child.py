"""The decoder's process: started for one file, listened to, and ended whatever happens."""

from __future__ import annotations

import importlib.util
import json
import os
import select
import subprocess  # of our own program, with arguments of our own
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
_STALLED_S = 60.0  # without a word; a decoder that computes says how far it is every few seconds of sound
_WAKE_S = 0.5
_BOOT = "import sys; sys.path += sys.argv[2:]; from worker.start import main; main()"


class BrokeDownError(Exception):
    """The decoder ended before the file did: it crashed, or took more memory or time than it may."""


@contextmanager
def decoding(
    file: Opened, job: Job, *, trusted: bool = False, alive: Callable[[], None] = lambda: None
) -> Iterator[Iterator[worker.Message]]:
    """Messages of the decoder about an open file.

    FFmpeg's libraries are native code on bytes that anybody may have made, so they run in a process of their own; only
    `trusted` material (a corpus of thousands of short clips) is decoded in this one, for the third of a second that a
    process takes to start. `alive` is called now and then while nothing comes; what it raises ends the decoder.
    Raises `BrokeDownError`.
    """
    if trusted or not sys.executable:  # an interpreter inside another program has none to start
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
    """Where the decoder finds itself, numpy and PyAV: it is started without the rest of what is installed."""
    paths = [str(Path(__file__).parent)]
    for name in ("numpy", "av"):
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise errors.RessentiError(f"{name} is not installed; expected it beside Ressenti. Install Ressenti again.")
        paths.append(str(Path(spec.origin).parent.parent))
    return list(dict.fromkeys(paths))


def _messages(process: subprocess.Popen[bytes], pipe: IO[bytes], alive: Callable[[], None]) -> Iterator[worker.Message]:
    if _exactly(pipe, _HEADER_BYTES, alive) is None:
        code = process.wait()
        if code < 0:
            raise BrokeDownError(f"killed by signal {-code}")
        raise errors.RessentiError(
            f"the decoder could not be started (exit code {code}); expected {sys.executable} to import numpy and av. "
            "If a limit on memory is set (ulimit -v), raise it; otherwise install Ressenti again."
        )
    while True:
        header = _exactly(pipe, _HEADER_BYTES, alive)
        if header is None:
            raise BrokeDownError(f"exit code {process.wait()}")
        sizes = int.from_bytes(header[:4], "little"), int.from_bytes(header[4:], "little")
        if sizes[0] > _LONGEST_TEXT or sizes[1] > _LONGEST_SAMPLES:
            raise BrokeDownError("a message that is none")
        text, samples = (_exactly(pipe, size, alive) for size in sizes)
        if text is None or samples is None:
            raise BrokeDownError(f"exit code {process.wait()}")
        try:
            about = json.loads(text)
            kind = about["is"]
        except (LookupError, TypeError, ValueError) as exc:
            raise BrokeDownError("a message that is none") from exc
        yield about, samples
        if kind in {"end", "refused"}:
            return


def _exactly(pipe: IO[bytes], count: int, alive: Callable[[], None]) -> bytes | None:
    """So many bytes; None where the pipe ends before."""
    found = bytearray()
    quiet_since = time.monotonic()
    poll = select.poll() if hasattr(select, "poll") else None  # Windows waits until there is something to read
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
