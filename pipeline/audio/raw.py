"""Encoding of headerless sound: from the user's option or the file's ending."""

from __future__ import annotations

from dataclasses import dataclass

from ressenti.pipeline import errors
from ressenti.pipeline.audio.files import Opened
from ressenti.pipeline.audio.worker import formats
from ressenti.pipeline.audio.worker.source import Source

_BY_ENDING = {  # written by telephone systems; 8 kHz unless the ending says otherwise
    ".ul": "mulaw:8000",
    ".ulaw": "mulaw:8000",
    ".mulaw": "mulaw:8000",
    ".mu": "mulaw:8000",
    ".pcmu": "mulaw:8000",
    ".al": "alaw:8000",
    ".alaw": "alaw:8000",
    ".pcma": "alaw:8000",
    ".sw": "s16le:8000",
    ".sln": "s16le:8000",
    ".slin": "s16le:8000",
    ".sln12": "s16le:12000",
    ".sln16": "s16le:16000",
    ".sln24": "s16le:24000",
    ".sln32": "s16le:32000",
    ".sln44": "s16le:44100",
    ".sln48": "s16le:48000",
    ".ub": "u8:8000",
    ".sb": "s8:8000",
}
_AMBIGUOUS = {".raw", ".pcm", ".lpcm", ".snd", ".vox", ".bin", ".dat"}


@dataclass(frozen=True)
class Raw:
    """How to read headerless sound."""

    encoding: str
    rate_hz: int
    channels: int = 1
    guessed: bool = False

    @property
    def options(self) -> dict[str, str]:
        """Options of FFmpeg's demuxer."""
        layout = {1: "mono", 2: "stereo"}.get(self.channels, f"{self.channels}c")
        return {"sample_rate": str(self.rate_hz), "ch_layout": layout}


def raw_of(file: Opened, asked: str | None) -> Raw | None:
    """Decide how to read a headerless file; None if it has a header, whatever its name.

    `asked` is ENCODING:RATE or ENCODING:RATE:CHANNELS. Raises `NotAudioError` if the ending stands for headerless sound
    of more than one encoding.
    """
    if formats.has_header(Source(file.descriptor, file.size)):
        return None
    ending = file.path.suffix.lower()
    text = asked or _BY_ENDING.get(ending)
    if text is not None:
        encoding, rate, *channels = text.split(":")
        return Raw(encoding, int(rate), int(channels[0]) if channels else 1, guessed=asked is None)
    if ending in _AMBIGUOUS and not formats.description(Source(file.descriptor, file.size)):
        raise errors.NotAudioError(
            f"{file.path.name}: no header, and {ending} files use many encodings. Give the encoding with --raw, "
            "as in --raw mulaw:8000, --raw alaw:8000 or --raw s16le:8000:2 (encoding, samples per second, channels)."
        )
    return None
