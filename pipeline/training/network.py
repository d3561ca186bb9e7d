"""The built-in emotion network, and what is done to its training features."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from pipeline.mel import FloatArray, slaney_hz_to_mel, slaney_mel_to_hz


class EmotionNet(nn.Module):
    """Convolutions over log-mel features, attention pooling over time, three heads.

    Input: features (batch, frames, bands) and a mask (batch, frames) of 1 where there is sound.
    Output: logits of five classes (batch, 5), of eight emotions (batch, 8), valence and arousal (batch, 2) in (-1, 1).
    """

    def __init__(self, bands: int, width: int = 32) -> None:
        super().__init__()

        def block(inside: int, outside: int, stride: tuple[int, int]) -> nn.Sequential:
            return nn.Sequential(
                nn.Conv2d(inside, outside, 3, stride=stride, padding=1, bias=False),
                nn.BatchNorm2d(outside),
                nn.ReLU(inplace=True),
            )

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
        channels = 4 * width * (bands // 8)
        self.squeeze = nn.Sequential(nn.Linear(channels, 128), nn.ReLU(inplace=True), nn.Dropout(0.2))
        self.attention = nn.Linear(128, 1)
        self.classes = nn.Linear(256, 5)
        self.emotions = nn.Linear(256, 8)
        self.plane = nn.Linear(256, 2)
        self.dropout = nn.Dropout(0.3)

    def forward(self, features: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Three outputs as in the class docstring."""
        x = self.body(features.unsqueeze(1))
        x = self.squeeze(x.permute(0, 2, 1, 3).flatten(2)).float()
        heard = mask[:, ::8]
        weight = torch.softmax(self.attention(x).squeeze(2) + (heard - 1) * 1e4, dim=1).unsqueeze(2)
        mean = (x * weight).sum(1)
        spread = torch.sqrt(((x - mean.unsqueeze(1)) ** 2 * weight).sum(1) + 1e-4)
        pooled = self.dropout(torch.cat([mean, spread], dim=1))
        return self.classes(pooled), self.emotions(pooled), torch.tanh(self.plane(pooled))


class Ensemble(nn.Module):
    """Networks that are alike but for their seeds; the mean of their outputs, as one network."""

    def __init__(self, members: Sequence[EmotionNet]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, features: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Three outputs as in `EmotionNet`."""
        outputs = [member(features, mask) for member in self.members]
        classes, emotions, plane = (torch.stack(parts).mean(0) for parts in zip(*outputs, strict=True))
        return classes, emotions, plane


def augment_group(mels: Sequence[FloatArray], rng: np.random.Generator) -> list[FloatArray]:
    """Mel power (frames, bands) of one simulated conversation, as heard through one random channel.

    Equaliser and telephone band, stationary noise at 5 to 40 dB, a shift of the spectrum (another vocal tract),
    and for each clip its own small change of level and tempo.
    """
    bands = mels[0].shape[1]
    position = np.arange(bands)
    knots = rng.normal(0, 4, size=6)
    response_db = np.interp(position, np.linspace(0, bands - 1, 6), knots)
    if rng.random() < 0.2:
        centres = slaney_mel_to_hz(np.linspace(slaney_hz_to_mel(60), slaney_hz_to_mel(7600), bands + 2))[1:-1]
        low, high = rng.uniform(200, 350), rng.uniform(3200, 3700)
        response_db = response_db - np.clip((low - centres) / 4, 0, 50) - np.clip((centres - high) / 8, 0, 60)
    response = (10 ** (response_db / 10)).astype(np.float32)
    warp = np.clip(position * rng.uniform(0.92, 1.08) + rng.uniform(-0.5, 0.5), 0, bands - 1)
    low_band = np.floor(warp).astype(int)
    share = (warp - low_band).astype(np.float32)
    high_band = np.minimum(low_band + 1, bands - 1)
    level = float(np.mean([m.mean() for m in mels]))
    noise: FloatArray | None = None
    if rng.random() < 0.3:
        colour = np.interp(position, np.linspace(0, bands - 1, 5), rng.normal(0, 5, size=5)) - position * 0.1
        shape = 10 ** (colour / 10)
        noise = (shape / shape.mean() * level * 10 ** (-rng.uniform(5, 40) / 10)).astype(np.float32)
    out = []
    for mel in mels:
        frames = max(8, round(len(mel) * rng.uniform(0.9, 1.1)))
        at = np.linspace(0, len(mel) - 1, frames).round().astype(int)
        changed = mel[at]
        changed = changed[:, low_band] * (1 - share) + changed[:, high_band] * share
        changed = changed * np.float32(10 ** (rng.normal(0, 1.5) / 10))
        if noise is not None:
            changed = changed + noise * rng.gamma(2.0, 0.5, size=changed.shape).astype(np.float32)
        out.append((changed * response).astype(np.float32))
    return out


def random_masks(features: FloatArray, rng: np.random.Generator) -> FloatArray:
    """SpecAugment: one stretch of bands and one of frames set to the baseline (Park et al. 2019)."""
    features = features.copy()
    frames, bands = features.shape
    width = int(rng.integers(0, 12))
    at = int(rng.integers(0, bands - width + 1))
    features[:, at : at + width] = 0
    length = int(rng.integers(0, max(1, frames // 6)))
    start = int(rng.integers(0, frames - length + 1))
    features[start : start + length] = 0
    return features
