"""Check a file saved by PyTorch before loading it: it must not unpack to more than its size."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import BinaryIO

from ressenti.pipeline.files.untrusted import RefusedError

_LONGEST_PICKLE = 1 << 24  # bytes of the part that describes tensors and settings
_MOST_PARTS = 20_000


def check_packing(file: BinaryIO | Path, length: int) -> None:
    """Raise `RefusedError` if a file of `length` bytes unpacks to more, or describes more than any model has."""
    if not zipfile.is_zipfile(file):
        if length > _LONGEST_PICKLE:
            raise RefusedError("saved by PyTorch before 1.6; save it again with a newer version")
        return
    try:
        with zipfile.ZipFile(file) as packed:
            parts = packed.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as exc:
        raise RefusedError(f"damaged ({exc})") from exc
    described = max((part.file_size for part in parts if part.filename.endswith(".pkl")), default=0)
    total = sum(part.file_size for part in parts)
    stored = all(part.compress_type == zipfile.ZIP_STORED for part in parts)
    if not stored or total > length or len(parts) > _MOST_PARTS or described > _LONGEST_PICKLE:
        raise RefusedError("not packed like PyTorch's files")
