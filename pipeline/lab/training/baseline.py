"""Speaker baselines, learned from many speakers: an estimate of how a person usually sounds, from some of their speech.

An impression is the speaker's baseline plus a change that varies with the emotion; both are assumed to be normally
distributed (as in PLDA, Ioffe 2006). The baseline expected from the mean of some speech shrinks towards the
population's, more so with less speech, and in directions in which speakers differ less.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from ressenti.pipeline.emotion.features import WIDTH
from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.lab.training.clip_features import ClipFeatures

_STRETCH_S = 6.0  # of speech, worth one independent impression of the speaker
_ELSEWHERE = 1.0  # between/within variance outside these directions: half the speaker's own at 6 s of speech
_SHRUNK = 0.1  # shrinkage of the covariance within speakers towards its diagonal


class Baseline(nn.Module):
    """Impressions -> their difference from the speaker's baseline, in standard deviations within a speaker.

    Buffers: the population's `mean` and `sd` (3072,); `ratio` (k,), the variance between speakers over that within in
    the k directions in which speakers differ; `seen` (3072, k) and `shown` (k, 3072), into these directions and back.
    """

    mean: Tensor
    sd: Tensor
    ratio: Tensor
    seen: Tensor
    shown: Tensor

    def __init__(self, directions: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(WIDTH))
        self.register_buffer("sd", torch.ones(WIDTH))
        self.register_buffer("ratio", torch.zeros(directions))
        self.register_buffer("seen", torch.zeros(WIDTH, directions))
        self.register_buffer("shown", torch.zeros(directions, WIDTH))

    def forward(self, values: Tensor, speaker: Tensor, seconds: Tensor) -> Tensor:
        """Differences (n, 3072) of impressions (n, 3072) from the baseline of their speaker.

        `speaker` is the speaker's mean impression over `seconds` of speech: (n, 3072) and (n, 1), or (1, 3072) and
        (1, 1) if all belong to one conversation.
        """
        own = self.scaled(speaker)
        needed = _STRETCH_S / seconds
        elsewhere = _ELSEWHERE / (_ELSEWHERE + needed)
        more = (self.ratio + _ELSEWHERE) / (self.ratio + _ELSEWHERE + needed) - elsewhere
        return self.scaled(values) - (elsewhere * own + ((own @ self.seen) * more) @ self.shown)

    def scaled(self, values: Tensor) -> Tensor:
        """Impressions (n, 3072) less the population's mean, in standard deviations within a speaker."""
        return (values - self.mean) / self.sd


def fit_baseline(material: ClipFeatures, clips: Sequence[int]) -> Baseline:
    """Fit the baseline to clean clips; every speaker has equal weight.

    The variation within speakers comes from those with two clips or more; raises `ConfigError` if there are none.
    """
    rows: dict[tuple[str, str], list[int]] = {}
    for i in clips:
        rows.setdefault(material.clips[i].who, []).append(i)
    values = [material.heard(own).values.astype(np.float64) for own in rows.values()]
    means = np.array([own.mean(axis=0) for own in values])
    mean = means.mean(axis=0)
    varied = [own for own in values if len(own) > 1]
    if not varied:
        raise ConfigError("only one clip per speaker. Add more clips of some speakers, to learn how one voice varies.")
    sd = np.sqrt(np.mean([own.var(axis=0, ddof=1) for own in varied], axis=0) + 1e-8)
    within = np.zeros((WIDTH, WIDTH))
    for own in varied:
        change = (own - own.mean(axis=0)) / sd
        within += change.T @ change / (len(change) - 1) / len(varied)
    within = (1 - _SHRUNK) * within + _SHRUNK * np.eye(WIDTH)
    root = np.linalg.cholesky(within)
    between = np.linalg.solve(root, ((means - mean) / sd).T) / np.sqrt(len(means))
    directions, strength, _ = np.linalg.svd(between, full_matrices=False)
    kept = strength**2 > 1e-6
    directions = directions[:, kept]
    out = Baseline(int(kept.sum()))
    out.load_state_dict(
        {
            name: torch.from_numpy(np.ascontiguousarray(value, np.float32))
            for name, value in {
                "mean": mean,
                "sd": sd,
                "ratio": strength[kept] ** 2,
                "seen": np.linalg.solve(root.T, directions),
                "shown": (root @ directions).T,
            }.items()
        }
    )
    return out
