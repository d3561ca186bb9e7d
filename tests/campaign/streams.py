"""Lies in streams of frames: tags before MP3, numbers in its first frame, packets of MPEG-TS, tables of AVI and FLV."""

from __future__ import annotations

import struct

import numpy as np

from campaign.cases import ANY_DAMAGE, DAMAGED, Allowed, Mutant, read_as
from campaign.sources import SECONDS, Source

MP3 = ("mp3-cbr", "mp3-vbr")
TS = ("ts-aac", "ts-mp2")
FRAMED = (*MP3, "mp3-mp2", "adts-aac", "ac3-ac3")


def id3(text: bytes, size: int | None = None) -> bytes:
    """An ID3v2.3 tag with a comment in it; `size` where it lies."""
    body = b"\x00eng\x00" + text
    frame = b"COMM" + struct.pack(">IH", len(body), 0) + body
    total = len(frame) if size is None else size
    return b"ID3\x03\x00\x00" + bytes(total >> shift & 0x7F for shift in (21, 14, 7, 0)) + frame


def words_in_a_tag(source: Source, rng: np.random.Generator) -> Mutant:
    """A comment that says what headers say: it is text."""
    words = [b"Information", b"Xing", b"Info", b"VBRI", b"LAME3.100", b"OggS", b"fLaC", b"RIFF", b"ftyp", b"TAG"]
    text = b" ".join(words[i] for i in rng.integers(0, len(words), rng.integers(1, 6))) + rng.bytes(4).hex().encode()
    bare = source.data[source.data.find(b"\xff", 45) :] if source.data[:3] == b"ID3" else source.data
    return Mutant(id3(text) + bare, read_as(SECONDS, 0.35))


def lying_tag(source: Source, rng: np.random.Generator) -> Mutant:
    """A tag that says it is longer or shorter than it is."""
    return Mutant(id3(b"x" * 50, int(rng.integers(0, 2**28))) + source.data, ANY_DAMAGE)


def tag_behind(source: Source, rng: np.random.Generator) -> Mutant:
    """ID3v1 and APE tags behind the sound."""
    ape = b"APETAGEX" + struct.pack("<IIII", 2000, 32 + 20, 1, 0) + bytes(8) + rng.bytes(20)
    last = b"TAG" + rng.bytes(125)
    return Mutant(source.data + (ape + last, last)[rng.integers(0, 2)], read_as(SECONDS, 0.35))


def first_frame(source: Source, rng: np.random.Generator) -> Mutant:
    """How many frames and bytes the first frame promises: an estimate is no promise."""
    at = source.data.find(b"Xing")
    at = source.data.find(b"Info") if at < 0 else at
    if at < 0:
        return Mutant(source.data, read_as(SECONDS, 0.35))
    value = (0, 1, 10, 2**31 - 1, 2**32 - 1, int(rng.integers(0, 2**32)))[rng.integers(0, 6)]
    data = source.data[: at + 8] + struct.pack(">I", value) + source.data[at + 12 :]
    return Mutant(data, read_as(SECONDS, 0.35, 9))


def joined(source: Source, rng: np.random.Generator) -> Mutant:
    """Two or three recordings joined with `cat`: all are read."""
    count = int(rng.integers(2, 4))
    return Mutant(source.data * count, read_as(count * SECONDS, 0.2 * count + 0.2))


def lost_packets(source: Source, rng: np.random.Generator) -> Mutant:
    """Packets of 188 bytes that are not there."""
    packets = [source.data[at : at + 188] for at in range(0, len(source.data), 188)]
    begin = int(rng.integers(len(packets) // 5, len(packets) // 2))
    count = int(rng.integers(1, len(packets) // 4))
    return Mutant(b"".join(packets[:begin] + packets[begin + count :]), read_as(SECONDS, 0.4, 9))


def packet_heads(source: Source, rng: np.random.Generator) -> Mutant:
    """Heads of packets: sync, PID, continuity, tables."""
    out = bytearray(source.data)
    for _ in range(rng.integers(1, 20)):
        at = 188 * int(rng.integers(0, len(out) // 188)) + int(rng.integers(0, 20))
        out[at] = int(rng.integers(0, 256))
    return Mutant(bytes(out), Allowed(DAMAGED, 0, SECONDS * 4))


def inserted(source: Source, rng: np.random.Generator) -> Mutant:
    """Bytes between packets: sync is found again."""
    at = int(rng.integers(len(source.data) // 4, len(source.data) * 3 // 4))
    data = source.data[:at] + rng.bytes(int(rng.integers(1, 400))) + source.data[at:]
    return Mutant(data, read_as(SECONDS, 0.4, 9))


def clock(source: Source, rng: np.random.Generator) -> Mutant:
    """A clock that starts elsewhere, also so that it wraps at 33 bits in the middle: the same length."""
    shift = (2**33 - int(rng.integers(1, 9)) * 90_000, 3_600 * 90_000, int(rng.integers(0, 2**33)))[rng.integers(0, 3)]
    out = bytearray(source.data)
    for at in range(0, len(out) - 187, 188):
        control, start = out[at + 3] >> 4 & 3, at + 4
        if control & 2:
            if out[at + 4] >= 7 and out[at + 5] & 0x10:
                base = int.from_bytes(out[at + 6 : at + 12], "big")
                base = (((base >> 15) + shift) % 2**33) << 15 | base & 0x7FFF
                out[at + 6 : at + 12] = base.to_bytes(6, "big")
            start += 1 + out[at + 4]
        if out[at + 1] & 0x40 and control & 1 and bytes(out[start : start + 3]) == b"\x00\x00\x01" and out[start + 7]:
            for place in (start + 9, *((start + 14,) if out[start + 7] & 0x40 else ())):
                out[place : place + 5] = _stamp(out[place : place + 5], shift)
    return Mutant(bytes(out), read_as(SECONDS, 0.3))


def _stamp(old: bytes, shift: int) -> bytes:
    value = (old[0] >> 1 & 7) << 30 | (old[1] << 8 | old[2]) >> 1 << 15 | (old[3] << 8 | old[4]) >> 1
    value = (value + shift) % 2**33
    return bytes(
        [
            old[0] & 0xF0 | (value >> 30) << 1 | 1,
            value >> 22 & 0xFF,
            (value >> 15 & 0x7F) << 1 | 1,
            value >> 7 & 0xFF,
            (value & 0x7F) << 1 | 1,
        ]
    )


def words_of_a_header(source: Source, rng: np.random.Generator) -> Mutant:
    """32-bit words in the first kilobyte."""
    out = bytearray(source.data)
    for _ in range(rng.integers(1, 4)):
        value = (0, 1, 2**31 - 1, 2**32 - 1, int(rng.integers(0, 2**32)))[rng.integers(0, 5)]
        struct.pack_into(("<I", ">I")[rng.integers(0, 2)], out, int(rng.integers(4, 1_000)), value)
    return Mutant(bytes(out), ANY_DAMAGE)


MUTATORS = (
    (words_in_a_tag, MP3),
    (words_in_a_tag, MP3),
    (lying_tag, FRAMED),
    (tag_behind, MP3),
    (first_frame, ("mp3-cbr",)),
    (joined, FRAMED),
    (lost_packets, TS),
    (packet_heads, TS),
    (inserted, TS),
    (clock, TS),
    (words_of_a_header, None),
    (words_of_a_header, ("avi-s16", "avi-mp3", "asf-wma", "flv-mp3", "flv-aac", "caf-s16", "caf-alac", "aiff-s16",
                         "au-mulaw", "w64-s16", "rf64-s16", "voc-u8", "wv-wavpack", "tta-tta", "amr-amr")),
)  # fmt: skip
