"""Recognise streams without a file header by several frame headers in a row."""

from __future__ import annotations

from .source import Source

_FRAMES = 4  # frame headers in a row; not by chance
_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
_KBPS_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBPS_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)


def is_chain(source: Source) -> bool:
    """Whether a file starts with consecutive frames of MPEG-TS, AAC (ADTS) or MP3."""
    return _is_transport(source) or _is_frames(source)


def _is_transport(source: Source) -> bool:
    head = source.at(0, 4 + 204 * _FRAMES)
    return any(
        len(head) > at + size * (_FRAMES - 1) and all(head[at + size * k] == 0x47 for k in range(_FRAMES))
        for at, size in ((0, 188), (4, 192), (0, 204))
    )


def _is_frames(source: Source) -> bool:
    at = 0
    for _ in range(_FRAMES):
        size = _frame_size(source.at(at, 7))
        if not size:
            return False
        at += size
    return True


def _frame_size(head: bytes) -> int:
    """Frame size in bytes by its header, 0 if it is none (AAC: ISO/IEC 13818-7; layer III: 11172-3 and 13818-3)."""
    if len(head) < 7 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return 0
    if head[1] & 0xF6 == 0xF0:  # layer 0: ADTS
        return max(0, (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5)
    version, layer, kbps, rate = head[1] >> 3 & 3, head[1] >> 1 & 3, head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or layer != 1 or kbps in {0, 15} or rate == 3:
        return 0
    bits = (_KBPS_1 if version == 3 else _KBPS_2)[kbps] * 1000 * (144 if version == 3 else 72)
    return bits // _RATES[version][rate] + (head[2] >> 1 & 1)
