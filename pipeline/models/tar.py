"""The headers of a plain tar, read one by one and believed in nothing: where each file lies, and how long it is.

Python's `tarfile` reads whatever a header announces into memory (extended headers, long names) and follows what the
format knows besides plain files. An export holds plain files alone, and this reads no other.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from ressenti.pipeline.files.untrusted import RefusedError

_BLOCK = tarfile.BLOCKSIZE
_LONGEST_EXTENDED = 1 << 12  # bytes of an extended header, which holds a long name
_LONGEST_END = 2 * tarfile.RECORDSIZE  # bytes of zeros after the last file
_RECORD = re.compile(rb"(\d{1,4}) path=([^\0]*)\n", re.DOTALL)


@dataclass(frozen=True)
class Member:
    """A plain file in a tar: `offset` and `size` of its bytes."""

    name: str
    offset: int
    size: int


def members(file: BinaryIO, length: int, most: int) -> Iterator[Member]:
    """The files of a tar of `length` bytes, in their order; `RefusedError` for all else, and for more than `most`."""
    offset, name, count = 0, None, 0
    while True:
        if length - offset < _BLOCK:
            raise RefusedError("it ends too soon")
        file.seek(offset)
        block = file.read(_BLOCK)
        if block.count(0) == _BLOCK:
            break
        header = _header(block)
        start, offset = offset + _BLOCK, offset + _BLOCK + -(-header.size // _BLOCK) * _BLOCK
        if not 0 <= header.size <= length - start:
            raise RefusedError(f"{header.name[:100]!r} has {header.size} bytes and ends after the file does")
        count += 1
        if count > 2 * most:
            raise RefusedError(f"it holds more than {most} files")
        if header.type == tarfile.XHDTYPE and name is None:
            name = _long_name(file, start, header.size)
        elif header.type in (tarfile.REGTYPE, tarfile.AREGTYPE):
            yield Member(name or header.name, start, header.size)
            name = None
        else:
            raise RefusedError(f"{header.name[:100]!r} is not a plain file")
    if name is not None or length - offset > _LONGEST_END:
        raise RefusedError("something follows after its last file")


def _header(block: bytes) -> tarfile.TarInfo:
    try:
        header = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
    except (tarfile.HeaderError, ValueError, OverflowError) as exc:
        raise RefusedError(f"it cannot be read ({exc})") from exc
    if header.type == tarfile.AREGTYPE and header.name.endswith("/"):
        raise RefusedError(f"{header.name[:100]!r} is not a plain file")
    return header


def _long_name(file: BinaryIO, start: int, size: int) -> str:
    """The name in an extended header that says nothing else."""
    if size > _LONGEST_EXTENDED:
        raise RefusedError(f"an extended header has {size} bytes")
    file.seek(start)
    data = file.read(size)
    found = _RECORD.fullmatch(data)
    if found is None or int(found[1]) != len(data):
        raise RefusedError("an extended header says more than a name")
    try:
        return found[2].decode()
    except UnicodeDecodeError as exc:
        raise RefusedError("a name is not in UTF-8") from exc
