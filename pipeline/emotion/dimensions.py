"""Limits on the sizes in a config.json: above all existing models, far below what exhausts memory or time."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from math import prod
from pathlib import Path
from typing import Any

from ressenti.pipeline.errors import ModelError

_MOST = {  # the largest published wav2vec2 has 48 layers of 1920
    "hidden_size": 8192,
    "num_hidden_layers": 128,
    "num_attention_heads": 256,
    "intermediate_size": 65_536,
    "num_conv_pos_embeddings": 1024,
    "num_conv_pos_embedding_groups": 1024,
    "classifier_proj_size": 8192,
    "num_labels": 1000,
    "num_feat_extract_layers": 32,
    "conv_dim": 4096,
    "conv_kernel": 4096,
    "conv_stride": 4096,
}
_LAYERS = ("conv_dim", "conv_kernel", "conv_stride")
_MOST_LAYERS = 32
_LONGEST_FRAME = 64_000  # samples of one frame
_STEPS = (80, 16_000)  # samples from one frame to the next: 5 ms to 1 s; all published models have 320
_CODE = (
    "auto_map",
    "custom_pipelines",
    "trust_remote_code",
    "_target_",
    "code_revision",
    "use_kernels",
    "kernel_config",
)


def check_dimensions(folder: Path, config: Mapping[str, Any]) -> None:
    """Raise `ModelError` for sizes beyond any model, before building it, and for references to code."""
    if found := [key for key in _CODE if config.get(key)]:
        raise ModelError(
            f"{folder}: {found[0]} in config.json refers to the model's own code, which is never run. Use a model "
            f"without code, or remove {found[0]} from config.json if the weights do not need it."
        )
    for key, most in _MOST.items():
        value = config.get(key)
        for size in value if isinstance(value, list) else [value]:
            if isinstance(size, int | float) and size > most:
                raise _beyond(folder, f"{key} {size:.10g}; expected at most {most}")
        if isinstance(value, list) and len(value) > _MOST_LAYERS:
            raise _beyond(folder, f"{len(value)} values of {key}; expected at most {_MOST_LAYERS}")
    labels = config.get("id2label")
    if isinstance(labels, Mapping) and len(labels) > _MOST["num_labels"]:
        raise _beyond(folder, f"{len(labels)} labels; expected at most {_MOST['num_labels']}")
    _check_frames(folder, config)


def _check_frames(folder: Path, config: Mapping[str, Any]) -> None:
    """Raise `ModelError` for frames that are too long or too many to fit in memory."""
    kernels, strides = config.get("conv_kernel"), config.get("conv_stride")
    if not (isinstance(kernels, list) and isinstance(strides, list) and len(kernels) == len(strides)):
        return  # transformers' defaults are fine, and it reports other errors itself
    if not all(isinstance(size, int) and size > 0 for size in chain(kernels, strides)):
        return  # refused when the model is built
    frame = 1
    for kernel, stride in zip(kernels[::-1], strides[::-1], strict=True):
        frame = (frame - 1) * stride + kernel
    step = prod(strides)
    if frame > _LONGEST_FRAME or not _STEPS[0] <= step <= _STEPS[1]:
        found = f"frames of {frame} samples every {step:.10g}"
        raise _beyond(folder, f"{found}; expected at most {_LONGEST_FRAME}, every {_STEPS[0]} to {_STEPS[1]}")


def _beyond(folder: Path, why: str) -> ModelError:
    return ModelError(f"{folder}: config.json has {why}. No known model has that. Get the model again, or use another.")
