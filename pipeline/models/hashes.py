"""The built-in weights, checked by their SHA-256."""

from __future__ import annotations

import json
from pathlib import Path

from ressenti.pipeline.errors import ModelError
from ressenti.pipeline.files.hashes import digest_of

WEIGHTS = Path(__file__).resolve().parent
"""Where the weights lie that come with Ressenti."""


def built_in(notes: str, what: str) -> dict[str, str]:
    """SHA-256 by name of the built-in weights that the JSON file `notes` lists, checked against what it says.

    Raises `ModelError`, which calls them `what`, where one is missing or differs.
    """
    try:
        expected: dict[str, str] = json.loads((WEIGHTS / notes).read_text(encoding="utf-8"))["sha256"]
        found = {name: digest_of(WEIGHTS / name) for name in expected}
    except OSError as exc:
        raise ModelError(f"{what} is missing ({exc}). Install Ressenti again.") from exc
    for name, digest in found.items():
        if digest != expected[name]:
            raise ModelError(f"{name}: SHA-256 {digest[:12]}, expected {expected[name][:12]}. Install Ressenti again.")
    return found
