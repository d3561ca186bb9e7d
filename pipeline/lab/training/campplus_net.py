"""CAM++ as a module of our own, for the export (Wang et al. 2023, arXiv 2303.00332).

"CAM++: A Fast and Efficient Network for Speaker Verification Using Context-Aware Masking". Names and shapes of weights
are those of the published checkpoints, whose last layer is a projection and a batch normalisation without scale or
rectifier; so are they in 3D-Speaker, whose networks these are.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional

BANDS, WIDTH = 80, 192
_BLOCKS = ((12, 1), (24, 2), (16, 2))  # layers of each block, and their dilation
_GROWTH, _BOTTLENECK, _MASK = 32, 128, 64  # channels
_SEGMENT = 100  # frames of the finer of the two contexts of a mask


class _Residual(nn.Module):
    """Two 3x3 convolutions over (batch, 32, bands, frames) with a way around them; `stride` is over bands."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(32, 32, 3, (stride, 1), 1, bias=False)
        self.bn1 = nn.BatchNorm2d(32)
        self.conv2 = nn.Conv2d(32, 32, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(32)
        around = [nn.Conv2d(32, 32, 1, (stride, 1), bias=False), nn.BatchNorm2d(32)] if stride > 1 else []
        self.shortcut = nn.Sequential(*around)

    def forward(self, given: Tensor) -> Tensor:
        out = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(given)))))
        return functional.relu(out + self.shortcut(given))


class _Head(nn.Module):
    """Features (batch, 80, frames) as an image through residual convolutions, to (batch, 320, frames)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(32)
        self.layer1 = nn.Sequential(_Residual(2), _Residual(1))
        self.layer2 = nn.Sequential(_Residual(2), _Residual(1))
        self.conv2 = nn.Conv2d(32, 32, 3, (2, 1), 1, bias=False)
        self.bn2 = nn.BatchNorm2d(32)

    def forward(self, features: Tensor) -> Tensor:
        out = functional.relu(self.bn1(self.conv1(features[:, None])))
        out = self.layer2(self.layer1(out))
        return functional.relu(self.bn2(self.conv2(out))).flatten(1, 2)


class _Normalised(nn.Module):
    """Batch normalisation and a rectifier; the last layer of the network has neither scale nor rectifier."""

    def __init__(self, channels: int, last: bool = False) -> None:
        super().__init__()
        self.batchnorm = nn.BatchNorm1d(channels, affine=not last)
        self._last = last

    def forward(self, given: Tensor) -> Tensor:
        out: Tensor = self.batchnorm(given)
        return out if self._last else functional.relu(out)


class _Tdnn(nn.Module):
    """A convolution over five frames that keeps every second one."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Conv1d(BANDS * 4, 128, 5, stride=2, padding=2, bias=False)
        self.nonlinear = _Normalised(128)

    def forward(self, given: Tensor) -> Tensor:
        out: Tensor = self.nonlinear(self.linear(given))
        return out


class _Masked(nn.Module):
    """A convolution whose channels are masked by what is heard around: the whole utterance, and each 100 frames."""

    def __init__(self, dilation: int) -> None:
        super().__init__()
        self.linear_local = nn.Conv1d(_BOTTLENECK, _GROWTH, 3, padding=dilation, dilation=dilation, bias=False)
        self.linear1 = nn.Conv1d(_BOTTLENECK, _MASK, 1)
        self.linear2 = nn.Conv1d(_MASK, _GROWTH, 1)

    def forward(self, given: Tensor, means: Tensor, segment: Tensor) -> Tensor:
        around = given.mean(2, keepdim=True) + given @ means
        mask = torch.sigmoid(self.linear2(functional.relu(self.linear1(around))))
        out: Tensor = self.linear_local(given) * mask[:, :, segment]
        return out


class _Dense(nn.Module):
    """One layer of a densely connected block: its 32 channels are added to those that it was given."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.nonlinear1 = _Normalised(channels)
        self.linear1 = nn.Conv1d(channels, _BOTTLENECK, 1, bias=False)
        self.nonlinear2 = _Normalised(_BOTTLENECK)
        self.cam_layer = _Masked(dilation)

    def forward(self, given: Tensor, means: Tensor, segment: Tensor) -> Tensor:
        own = self.cam_layer(self.nonlinear2(self.linear1(self.nonlinear1(given))), means, segment)
        return torch.cat([given, own], dim=1)


class _Block(nn.Sequential):
    """Densely connected layers, one after the other."""

    def forward(self, given: Tensor) -> Tensor:
        means, segment = segments_of(given)
        for layer in self:
            given = layer(given, means, segment)
        return given


class _Transit(nn.Module):
    """Half as many channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.nonlinear = _Normalised(channels)
        self.linear = nn.Conv1d(channels, channels // 2, 1, bias=False)

    def forward(self, given: Tensor) -> Tensor:
        out: Tensor = self.linear(self.nonlinear(given))
        return out


class _Statistics(nn.Module):
    """Mean and standard deviation over frames: (batch, channels, frames) to (batch, 2 * channels, 1)."""

    def forward(self, given: Tensor) -> Tensor:
        return torch.cat([given.mean(2), given.std(2)], dim=1)[:, :, None]


class _Projection(nn.Module):
    """To the embedding (batch, 192)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.linear = nn.Conv1d(channels, WIDTH, 1, bias=False)
        self.nonlinear = _Normalised(WIDTH, last=True)

    def forward(self, given: Tensor) -> Tensor:
        out: Tensor = self.nonlinear(self.linear(given)[:, :, 0])
        return out


class CamPlusPlus(nn.Module):
    """Log mel features (batch, frames, 80), less their mean over frames, in; embeddings (batch, 192) of any length out.

    Needs two frames after the first convolution, which halves them: three or more.
    """

    def __init__(self) -> None:
        super().__init__()
        self.head = _Head()
        parts: OrderedDict[str, nn.Module] = OrderedDict(tdnn=_Tdnn())
        channels = 128
        for number, (layers, dilation) in enumerate(_BLOCKS, start=1):
            dense = [(f"tdnnd{k + 1}", _Dense(channels + k * _GROWTH, dilation)) for k in range(layers)]
            channels += layers * _GROWTH
            parts[f"block{number}"] = _Block(OrderedDict(dense))
            parts[f"transit{number}"] = _Transit(channels)
            channels //= 2
        parts |= {"out_nonlinear": _Normalised(channels), "stats": _Statistics(), "dense": _Projection(2 * channels)}
        self.xvector = nn.Sequential(parts)

    def forward(self, features: Tensor) -> Tensor:
        """Embeddings."""
        out: Tensor = self.xvector(self.head(features.transpose(1, 2)))
        return out


def segments_of(given: Tensor) -> tuple[Tensor, Tensor]:
    """A matrix (frames, segments) that makes means of segments of 100 frames, and the segment of each frame.

    `given` is (batch, channels, frames); the last segment may have fewer frames. It is a matrix since ONNX and its
    runtimes do not agree on what a pool makes of an incomplete end.
    """
    frames = given.shape[2]
    segment = torch.arange(frames) // _SEGMENT
    inside = (segment[:, None] == torch.arange((frames + _SEGMENT - 1) // _SEGMENT)).to(given.dtype)
    return inside / inside.sum(0), segment
