"""What weights may be used for: under commercial use, only those whose licence is known to allow it."""

from __future__ import annotations

from pathlib import Path

from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.models.installed import Installed
from ressenti.pipeline.records import Use

HOW_TO_GET = "ressenti models get Lajavaness/wav2vec2-lg-xlsr-fr-speech-emotion-recognition"
"""The command that installs an emotion model whose licence allows commercial use."""


def check_use(found: Path | Installed | None, use: Use | None, option: str) -> None:
    """Raise `ConfigError` if a named model must not be used so: a folder, an installed one, or None for a built-in one.

    Nobody states the licence of a folder. All built-in models but that of tone allow every use.
    """
    if use != "commercial" or found is None:
        return
    name, why = (found, "its licence is not known") if isinstance(found, Path) else (found.id, found.not_commercial)
    if why:
        raise refused(option, str(name), why)


def refused(option: str, model: str, why: str) -> ConfigError:
    """The error for a named model that must not be used commercially."""
    return ConfigError(
        f"{option}: got {model} under commercial use, but {why}; expected weights whose licence allows it. "
        "Choose auto or another model (`ressenti models list` shows licences), or, if this is research, give "
        "--use research."
    )
