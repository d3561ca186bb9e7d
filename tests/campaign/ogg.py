"""Lies in Ogg: pages with and without their sums, and the header of Opus (RFC 3533, RFC 7845)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from campaign.cases import ANY_DAMAGE, DAMAGED, Allowed, Mutant, read_as
from campaign.sources import SECONDS, Source

ALL = ("ogg-opus", "ogg-vorbis", "ogg-flac")
ALMOST_WHOLE = read_as(SECONDS, 0.35, 9)


@dataclass(frozen=True)
class Page:
    """A page of an Ogg file: where it begins and how large it is."""

    at: int
    size: int


def _table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        value = byte << 24
        for _ in range(8):
            value = (value << 1) ^ (0x04C11DB7 if value & 0x80000000 else 0)
        table.append(value & 0xFFFFFFFF)
    return tuple(table)


_SUMS = _table()


def summed(page: bytes) -> bytes:
    """The page with the sum that fits it."""
    bare, value = page[:22] + bytes(4) + page[26:], 0
    for byte in bare:
        value = ((value << 8) & 0xFFFFFFFF) ^ _SUMS[(value >> 24) ^ byte]
    return page[:22] + struct.pack("<I", value) + page[26:]


def pages(data: bytes) -> list[Page]:
    """The pages of an Ogg file in order."""
    found, at = [], 0
    while at + 27 <= len(data) and data[at : at + 4] == b"OggS":
        lacing = data[at + 27 : at + 27 + data[at + 26]]
        found.append(Page(at, 27 + len(lacing) + sum(lacing)))
        at += found[-1].size
    return found


def _cut(data: bytes) -> list[bytes]:
    return [data[page.at : page.at + page.size] for page in pages(data)]


def _sound(parts: list[bytes]) -> tuple[int, int]:
    """The first page that is all sound, and the last but one."""
    first = next(i for i, part in enumerate(parts) if struct.unpack_from("<q", part, 6)[0] > 0)
    return first, len(parts) - 1


def flips(source: Source, rng: np.random.Generator) -> Mutant:
    """Bits of pages of sound, whose sums no longer fit: the time line stays, or the file is refused."""
    parts = _cut(source.data)
    first, last = _sound(parts)
    start = sum(map(len, parts[:first]))
    end = sum(map(len, parts[: max(last, first + 1)]))
    out = bytearray(source.data)
    for at in rng.integers(start, end, rng.integers(1, 31)):
        out[at] ^= 1 << rng.integers(0, 8)
    return Mutant(bytes(out), ALMOST_WHOLE)


def flips_with_sums(source: Source, rng: np.random.Generator) -> Mutant:
    """Bits of coded sound under sums that fit: the decoder has to live with it."""
    parts = _cut(source.data)
    first, _ = _sound(parts)
    for _ in range(rng.integers(1, 6)):
        i = int(rng.integers(first, len(parts)))
        body = bytearray(parts[i])
        for at in rng.integers(27 + body[26], len(body), rng.integers(1, 9)):
            body[at] ^= 1 << rng.integers(0, 8)
        parts[i] = summed(bytes(body))
    return Mutant(b"".join(parts), ALMOST_WHOLE)


def lost_pages(source: Source, rng: np.random.Generator) -> Mutant:
    """Pages that are not there: filled with silence, or refused where they are too many."""
    parts = _cut(source.data)
    first, last = _sound(parts)
    if last - first < 3:
        return Mutant(source.data, read_as(SECONDS, 0.1))
    begin = int(rng.integers(first + 1, last))
    count = int(rng.integers(1, max(2, (last - begin) // 2 + 1)))
    return Mutant(b"".join(parts[:begin] + parts[begin + count :]), ALMOST_WHOLE)


def doubled_pages(source: Source, rng: np.random.Generator) -> Mutant:
    """Pages that come twice, or in another order."""
    parts = _cut(source.data)
    i, j = rng.integers(0, len(parts), 2)
    changed = [*parts[:i], parts[j], *parts[i:]]
    if rng.random() < 0.5:
        changed = list(parts)
        changed[i], changed[j] = changed[j], changed[i]
    return Mutant(b"".join(changed), Allowed(DAMAGED, 0, SECONDS * 2.5))


def granule(source: Source, rng: np.random.Generator) -> Mutant:
    """A page that says another time, with its sum: far ahead, far back, or none."""
    parts = _cut(source.data)
    i = int(rng.integers(0, len(parts)))
    value = (-1, 0, 2**62, -(2**62), int(rng.integers(0, 2**40)), int(rng.integers(0, 10**6)))[rng.integers(0, 6)]
    parts[i] = summed(parts[i][:6] + struct.pack("<q", value) + parts[i][14:])
    return Mutant(b"".join(parts), ANY_DAMAGE)


def page_header(source: Source, rng: np.random.Generator) -> Mutant:
    """Version, flags, serial or number of a page, or its lacing, with its sum."""
    parts = _cut(source.data)
    i = int(rng.integers(0, len(parts)))
    page = bytearray(parts[i])
    at = (4, 5, int(rng.integers(14, 18)), int(rng.integers(18, 22)), 26, 27)[rng.integers(0, 6)]
    page[at] = int(rng.integers(0, 256))
    parts[i] = summed(bytes(page))
    return Mutant(b"".join(parts), ANY_DAMAGE)


def head_packet(source: Source, rng: np.random.Generator) -> Mutant:
    """The first packet: version, channels, what is skipped, rate, gain."""
    parts = _cut(source.data)
    page = bytearray(parts[int(rng.integers(0, 2))])
    index = 0 if page == parts[0] else 1
    for _ in range(rng.integers(1, 4)):
        page[int(rng.integers(27 + page[26], len(page)))] = int(rng.integers(0, 256))
    parts[index] = summed(bytes(page))
    return Mutant(b"".join(parts), ANY_DAMAGE)


def chained(source: Source, rng: np.random.Generator) -> Mutant:
    """Two recordings one after the other, with serials of their own: both are read, or the second is missed aloud."""
    second = [summed(p[:14] + struct.pack("<I", 77) + p[18:]) for p in _cut(source.data)]
    return Mutant(source.data + b"".join(second), read_as(2 * SECONDS, 0.3))


MUTATORS = (
    (flips, ALL),
    (flips, ALL),
    (flips_with_sums, ALL),
    (lost_pages, ALL),
    (doubled_pages, ALL),
    (granule, ALL),
    (page_header, ALL),
    (head_packet, ALL),
    (chained, ALL),
)
