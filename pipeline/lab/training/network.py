"""The built-in emotion network."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ressenti.pipeline.emotion.features import WIDTH
from ressenti.pipeline.lab.training.baseline import Baseline

Outputs = tuple[Tensor, Tensor, Tensor, Tensor]


class EmotionNet(nn.Module):
    """One hidden layer over an impression's difference from the speaker's baseline, with three heads.

    Input as for `Baseline`. Output: logits of five classes (n, 5) and of eight emotions (n, 8), valence and arousal
    (n, 2) in (-1, 1), and the embedding (n, 256) that they are computed from.
    """

    def __init__(self, baseline: Baseline, hidden: int = 256) -> None:
        super().__init__()
        self.baseline = baseline
        self.hidden = nn.Linear(WIDTH, hidden)
        self.classes = nn.Linear(hidden, 5)
        self.emotions = nn.Linear(hidden, 8)
        self.plane = nn.Linear(hidden, 2)

    def forward(self, values: Tensor, speaker: Tensor, seconds: Tensor) -> Outputs:
        """Four outputs as in the class docstring."""
        return self.judge(self.baseline(values, speaker, seconds))

    def judge(self, difference: Tensor) -> Outputs:
        """The same outputs, from differences (n, 768)."""
        embedding = torch.relu(self.hidden(difference))
        return self.classes(embedding), self.emotions(embedding), torch.tanh(self.plane(embedding)), embedding
