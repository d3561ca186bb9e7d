"""Write errors of the disk as `RessentiError`s; the only place that detects a full disk."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ressenti.pipeline.errors import DiskFullError, OutputError, RessentiError

_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
_OS_ERROR = re.compile(r"\(os error (\d+)\)")  # error number in messages of Rust libraries (safetensors)


def is_full(error: BaseException) -> bool:
    """Whether an error means a full disk: from the system, or from a library that wraps or quotes that error."""
    if isinstance(error, RessentiError):
        return isinstance(error, DiskFullError)
    quoted = _OS_ERROR.search(str(error))
    code = error.errno if isinstance(error, OSError) else int(quoted[1]) if quoted else None
    before = error.__cause__ or error.__context__
    return code in _FULL or (not isinstance(error, OSError) and before is not None and is_full(before))


@contextmanager
def writing(target: Path) -> Iterator[None]:
    """Turn write errors into `DiskFullError` or `OutputError` with the target's name."""
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
