"""Raters' labels for a sample of turns, as the labelling page saves them.

A label file is JSON:

    {"format": "ressenti-labels", "version": 1, "sample": "1f0c...", "seed": 1, "count": 100, "rater": "Anna",
     "labels": [{"item": "9b1d04c2a7ee-12", "label": "Sad", "valence": -0.4, "arousal": -0.3}, ...]}

`label` is a class, "cannot tell", or null if none is chosen yet; `valence` and `arousal` are both null if no point is
placed. Items without an answer are not listed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from ressenti.pipeline.errors import LabelsError
from ressenti.pipeline.files.untrusted import RefusedError, read_text, short, skim_json
from ressenti.pipeline.records import CLASSES, ClassName

MOST_BYTES = 64 << 20  # of a label file; an answer takes 100


@dataclass(frozen=True)
class Answer:
    """One rater's answer for one item."""

    item: Annotated[str, Field(max_length=100)]
    label: ClassName | Literal["cannot tell"] | None = None
    valence: Annotated[float, Field(ge=-1, le=1)] | None = None
    arousal: Annotated[float, Field(ge=-1, le=1)] | None = None

    def __post_init__(self) -> None:
        if (self.valence is None) != (self.arousal is None):
            raise ValueError(f"{self.item}: expected valence and arousal, or neither")

    @property
    def place(self) -> int | None:
        """Index of the class in `CLASSES`, or None."""
        return CLASSES.index(self.label) if self.label in CLASSES else None


@dataclass(frozen=True)
class Rating:
    """One rater's answers to one sample, as saved."""

    format: Literal["ressenti-labels"]
    version: Literal[1]
    sample: Annotated[str, Field(max_length=100)]
    seed: Annotated[int, Field(ge=0, lt=2**63)]
    count: Annotated[int, Field(ge=1, le=1_000_000)]
    rater: Annotated[str, Field(min_length=1, max_length=1000)]
    labels: tuple[Answer, ...]

    def __post_init__(self) -> None:
        twice = [item for item, n in Counter(answer.item for answer in self.labels).items() if n > 1]
        if twice:
            raise ValueError(f"{twice[0]} is answered twice")


def read_rating(path: Path) -> Rating:
    """Read one rater's saved labels; raises `LabelsError` for an invalid file."""
    expected = "Expected a NAME.labels.json that the labelling page saved."
    try:
        text = read_text(path, MOST_BYTES)
        skim_json(text)
        return TypeAdapter(Rating).validate_json(text)
    except RefusedError as exc:
        raise LabelsError(f"{path.name}: not labels; {exc}. {expected}") from exc
    except OSError as exc:
        raise LabelsError(f"{path}: cannot be read ({exc.strerror}). {expected}") from exc
    except ValidationError as exc:
        first = exc.errors()[0]
        where = short(".".join(map(str, first["loc"]))) or "file"
        raise LabelsError(f"{path.name}: not labels; {where}: {first['msg']}. {expected}") from exc


def asked_for(ratings: Sequence[Rating]) -> tuple[int, int]:
    """Count and seed of the sample that all raters labelled.

    Raises `LabelsError` if their samples differ or two raters have the same name.
    """
    first = ratings[0]
    for other in ratings[1:]:
        if other.sample != first.sample:
            raise LabelsError(
                f"{first.rater} labelled sample {first.sample} (seed {first.seed}, turns: {first.count}), "
                f"{other.rater} sample {other.sample} (seed {other.seed}, turns: {other.count}); expected labels "
                "from the same page."
            )
    names = Counter(rating.rater.strip().casefold() for rating in ratings)
    if max(names.values()) > 1:
        raise LabelsError(
            f"{len(ratings)} label files, but only {len(names)} rater names; expected one file for each rater. "
            "Remove the copy, or give the second person another name in the file."
        )
    return first.count, first.seed
