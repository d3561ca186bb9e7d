"""Check by its structure whether a file is complete: MP4 boxes, Matroska elements, the frame count of an MP3."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from .source import Source

_BLOCK = 1 << 18
_CLUSTER, _SEGMENT = 0x1F43B675, 0x18538067
_MPEG_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}


def boxes(source: Source, at: int = 0, end: int | None = None) -> Iterator[tuple[bytes, int, int]]:
    """Yield the boxes of an MP4 between two offsets: name, start of the body, end (possibly past the file's end)."""
    end = source.size if end is None else end
    for _ in range(200_000):
        head = source.at(at, 16)
        if at + 8 > end or len(head) < 8:
            return
        size, name, body = struct.unpack(">I", head[:4])[0], head[4:8], at + 8
        if size == 1 and len(head) == 16:
            size, body = struct.unpack(">Q", head[8:])[0], at + 16
        elif size == 0:
            size = end - at
        if size < body - at:
            return
        yield name, body, at + size
        at += size


def mp4_is_whole(source: Source) -> bool:
    """Whether the boxes of an MP4 cover the file to its end."""
    last = 0
    for _, _, end in boxes(source):
        last = end
    return last == source.size or (0 < source.size - last < 8)


def another_file(source: Source, names: set[str], at: int) -> int | None:
    """Offset of a second file appended at or after `at`; None if there is none or FFmpeg reads on."""
    if names & {"mov", "mp4"}:
        starts = [body - 8 for name, body, _ in boxes(source) if name == b"ftyp"][1:2]
        return starts[0] if starts and starts[0] >= at else None
    begin = source.at(0, 8)
    while names & {"flv", "tta", "voc"} and (block := source.at(at, _BLOCK)):
        if (found := block.find(begin)) >= 0:
            return at + found
        at += max(1, len(block) - len(begin) + 1)
    return None


def is_fragmented(source: Source) -> bool:
    """Whether an MP4 is fragmented, so that its clock may start anywhere."""
    return any(name == b"moof" for name, _, _ in boxes(source))


def moov_bytes(source: Source, most: int = 1 << 22) -> bytes:
    """Start of an MP4's index, which describes its tracks."""
    for name, body, end in boxes(source):
        if name == b"moov":
            return source.at(body, min(most, end - body))
    return b""


def refers_elsewhere(moov: bytes) -> bool:
    """Whether a track of an MP4 has its data in another file (QuickTime reference movie), by its `dref` boxes."""
    at = moov.find(b"dref")
    while at >= 0:
        entry = at + 12
        for _ in range(min(64, int.from_bytes(moov[at + 8 : at + 12], "big"))):
            size, flags = int.from_bytes(moov[entry : entry + 4], "big"), moov[entry + 8 : entry + 12]
            kind = moov[entry + 4 : entry + 8]
            if kind in (b"url ", b"urn ", b"alis", b"rsrc") and size > 12 and flags and not flags[-1] & 1:
                return True
            if size < 12:
                break
            entry += size
        at = moov.find(b"dref", at + 4)
    return False


def matroska_is_whole(source: Source) -> bool:
    """Whether the elements of a Matroska or WebM file cover it, including inside clusters."""
    at = 0
    while at < source.size:
        found = _element(source, at)
        if found is None:
            return False
        ident, body, size = found
        if ident == _SEGMENT:
            return _covered(source, body, source.size if size is None else body + size, inside=False)
        if size is None:
            return False
        at = body + size
    return False


def _covered(source: Source, at: int, end: int, *, inside: bool) -> bool:
    if end > source.size:
        return False
    while at < end:
        found = _element(source, at)
        if found is None:
            return False
        ident, body, size = found
        if ident == _CLUSTER and not inside:
            if size is None:  # a live recording: its blocks follow at the same level
                at = body
                continue
            if not _covered(source, body, body + size, inside=True):
                return False
        if size is None:
            return False
        at = body + size
    return at == end


def _element(source: Source, at: int) -> tuple[int, int, int | None] | None:
    """Parse an EBML element: ID, start of its body, size (None: unknown); None if there is no element."""
    head = source.at(at, 12)
    if not head:
        return None
    width = 9 - head[0].bit_length()
    if width > 4 or len(head) < width + 1:
        return None
    ident = int.from_bytes(head[:width], "big")
    size_width = 9 - head[width].bit_length()
    if size_width > 8 or len(head) < width + size_width:
        return None
    size = int.from_bytes(head[width : width + size_width], "big") & ((1 << 7 * size_width) - 1)
    unknown = size == (1 << 7 * size_width) - 1
    return ident, at + width + size_width, None if unknown else size


def mp3_promise_s(source: Source) -> float | None:
    """Seconds by the Xing or Info header in an MP3's first frame; None without one (FFmpeg then estimates)."""
    at = 0
    for _ in range(8):
        tag = source.at(at, 10)
        if tag[:3] != b"ID3" or len(tag) < 10:
            break
        at += 10 + ((tag[6] & 127) << 21 | (tag[7] & 127) << 14 | (tag[8] & 127) << 7 | (tag[9] & 127))
    window = source.at(at, 8192)
    for k in range(len(window) - 60):
        if window[k] != 0xFF or window[k + 1] & 0xE0 != 0xE0:
            continue
        version, layer, rate = (window[k + 1] >> 3) & 3, (window[k + 1] >> 1) & 3, (window[k + 2] >> 2) & 3
        if version == 1 or layer != 1 or rate == 3 or window[k + 2] >> 4 == 15:
            continue
        mono = window[k + 3] >> 6 == 3
        side = (17 if mono else 32) if version == 3 else (9 if mono else 17)
        name = window[k + 4 + side : k + 8 + side]
        if name not in (b"Xing", b"Info") or not window[k + 11 + side] & 1:
            return None
        frames = int.from_bytes(window[k + 12 + side : k + 16 + side], "big")
        return frames * (1152 if version == 3 else 576) / _MPEG_RATES[version][rate]
    return None
