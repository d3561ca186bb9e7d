"""Lies in WAV: sizes, rates, channels, order of chunks. The right length comes from the chunks as this reads them."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from campaign.cases import ANY_DAMAGE, DAMAGED, Allowed, Mutant, read_as, refused
from campaign.sources import SECONDS, Source

PLAIN = ("wav-s16", "wav-stereo", "wav-u8", "wav-s24", "wav-mulaw", "wav-alaw")
ALL = (*PLAIN, "wav-f32", "wav-adpcm", "wav-adpcmms", "wav-gsm")
WHOLE = read_as(SECONDS, 0.35)


@dataclass(frozen=True)
class Chunk:
    """Where a chunk of a RIFF file begins (its name), and how many bytes it holds."""

    name: bytes
    at: int
    size: int


def chunks(data: bytes) -> list[Chunk]:
    """The chunks of a RIFF file in order."""
    found, at = [], 12
    while at + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, at)
        found.append(Chunk(name, at, size))
        at += 8 + size + size % 2
    return found


def chunk(data: bytes, name: bytes) -> Chunk:
    """The first chunk of a name."""
    return next(found for found in chunks(data) if found.name == name)


def _with(data: bytes, at: int, form: str, value: float) -> bytes:
    out = bytearray(data)
    struct.pack_into(form, out, at, value)
    return bytes(out)


def payload_flips(source: Source, rng: np.random.Generator) -> Mutant:
    """Bits of samples: as many samples as before, whatever they say now."""
    place = chunk(source.data, b"data")
    out = bytearray(source.data)
    for at in rng.integers(place.at + 8, place.at + 8 + place.size, rng.integers(1, 200)):
        out[at] ^= 1 << rng.integers(0, 8)
    allowed = read_as(SECONDS, 0.02) if source.kind in PLAIN else read_as(SECONDS, 0.4, 9, 11, 13)
    return Mutant(bytes(out), allowed)


def early_size(source: Source, rng: np.random.Generator) -> Mutant:
    """A data size written before the recording ended: what is there is read, or what is not is said."""
    place = chunk(source.data, b"data")
    data = source.data[: place.at + 8 + place.size]  # no chunk behind it
    return Mutant(_with(data, place.at + 4, "<I", int(place.size * rng.uniform(0.05, 0.9))), read_as(SECONDS, 0.35, 9))


def open_size(source: Source, rng: np.random.Generator) -> Mutant:
    """A data size that a streaming writer left open."""
    place = chunk(source.data, b"data")
    data = source.data[: place.at + 8 + place.size]
    value = (0, 0xFFFFFFFF, 0x7FFFFFFF, 0xFFFFFFFE, 0x7FFFF000)[rng.integers(0, 5)]
    data = _with(data, 4, "<I", (0, 0xFFFFFFFF, len(data) - 8)[rng.integers(0, 3)])
    return Mutant(_with(data, place.at + 4, "<I", value), WHOLE)


def late_size(source: Source, rng: np.random.Generator) -> Mutant:
    """A data size that promises more than there is: truncated."""
    place = chunk(source.data, b"data")
    data = source.data[: place.at + 8 + place.size]
    return Mutant(_with(data, place.at + 4, "<I", int(place.size * rng.uniform(1.3, 40))), refused(9))


def riff_size(source: Source, rng: np.random.Generator) -> Mutant:
    """The size of the whole, which nobody needs."""
    return Mutant(_with(source.data, 4, "<I", int(rng.integers(0, 2**32))), WHOLE)


def byte_rate(source: Source, rng: np.random.Generator) -> Mutant:
    """A byte rate that does not fit the rest: it is not what tells the length of plain samples."""
    at = chunk(source.data, b"fmt ").at + 8 + 8
    (right,) = struct.unpack_from("<I", source.data, at)
    wrong = (0, 1, right // 2, right * 2, right * 3 // 2, 0xFFFFFFFF)[rng.integers(0, 6)]
    return Mutant(_with(source.data, at, "<I", wrong), WHOLE)


def sample_rate(source: Source, rng: np.random.Generator) -> Mutant:
    """Rates from none to absurd, with a byte rate that fits; what can be right is read, the rest is refused."""
    fmt = chunk(source.data, b"fmt ").at + 8
    (align,) = struct.unpack_from("<H", source.data, fmt + 12)
    rate = int((0, 1, 2, 7, 100, 999, 4_000, 11_025, 48_000, 96_000, 500_000, 10**7, 2**31 - 1, 2**32 - 1)[
        rng.integers(0, 14)
    ])  # fmt: skip
    data = _with(source.data, fmt + 4, "<I", rate)
    data = _with(data, fmt + 8, "<I", min(rate * align, 2**32 - 1))
    seconds = chunk(data, b"data").size / align / max(rate, 1)
    if rate in (0, 2**32 - 1, 2**31 - 1, 10**7) or rate < 1_000:
        return Mutant(data, refused(8, 9, 12, 50))
    codes = frozenset({12}) if seconds < 1 else frozenset({0, 50} if rate > 192_000 else {0})
    return Mutant(data, Allowed(codes, seconds - 0.05, seconds + 0.05))


def channel_count(source: Source, rng: np.random.Generator) -> Mutant:
    """Channel counts that no recorder has: eight are the most that are read."""
    fmt = chunk(source.data, b"fmt ").at + 8
    count = int((0, 3, 5, 6, 8, 9, 16, 64, 255, 1024, 65_535)[rng.integers(0, 11)])
    (bits,) = struct.unpack_from("<H", source.data, fmt + 14)
    (rate,) = struct.unpack_from("<I", source.data, fmt + 4)
    align = count * bits // 8
    data = _with(source.data, fmt + 2, "<H", count)
    data = _with(_with(data, fmt + 8, "<I", min(rate * align, 2**32 - 1)), fmt + 12, "<H", min(align, 65_535))
    if count == 0:
        return Mutant(data, refused(8, 9, 50))
    return Mutant(data, refused(8, 12, 50) if count > 8 else Allowed(frozenset({0, 9, 12})))


def junk_chunks(source: Source, rng: np.random.Generator) -> Mutant:
    """Chunks that nobody knows before the samples and after them: nothing changes."""
    name = bytes(rng.integers(97, 123, 4, dtype=np.uint8))
    junk = struct.pack("<4sI", name, size := int(rng.integers(0, 5_000)) * 2) + rng.bytes(size)
    at = chunk(source.data, b"data").at
    data = source.data[:at] + junk + source.data[at:] + (junk if rng.random() < 0.5 else b"")
    return Mutant(_with(data, 4, "<I", len(data) - 8), WHOLE)


def lying_chunk(source: Source, rng: np.random.Generator) -> Mutant:
    """A chunk before the samples whose size reaches into them, or beyond the end."""
    junk = struct.pack("<4sI", b"LIST", int(rng.integers(0, 2**32))) + rng.bytes(20)
    at = chunk(source.data, b"data").at
    return Mutant(source.data[:at] + junk + source.data[at:], ANY_DAMAGE)


def format_tag(source: Source, rng: np.random.Generator) -> Mutant:
    """A codec that is another, or none: any of the codes, never a defect."""
    fmt = chunk(source.data, b"fmt ").at + 8
    tag = int(rng.integers(0, 65_536)) if rng.random() < 0.5 else int(rng.integers(0, 0x180))
    return Mutant(_with(source.data, fmt, "<H", tag), ANY_DAMAGE)


def fmt_field(source: Source, rng: np.random.Generator) -> Mutant:
    """A random value in a random field of the format."""
    at = chunk(source.data, b"fmt ").at + 8 + 2 * int(rng.integers(0, 8))
    return Mutant(_with(source.data, at, "<H", int(rng.integers(0, 65_536))), ANY_DAMAGE)


def no_numbers(source: Source, rng: np.random.Generator) -> Mutant:
    """Floating samples that are no numbers are refused as such."""
    place = chunk(source.data, b"data")
    at = place.at + 8 + 4 * int(rng.integers(0, place.size // 4))
    value = (float("nan"), float("inf"), float("-inf"))[rng.integers(0, 3)]
    return Mutant(_with(source.data, at, "<f", value), refused(13))


def integers_as_floats(source: Source, rng: np.random.Generator) -> Mutant:
    """Floating samples from -32768 to 32767: scaled, read, and as long."""
    place = chunk(source.data, b"data")
    samples = np.frombuffer(source.data, "<f4", place.size // 4, place.at + 8) * np.float32(rng.uniform(25_000, 32_768))
    data = source.data[: place.at + 8] + samples.astype("<f4").tobytes() + source.data[place.at + 8 + place.size :]
    return Mutant(data, read_as(SECONDS))


def no_samples(source: Source, rng: np.random.Generator) -> Mutant:
    """A header alone."""
    place = chunk(source.data, b"data")
    cut = source.data[: place.at + 8 + int(rng.integers(0, 2))]
    return Mutant(_with(cut, place.at + 4, "<I", 0) if rng.random() < 0.7 else cut, Allowed(DAMAGED - {0, 50}))


MUTATORS = (
    (payload_flips, ALL),
    (early_size, PLAIN),
    (open_size, PLAIN),
    (late_size, PLAIN),
    (riff_size, PLAIN),
    (byte_rate, PLAIN),
    (sample_rate, ("wav-s16", "wav-u8", "wav-mulaw", "wav-stereo")),
    (channel_count, ("wav-s16", "wav-u8", "wav-mulaw")),
    (junk_chunks, ALL),
    (lying_chunk, ALL),
    (format_tag, ALL),
    (fmt_field, ALL),
    (no_numbers, ("wav-f32",)),
    (integers_as_floats, ("wav-f32",)),
    (no_samples, PLAIN),
)
