"""Compute the wav2vec2 encoder in ways that suit a CPU: exact up to rounding, except for int8."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import parametrize

if TYPE_CHECKING:
    from torch import Tensor

    from ressenti.pipeline.emotion.heads import Classifier

_BLOCK = 256  # frames per Fourier transform; 129 of them are results with the usual kernel of 128


def hasten(model: Classifier, *, cpu: bool, transforms: bool) -> None:
    """Fold the weight norm into its weights, in place, and rearrange the convolutions for a CPU.

    `transforms`: whether torch has Fourier transforms in this number format (not in bf16).
    """
    encoder = model.wav2vec2
    position = encoder.encoder.pos_conv_embed
    if parametrize.is_parametrized(position.conv):
        parametrize.remove_parametrizations(position.conv, "weight")
    if cpu and model.config.feat_extract_norm == "layer":
        encoder.feature_extractor = cast("Any", ChannelsLast(encoder.feature_extractor))
    if cpu and transforms and position.conv.kernel_size[0] < _BLOCK // 2 + 1:
        position.conv = cast("Any", FourierConvolution(position.conv))


def quantize(model: Classifier) -> None:
    """Convert the transformer's linear layers to int8, in place, with activations scaled for each call.

    Convolutions and the head are not converted: they take little time, and early errors would propagate. The rest of
    the model may be in a format other than float32.
    """
    from torch.ao.nn.quantized.dynamic import Linear
    from torch.ao.quantization import per_channel_dynamic_qconfig, quantize_dynamic

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.ao is deprecated in favour of torchao
        quantize_dynamic(  # type: ignore[no-untyped-call]
            model.wav2vec2.encoder.layers, {nn.Linear: per_channel_dynamic_qconfig}, dtype=torch.qint8, inplace=True
        )
    for parent in list(model.wav2vec2.encoder.layers.modules()):
        for name, layer in list(parent.named_children()):
            if isinstance(layer, Linear):
                setattr(parent, name, _Int8(layer))


class _Int8(nn.Module):
    """An int8 linear layer, which takes float32 only, inside a model of another format."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, hidden: Tensor) -> Tensor:
        """The layer's output in the format of its input."""
        return cast("Tensor", self.layer(hidden.float()).to(hidden.dtype))


class ChannelsLast(nn.Module):
    """The convolutional encoder with channels last: matrix products, and layer norms without transposing.

    Maps (n, samples) to (n, channels, frames), like transformers'.
    """

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.layers = nn.ModuleList(_Layer(layer) for layer in cast("nn.ModuleList", encoder.conv_layers))

    def forward(self, values: Tensor) -> Tensor:
        """Compute the features of waveforms."""
        hidden = values[..., None]
        for layer in self.layers:
            hidden = layer(hidden)
        return hidden.transpose(1, 2)


class _Layer(nn.Module):
    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        convolution = cast("nn.Conv1d", layer.conv)
        self.kernel, self.stride = convolution.kernel_size[0], convolution.stride[0]
        weight = convolution.weight.permute(0, 2, 1).reshape(convolution.out_channels, -1).contiguous()
        self.weight, self.bias = nn.Parameter(weight, requires_grad=False), convolution.bias
        self.layer_norm, self.activation = cast("nn.Module", layer.layer_norm), cast("nn.Module", layer.activation)

    def forward(self, hidden: Tensor) -> Tensor:
        """Map frames (n, t, channels) to frames; each window of the convolution is a row of a view."""
        hidden = hidden.contiguous()
        count, frames, channels = hidden.shape
        steps = (frames - self.kernel) // self.stride + 1
        strides = (frames * channels, self.stride * channels, 1)
        windows = hidden.as_strided((count, steps, self.kernel * channels), strides)
        return cast("Tensor", self.activation(self.layer_norm(functional.linear(windows, self.weight, self.bias))))


class FourierConvolution(nn.Module):
    """The grouped positional convolution by overlap-save Fourier transforms; (n, channels, t) like `nn.Conv1d`.

    With the usual 128 taps and 16 groups of 64 channels, it takes a fifth of the time (Oppenheim & Schafer,
    Discrete-Time Signal Processing, 8.7.3).
    """

    def __init__(self, convolution: nn.Conv1d) -> None:
        super().__init__()
        self.groups, self.padding = convolution.groups, int(convolution.padding[0])
        self.taps, self.bias = convolution.kernel_size[0], convolution.bias
        weight = convolution.weight.detach()  # (out, in of the group, taps)
        spectrum = torch.fft.rfft(weight.flip(-1), n=_BLOCK)  # torch correlates, a product of spectra convolves
        outputs = weight.shape[0] // self.groups
        spectrum = spectrum.view(self.groups, outputs, weight.shape[1], -1).permute(3, 0, 2, 1)
        self.spectrum = spectrum.reshape(-1, weight.shape[1], outputs).contiguous()  # (frequencies x groups, in, out)

    def forward(self, hidden: Tensor) -> Tensor:
        """Convolve all blocks of all sequences at once."""
        count, channels, frames = hidden.shape
        hop = _BLOCK - self.taps + 1
        length = frames + 2 * self.padding - self.taps + 1
        blocks = -(-length // hop)
        room = (blocks - 1) * hop + _BLOCK
        padded = functional.pad(hidden, (self.padding, room - frames - self.padding)).transpose(1, 2).contiguous()
        strides = (room * channels, hop * channels, channels, 1)
        pieces = padded.as_strided((count, blocks, _BLOCK, channels), strides).reshape(-1, _BLOCK, channels)
        found = torch.fft.rfft(pieces, dim=1).view(len(pieces), -1, self.groups, channels // self.groups)
        found = found.permute(1, 2, 0, 3).reshape(len(self.spectrum), len(pieces), -1)
        out = torch.bmm(found, self.spectrum).view(-1, self.groups, len(pieces), self.spectrum.shape[2])
        out = out.permute(2, 0, 1, 3).reshape(len(pieces), -1, self.groups * self.spectrum.shape[2])
        out = torch.fft.irfft(out, n=_BLOCK, dim=1)[:, self.taps - 1 :]
        out = out.reshape(count, blocks * hop, -1)[:, :length]
        return cast("Tensor", out if self.bias is None else out + self.bias).transpose(1, 2)
