"""The built-in emotion network."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ressenti.pipeline.emotion.features import WIDTH
from ressenti.pipeline.lab.training.baseline import Baseline

Outputs = tuple[Tensor, Tensor, Tensor, Tensor]
COMPONENTS = 256


class EmotionNet(nn.Module):
    """Linear heads on the principal components of an impression's difference from the speaker's baseline.

    Input as for `Baseline`. Output: logits of five classes (n, 5) and of eight emotions (n, 8), valence and arousal
    (n, 2), not limited, and the embedding (n, 256) that they are computed from.
    """

    centre: Tensor
    components: Tensor

    def __init__(self, baseline: Baseline) -> None:
        super().__init__()
        self.baseline = baseline
        self.register_buffer("centre", torch.zeros(WIDTH))
        self.register_buffer("components", torch.zeros(WIDTH, COMPONENTS))
        self.classes = nn.Linear(COMPONENTS, 5)
        self.emotions = nn.Linear(COMPONENTS, 8)
        self.plane = nn.Linear(COMPONENTS, 2)

    def forward(self, values: Tensor, speaker: Tensor, seconds: Tensor) -> Outputs:
        """Four outputs as in the class docstring."""
        embedding = self.embed(self.baseline(values, speaker, seconds))
        return self.classes(embedding), self.emotions(embedding), self.plane(embedding), embedding

    def embed(self, difference: Tensor) -> Tensor:
        """The embedding (n, 256) of differences (n, 3072)."""
        return (difference - self.centre) @ self.components
