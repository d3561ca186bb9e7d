"""An open file for FFmpeg's libraries: read through its descriptor, with wrong header sizes corrected."""

from __future__ import annotations

import os
from collections.abc import Sequence


class Source:
    """File object over an open descriptor, which it never closes.

    `patches` (offset, bytes) replace bytes of the file and `end` cuts it, so that a reader sees a correct header.
    """

    def __init__(self, descriptor: int, size: int) -> None:
        self._descriptor = descriptor
        self.size = size
        self.end = size
        self.patches: Sequence[tuple[int, bytes]] = ()
        self._position = 0

    def at(self, offset: int, count: int) -> bytes:
        """Read unpatched bytes at any offset; fewer at the end of the file, none outside it."""
        if not 0 <= offset < self.size or count <= 0:
            return b""
        if hasattr(os, "pread"):
            return os.pread(self._descriptor, count, offset)
        os.lseek(self._descriptor, offset, os.SEEK_SET)  # Windows
        return os.read(self._descriptor, count)

    def read(self, count: int = -1) -> bytes:
        """Read up to `count` patched bytes from the current position."""
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
        """Move the position, which may be beyond the end, and return it."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.end}[whence]
        if base + offset < 0:
            raise ValueError(f"seek to {base + offset}")
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def seekable(self) -> bool:
        """Always."""
        return True

    def readable(self) -> bool:
        """Always."""
        return True
