"""Mel power of speech -> of what is no speech: of this the network learns to be unsure (Hendrycks et al. 2019).

Outlier exposure, made in the spectrogram and not as the sounds of `lab.evaluation.generated` are, though some of
these are of the same kind: what doubt is worth on sound of no known kind, recordings tell.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ressenti.pipeline.audio.mel import FloatArray


def unlike_speech(mel: FloatArray, rng: np.random.Generator) -> FloatArray:
    """As many frames of mel power (n, bands), of the level of those given, in which nobody speaks."""
    made = _KINDS[int(rng.integers(len(_KINDS)))](mel, rng)
    return made * np.float32(mel.sum() / max(float(made.sum()), 1e-12))


def _held(mel: FloatArray, rng: np.random.Generator) -> FloatArray:
    """One frame for a while, then another: hum, notes, chords."""
    rows = np.arange(len(mel))
    at = 0
    while at < len(mel):
        length = int(rng.integers(10, 150))
        rows[at : at + length] = rng.integers(len(mel))
        at += length
    return mel[rows]


def _scattered(mel: FloatArray, rng: np.random.Generator) -> FloatArray:
    """The frames in any order: rattle and crackle."""
    return mel[rng.permutation(len(mel))]


def _mirrored(mel: FloatArray, _: np.random.Generator) -> FloatArray:
    """Low bands for high ones."""
    return np.ascontiguousarray(mel[:, ::-1])


def _struck(mel: FloatArray, rng: np.random.Generator) -> FloatArray:
    """A few bands that are struck and die away, over the quietest of what there was: bells, plucked strings."""
    out = np.repeat(np.quantile(mel, 0.05, axis=0)[None], len(mel), axis=0)
    loud, every = float(mel.max()), int(rng.integers(15, 120))
    for start in range(int(rng.integers(every)), len(mel), every):
        rest = np.arange(len(mel) - start)
        for band in rng.integers(mel.shape[1], size=int(rng.integers(1, 6))):
            line = loud * np.exp(-rng.uniform(0, 2) - rest * rng.uniform(0.002, 0.15))
            out[start:, band] = np.maximum(out[start:, band], line)
    return out.astype(np.float32)


_KINDS: tuple[Callable[[FloatArray, np.random.Generator], FloatArray], ...] = (_held, _scattered, _mirrored, _struck)
