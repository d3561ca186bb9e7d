"""Small files that become large, or never end: each is refused, or is silence, within the bounds of time and memory."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from campaign import ogg
from campaign.cases import Allowed, refused
from campaign.flac import silence, stream_info

TOO_MUCH = refused(50)
NOTHING = refused(8, 9, 10, 11, 12, 50)
LONGEST = ("flac silence, 20 h of 8 channels", "opus silence, 20 h")


def wav(rate_hz: int, channels: int, size: int, bits: int = 16, tag: int = 1) -> bytes:
    """A WAV of noughts, and a click in the middle so that it is not silent."""
    align = channels * bits // 8
    head = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", (36 + size) & 0xFFFFFFFF, b"WAVE", b"fmt ", 16, tag, channels,
                       rate_hz, min(rate_hz * align, 2**32 - 1), align & 0xFFFF, bits, b"data", size)  # fmt: skip
    body = bytearray(size)
    body[size // 2 : size // 2 + 64] = b"\x10\x20" * 32
    return head + bytes(body)


def opus_silence(hours: float) -> bytes:
    """Ogg/Opus of packets of 120 ms that hold nothing (a code of two, of 60 ms each, no bytes)."""
    head = b"OpusHead" + struct.pack("<BBHIhB", 1, 1, 312, 48_000, 0, 0)
    tags = b"OpusTags" + struct.pack("<I", 0) + struct.pack("<I", 0)
    packets, out, granule = int(hours * 3_600 / 0.12), [], 0

    def page(kind: int, position: int, number: int, parts: list[bytes]) -> bytes:
        lacing = bytes(map(len, parts))
        start = b"OggS" + struct.pack("<BBqIII", 0, kind, position, 5, number, 0) + bytes([len(lacing)]) + lacing
        return ogg.summed(start + b"".join(parts))

    out = [page(2, 0, 0, [head]), page(0, 0, 1, [tags])]
    for number, begin in enumerate(range(0, packets, 255), 2):
        count = min(255, packets - begin)
        granule += count * 5_760
        out.append(page(4 if begin + count == packets else 0, granule, number, [b"\x19"] * count))  # SILK, 60 ms, two
    return b"".join(out)


def cases() -> Iterator[tuple[str, str, bytes, Allowed]]:
    """Name, file, bytes and what may come of them."""
    yield "wav of 1 Hz", "bomb.wav", wav(1, 1, 384_000), TOO_MUCH
    yield "wav of 2 Hz", "bomb.wav", wav(2, 1, 384_000), TOO_MUCH
    yield "wav of 100 Hz", "bomb.wav", wav(100, 1, 9_600_000), TOO_MUCH
    yield "wav of 8 bits at 1 Hz", "bomb.wav", wav(1, 1, 200_000, 8), TOO_MUCH
    yield "wav of 1 Hz, short", "bomb.wav", wav(1, 1, 20), NOTHING
    yield "wav of 4 GHz", "bomb.wav", wav(2**32 - 2, 1, 384_000), NOTHING
    yield "wav of 65535 channels", "bomb.wav", wav(8_000, 65_535, 131_070 * 3), refused(8, 9, 50)
    yield "wav of 255 channels", "bomb.wav", wav(8_000, 255, 510 * 16_000), TOO_MUCH
    yield "flac silence, 30 h", "bomb.flac", silence(13_184, 8_000), TOO_MUCH
    yield "flac silence, 20 h of 8 channels", "bomb.flac", silence(8_790, 8_000, 8), TOO_MUCH
    yield "flac silence, 14 h at 1 Hz", "bomb.flac", silence(2, 1), Allowed(frozenset({8, 9, 50}))
    yield "flac silence, 150 h at 100 Hz", "bomb.flac", silence(824, 100), Allowed(frozenset({8, 9, 50}))
    yield "flac silence, half an hour", "control.flac", silence(220, 8_000), refused(11)
    yield "flac that promises 2^36 samples", "bomb.flac", stream_info(8_000, 1, 16, 2**36 - 1) + bytes(300), NOTHING
    yield "opus silence, 20 h", "bomb.opus", opus_silence(20), TOO_MUCH
    yield (
        "wav of an hour at 8 kHz",
        "control.wav",
        wav(8_000, 1, 3_600 * 8_000, 8, 7),
        Allowed(frozenset({0}), 3_599, 3_601),
    )
    yield "a byte", "x.wav", b"x", refused(8, 9)
    yield "a line end", "x.wav", b"\n", refused(8, 9)
    yield "nothing", "x.wav", b"", refused(7)
    yield "noughts", "x.wav", bytes(100_000), refused(8)
    yield "ones", "x.mp3", b"\xff" * 100_000, refused(8, 9, 10)
