"""Which model did what: name, version, hash and licence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from ressenti.pipeline.records.fields import Name, Place, Reached, Record, Sha256, check
from ressenti.pipeline.records.recording import Notes


@dataclass(frozen=True)
class ModelInfo(Record):
    """One model that took part: what it did, who it is, and what its licence allows.

    `sha256` is what `sha256sum` prints of the file that makes the model: an emotion model's weights, the `config.yaml`
    of a pipeline, whose networks are models of their own. Where there are several (shards; a pipeline's PLDA), it is
    the SHA-256 of the lines that `sha256sum` prints of them, sorted by name. `licence` is None where nobody has said
    it, `commercial` None where it is not known whether commercial use is allowed. `notes` say how it was used, of an
    emotion model: head, number format, activation, and labels, each with its class; `cannot` are the classes that an
    emotion model never gives.
    """

    task: Literal["speech activity", "speaker embedding", "diarization", "voice encoder", "emotion"]
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
