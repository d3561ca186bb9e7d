"""What weights may be used for: under commercial use, only those whose licence is known to allow it."""

from __future__ import annotations

from pathlib import Path

from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.models.cards import CARD, stated_in
from ressenti.pipeline.models.installed import Installed
from ressenti.pipeline.records import Use

HOW_TO_GET = "ressenti models get Lajavaness/wav2vec2-lg-xlsr-fr-speech-emotion-recognition"
"""The command that installs an emotion model whose licence allows commercial use."""


def check_use(found: Path | Installed | None, use: Use | None, option: str) -> None:
    """Raise `ConfigError` if a named model must not be used so: a folder, an installed one, or None for a built-in one.

    The licence of a folder is the one that its card states. All built-in models but that of tone allow every use.
    """
    if use != "commercial" or found is None:
        return
    if isinstance(found, Path):
        name, why = str(found), stated_in(found).not_commercial
        how = how_to_state(found)
    else:
        name, why, how = found.id, found.not_commercial, ""
    if why:
        raise refused(option, name, why, how)


def how_to_state(folder: Path) -> str:
    """Advice for a folder whose licence nobody states, after a space; empty where it is stated."""
    if stated_in(folder).licence is not None:
        return ""
    return f" If you know its licence, state it at the top of {folder / CARD}: ---, license: apache-2.0, ---."


def refused(option: str, model: str, why: str, how: str = "") -> ConfigError:
    """The error for a named model that must not be used commercially; `how` is further advice, after a space."""
    return ConfigError(
        f"{option}: got {model} under commercial use, but {why}; expected weights whose licence allows it. "
        "Choose auto or another model (`ressenti models list` shows licences), or, if this is research, give "
        f"--use research.{how}"
    )
