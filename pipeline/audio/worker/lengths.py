"""Compare the length in a header with the sound in the file, and correct headers written too early.

For WAV (RIFF, RIFX, RF64, BW64), W64, AIFF and CAF, whose readers stop where the header says.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from .source import Source
from .tags import inner_tags

_TAIL_CHUNKS = tuple(b"LIST id3  ID3  bext iXML fact cue  smpl JUNK PAD  _PMX axml"[k : k + 4] for k in range(0, 60, 5))
_AGAIN = (b"RIFF", b"RIFX", b"RF64", b"BW64", b"FORM", b"data", b"SSND")  # another file or more sound, not a tail
_PCM = {1, 3, 6, 7}


@dataclass(frozen=True)
class Lengths:
    """How to read a file: `patches` correct its header, `end` is where its sound ends (None: at the file's end).

    `promised` and `there` are bytes of sound according to the header (None if it does not say) and in the file.
    """

    patches: tuple[tuple[int, bytes], ...] = ()
    end: int | None = None
    promised: int | None = None
    there: int = 0
    options: dict[str, str] = field(default_factory=dict)

    @property
    def early(self) -> bool:
        """Whether there is more sound than the header says."""
        return self.promised is not None and self.there > self.promised


@dataclass(frozen=True)
class _Kind:
    """Chunk layout of a format."""

    start: int
    size: str
    ident: int = 4
    counted_header: int = 0  # header bytes that a chunk's size includes
    pad: int = 2
    data: bytes = b"data"
    skip: int = 0  # bytes of the data chunk before its sound


@dataclass(frozen=True)
class _Chunk:
    name: bytes
    at: int  # of its size field
    body: int
    size: int

    @property
    def end(self) -> int:
        return self.body + self.size


_W64 = _Kind(40, "<Q", ident=16, counted_header=24, pad=8, data=b"data\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a")
_AIFF = _Kind(12, ">I", data=b"SSND", skip=8)
_CAF = _Kind(8, ">q", pad=1, skip=4)


def lengths_of(source: Source) -> Lengths:
    """Find a file's lengths before it is read."""
    head = source.at(0, 16)
    if head[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64") and head[8:12] == b"WAVE":
        return _read(source, _Kind(12, ">I" if head[:4] == b"RIFX" else "<I"))
    if head[:4] == b"riff":
        return _read(source, _W64)
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return _read(source, _AIFF)
    if head[:4] == b"caff":
        return _read(source, _CAF)
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        size = 8 + struct.unpack("<I", head[4:8])[0]
        cut = source.size < size < 0x7FFFF000
        return Lengths(promised=size if cut else None, there=source.size)
    if head[:4] == b".snd" and len(head) == 16:
        start, size = struct.unpack(">II", head[4:12])
        return Lengths(promised=None if size in {0, 0xFFFFFFFF} else size, there=max(0, source.size - start))
    if head[:3] == b"ID3" or (head[:1] == b"\xff" and head[1:2] >= b"\xe0"):
        return Lengths(patches=tuple(inner_tags(source)))
    return Lengths()


def _chunks(source: Source, kind: _Kind, at: int) -> Iterator[_Chunk]:
    for _ in range(10_000):
        width = kind.ident + struct.calcsize(kind.size)
        header = source.at(at, width)
        if len(header) < width:
            return
        (size,) = struct.unpack(kind.size, header[kind.ident :])
        chunk = _Chunk(header[: kind.ident], at + kind.ident, at + width, size - kind.counted_header)
        yield chunk
        if chunk.size < 0:
            return
        at = chunk.end + -chunk.end % kind.pad


def _read(source: Source, kind: _Kind) -> Lengths:
    patches: list[tuple[int, bytes]] = []
    long_size: int | None = None
    for chunk in _chunks(source, kind, kind.start):
        if chunk.name == b"ds64":
            long_size = int.from_bytes(source.at(chunk.body + 8, 8), "little")
        elif chunk.name == b"fmt ":
            patches += _block_align(source, chunk, kind)
        elif chunk.name == kind.data:
            return _sound(source, kind, chunk, long_size, patches)
    return Lengths()


def _sound(
    source: Source, kind: _Kind, chunk: _Chunk, long_size: int | None, patches: list[tuple[int, bytes]]
) -> Lengths:
    start = chunk.body + kind.skip
    promised = chunk.size
    if chunk.size == 0xFFFFFFFF and long_size is not None:
        promised = long_size
    promised -= kind.skip
    end, open_ended = source.size, _is_placeholder(chunk, kind) and long_size is None
    if open_ended or start + promised < source.size:
        if not open_ended and _chunks_follow(source, kind, start + promised):
            return Lengths(tuple(patches), None, promised, promised)
        if promised > 0 or open_ended:
            end = _tail(source, start, kind)
        there = max(0, end - start)
        if there > 0:
            patches.append((chunk.at, _size_field(there + kind.skip, kind)))
        options = {"ignore_length": "1"} if kind.data == b"data" and kind.start == 12 else {}
        return Lengths(tuple(patches), end, None if open_ended else promised, there, options)
    return Lengths(tuple(patches), None, promised, max(0, source.size - start))


def _is_placeholder(chunk: _Chunk, kind: _Kind) -> bool:
    """Whether a size is a placeholder from a writer that did not know it yet."""
    size = chunk.size
    if kind is _CAF:
        return size == -1
    if kind is _W64:
        return size <= 0 or size >= 1 << 62
    return size - kind.skip <= 0 or 0x7FFFF000 <= size <= 0x80000FFF or size >= 0xFFFFF000


def _size_field(size: int, kind: _Kind) -> bytes:
    if kind is _CAF:
        return struct.pack(">q", -1)
    if kind is _W64:
        return struct.pack("<Q", size + kind.counted_header)
    return struct.pack(kind.size, min(size, 0xFFFFFFFF))


def _chunks_follow(source: Source, kind: _Kind, at: int) -> bool:
    """Whether only other chunks follow the sound, to the end of the file; a few bytes or zeros count as well."""
    for first in dict.fromkeys((at + -at % kind.pad, at)):
        rest = source.at(first, 65_536)
        if source.size - first < 8 or (len(rest) == source.size - first and not any(rest)):
            return True
        for number, chunk in enumerate(_chunks(source, kind, first)):
            known = chunk.name in _TAIL_CHUNKS or (kind.ident == 16 and chunk.name[4:] == _W64.data[4:])
            if not (known or _is_name(chunk.name)) or chunk.name in _AGAIN or chunk.size < 0:
                break
            left = source.size - chunk.end
            if left <= kind.pad or (known and left < 0) or (number > 0 and left < 8):
                if left >= -1 or known:
                    return True
                break
    return False


def _is_name(name: bytes) -> bool:
    return len(name) == 4 and all(32 <= byte < 127 for byte in name) and any(65 <= byte < 123 for byte in name)


def _tail(source: Source, start: int, kind: _Kind) -> int:
    """End of sound that is longer than its header says: before the chunks that close the file, or at its end."""
    first = max(start, source.size - 65_536)
    rest = source.at(first, 65_536)
    best = source.size
    for name in _TAIL_CHUNKS:
        at = rest.find(name)
        while at >= 0:
            if kind.ident == 4 and _chunks_follow(source, kind, first + at):
                best = min(best, first + at)
                break
            at = rest.find(name, at + 1)
    return best


def _block_align(source: Source, chunk: _Chunk, kind: _Kind) -> list[tuple[int, bytes]]:
    """Patches for wrong bytes per frame and per second in a PCM header."""
    order = kind.size[0]
    fields = source.at(chunk.body, 16)
    if kind.ident != 4 or len(fields) < 16:
        return []
    tag, channels, rate, byte_rate, align, bits = struct.unpack(order + "HHIIHH", fields)
    right = channels * ((bits + 7) // 8)
    if tag not in _PCM or not right or not rate or right > 0xFFFF or (align, byte_rate) == (right, rate * right):
        return []
    if align != right and align % max(1, channels) == 0 and align > right:
        return []  # samples in larger words
    return [(chunk.body + 8, struct.pack(order + "IH", min(rate * right, 0xFFFFFFFF), right))]
