"""Decode a recording into 16 kHz samples per channel, and measure its levels."""

from ressenti.pipeline.audio.beeps import without_tones
from ressenti.pipeline.audio.decode import load
from ressenti.pipeline.audio.files import checked_sha256
from ressenti.pipeline.audio.levels import frame_levels_db, levels_of
from ressenti.pipeline.audio.samples import RATE_HZ, Audio, Samples

__all__ = [
    "RATE_HZ",
    "Audio",
    "Samples",
    "checked_sha256",
    "frame_levels_db",
    "levels_of",
    "load",
    "without_tones",
]
