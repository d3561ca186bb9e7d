"""ID3 tags inside the sound of an MP3 (id3.org, ID3v2.3 and 2.4), left there by `cat` of several files."""

from __future__ import annotations

from collections.abc import Iterator

from .source import Source

_BLOCK = 1 << 18
_MOST_TAG_BYTES = 1 << 26
_MOST_TAGS = 1_000


def inner_tags(source: Source) -> Iterator[tuple[int, bytes]]:
    """Patches that zero the tags inside joined MP3s, whose pictures a decoder would take for sound."""
    at, left, tags = 0, _MOST_TAG_BYTES, 0
    while (end := _tag_end(source, at)) is not None:  # tags before the sound are read as tags
        at = end
    while block := source.at(at, _BLOCK):
        found = block.find(b"ID3")
        if found < 0:
            at += max(1, len(block) - 2)
            continue
        at += found
        end = _tag_end(source, at)
        follows = source.at(end, 2) if end else b""
        if end is None or not (
            end >= source.size or follows == b"ID" or (follows[:1] == b"\xff" and follows[1:] >= b"\xe0")
        ):
            at += 3
            continue
        size = min(end, source.size) - at
        left, tags = left - size, tags + 1
        if left < 0 or tags > _MOST_TAGS:
            return
        yield at, bytes(size)
        at = end


def _tag_end(source: Source, at: int) -> int | None:
    """End of the ID3v2 tag at offset `at`; None if there is none."""
    head = source.at(at, 10)
    if head[:3] != b"ID3" or len(head) < 10 or head[3] not in (2, 3, 4) or head[5] & 15 or max(head[6:]) > 127:
        return None
    size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
    return at + 10 + size + (10 if head[5] & 16 else 0)
