"""Reads the settings (`config.json` and the like) of a model that somebody else made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ressenti.pipeline.errors import ModelError
from ressenti.pipeline.files.untrusted import parse_json, read_text

_LARGEST = 1 << 20  # bytes; published ones have 3 kB


def read_settings(path: Path) -> dict[str, Any]:
    """The settings by name in a JSON file; `ModelError` if it cannot be read, is too large, or holds anything else."""
    try:
        found = parse_json(read_text(path, _LARGEST))
    except (OSError, ValueError) as exc:  # a RefusedError is a ValueError
        raise ModelError(f"{path}: cannot be read ({exc}). Get the model again.") from exc
    if not isinstance(found, dict):
        raise ModelError(f"{path}: got {type(found).__name__}, expected settings by name. Get the model again.")
    return found
