"""The decoder as a process: it reads the file from standard input and writes messages to standard output.

Before it reads the file, it gives up the rights to open files, make connections and start processes.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import struct
import sys

import av
import numpy as np

from .decode import messages
from .opening import Job
from .source import Source
from .track import Limits

_SPARE_BYTES = 1 << 30  # of memory beyond what the program itself needs
_CPU_S, _SECONDS_A_CPU_SECOND, _BYTES_A_CPU_SECOND = 20, 25, 2_000_000  # slower than any valid file
HEADER = struct.Struct("<II")


def main() -> None:
    """Decode standard input by the job in the first argument (JSON), and write messages."""
    asked = json.loads(sys.argv[1])
    job = Job(**{**asked, "limits": Limits(**asked["limits"])})
    out = sys.stdout.buffer
    source = Source(0, os.fstat(0).st_size)
    _warm()
    shut(source.size)
    allowed = 0.0
    try:
        out.write(HEADER.pack(0, 0))
        out.flush()
        for about, samples in messages(source, job):
            text = json.dumps(about).encode()
            out.write(HEADER.pack(len(text), len(samples)) + text)
            out.write(samples)
            if about["is"] in {"about", "beat", "end", "refused"}:
                out.flush()
            if about["is"] == "beat" and about["at_s"] > allowed:
                allowed = about["at_s"] + 60
                _more_time(source.size, allowed)
    except BrokenPipeError:
        os._exit(0)  # the parent has closed the pipe
    out.flush()
    os._exit(0)


def _warm() -> None:
    """Decode a built-in sound, so that numpy and PyAV load everything before opening files is blocked."""
    wav = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 292, b"WAVE", b"fmt ", 16, 1, 1, 8000, 16000, 2, 16, b"data", 256)
    with av.open(io.BytesIO(wav + bytes(256)), "r", options={"protocol_whitelist": ""}) as container:
        resampler = av.AudioResampler(format="s16", layout="mono", rate=16_000)
        for packet in container.demux(container.streams.audio[0]):
            for frame in packet.decode():
                np.isfinite(frame.to_ndarray()).all()
                resampler.resample(frame)
        for piece in resampler.resample(None):
            piece.to_ndarray()
    with contextlib.suppress(av.error.FFmpegError):
        av.open(io.BytesIO(b"nothing"), options={"protocol_whitelist": ""})


def shut(size: int) -> None:
    """Set limits for everything a decoder never needs; does nothing where limits do not exist (Windows)."""
    try:
        import resource
    except ImportError:
        return
    in_use = _address_space()
    if in_use:
        resource.setrlimit(resource.RLIMIT_AS, (in_use + _SPARE_BYTES, in_use + _SPARE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for name in ("RLIMIT_NPROC", "RLIMIT_FSIZE"):
        _set(getattr(resource, name, None), 0)
    _more_time(size, 0.0)
    _set(resource.RLIMIT_NOFILE, 0)


def _set(limit: int | None, value: int) -> None:
    import resource

    if limit is not None:
        try:
            resource.setrlimit(limit, (value, value))
        except (ValueError, OSError):
            return


def _more_time(size: int, decoded_s: float) -> None:
    """Set the CPU time limit by the file's size and the seconds decoded so far."""
    try:
        import resource
    except ImportError:
        return
    seconds = int(_CPU_S + size / _BYTES_A_CPU_SECOND + decoded_s / _SECONDS_A_CPU_SECOND)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    if hard != resource.RLIM_INFINITY:
        seconds = min(seconds, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, hard))


def _address_space() -> int:
    """Bytes of address space in use; 0 if unknown."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123  # pathlib is slow to import
            return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 0
