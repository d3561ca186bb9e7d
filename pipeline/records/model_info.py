"""The models used: task, name, hash and licence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from ressenti.pipeline.records.fields import Name, Place, Reached, Record, Sha256, check
from ressenti.pipeline.records.recording import Notes

Use = Literal["research", "commercial"]
"""What results are for; under commercial use, only weights whose licence allows it are loaded."""


@dataclass(frozen=True)
class ModelInfo(Record):
    """One model used in an analysis: its task, identity and licence.

    `sha256` is the `sha256sum` of the model's file: an emotion model's weights, or a pipeline's `config.yaml` (its
    networks are models of their own). With several files (shards, a pipeline's PLDA) it is the SHA-256 of their
    `sha256sum` lines, sorted by name. `licence` is None if it is not stated; `commercial` is None if it is unknown
    whether commercial use is allowed. `notes` say how an emotion model was used: head, number format, activation, and
    the class of each label. `cannot` are the classes that an emotion model never gives.
    """

    task: Literal[
        "speech activity",
        "speaker embedding",
        "diarization",
        "voice encoder",
        "emotion",
        "transcription",
        "sounds",
        "names",
        "sentiment",
    ]
    name: Place
    licence: Name | None
    sha256: Sha256 | None = None
    commercial: bool | None = None
    notes: Notes = ()
    cannot: Reached = ()

    def __post_init__(self) -> None:
        check(
            self.licence is not None or self.commercial is None,
            f"{self.name}: expected commercial None without a licence, got {self.commercial}",
        )


Models = Annotated[tuple[ModelInfo, ...], Field(max_length=100)]
