"""Samples -> excerpts: cut, levelled and measured by pydub, encoded by PyAV."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from pipeline.audio import RATE_HZ, Samples
from pipeline.errors import OutputError

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from pydub import AudioSegment


def segment(samples: Samples) -> AudioSegment:
    """Samples (n,) as a pydub segment, for cutting, levelling and silencing."""
    with warnings.catch_warnings():  # pydub looks for an FFmpeg program, which nothing here needs
        warnings.simplefilter("ignore")
        from pydub import AudioSegment

    return AudioSegment(data=samples.tobytes(), sample_width=2, frame_rate=RATE_HZ, channels=1)


def loudness_dbfs(samples: Samples) -> float | None:
    """RMS level of samples (n,) in dBFS, or None where there is no sound at all."""
    level = float(segment(samples).dBFS)
    return level if np.isfinite(level) else None


def excerpt(samples: Samples, level_dbfs: float | None = None, fade_s: float = 0.01) -> AudioSegment:
    """An excerpt with short fades against clicks, levelled to `level_dbfs` (without clipping) where it is given."""
    sound = segment(samples)
    if level_dbfs is not None and np.isfinite(sound.dBFS):
        sound = sound.apply_gain(min(level_dbfs - sound.dBFS, -sound.max_dBFS))
    fade_ms = min(int(fade_s * 1000), len(sound) // 2)
    return sound.fade_in(fade_ms).fade_out(fade_ms)


def encode(sound: AudioSegment, path: Path) -> None:
    """Write a pydub segment with PyAV in the format that the file's ending names (wav, flac, mp3, opus, ...)."""
    codecs = {".wav": "pcm_s16le", ".flac": "flac", ".mp3": "libmp3lame", ".opus": "libopus", ".ogg": "libopus"}
    codec = codecs.get(path.suffix.lower())
    if codec is None:
        raise OutputError(f"{path.name}: cannot encode {path.suffix!r}; expected one of {', '.join(codecs)}.")
    _write(sound, str(path), codec, None)


def mp3(sound: AudioSegment, bit_rate: int = 64_000) -> bytes:
    """A pydub segment as MP3, which every browser plays; same sound, same bytes."""
    buffer = io.BytesIO()
    _write(sound, buffer, "libmp3lame", "mp3", bit_rate)
    return buffer.getvalue()


def _write(
    sound: AudioSegment, target: str | io.BytesIO, codec: str, container_format: str | None, bit_rate: int | None = None
) -> None:
    import av

    rate_hz = 48_000 if codec == "libopus" else sound.frame_rate
    with av.open(target, "w", format=container_format) as container:
        stream = cast("AudioStream", container.add_stream(codec, rate=rate_hz, layout="mono"))
        if bit_rate is not None:
            stream.bit_rate = bit_rate
        frame = av.AudioFrame.from_ndarray(np.frombuffer(sound.raw_data, np.int16)[None], format="s16", layout="mono")
        frame.sample_rate = sound.frame_rate
        resampler = av.AudioResampler(
            format=stream.codec_context.format,
            layout="mono",
            rate=rate_hz,
            frame_size=stream.codec_context.frame_size or None,
        )
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
