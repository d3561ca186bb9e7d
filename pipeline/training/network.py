"""The built-in emotion network."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pipeline.emotion.features import BANDS, CONTOURS

Outputs = tuple[Tensor, Tensor, Tensor, Tensor]


class EmotionNet(nn.Module):
    """Convolutions over log-mel bands and over prosodic contours, attention pooling over time, three heads.

    Input: bands (batch, frames, 64), contours (batch, frames, 4) and a mask (batch, frames) of 1 where there is sound.
    Output: logits of five classes (batch, 5), of eight emotions (batch, 8), valence and arousal (batch, 2) in (-1, 1),
    and the embedding (batch, 256) that they come from.
    """

    def __init__(self, width: int = 32) -> None:
        super().__init__()

        def block(inside: int, outside: int, stride: tuple[int, int]) -> nn.Sequential:
            return nn.Sequential(
                nn.Conv2d(inside, outside, 3, stride=stride, padding=1, bias=False),
                nn.BatchNorm2d(outside),
                nn.ReLU(inplace=True),
            )

        def contour(inside: int, outside: int) -> nn.Sequential:
            return nn.Sequential(nn.Conv1d(inside, outside, 5, 2, 2), nn.BatchNorm1d(outside), nn.ReLU(inplace=True))

        self.body = nn.Sequential(  # axes: frames, bands
            nn.Conv2d(1, width, 5, stride=(2, 2), padding=2, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            block(width, 2 * width, (2, 2)),
            block(2 * width, 2 * width, (1, 1)),
            nn.Dropout2d(0.1),
            block(2 * width, 4 * width, (2, 2)),
            block(4 * width, 4 * width, (1, 1)),
            nn.Dropout2d(0.1),
        )
        self.contours = nn.Sequential(contour(CONTOURS, 32), contour(32, 48), contour(48, 64), nn.Dropout(0.2))
        channels = 4 * width * (BANDS // 8) + 64
        self.squeeze = nn.Sequential(nn.Linear(channels, 128), nn.ReLU(inplace=True), nn.Dropout(0.2))
        self.attention = nn.Linear(128, 1)
        self.classes = nn.Linear(256, 5)
        self.emotions = nn.Linear(256, 8)
        self.plane = nn.Linear(256, 2)
        self.dropout = nn.Dropout(0.3)

    def forward(self, bands: Tensor, contours: Tensor, mask: Tensor) -> Outputs:
        """Four outputs as in the class docstring."""
        spectral = self.body(bands.unsqueeze(1)).permute(0, 2, 1, 3).flatten(2)
        prosodic = self.contours(contours.transpose(1, 2)).transpose(1, 2)
        x = self.squeeze(torch.cat([spectral, prosodic], dim=2)).float()
        heard = mask[:, ::8]
        weight = torch.softmax(self.attention(x).squeeze(2) + (heard - 1) * 1e4, dim=1).unsqueeze(2)
        mean = (x * weight).sum(1)
        spread = torch.sqrt(((x - mean.unsqueeze(1)) ** 2 * weight).sum(1) + 1e-4)
        embedding = torch.cat([mean, spread], dim=1)
        pooled = self.dropout(embedding)
        return self.classes(pooled), self.emotions(pooled), torch.tanh(self.plane(pooled)), embedding
