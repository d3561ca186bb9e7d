"""Recordings made for tests: any container, with the packets, stamps and tracks that a test asks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np


def tone(seconds: float = 3.0, rate_hz: int = 16_000, hz: float = 440.0) -> np.ndarray:
    return 0.3 * np.sin(2 * np.pi * hz * np.arange(int(seconds * rate_hz)) / rate_hz)


def pulses(seconds: float, rate_hz: int, every_s: float = 1.0) -> np.ndarray:
    """A tone in the first half of each second, so that times can be read off."""
    sound = tone(seconds, rate_hz)
    return sound * ((np.arange(len(sound)) / rate_hz) % every_s < every_s / 2)


def onsets(samples: np.ndarray) -> list[float]:
    """Seconds at which sound begins in samples (n,) at 16 kHz, to a hundredth."""
    frames = np.abs(samples[: len(samples) // 160 * 160].astype(float)).reshape(-1, 160).max(axis=1)
    loud = frames > 2000
    return [k / 100 for k in range(len(loud)) if loud[k] and not loud[max(0, k - 20) : k].any()]


def write(
    path: Path,
    tracks: Sequence[np.ndarray],
    codec: str,
    rate_hz: int,
    *,
    drop: Callable[[float], bool] = lambda _: False,
    shift: Callable[[float], float] = lambda s: s,
    start_s: Sequence[float] = (0.0,),
    picture_s: float = 0.0,
    container: str | None = None,
    languages: Sequence[str] = (),
    options: dict[str, str] | None = None,
) -> Path:
    """Encode tracks, each (n,); `drop` leaves out packets by their time, `shift` changes their stamps (seconds)."""
    packets = []
    with av.open(str(path), "w", format=container, options=options or {}) as out:
        picture = out.add_stream("mpeg4", rate=5, width=64, height=48, pix_fmt="yuv420p") if picture_s else None
        streams = [out.add_stream(codec, rate=rate_hz, layout="mono") for _ in tracks]
        for stream, language in zip(streams, languages, strict=False):
            stream.metadata["language"] = language
        if picture is not None:
            for k in range(int(5 * picture_s)):
                frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
                frame.pts, frame.time_base = k, Fraction(1, 5)
                packets += [(k / 5, p) for p in picture.encode(frame)]
            packets += [(picture_s, p) for p in picture.encode(None)]
        for number, (stream, sound) in enumerate(zip(streams, tracks, strict=True)):
            context = stream.codec_context
            frame = av.AudioFrame.from_ndarray((sound * 32767).astype(np.int16)[None], "s16", "mono")
            frame.sample_rate, frame.pts, frame.time_base = rate_hz, 0, Fraction(1, rate_hz)
            resampler = av.AudioResampler(context.format, "mono", rate_hz, context.frame_size or 1024)
            late = start_s[number] if number < len(start_s) else 0.0
            made = [
                p for piece in [*resampler.resample(frame), *resampler.resample(None)] for p in stream.encode(piece)
            ]
            for packet in [*made, *stream.encode(None)]:
                at = float(packet.pts * packet.time_base)
                if drop(at):
                    continue
                moved = round((shift(at) + late - at) / packet.time_base)
                packet.pts, packet.dts = packet.pts + moved, packet.dts + moved
                packets.append((at + late, packet))
        for _, packet in sorted(packets, key=lambda pair: pair[0]):
            out.mux(packet)
    return path
