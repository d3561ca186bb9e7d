"""Mix channels to one, weighted by their position, without channels that carry no voice (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from ressenti.pipeline.audio.samples import Audio, Samples

_BLOCK_FRAMES = 600
_FRAME = 1600  # samples: frames of 0.1 s, as in `levels`
_INVERTED = -0.5  # correlation during speech; independent channels and reverberation stay near 0
# ITU-R BS.775: left and right with the centre at -3 dB and each surround at -3 dB, summed to one channel
_WEIGHTS = {"FC": 1.0, "FL": 0.71, "FR": 0.71, "FLC": 0.71, "FRC": 0.71}
_SURROUND = 0.5


def voice_channels(audio: Audio) -> Audio:
    """Drop low-frequency effects channels (LFE), which carry no voice."""
    voices = [i for i, position in enumerate(audio.positions) if not position.startswith("LFE")]
    if len(voices) in {0, len(audio.positions)}:
        return audio
    adjoining = voices == list(range(voices[0], voices[-1] + 1))  # then a view, not a copy
    samples = audio.samples[voices[0] : voices[-1] + 1] if adjoining else audio.samples[voices]
    return Audio(samples, tuple(audio.positions[i] for i in voices))


def weights_of(audio: Audio) -> list[float]:
    """Weight of each channel in a mix, by its position around a centre channel; all equal if there is no centre."""
    if "FC" not in audio.positions:
        return [1.0] * len(audio.samples)
    return [_WEIGHTS.get(position, _SURROUND) for position in audio.positions]


def mixed_blocks(
    samples: Samples, channels: Sequence[int], weights: Sequence[float]
) -> Iterator[tuple[slice, Samples]]:
    """Yield the weighted mean of some channels of (channels, n), block by block, as slice and samples (m,)."""
    used = np.array([weights[i] for i in channels], dtype=np.float32)
    used /= used.sum()
    for start in range(0, samples.shape[1], _BLOCK_FRAMES * _FRAME):
        part = slice(start, start + _BLOCK_FRAMES * _FRAME)
        mix = sum(weight * samples[i, part].astype(np.float32) for weight, i in zip(used, channels, strict=True))
        yield part, np.round(mix).astype(np.int16)


def is_inverted(samples: Samples, channels: Sequence[int], loudest: int, speech: npt.NDArray[np.bool_]) -> bool:
    """Whether a channel is an inverted copy of the loudest one, judged in the 0.1 s frames with speech."""
    return any(i != loudest and _correlation(samples[i], samples[loudest], speech) < _INVERTED for i in channels)


def _correlation(one: npt.NDArray[np.int16], other: npt.NDArray[np.int16], speech: npt.NDArray[np.bool_]) -> float:
    products = np.zeros(3)
    for start in range(0, len(speech), _BLOCK_FRAMES):
        wanted = speech[start : start + _BLOCK_FRAMES]
        part = slice(start * _FRAME, (start + len(wanted)) * _FRAME)
        if len(one[part]) < len(wanted) * _FRAME:
            continue
        a, b = (x[part].reshape(-1, _FRAME)[wanted].astype(np.float64) for x in (one, other))
        products += [(a * b).sum(), (a * a).sum(), (b * b).sum()]
    return float(products[0] / np.sqrt(products[1] * products[2] + 1e-9))
