"""Turn samples into excerpts: pydub cuts, levels and measures them, PyAV encodes them."""

from __future__ import annotations

import importlib
import io
import math
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, cast

import numpy as np

from ressenti.pipeline.audio import RATE_HZ, Samples
from ressenti.pipeline.errors import OutputError
from ressenti.pipeline.files.disk import writing
from ressenti.pipeline.progress import Progress, ignore_progress
from ressenti.pipeline.records import Span, union_s

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from pydub import AudioSegment

_IMPORTING = Lock()
_BLOCK = 60 * RATE_HZ  # samples encoded at a time
_LAME_QUALITY = "7"  # takes half the time of the default 5; at speech bit rates the error is even smaller


def segment(samples: Samples) -> AudioSegment:
    """Wrap samples (n,) in a pydub segment, for cutting, levelling and silencing."""
    return _segments()(data=samples.tobytes(), sample_width=2, frame_rate=RATE_HZ, channels=1)


def _segments() -> type[AudioSegment]:
    """Import pydub's segment class, one thread at a time: switching warnings off affects all threads."""
    with _IMPORTING:
        if "pydub" not in sys.modules:
            with warnings.catch_warnings():  # pydub warns if it finds no FFmpeg program, which we do not need
                warnings.simplefilter("ignore")
                importlib.import_module("pydub")
    from pydub import AudioSegment

    return cast("type[AudioSegment]", AudioSegment)


def loudness_dbfs(samples: Samples) -> float | None:
    """RMS level of samples (n,) in dBFS; None if all are zero."""
    level = float(segment(samples).dBFS)
    return level if np.isfinite(level) else None


def excerpt(samples: Samples, level_dbfs: float | None = None, fade_s: float = 0.01) -> AudioSegment:
    """Make an excerpt with short fades against clicks, levelled to `level_dbfs` if given (without clipping)."""
    sound = segment(samples)
    if level_dbfs is not None and np.isfinite(sound.dBFS):
        sound = sound.apply_gain(min(level_dbfs - sound.dBFS, -sound.max_dBFS))
    fade_ms = min(int(fade_s * 1000), len(sound) // 2)
    return sound.fade_in(fade_ms).fade_out(fade_ms)


def encode(sound: AudioSegment, path: Path) -> None:
    """Write a pydub segment with PyAV in the format of the file's ending (wav, flac, mp3, opus, ...)."""
    codecs = {".wav": "pcm_s16le", ".flac": "flac", ".mp3": "libmp3lame", ".opus": "libopus", ".ogg": "libopus"}
    codec = codecs.get(path.suffix.lower())
    if codec is None:
        raise OutputError(f"{path.name}: cannot encode {path.suffix!r}; expected one of {', '.join(codecs)}.")
    with writing(path):
        _write(sound, str(path), codec, None)


def mp3(sound: AudioSegment | Samples, bit_rate: int = 64_000, progress: Progress = ignore_progress) -> bytes:
    """Encode a pydub segment, or samples (n,), as MP3, which every browser plays; same sound, same bytes.

    The bit rate is constant, and the first frame holds the length and a table of positions, so that players seek
    exactly. `progress` is called with the stage `sound`, in seconds.
    """
    buffer = io.BytesIO()
    options = {"b": str(bit_rate), "compression_level": _LAME_QUALITY}
    _write(sound, buffer, "libmp3lame", "mp3", options, progress)
    return buffer.getvalue()


def silence(samples: Samples, spans: Sequence[Span]) -> None:
    """Zero the spans, widened to whole milliseconds, in samples (n,); in place, as a copy may take 1 GB."""
    for start, end in union_s([(span.start_s, span.end_s) for span in spans]):
        samples[math.floor(start * 1000) * RATE_HZ // 1000 : math.ceil(end * 1000) * RATE_HZ // 1000] = 0


def _write(
    sound: AudioSegment | Samples,
    target: str | io.BytesIO,
    codec: str,
    container_format: str | None,
    codec_options: dict[str, str] | None = None,
    progress: Progress = ignore_progress,
) -> None:
    """Encode block by block, without writing any version, date or tag."""
    import av
    from av.codec.context import Flags

    samples = sound if isinstance(sound, np.ndarray) else np.frombuffer(sound.raw_data, np.int16)
    sound_hz = RATE_HZ if isinstance(sound, np.ndarray) else sound.frame_rate
    rate_hz = 48_000 if codec == "libopus" else sound_hz
    plain = {"fflags": "+bitexact"} | ({"id3v2_version": "0"} if codec == "libmp3lame" else {})
    with av.open(target, "w", format=container_format, options=plain) as container:
        stream = cast("AudioStream", container.add_stream(codec, rate=rate_hz, layout="mono", options=codec_options))
        stream.codec_context.flags |= Flags.bitexact
        resampler = av.AudioResampler(
            format=stream.codec_context.format,
            layout="mono",
            rate=rate_hz,
            frame_size=stream.codec_context.frame_size or None,
        )
        for start in range(0, len(samples), _BLOCK):
            progress("sound", start / RATE_HZ, len(samples) / RATE_HZ)
            block = samples[None, start : start + _BLOCK]
            frame = av.AudioFrame.from_ndarray(block, format="s16", layout="mono")
            frame.sample_rate, frame.pts = sound_hz, start
            for piece in resampler.resample(frame):
                container.mux(stream.encode(piece))
        for piece in resampler.resample(None):
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
        progress("sound", len(samples) / RATE_HZ, len(samples) / RATE_HZ)
