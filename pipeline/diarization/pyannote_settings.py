"""Check a pipeline's `config.yaml`: only numbers, text and the names of its parts, nothing that refers to code."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ressenti.pipeline.errors import ModelError

PARTS = ("segmentation", "embedding", "plda")
OPTIONS = ("segmentation_step", "embedding_exclude_overlap", "segmentation_batch_size", "embedding_batch_size")
_LEFT_OUT = ("clustering", "legacy", "token", "der_variant")  # set by us, or not used here
_TOP = ("pipeline", "params", "freeze", "version", "dependencies", "preprocessors", "device")
_CODE = (
    "_target_",
    "auto_map",
    "custom_pipelines",
    "trust_remote_code",
    "kernel",
    "kernels",
    "code_revision",
    "module",
    "class",
    "import",
)
_LEAST_STEP = 0.02  # share of a window; every step processes a whole window, and the published pipelines have 0.1
_LARGEST = 1e6  # of any number; the published ones are below 100


def check_settings(path: Path, made_with: Mapping[str, Any], content: Mapping[str, Any]) -> None:
    """Raise `ModelError` for code, unknown settings, and numbers out of range."""
    for name, value in _leaves(content):
        keys = name.split(".")
        if found := [key for key in keys if key in _CODE]:
            raise ModelError(f"{path}: {name[:100]} refers to code ({found[0]}), which is never run. Remove it.")
        if isinstance(value, float | int) and not (math.isfinite(value) and abs(value) <= _LARGEST):
            raise ModelError(f"{path}: {name[:100]} is {value}; expected a number up to a million.")
    known = (*PARTS, *OPTIONS, *_LEFT_OUT)
    strange = [*(key for key in made_with if key not in known), *(key for key in content if key not in _TOP)]
    if strange:
        raise _unfit(path, f"unknown settings: {', '.join(strange[:5])[:200]}")
    for group in ("params", "freeze"):
        if not isinstance(content.get(group) or {}, Mapping):
            raise _unfit(path, f"{group} is not a group of settings")
    step, size = made_with.get("segmentation_step", 0.1), made_with.get("embedding_exclude_overlap", False)
    if not isinstance(size, bool):
        raise _unfit(path, f"embedding_exclude_overlap is {str(size)[:50]!r}, expected true or false")
    if isinstance(step, bool) or not isinstance(step, float | int) or not _LEAST_STEP <= step <= 1:
        raise _unfit(path, f"segmentation_step is {str(step)[:50]!r}, expected {_LEAST_STEP} to 1")


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every innermost value with its dotted name."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, name)
    else:
        yield name, value


def _unfit(path: Path, why: str) -> ModelError:
    return ModelError(f"{path.parent}: config.yaml does not fit its pipeline ({why}). Compare it with the original.")
