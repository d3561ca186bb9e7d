"""Shared field types of records, the five classes, and limits for stored conversations."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal, get_args

from pydantic import ConfigDict, Field

Kind = Literal["person", "announcement"]  # of a voice
ClassName = Literal["Pleased", "Relaxed", "Neutral", "Sad", "Tension"]
# Limits for untrusted stored files; real recordings come nowhere near them.
MOST_S = 7 * 86_400.0  # of a recording
MOST_TURNS = 50_000  # two days of lively talk; a page of so many takes most of a minute
MOST_SEGMENTS = 400_000
MOST_WORDS = 1_000_000
MOST_SPEAKERS = 100
MOST_LETTERS = 5_000  # of one word; some languages write no spaces
Time = Annotated[float, Field(ge=0, le=MOST_S)]
Label = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,100}$")]
Name = Annotated[str, Field(max_length=1_000)]
Remark = Annotated[str, Field(max_length=20_000)]
Index = Annotated[int, Field(ge=0, lt=2**31)]


class Record:
    """Base of stored records; unknown keys, NaN and infinities in a file are errors."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", allow_inf_nan=False)


CLASSES: tuple[str, ...] = get_args(ClassName)
Share = Annotated[float, Field(ge=0, le=1)]
Unit = Annotated[float, Field(ge=-1, le=1)]
Dbfs = Annotated[float, Field(ge=-1_000, le=200)]
Seconds = Annotated[float, Field(ge=0, le=MOST_S * MOST_SPEAKERS)]  # of all speakers together
Figure = Annotated[float, Field(ge=-1e9, le=1e9)]
Count = Annotated[int, Field(ge=0, lt=2**31)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Values = Annotated[
    dict[Annotated[str, Field(max_length=200)], Figure | Annotated[int, Field(ge=-(10**15), le=10**15)] | Name],
    Field(max_length=1_000),
]
Place = Annotated[str, Field(max_length=4_096)]
ClassText = Annotated[str, Field(pattern=rf"^({'|'.join(CLASSES)})$")]
Reached = Annotated[tuple[ClassText, ...], Field(max_length=5)]
Quarters = Annotated[tuple[Unit | None, ...], Field(min_length=4, max_length=4)]
Line = Annotated[tuple[Unit | None, ...], Field(max_length=1_000_000)]


def check(condition: bool, message: str) -> None:
    """Raise `ValueError` with this message unless the condition holds."""
    if not condition:
        raise ValueError(message)


def check_span(start_s: float, end_s: float) -> None:
    """Raise `ValueError` unless 0 <= start_s < end_s, both finite (seconds)."""
    check(
        math.isfinite(start_s) and math.isfinite(end_s) and 0 <= start_s < end_s,
        f"expected finite 0 <= start_s < end_s, got {start_s} and {end_s}",
    )
