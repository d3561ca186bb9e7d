"""How speakers differ, learned from many: what a stretch of one says of how he or she usually sounds.

An impression is a speaker's usual one and a change that comes and goes with the emotion; both are taken to be normally
distributed (as in PLDA, Ioffe 2006). What is expected of the usual one, given the mean of some speech, leans on the
population's, the more so the less speech there is, and the less speakers differ in that direction.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from ressenti.pipeline.emotion.features import WIDTH
from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.lab.training.clip_features import ClipFeatures

_STRETCH_S = 6.0  # of speech, that say as much of a speaker as one independent impression
_ELSEWHERE = 0.3  # variance between speakers over that within, beside what is seen: half own at 20 s of speech
_SHRUNK = 0.1  # of the covariance within speakers, towards its diagonal


class Baseline(nn.Module):
    """Impressions -> how they differ from what is usual of their speaker, in spreads within a speaker.

    Buffers: the population's `mean` and `sd` (768,); `ratio` (k,), variance between speakers over that within in the k
    directions in which these differ, `seen` (768, k) and `shown` (k, 768), into these directions and back.
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
        """Differences (n, 768) of impressions (n, 768) of a speaker whose mean impression is `speaker`, over `seconds`.

        These are of shape (n, 768) and (n, 1), or (1, 768) and (1, 1) where all are of one conversation.
        """
        own = (speaker - self.mean) / self.sd
        needed = _STRETCH_S / seconds
        elsewhere = _ELSEWHERE / (_ELSEWHERE + needed)
        more = (self.ratio + _ELSEWHERE) / (self.ratio + _ELSEWHERE + needed) - elsewhere
        usual = elsewhere * own + ((own @ self.seen) * more) @ self.shown
        difference: Tensor = (values - self.mean) / self.sd - usual
        return difference


def fit_baseline(material: ClipFeatures, clips: Sequence[int]) -> Baseline:
    """How the speakers of some clips differ, by what is heard of them clean; each counts alike.

    How one speaker varies is told by those of two clips or more; raises `ConfigError` where there is none.
    """
    rows: dict[tuple[str, str], list[int]] = {}
    for i in clips:
        rows.setdefault(material.clips[i].who, []).append(i)
    values = [material.heard(own).values.astype(np.float64) for own in rows.values()]
    means = np.array([own.mean(axis=0) for own in values])
    mean = means.mean(axis=0)
    varied = [own for own in values if len(own) > 1]
    if not varied:
        raise ConfigError("one clip of each speaker; expected several of some, to learn how one speaker varies.")
    sd = np.sqrt(np.mean([own.var(axis=0, ddof=1) for own in varied], axis=0) + 1e-8)
    changes = [(own - own.mean(axis=0)) / sd for own in varied]
    within = np.mean([change.T @ change / (len(change) - 1) for change in changes], axis=0)
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
