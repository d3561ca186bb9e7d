"""Read training.json, in which `ressenti train emotion` describes a trained model."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from ressenti.pipeline.errors import ModelError
from ressenti.pipeline.files.untrusted import RefusedError, read_text
from ressenti.pipeline.records import ClassName

FILE = "training.json"
_LARGEST = 1 << 24  # bytes
FORMAT: Literal["ressenti-training-1"] = "ressenti-training-1"


class Trained(BaseModel):
    """The part of training.json needed to use a model; `learned` are names of speakers by corpus."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    format: Literal["ressenti-training-1"]
    sha256: str
    licence: str
    commercial: bool | None
    learned: dict[str, tuple[str, ...]]
    without_examples: tuple[ClassName, ...] = ()

    @property
    def speakers(self) -> frozenset[tuple[str, str]]:
        """(corpus, speaker) pairs of the training data."""
        return frozenset((corpus, name) for corpus, names in self.learned.items() for name in names)


def read_trained(folder: Path, sha256: str) -> Trained | None:
    """Read training.json for weights with this hash; None if it does not exist or is not from Ressenti.

    Raises `ModelError` if it is damaged or belongs to other weights.
    """
    found = stated(folder)
    if found is not None and found.sha256 != sha256:
        raise ModelError(
            f"{folder / FILE}: is for weights with SHA-256 {found.sha256[:12]}, but those in the folder have "
            f"{sha256[:12]}. Copy the folder again, or delete training.json if you changed the weights yourself."
        )
    return found


def stated(folder: Path) -> Trained | None:
    """Read training.json without its weights, whose hash it may not have; raises `ModelError` if it is damaged."""
    path = folder / FILE
    try:
        text = read_text(path, _LARGEST)
    except FileNotFoundError:
        return None
    except (OSError, RefusedError) as exc:
        raise ModelError(f"{path}: cannot be read ({exc}). Copy the folder again, or train again.") from exc
    if FORMAT not in text:
        return None
    try:
        return Trained.model_validate_json(text)
    except ValidationError as exc:
        count = "1 field is" if exc.error_count() == 1 else f"{exc.error_count()} fields are"
        raise ModelError(
            f"{path}: {count} invalid; expected the file that `ressenti train emotion` wrote. "
            "Copy the folder again, or train again."
        ) from exc
