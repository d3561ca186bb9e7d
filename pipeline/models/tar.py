"""Read the headers of an untrusted plain tar, one by one: position and size of each file.

Python's `tarfile` reads extended headers and long names of any size into memory, and supports more than plain files. An
export contains only plain files, and this module reads nothing else.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from ressenti.pipeline.files.untrusted import RefusedError

_BLOCK = tarfile.BLOCKSIZE
_LONGEST_EXTENDED = 1 << 12  # bytes of an extended header with a long name
_LONGEST_END = 2 * tarfile.RECORDSIZE  # bytes of zeros after the last file
_RECORD = re.compile(rb"(\d{1,4}) path=([^\0]*)\n", re.DOTALL)


@dataclass(frozen=True)
class Member:
    """A plain file in a tar: `offset` and `size` of its bytes."""

    name: str
    offset: int
    size: int


def members(file: BinaryIO, length: int, most: int) -> Iterator[Member]:
    """Yield the files of a tar of `length` bytes, in order; `RefusedError` for anything else, or more than `most`."""
    offset, name, count = 0, None, 0
    while True:
        if length - offset < _BLOCK:
            raise RefusedError("it is truncated")
        file.seek(offset)
        block = file.read(_BLOCK)
        if block.count(0) == _BLOCK:
            break
        header = _header(block)
        start, offset = offset + _BLOCK, offset + _BLOCK + -(-header.size // _BLOCK) * _BLOCK
        if not 0 <= header.size <= length - start:
            raise RefusedError(f"{header.name[:100]!r} has {header.size} bytes and is truncated")
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
        raise RefusedError("there is data after its last file")


def _header(block: bytes) -> tarfile.TarInfo:
    try:
        header = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
    except (tarfile.HeaderError, ValueError, OverflowError) as exc:
        raise RefusedError(f"it cannot be read ({exc})") from exc
    if header.type == tarfile.AREGTYPE and header.name.endswith("/"):
        raise RefusedError(f"{header.name[:100]!r} is not a plain file")
    return header


def _long_name(file: BinaryIO, start: int, size: int) -> str:
    """Read the name in an extended header, which must contain nothing else."""
    if size > _LONGEST_EXTENDED:
        raise RefusedError(f"an extended header has {size} bytes")
    file.seek(start)
    data = file.read(size)
    found = _RECORD.fullmatch(data)
    if found is None or int(found[1]) != len(data):
        raise RefusedError("an extended header contains more than a name")
    try:
        return found[2].decode()
    except UnicodeDecodeError as exc:
        raise RefusedError("a name is not in UTF-8") from exc
