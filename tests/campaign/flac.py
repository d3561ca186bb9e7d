"""Lies in FLAC, and FLAC of silence that a few kilobytes make days of (RFC 9639)."""

from __future__ import annotations

import numpy as np

from campaign.cases import ANY_DAMAGE, Mutant, read_as
from campaign.sources import SECONDS, Source

ALL = ("flac-flac",)
_RATE, _CHANNELS, _TOTAL = 20, 3, 36


def stream_info(rate_hz: int, channels: int, bits: int, total: int, block: int = 65_535) -> bytes:
    """`fLaC` and a STREAMINFO without a sum of the sound."""
    packed = rate_hz << 44 | (channels - 1) << 41 | (bits - 1) << 36 | total
    head = block.to_bytes(2, "big") * 2 + bytes(6) + packed.to_bytes(8, "big") + bytes(16)
    return b"fLaC" + b"\x80" + len(head).to_bytes(3, "big") + head


def _sum(data: bytes, width: int, polynomial: int) -> bytes:
    value, top, mask = 0, 1 << (width - 1), (1 << width) - 1
    for byte in data:
        value ^= byte << (width - 8)
        for _ in range(8):
            value = ((value << 1) ^ polynomial if value & top else value << 1) & mask
    return value.to_bytes(width // 8, "big")


def _coded(number: int) -> bytes:
    """A number as UTF-8 codes it, up to 36 bits."""
    if number < 0x80:
        return bytes([number])
    tail = []
    first = 0x3F
    while number > first:
        tail.insert(0, 0x80 | number & 0x3F)
        number >>= 6
        first >>= 1
    return bytes([(~first << 1) & 0xFF | number, *tail])


def silence(frames: int, rate_hz: int, channels: int = 1) -> bytes:
    """Frames of 65,535 samples of silence each, sixteen bits, at the rate of the header."""
    out = [stream_info(rate_hz, channels, 16, frames * 65_535)]
    for i in range(frames):
        head = bytes([0xFF, 0xF8, 0x70, (channels - 1) << 4 | 0x08]) + _coded(i) + (65_534).to_bytes(2, "big")
        body = head + _sum(head, 8, 0x07) + b"\x00\x00\x00" * channels  # constant subframes of zero
        out.append(body + _sum(body, 16, 0x8005))
    return b"".join(out)


def _packed(data: bytes) -> int:
    return int.from_bytes(data[18:26], "big")


def _with_packed(data: bytes, packed: int) -> bytes:
    return data[:18] + packed.to_bytes(8, "big") + data[26:]


def total(source: Source, rng: np.random.Generator) -> Mutant:
    """How many samples the header promises: none, fewer, more, as many as fit."""
    now = _packed(source.data) & ((1 << _TOTAL) - 1)
    value = (0, 1, now // 3, now * 2, (1 << _TOTAL) - 1)[rng.integers(0, 5)]
    packed = _packed(source.data) >> _TOTAL << _TOTAL | value
    allowed = read_as(SECONDS, 0.05) if value == 0 else read_as(SECONDS, 0.35, 9, *((50,) if value > now * 100 else ()))
    return Mutant(_with_packed(source.data, packed), allowed)


def header_fields(source: Source, rng: np.random.Generator) -> Mutant:
    """Rate, channels, bits, block and frame sizes of the header."""
    out = bytearray(source.data)
    for _ in range(rng.integers(1, 4)):
        out[int(rng.integers(8, 42))] = int(rng.integers(0, 256))
    return Mutant(bytes(out), ANY_DAMAGE)


def block_size(source: Source, rng: np.random.Generator) -> Mutant:
    """A block of metadata that reaches into the sound, or beyond the end."""
    out = bytearray(source.data)
    out[42 + 1 : 42 + 4] = int(rng.integers(0, 2**24)).to_bytes(3, "big")
    return Mutant(bytes(out), ANY_DAMAGE)


def flips(source: Source, rng: np.random.Generator) -> Mutant:
    """Bits of frames: the time line stays, or the file is refused."""
    out = bytearray(source.data)
    for at in rng.integers(len(out) // 8, len(out) * 7 // 8, rng.integers(1, 40)):
        out[at] ^= 1 << rng.integers(0, 8)
    return Mutant(bytes(out), read_as(SECONDS, 0.35, 9))


def sum_of_sound(source: Source, rng: np.random.Generator) -> Mutant:
    """Another MD5 of the sound: no reason to refuse it."""
    return Mutant(source.data[:26] + rng.bytes(16) + source.data[42:], read_as(SECONDS, 0.05))


MUTATORS = (
    (total, ALL),
    (total, ALL),
    (header_fields, ALL),
    (header_fields, ALL),
    (block_size, ALL),
    (flips, ALL),
    (flips, ALL),
    (sum_of_sound, ALL),
)
