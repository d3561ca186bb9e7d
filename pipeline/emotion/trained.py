"""What a folder that `ressenti train emotion` left says of its own making: training.json."""

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
    """The part of training.json that the use of a model depends on; `learned` are names of speakers by corpus."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    format: Literal["ressenti-training-1"]
    sha256: str
    licence: str
    commercial: bool | None
    learned: dict[str, tuple[str, ...]]
    without_examples: tuple[ClassName, ...] = ()

    @property
    def speakers(self) -> frozenset[tuple[str, str]]:
        """(corpus, speaker) pairs that the model learned from."""
        return frozenset((corpus, name) for corpus, names in self.learned.items() for name in names)


def read_trained(folder: Path, sha256: str) -> Trained | None:
    """What training.json says of the weights with that hash; None where there is none, or none of ours.

    Raises `ModelError` for one that is damaged, or of other weights.
    """
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
        found = Trained.model_validate_json(text)
    except ValidationError as exc:
        raise ModelError(
            f"{path}: damaged ({exc.error_count()} misfits); expected what `ressenti train emotion` wrote. "
            "Copy the folder again, or train again."
        ) from exc
    if found.sha256 != sha256:
        raise ModelError(
            f"{path}: of weights with SHA-256 {found.sha256[:12]}, the folder's have {sha256[:12]}. "
            "Copy the folder again, or take away training.json if you changed the weights yourself."
        )
    return found
