"""What a disk refuses, as errors of ours: the one place that knows when there is no room left."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ressenti.pipeline.errors import DiskFullError, OutputError, RessentiError

_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
_SAID = re.compile(r"\(os error (\d+)\)")  # how libraries in Rust (safetensors) say what the system said


def is_full(error: BaseException) -> bool:
    """Whether an error is that there is no room left, of the system or of a library that fails by it or quotes it."""
    if isinstance(error, RessentiError):
        return isinstance(error, DiskFullError)
    said = _SAID.search(str(error))
    code = error.errno if isinstance(error, OSError) else int(said[1]) if said else None
    before = error.__cause__ or error.__context__
    return code in _FULL or (not isinstance(error, OSError) and before is not None and is_full(before))


@contextmanager
def writing(target: Path) -> Iterator[None]:
    """Turn what the disk refuses into `DiskFullError` or `OutputError`, which name the target."""
    try:
        yield
    except Exception as exc:
        if isinstance(exc, RessentiError):
            raise
        if is_full(exc):
            raise DiskFullError(
                f"{target}: the disk is full ({_reason(exc)}). Free some space or choose another folder "
                "(for models: RESSENTI_MODELS=FOLDER), and run it again; what is already there is kept."
            ) from exc
        if isinstance(exc, OSError):
            raise OutputError(f"{target}: cannot be written ({_reason(exc)}). Check its folder.") from exc
        raise


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
