"""Figures rounded for JSON."""

from __future__ import annotations

import math
from typing import Any


def rounded(value: Any, decimals: int = 4) -> Any:
    """Round floats, also inside dicts, lists and tuples; NaN becomes None, and tuples become lists."""
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, decimals)
    if isinstance(value, dict):
        return {key: rounded(item, decimals) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item, decimals) for item in value]
    return value
