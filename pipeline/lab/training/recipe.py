"""The recipe of a fine-tuning."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """Everything that a training run depends on besides its base and clips."""

    epochs: int = 30  # at most
    learning_rate: float = 5e-5  # reached after `warmup`, falling to 0 by the last epoch
    batch: int = 8  # clips per step
    patience: int = 6  # stop after this many epochs without a better macro F1
    seed: int = 7
    max_crop_s: float = 6.0  # longest random crop of a clip; memory grows with it
    warmup: float = 0.1  # of all steps
    weight_decay: float = 0.01
    clip_norm: float = 1.0  # of the gradient
    heaviest: float = 10.0  # upper bound of a class's weight, and of its inverse
