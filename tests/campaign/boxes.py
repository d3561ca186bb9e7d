"""Lies in MP4, M4A, MOV and 3GP: sizes, counts and times in the boxes (ISO/IEC 14496-12)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from campaign.cases import ANY_DAMAGE, DAMAGED, Allowed, Mutant, read_as, refused
from campaign.sources import SECONDS, Source

CLASSIC = ("mp4-aac", "mp4-alac", "mp4-opus", "mov-s16", "3gp-amr")
ALL = (*CLASSIC, "mp4-fast", "mp4-fragments")
_INSIDE = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"moof", b"traf", b"mvex", b"udta", b"dinf"}


@dataclass(frozen=True)
class Box:
    """Where a box begins, with its size and name, and how large it is."""

    name: bytes
    at: int
    size: int


def boxes(data: bytes, start: int = 0, end: int | None = None) -> list[Box]:
    """All boxes, also those inside others, in the order of their places."""
    found, at, end = [], start, len(data) if end is None else end
    while at + 8 <= end:
        size, name = struct.unpack_from(">I4s", data, at)
        if size < 8 or at + size > end:
            break
        found.append(Box(name, at, size))
        if name in _INSIDE:
            found += boxes(data, at + 8, at + size)
        at += size
    return found


def _one(data: bytes, name: bytes) -> Box | None:
    return next((box for box in boxes(data) if box.name == name), None)


def _with(data: bytes, at: int, form: str, value: int) -> bytes:
    out = bytearray(data)
    struct.pack_into(form, out, at, value)
    return bytes(out)


def lying_size(source: Source, rng: np.random.Generator) -> Mutant:
    """A size of a box that is another."""
    box = boxes(source.data)[rng.integers(0, len(boxes(source.data)))]
    wrong = (0, 1, 7, 8, box.size - 1, box.size + 1, box.size * 2, 2**31 - 1, 2**32 - 1, int(rng.integers(0, 2**32)))
    return Mutant(_with(source.data, box.at, ">I", wrong[rng.integers(0, 10)]), ANY_DAMAGE)


def lying_name(source: Source, rng: np.random.Generator) -> Mutant:
    """A box of another name: missing where it belongs."""
    box = boxes(source.data)[rng.integers(0, len(boxes(source.data)))]
    name = (b"free", b"moov", b"trak", b"mdat", b"stbl", b"cmov", b"uuid", rng.bytes(4))[rng.integers(0, 8)]
    return Mutant(source.data[: box.at + 4] + name + source.data[box.at + 8 :], ANY_DAMAGE)


def lying_content(source: Source, rng: np.random.Generator) -> Mutant:
    """Counts, times and offsets in the small boxes, a 32-bit word at a time."""
    small = [box for box in boxes(source.data) if box.name not in _INSIDE | {b"mdat"} and box.size >= 12]
    out = source.data
    for _ in range(rng.integers(1, 4)):
        box = small[rng.integers(0, len(small))]
        at = box.at + 8 + 4 * int(rng.integers(0, (box.size - 8) // 4))
        out = _with(out, at, ">I", (0, 1, 2**31 - 1, 2**31, 2**32 - 1, int(rng.integers(0, 2**32)))[rng.integers(0, 6)])
    return Mutant(out, ANY_DAMAGE)


def payload_flips(source: Source, rng: np.random.Generator) -> Mutant:
    """Bits of coded sound: the boxes still say when each frame is."""
    box = max((b for b in boxes(source.data) if b.name == b"mdat"), key=lambda b: b.size)
    out = bytearray(source.data)
    for at in rng.integers(box.at + 8, box.at + box.size, rng.integers(1, 40)):
        out[at] ^= 1 << rng.integers(0, 8)
    allowed = read_as(SECONDS, 0.35) if source.kind == "mov-s16" else read_as(SECONDS, 0.35, 9)
    return Mutant(bytes(out), allowed)


def no_index(source: Source, rng: np.random.Generator) -> Mutant:
    """A recording that broke off before its index was written."""
    box = _one(source.data, b"moov")
    assert box is not None
    return Mutant(source.data[: box.at], refused(9))


def free_box(source: Source, rng: np.random.Generator) -> Mutant:
    """Free space behind all: nothing changes."""
    size = int(rng.integers(8, 60_000))
    return Mutant(source.data + struct.pack(">I4s", size, b"free") + bytes(size - 8), read_as(SECONDS, 0.35))


def time_scale(source: Source, rng: np.random.Generator) -> Mutant:
    """A time scale that makes it another length than its samples have; 0 and absurd ones among them."""
    box = _one(source.data, b"mdhd")
    assert box is not None
    value = (0, 1, 2, 100, 2**31 - 1, 2**32 - 1)[rng.integers(0, 6)]
    return Mutant(_with(source.data, box.at + 8 + 12, ">I", value), ANY_DAMAGE)


def far_jump(source: Source, rng: np.random.Generator) -> Mutant:
    """A frame that lasts for days: more than may be filled, refused before anything is allocated."""
    box = _one(source.data, b"stts")
    stretch = _one(source.data, b"mdhd")
    assert box is not None
    assert stretch is not None
    (scale,) = struct.unpack_from(">I", source.data, stretch.at + 8 + 12)
    (entries,) = struct.unpack_from(">I", source.data, box.at + 12)
    (count, delta) = struct.unpack_from(">II", source.data, box.at + 16)
    days = min(2**31 - 1, int(scale * 3_600 * rng.uniform(13, 30)))
    if entries == 0 or count < 8:
        return Mutant(source.data, read_as(SECONDS, 0.35))
    table = struct.pack(">IIIIIII", 0, 3, count // 2, delta, 1, days, count - count // 2 - 1) + struct.pack(">I", delta)
    size = 8 + len(table)
    if size > box.size:  # the box has no room: it grows, and all around it; what follows the index only then
        grown = size - box.size
        data = source.data[: box.at] + struct.pack(">I4s", size, b"stts") + table + source.data[box.at + box.size :]
        for name in (b"moov", b"trak", b"mdia", b"minf", b"stbl"):  # from outside, so that each is found
            around = next(b for b in boxes(data) if b.name == name and b.at < box.at < b.at + b.size)
            data = _with(data, around.at, ">I", around.size + grown)
    else:
        rest = bytes(box.size - size)
        data = source.data[: box.at + 8] + table + rest + source.data[box.at + box.size :]
    for name, place in ((b"elst", 16), (b"mdhd", 24), (b"mvhd", 24), (b"tkhd", 28)):  # all say that it is so long
        found = _one(data, name)
        data = _with(data, found.at + place, ">I", 2**32 - 2) if found else data
    return Mutant(data, Allowed(DAMAGED - {0, 10, 11, 13}))


def edit_list(source: Source, rng: np.random.Generator) -> Mutant:
    """Edits that begin beyond the end, or last for ever."""
    box = _one(source.data, b"elst")
    if box is None:
        return Mutant(source.data, read_as(SECONDS, 0.35))
    at = box.at + 16 + 4 * int(rng.integers(0, max(1, (box.size - 16) // 4)))
    return Mutant(_with(source.data, at, ">I", int(rng.integers(0, 2**32))), ANY_DAMAGE)


def sound_entry(source: Source, rng: np.random.Generator) -> Mutant:
    """Channels, sample size and rate in the description of the sound."""
    box = _one(source.data, b"stsd")
    assert box is not None
    at = box.at + 16 + int(rng.integers(0, min(60, box.size - 20)))
    return Mutant(_with(source.data, at, ">H", int(rng.integers(0, 65_536))), ANY_DAMAGE)


MUTATORS = (
    (lying_size, ALL),
    (lying_name, ALL),
    (lying_content, ALL),
    (lying_content, ALL),
    (payload_flips, CLASSIC),
    (no_index, CLASSIC),
    (free_box, ALL),
    (time_scale, CLASSIC),
    (far_jump, ("mp4-aac", "mov-s16", "mp4-opus")),
    (edit_list, ALL),
    (sound_entry, ALL),
)
