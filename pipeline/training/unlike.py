"""Frames of speech -> frames of what is no speech: of this the network learns to be unsure (Hendrycks et al. 2019).

Outlier exposure, made in the spectrogram and not as the sounds of `pipeline.evaluation.generated` are, though some of
these are of the same kind: what doubt is worth on sound of no known kind, recordings tell.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pipeline.emotion.features import BANDS, Frames


def unlike_speech(frames: Frames, rng: np.random.Generator) -> Frames:
    """As many frames, of about the level of those given, in which nobody speaks."""
    return _KINDS[int(rng.integers(len(_KINDS)))](frames, rng)


def _held(frames: Frames, rng: np.random.Generator) -> Frames:
    """One frame for a while, then another: hum, notes, chords."""
    rows = np.arange(len(frames))
    at = 0
    while at < len(frames):
        length = int(rng.integers(10, 150))
        rows[at : at + length] = rng.integers(len(frames))
        at += length
    return Frames(frames.mel[rows], frames.prosody[rows])


def _scattered(frames: Frames, rng: np.random.Generator) -> Frames:
    """The frames in any order: rattle and crackle."""
    rows = rng.permutation(len(frames))
    return Frames(frames.mel[rows], frames.prosody[rows])


def _mirrored(frames: Frames, rng: np.random.Generator) -> Frames:
    """Low bands for high ones, and a melody that has nothing to do with them."""
    return Frames(np.ascontiguousarray(frames.mel[:, ::-1]), frames.prosody[rng.permutation(len(frames))])


def _struck(frames: Frames, rng: np.random.Generator) -> Frames:
    """A few bands that are struck and die away, over the quietest of what there was: bells, plucked strings."""
    mel = np.repeat(np.quantile(frames.mel, 0.05, axis=0)[None], len(frames), axis=0)
    prosody = np.tile([rng.uniform(6.5, 9), 0.9, rng.uniform(-6, 1)], (len(frames), 1))
    loud, every = float(frames.mel.max()), int(rng.integers(15, 120))
    for start in range(int(rng.integers(every)), len(frames), every):
        rest = np.arange(len(frames) - start)
        for band in rng.integers(BANDS, size=int(rng.integers(1, 6))):
            line = loud - rng.uniform(0, 2) - rest * rng.uniform(0.002, 0.15)
            mel[start:, band] = np.maximum(mel[start:, band], line)
        prosody[start:, 0] = rng.uniform(6.5, 9)
    return Frames(mel.astype(np.float32), prosody.astype(np.float32))


_KINDS: tuple[Callable[[Frames, np.random.Generator], Frames], ...] = (_held, _scattered, _mirrored, _struck)
