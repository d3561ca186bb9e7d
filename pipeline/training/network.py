"""The built-in emotion network."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pipeline.emotion.features import WIDTH

Outputs = tuple[Tensor, Tensor, Tensor, Tensor]


class EmotionNet(nn.Module):
    """One hidden layer on how an impression differs from the speaker's baseline, three heads.

    Input: differences (batch, 768). Output: logits of five classes (batch, 5), of eight emotions (batch, 8), valence
    and arousal (batch, 2) in (-1, 1), and the embedding (batch, 256) that they come from.
    """

    def __init__(self, hidden: int = 256) -> None:
        super().__init__()
        self.hidden = nn.Linear(WIDTH, hidden)
        self.classes = nn.Linear(hidden, 5)
        self.emotions = nn.Linear(hidden, 8)
        self.plane = nn.Linear(hidden, 2)

    def forward(self, difference: Tensor) -> Outputs:
        """Four outputs as in the class docstring."""
        embedding = torch.relu(self.hidden(difference))
        return self.classes(embedding), self.emotions(embedding), torch.tanh(self.plane(embedding)), embedding
