"""Cells of a workbook's sheets: texts that fit into them, and numbers with their format (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from ressenti.pipeline.text import visible

MOST_UNITS = 32_767  # of UTF-16, in a cell of Excel
_DAY_S = 86_400
_FIRST_DAY = datetime(1899, 12, 30, tzinfo=UTC)  # day 0 of Excel
_SURE_DAY = 61  # Excel has no days before 1900, and a 29 February too many in it


@dataclass(frozen=True)
class Figure:
    """A number and how Excel shows it: a time since the start, a day, a share, valence or arousal, deviations."""

    value: float
    format: Literal["time", "day", "share", "axis", "deviations"]


Cell = str | int | Figure | None  # True and False are told in words


def since_start(seconds: float) -> Figure:
    """A time in the recording, or how long something lasts."""
    return Figure(seconds / _DAY_S, "time")


def share(value: float | None) -> Figure | None:
    """A share or a probability."""
    return None if value is None else Figure(value, "share")


def at_clock(told: str) -> Cell:
    """A day and time of day (ISO 8601, UTC) as Excel has it; the text itself if Excel does not have it."""
    try:
        then = datetime.fromisoformat(told)
    except ValueError:
        return told or None
    days = (then.replace(tzinfo=then.tzinfo or UTC) - _FIRST_DAY).total_seconds() / _DAY_S
    return Figure(days, "day") if days >= _SURE_DAY else told


def cell_text(text: str) -> str:
    """Text without characters that act, and no longer than a cell may be; what is cut off is an ellipsis."""
    shown = visible(text)
    if len(shown) * 2 <= MOST_UNITS or len(shown.encode("utf-16-le")) <= 2 * MOST_UNITS:
        return shown
    cut = shown.encode("utf-16-le")[: 2 * (MOST_UNITS - 1)]
    return cut.decode("utf-16-le", "ignore") + "…"
