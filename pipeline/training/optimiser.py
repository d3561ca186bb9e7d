"""How the built-in emotion network is fitted: Muon for its matrices and convolutions, AdamW for all else."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

_MOMENTUM, _DECAY = 0.95, 0.01  # of Muon
_WARMUP = 0.1  # of all steps
_CLIP = 5.0  # of the gradient's norm


class Optimiser:
    """Steps down the loss, by rates that rise for a tenth of the steps and fall to nothing by a cosine.

    Muon (Jordan et al. 2024) gives all directions of a matrix about the same step; weights of convolutions are matrices
    of (out, in * kernel). The first convolution over the spectrogram, heads, biases and norms are fitted by AdamW. The
    network is laid out channels last, so that its weights are such matrices in memory.
    """

    def __init__(self, net: nn.Module, rate: float, matrix_rate: float, weight_decay: float, steps: int) -> None:
        net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs lack the keyword
        inner = {name: p for name, p in net.named_parameters() if _is_inner(name, p)}
        outer = [p for name, p in net.named_parameters() if name not in inner]
        self._inner, self._all = list(inner.values()), list(net.parameters())
        self._matrices = [nn.Parameter(_as_matrix(p.detach())) for p in self._inner]
        if any(m.data_ptr() != p.data_ptr() for m, p in zip(self._matrices, self._inner, strict=True)):
            raise ValueError("the network's weights are not matrices in memory; steps of Muon would be lost")
        self._optimisers: list[torch.optim.Optimizer] = [
            torch.optim.AdamW(outer, rate, weight_decay=weight_decay),
            torch.optim.Muon(self._matrices, matrix_rate, weight_decay=_DECAY, momentum=_MOMENTUM),
        ]
        self._schedules = [
            torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _factor(step, steps))
            for optimiser in self._optimisers
        ]

    def step(self, loss: Tensor) -> None:
        """One step down the gradient of a loss."""
        for parameter in self._all:
            parameter.grad = None
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self._all, _CLIP)
        for matrix, parameter in zip(self._matrices, self._inner, strict=True):
            matrix.grad = None if parameter.grad is None else _as_matrix(parameter.grad)
        for optimiser, schedule in zip(self._optimisers, self._schedules, strict=True):
            optimiser.step()
            schedule.step()


def _is_inner(name: str, parameter: Tensor) -> bool:
    return parameter.ndim >= 2 and name.startswith(("body.", "contours.", "squeeze.")) and parameter.shape[1] > 1


def _as_matrix(weight: Tensor) -> Tensor:
    """Weights (out, in, ...) as (out, all else), a view where they lie channels last."""
    return (weight.permute(0, 2, 3, 1) if weight.ndim == 4 else weight).flatten(1)


def _factor(step: int, steps: int) -> float:
    """Of the highest rate, at a step."""
    rising = (step + 1) / (_WARMUP * steps)
    falling = 0.5 * (1 + np.cos(np.pi * max(0.0, (step / steps - _WARMUP) / (1 - _WARMUP))))
    return float(min(1.0, rising) * falling)
