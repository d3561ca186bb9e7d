"""Pages of an Ogg file: FFmpeg drops damaged ones silently, but pages carry numbers and end times.

RFC 3533; a page's granule position counts samples up to the end of its last complete packet (RFC 7845 for Opus).
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from .source import Source

_MOST_PAGES = 2_000_000
_MOST_GRANULES = 255 * 8192  # of a page: packets times the longest Vorbis packet; those of Opus are shorter
_BLOCK = 1 << 18
_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


@dataclass(frozen=True)
class Page:
    """A page's header: offset, stream serial, number, samples up to its end (-1: no packet ends), end offset."""

    at: int
    serial: int
    number: int
    granule: int
    end: int


def pages_of(source: Source) -> dict[int, Page]:
    """Find all page headers, by their offset in the file."""
    pages: dict[int, Page] = {}
    at = last = 0
    while len(pages) < _MOST_PAGES:
        head = source.at(at, 27 + 255)
        if len(head) < 27:
            break
        if head[:5] != b"OggS\0":
            found = _next(source, last + 4 if last < at else at + 1)  # a damaged page may be shorter than it says
            if found is None:
                break
            at = last = found
            continue
        granule, serial, number = struct.unpack("<qII", head[6:22])
        lacing = head[27 : 27 + head[26]]
        end = at + 27 + head[26] + sum(lacing)
        last = at
        pages[at] = Page(at, serial, number, granule, end if len(lacing) == head[26] else source.size + 1)
        at = end
    return pages


def _next(source: Source, at: int) -> int | None:
    while True:
        block = source.at(at, _BLOCK)
        found = block.find(b"OggS")
        if found >= 0:
            return at + found
        if len(block) < _BLOCK:
            return None
        at += _BLOCK - 3


def ends_inside_a_page(pages: dict[int, Page], source: Source) -> bool:
    """Whether the file ends inside its last page: it is truncated, although it declares no length."""
    return not pages or max(pages.values(), key=lambda page: page.at).end > source.size


def last_longer(pages: dict[int, Page], source: Source, granules: int) -> bool:
    """Whether intact pages span more than `granules` samples, without decoding them.

    A stream recorded from its middle starts at any position, so the span between pages counts.
    """
    if not any(page.granule > granules for page in pages.values()):
        return False
    found = [page.granule for page in pages.values() if page.granule > 0 and _is_intact(page, source)]
    return bool(found) and max(found) - min(found) > granules


def _is_intact(page: Page, source: Source) -> bool:
    """Whether a page's checksum is right: zlib's CRC-32 with the bits of each byte and of the sum mirrored."""
    data = source.at(page.at, page.end - page.at)
    if page.end > source.size or len(data) < 27:
        return False
    stored = int.from_bytes(data[22:26], "little")
    blank = (data[:22] + bytes(4) + data[26:]).translate(_MIRRORED)
    return int(f"{zlib.crc32(blank, 0xFFFFFFFF) ^ 0xFFFFFFFF:032b}"[::-1], 2) == stored


class PageTimes:
    """Start times of pages, for one logical stream that is read page by page."""

    def __init__(self, pages: dict[int, Page], rate_hz: int, size: int) -> None:
        self._pages = {at: page for at, page in pages.items() if page.end <= size}
        self._rate_hz = rate_hz
        self._last: Page | None = None

    def read(self, at: int, sound_s: float) -> tuple[float | None, bool]:
        """Return the start in seconds of a page with `sound_s` of sound, and whether pages before it are missing."""
        page = self._pages.get(at)
        if page is None:
            return None, False
        last, self._last = self._last or self._headers_end(page), page
        same = last is not None and last.serial == page.serial
        missing = bool(same and last and page.number - last.number > 1 and not self._only_others(last, page))
        return (None if page.granule < 0 else page.granule / self._rate_hz - sound_s), missing

    def _headers_end(self, first: Page) -> Page | None:
        """Last header page before the first page of sound; headers end at sample 0."""
        headers = [p for p in self._pages.values() if p.serial == first.serial and p.at < first.at and p.granule == 0]
        return max(headers, key=lambda page: page.at) if headers else None

    def _only_others(self, first: Page, last: Page) -> bool:
        """Whether all pages numbered between two pages exist and end no packet."""
        between = [p for p in self._pages.values() if p.serial == first.serial and first.at < p.at < last.at]
        return len(between) >= last.number - first.number - 1 and all(page.granule < 0 for page in between)

    def rest_s(self) -> float:
        """Seconds of sound in dropped pages after the last page that was read."""
        if self._last is None or self._last.granule < 0:
            return 0.0
        later = [page for page in self._pages.values() if page.serial == self._last.serial and page.at > self._last.at]
        most = self._last.granule + _MOST_GRANULES * len(later)  # a damaged page may claim more
        granules = [page.granule for page in later if 0 < page.granule <= most]
        return max(0.0, (max(granules) - self._last.granule) / self._rate_hz) if granules else 0.0
