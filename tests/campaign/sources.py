"""Whole recordings to be damaged: eight seconds of the installed conversation in all containers that can be written."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import av
import numpy as np
import soundfile
from numpy.typing import NDArray

SECONDS = 8.0
START_S = 6.0  # two people speak from here on

Keep = Callable[[int, int], bool]


@dataclass(frozen=True)
class Source:
    """A whole recording; `clocked` where frames carry times, `declared` where a header says how long it is."""

    kind: str
    ending: str
    data: bytes
    tolerance_s: float
    clocked: bool
    declared: bool

    @property
    def family(self) -> str:
        """Name of the container."""
        return self.kind.split("-", maxsplit=1)[0]


@dataclass(frozen=True)
class Recipe:
    """How a source is written."""

    kind: str
    ending: str
    container: str
    codec: str
    rate_hz: int = 16_000
    channels: int = 1
    options: tuple[tuple[str, str], ...] = ()
    codec_options: tuple[tuple[str, str], ...] = ()
    bit_rate: int = 0
    tolerance_s: float = 0.2
    clocked: bool = False
    declared: bool = False


_EXACT: dict[str, Any] = {"tolerance_s": 0.01, "declared": True}
_FRAGMENTS = (("movflags", "frag_keyframe+empty_moov+default_base_moof"), ("frag_duration", "500000"))
RECIPES = (
    Recipe("wav-s16", ".wav", "wav", "pcm_s16le", 8_000, **_EXACT),
    Recipe("wav-stereo", ".wav", "wav", "pcm_s16le", 16_000, 2, **_EXACT),
    Recipe("wav-u8", ".wav", "wav", "pcm_u8", 8_000, **_EXACT),
    Recipe("wav-s24", ".wav", "wav", "pcm_s24le", 44_100, **_EXACT),
    Recipe("wav-mulaw", ".wav", "wav", "pcm_mulaw", 8_000, **_EXACT),
    Recipe("wav-alaw", ".wav", "wav", "pcm_alaw", 8_000, **_EXACT),
    Recipe("wav-f32", ".wav", "wav", "pcm_f32le", 16_000, **_EXACT),
    Recipe("wav-adpcm", ".wav", "wav", "adpcm_ima_wav", 8_000, tolerance_s=0.3, declared=True),
    Recipe("wav-adpcmms", ".wav", "wav", "adpcm_ms", 8_000, tolerance_s=0.3, declared=True),
    Recipe("rf64-s16", ".wav", "wav", "pcm_s16le", options=(("rf64", "always"),), **_EXACT),
    Recipe("w64-s16", ".w64", "w64", "pcm_s16le", **_EXACT),
    Recipe("aiff-s16", ".aiff", "aiff", "pcm_s16be", **_EXACT),
    Recipe("au-mulaw", ".au", "au", "pcm_mulaw", 8_000, **_EXACT),
    Recipe("caf-s16", ".caf", "caf", "pcm_s16be", **_EXACT),
    Recipe("caf-alac", ".caf", "caf", "alac", tolerance_s=0.3, declared=True),
    Recipe("voc-u8", ".voc", "voc", "pcm_u8", 8_000, tolerance_s=0.3),
    Recipe("mp3-cbr", ".mp3", "mp3", "libmp3lame", 16_000),
    Recipe("mp3-vbr", ".mp3", "mp3", "libmp3lame", 44_100, 2, (("write_xing", "0"),), (("q", "4"),)),
    Recipe("mp3-mp2", ".mp2", "mp2", "mp2", 44_100),
    Recipe("adts-aac", ".aac", "adts", "aac", 16_000),
    Recipe("ac3-ac3", ".ac3", "ac3", "ac3", 48_000),
    Recipe("flac-flac", ".flac", "flac", "flac", tolerance_s=0.02, declared=True),
    Recipe("ogg-opus", ".opus", "ogg", "libopus", 48_000, clocked=True),
    Recipe("ogg-vorbis", ".ogg", "ogg", "vorbis", 44_100, 2, codec_options=(("strict", "-2"),), clocked=True),
    Recipe("ogg-flac", ".oga", "ogg", "flac", clocked=True),
    Recipe("mp4-aac", ".m4a", "ipod", "aac", 16_000, clocked=True, declared=True),
    Recipe("mp4-fast", ".m4a", "ipod", "aac", 44_100, 2, (("movflags", "+faststart"),), clocked=True, declared=True),
    Recipe("mp4-fragments", ".mp4", "mp4", "aac", 16_000, 1, _FRAGMENTS, clocked=True),
    Recipe("mp4-alac", ".m4a", "ipod", "alac", clocked=True, declared=True),
    Recipe("mp4-opus", ".mp4", "mp4", "libopus", 48_000, clocked=True, declared=True),
    Recipe("mov-s16", ".mov", "mov", "pcm_s16le", clocked=True, declared=True),
    Recipe("3gp-amr", ".3gp", "3gp", "libopencore_amrnb", 8_000, clocked=True, declared=True),
    Recipe("mkv-aac", ".mkv", "matroska", "aac", clocked=True, declared=True),
    Recipe("mkv-opus", ".mka", "matroska", "libopus", 48_000, clocked=True, declared=True),
    Recipe("mkv-s16", ".mkv", "matroska", "pcm_s16le", clocked=True, declared=True),
    Recipe("mkv-flac", ".mkv", "matroska", "flac", clocked=True, declared=True),
    Recipe("webm-opus", ".webm", "webm", "libopus", 48_000, clocked=True, declared=True),
    Recipe("webm-live", ".webm", "webm", "libopus", 48_000, options=(("live", "1"),), clocked=True),
    Recipe("ts-aac", ".ts", "mpegts", "aac", clocked=True),
    Recipe("ts-mp2", ".ts", "mpegts", "mp2", 48_000, clocked=True),
    Recipe("avi-s16", ".avi", "avi", "pcm_s16le", tolerance_s=0.3),
    Recipe("avi-mp3", ".avi", "avi", "libmp3lame", 44_100, tolerance_s=0.3),
    Recipe("asf-wma", ".wma", "asf", "wmav2", 44_100, bit_rate=64_000, tolerance_s=0.4, clocked=True),
    Recipe("flv-mp3", ".flv", "flv", "libmp3lame", 44_100, clocked=True),
    Recipe("flv-aac", ".flv", "flv", "aac", 44_100, clocked=True),
    Recipe("amr-amr", ".amr", "amr", "libopencore_amrnb", 8_000),
    Recipe("wv-wavpack", ".wv", "wv", "wavpack", tolerance_s=0.3),
    Recipe("tta-tta", ".tta", "tta", "tta", tolerance_s=0.3),
)
KINDS = (*(recipe.kind for recipe in RECIPES), "wav-gsm")


@cache
def speech(rate_hz: int, channels: int) -> NDArray[np.int16]:
    """Eight seconds of the conversation that comes with pyannote.audio, (channels, samples)."""
    from ressenti.pipeline.cli.sample import locate

    with av.open(str(locate()[0])) as file:
        resampler = av.AudioResampler("s16", "mono", rate_hz)
        pieces = [p.to_ndarray() for frame in file.decode(audio=0) for p in resampler.resample(frame)]
    start = int(START_S * rate_hz)
    mono = np.concatenate(pieces, axis=1)[:, start : start + int(SECONDS * rate_hz)]
    return np.repeat(mono, channels, axis=0)


def encoded(recipe: Recipe, samples: NDArray[np.int16] | None = None, keep: Keep = lambda *_: True) -> bytes:
    """A recording written by FFmpeg; `keep` says of each packet (index, of so many) whether it is written."""
    samples = speech(recipe.rate_hz, recipe.channels) if samples is None else samples
    layout = "mono" if recipe.channels == 1 else "stereo"
    with NamedTemporaryFile() as out, av.open(out.name, "w", recipe.container, options=dict(recipe.options)) as file:
        stream = file.add_stream(recipe.codec, rate=recipe.rate_hz, layout=layout, options=dict(recipe.codec_options))
        context = stream.codec_context
        if recipe.bit_rate:
            context.bit_rate = recipe.bit_rate
        context.open()
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples.T.reshape(1, -1)), "s16", layout)
        frame.sample_rate, frame.pts = recipe.rate_hz, 0
        resampler = av.AudioResampler(context.format, layout, recipe.rate_hz, context.frame_size or 1024)
        pieces = [*resampler.resample(frame), *resampler.resample(None)]
        packets = [packet for piece in pieces for packet in stream.encode(piece)] + list(stream.encode(None))
        for i, packet in enumerate(packets):
            if keep(i, len(packets)):
                file.mux(packet)
        file.close()
        return Path(out.name).read_bytes()


@cache
def recipe_of(kind: str) -> Recipe:
    """How a kind is written; GSM has no recipe of FFmpeg's."""
    return next(recipe for recipe in RECIPES if recipe.kind == kind)


@cache
def source(kind: str) -> Source:
    """The whole recording of a kind."""
    if kind == "wav-gsm":
        out = io.BytesIO()
        soundfile.write(out, speech(8_000, 1)[0], 8_000, format="WAV", subtype="GSM610")
        return Source(kind, ".wav", out.getvalue(), 0.3, clocked=False, declared=True)
    recipe = recipe_of(kind)
    return Source(kind, recipe.ending, encoded(recipe), recipe.tolerance_s, recipe.clocked, recipe.declared)
