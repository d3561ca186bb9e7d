"""An open file as FFmpeg's libraries may see it: by its descriptor alone, with wrong sizes of its header put right."""

from __future__ import annotations

import os
from collections.abc import Sequence


class Source:
    """The bytes of an open descriptor as a file object that never closes it.

    `patches` (offset, bytes) replace what the file says, `end` cuts it: a header that was written too early is told
    right to a reader who trusts headers.
    """

    def __init__(self, descriptor: int, size: int) -> None:
        self._descriptor = descriptor
        self.size = size
        self.end = size
        self.patches: Sequence[tuple[int, bytes]] = ()
        self._position = 0

    def at(self, offset: int, count: int) -> bytes:
        """Bytes of the file itself at an offset, which may be any number; fewer where it ends."""
        if not 0 <= offset < self.size or count <= 0:
            return b""
        if hasattr(os, "pread"):
            return os.pread(self._descriptor, count, offset)
        os.lseek(self._descriptor, offset, os.SEEK_SET)  # Windows
        return os.read(self._descriptor, count)

    def read(self, count: int = -1) -> bytes:
        """Up to so many bytes from the position, as patched."""
        left = max(0, self.end - self._position)
        count = left if count < 0 else min(count, left)
        data = self.at(self._position, count)
        for offset, new in self.patches:
            start = offset - self._position
            if -len(new) < start < len(data):
                changed = bytearray(data)
                first = max(0, start)
                part = new[first - start : len(data) - start]
                changed[first : first + len(part)] = part
                data = bytes(changed)
        self._position += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move the position, which may lie beyond the end, and return it."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.end}[whence]
        if base + offset < 0:
            raise ValueError(f"seek to {base + offset}")
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        """The position."""
        return self._position

    def seekable(self) -> bool:
        """Always."""
        return True

    def readable(self) -> bool:
        """Always."""
        return True
