"""The network of pyannote's segmentation-3.0 as a module of our own, for the export (Plaquet & Bredin 2023).

Names of weights are those of the published checkpoint. Nothing of pyannote.audio is needed to build or to run it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

CLASSES = 7  # of the powerset: nobody, each of three voices, each pair of them
_LOWEST_HZ, _NARROWEST_HZ, _HIGHEST_HZ = 50.0, 50.0, 8_000.0


class SincFilters(nn.Module):
    """Band-pass filters that are learned by their edges (Ravanelli & Bengio 2018), even and odd ones (Pariente 2020).

    Waveforms (batch, 1, samples) in, (batch, 80, frames) out.
    """

    def __init__(self, pairs: int = 40, length: int = 251, stride: int = 10) -> None:
        super().__init__()
        half = length // 2
        self._stride = stride
        self.low_hz_ = nn.Parameter(torch.zeros(pairs, 1))
        self.band_hz_ = nn.Parameter(torch.zeros(pairs, 1))
        self.window_: Tensor
        self.n_: Tensor
        self.register_buffer("window_", torch.zeros(half))
        self.register_buffer("n_", torch.zeros(1, half))

    def filters(self) -> Tensor:
        """Impulse responses (2 * pairs, 1, length), symmetric ones first."""
        low = _LOWEST_HZ + self.low_hz_.abs()
        high = (low + _NARROWEST_HZ + self.band_hz_.abs()).clamp(_LOWEST_HZ, _HIGHEST_HZ)
        width = high - low
        below, above = low @ self.n_, high @ self.n_
        weight = self.window_ / (self.n_ / 2)
        even = (above.sin() - below.sin()) * weight
        odd = (below.cos() - above.cos()) * weight
        symmetric = torch.cat([even, 2 * width, even.flip(1)], dim=1)
        antisymmetric = torch.cat([odd, torch.zeros_like(width), -odd.flip(1)], dim=1)
        return (torch.cat([symmetric, antisymmetric]) / (2 * width).repeat(2, 1))[:, None]

    def forward(self, waveforms: Tensor) -> Tensor:
        """Filtered waveforms."""
        return functional.conv1d(waveforms, self.filters(), stride=self._stride)


class _Filterbank(nn.Module):
    """Holds the filters under the name that they have in the checkpoint."""

    def __init__(self) -> None:
        super().__init__()
        self.filterbank = SincFilters()

    def forward(self, waveforms: Tensor) -> Tensor:
        out: Tensor = self.filterbank(waveforms)
        return out


class _FrontEnd(nn.Module):
    """Waveforms (batch, 1, samples) in, 60 values every 270 samples out."""

    def __init__(self) -> None:
        super().__init__()
        self.wav_norm1d = nn.InstanceNorm1d(1, affine=True)
        self.conv1d = nn.ModuleList([_Filterbank(), nn.Conv1d(80, 60, 5), nn.Conv1d(60, 60, 5)])
        self.norm1d = nn.ModuleList([nn.InstanceNorm1d(width, affine=True) for width in (80, 60, 60)])

    def forward(self, waveforms: Tensor) -> Tensor:
        out: Tensor = self.wav_norm1d(waveforms)
        for index, (convolve, normalise) in enumerate(zip(self.conv1d, self.norm1d, strict=True)):
            out = convolve(out)
            out = out.abs() if index == 0 else out
            out = functional.leaky_relu(normalise(functional.max_pool1d(out, 3)))
        return out


class PyanNet(nn.Module):
    """Samples (batch, n) in [-1, 1) in, log-probabilities (batch, frames, 7) of the powerset out."""

    def __init__(self) -> None:
        super().__init__()
        self.sincnet = _FrontEnd()
        self.lstm = nn.LSTM(60, 128, num_layers=4, batch_first=True, bidirectional=True)
        self.linear = nn.ModuleList([nn.Linear(256, 128), nn.Linear(128, 128)])
        self.classifier = nn.Linear(128, CLASSES)

    def forward(self, samples: Tensor) -> Tensor:
        """Log-probabilities of each frame."""
        out: Tensor = self.lstm(self.sincnet(samples[:, None]).transpose(1, 2))[0]
        for linear in self.linear:
            out = functional.leaky_relu(linear(out))
        return functional.log_softmax(self.classifier(out), dim=-1)
