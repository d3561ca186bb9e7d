"""Lies in Matroska and WebM: sizes, lengths and times of elements (RFC 8794, RFC 9559)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from campaign.cases import ANY_DAMAGE, Allowed, Mutant, read_as
from campaign.sources import SECONDS, Source

ALL = ("mkv-aac", "mkv-opus", "mkv-s16", "mkv-flac", "webm-opus", "webm-live")
SEGMENT, CLUSTER, TIMESTAMP, DURATION, INFO, RATE = (
    0x18538067, 0x1F43B675, 0xE7, 0x4489, 0x1549A966, 0xB5,
)  # fmt: skip
CHANNELS, TRACKS, ENTRY, AUDIO, BLOCK, SCALE = 0x9F, 0x1654AE6B, 0xAE, 0xE1, 0xA3, 0x2AD7B1
_INSIDE = {SEGMENT, CLUSTER, INFO, TRACKS, ENTRY, AUDIO}


@dataclass(frozen=True)
class Element:
    """An element: its id, where it begins, where its content is and how many bytes that has."""

    id: int
    at: int
    content: int
    size: int


def _number(data: bytes, at: int, marked: bool) -> tuple[int, int, bool]:
    """A number of variable width: its value, its width, and whether it says `unknown`."""
    width = 9 - data[at].bit_length() if data[at] else 8
    value = int.from_bytes(data[at : at + width], "big")
    bare = value & ((1 << 7 * width) - 1)
    return (value if marked else bare), width, bare == (1 << 7 * width) - 1


def elements(data: bytes, start: int = 0, end: int | None = None) -> list[Element]:
    """All elements, also those inside others; of one without a known size, up to the end."""
    found, at, end = [], start, len(data) if end is None else end
    while at + 2 <= end:
        name, width, _ = _number(data, at, marked=True)
        if at + width >= end:
            break
        size, more, unknown = _number(data, at + width, marked=False)
        content = at + width + more
        size = end - content if unknown else min(size, end - content)
        found.append(Element(name, at, content, size))
        if name in _INSIDE:
            found += elements(data, content, content + size)
        at = content + size
    return found


def lying_size(source: Source, rng: np.random.Generator) -> Mutant:
    """A size that is another, or unknown."""
    all_of_it = elements(source.data)
    element = all_of_it[rng.integers(0, min(len(all_of_it), 60))]
    out = bytearray(source.data)
    width = 4 if element.id > 0xFFFFFF else 3 if element.id > 0xFFFF else 2 if element.id > 0xFF else 1
    at = element.at + width
    for i in range(element.content - at):
        out[at + i] = (0xFF, int(rng.integers(0, 256)))[rng.integers(0, 2)]
    return Mutant(bytes(out), ANY_DAMAGE)


def lying_value(source: Source, rng: np.random.Generator) -> Mutant:
    """Values of small elements before the sound."""
    small = [e for e in elements(source.data) if e.id not in _INSIDE and 0 < e.size <= 8][:40]
    out = bytearray(source.data)
    for _ in range(rng.integers(1, 3)):
        element = small[rng.integers(0, len(small))]
        out[element.content : element.content + element.size] = rng.bytes(element.size)
    return Mutant(bytes(out), ANY_DAMAGE)


def _patched(data: bytes, name: int, value: float) -> bytes:
    """With another number in the first element of a name, in as many bytes as it has."""
    element = next((e for e in elements(data) if e.id == name), None)
    if element is None:
        return data
    if name in (DURATION, RATE):
        new = struct.pack(">d" if element.size == 8 else ">f", value)
    else:
        new = int(value).to_bytes(element.size, "big")
    return data[: element.content] + new + data[element.content + element.size :]


def duration(source: Source, rng: np.random.Generator) -> Mutant:
    """A length in the header that is another: the frames are the truth, more than there are may be called truncated."""
    factor = (0.0, 0.3, 0.9, 3.0, 1e6, -1.0, float("nan"), float("inf"))[rng.integers(0, 8)]
    return Mutant(_patched(source.data, DURATION, 8_000 * factor), read_as(SECONDS, 0.35, 9, 50))


def sample_rate(source: Source, rng: np.random.Generator) -> Mutant:
    """A rate that is another, absurd or no number."""
    rate = (0.0, 1.0, -8_000.0, 1e9, 1e30, float("nan"), float("inf"), 8_000.0)[rng.integers(0, 8)]
    return Mutant(_patched(source.data, RATE, rate), ANY_DAMAGE)


def channel_count(source: Source, rng: np.random.Generator) -> Mutant:
    """Another number of channels."""
    return Mutant(_patched(source.data, CHANNELS, (0, 2, 9, 255)[rng.integers(0, 4)]), ANY_DAMAGE)


def time_scale(source: Source, rng: np.random.Generator) -> Mutant:
    """Time stamps in other units: nanoseconds, or minutes."""
    scale = (0, 1, 1_000, 10_000_000, 16_000_000)[rng.integers(0, 5)]
    return Mutant(_patched(source.data, SCALE, scale), ANY_DAMAGE)


def later_clusters(source: Source, rng: np.random.Generator) -> Mutant:
    """Time stamps that jump ahead at a cluster: so much more silence; not where there is no second cluster."""
    stamps = [e for e in elements(source.data) if e.id == TIMESTAMP]
    if len(stamps) < 2:
        return Mutant(source.data, read_as(SECONDS, 0.35))
    first = int(rng.integers(1, len(stamps)))
    jump_ms = int(rng.integers(500, 20_000))
    out = bytearray(source.data)
    for stamp in stamps[first:]:
        value = int.from_bytes(source.data[stamp.content : stamp.content + stamp.size], "big") + jump_ms
        if value >= 1 << 8 * stamp.size:  # no room for so late a time
            return Mutant(source.data, read_as(SECONDS, 0.35))
        out[stamp.content : stamp.content + stamp.size] = value.to_bytes(stamp.size, "big")
    return Mutant(bytes(out), read_as(SECONDS + jump_ms / 1000, 0.4))


def earlier_clusters(source: Source, rng: np.random.Generator) -> Mutant:
    """A clock that is set back in the middle: what follows goes on."""
    stamps = [e for e in elements(source.data) if e.id == TIMESTAMP]
    out = bytearray(source.data)
    for stamp in stamps[len(stamps) // 2 :] if len(stamps) > 1 else []:
        out[stamp.content : stamp.content + stamp.size] = bytes(stamp.size)
    return Mutant(bytes(out), Allowed(frozenset({0, 9}), 0.0, SECONDS * 2.5))


MUTATORS = (
    (lying_size, ALL),
    (lying_value, ALL),
    (duration, ALL),
    (sample_rate, ALL),
    (channel_count, ALL),
    (time_scale, ALL),
    (later_clusters, ALL),
    (earlier_clusters, ALL),
)
