"""A file that PyTorch saved, looked at before it is loaded: that it unpacks to no more than it has."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import BinaryIO

from ressenti.pipeline.files.untrusted import RefusedError

_LONGEST_PICKLE = 1 << 24  # bytes of the part that describes tensors and settings
_MOST_PARTS = 20_000


def check_packing(file: BinaryIO | Path, length: int) -> None:
    """Raise `RefusedError` where a file of `length` bytes unpacks to more, or describes more than a model has."""
    if not zipfile.is_zipfile(file):
        if length > _LONGEST_PICKLE:
            raise RefusedError("of a format before PyTorch 1.6; save it again with a newer one")
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
        raise RefusedError("not packed as PyTorch does it")
