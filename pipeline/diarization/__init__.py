"""Samples -> segments with speakers: one small interface, and the diarizers behind it."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pipeline.config import DiarizationOptions
from pipeline.diarization.interface import Diarizer
from pipeline.errors import ConfigError


def choose(layout: Literal["mono", "split"], options: DiarizationOptions) -> Diarizer:
    """The diarizer for a layout: channels where each is a speaker, else the configured model.

    A model is `builtin`, a folder with a pyannote pipeline, or the id of an installed one. Raises `ConfigError` where
    there is no such thing, and what `pipeline.diarization.pyannote.load` raises.
    """
    located = None if options.model == "builtin" else _locate(options.model)
    if layout == "split":
        from pipeline.diarization.channels import ChannelDiarizer

        return ChannelDiarizer(options)
    if located is not None:
        return _pyannote(options)
    from pipeline.diarization.builtin import BuiltinDiarizer

    return BuiltinDiarizer(options)


def _locate(model: str) -> tuple[Path, Any]:
    """(folder, what is known of its installation or None) of a model; `ConfigError` where it is not there."""
    folder = Path(model).expanduser()
    if (folder / "config.yaml").is_file():
        return folder, None
    installed = _find(model)
    if installed is None:
        raise ConfigError(
            f"diarization.model: unknown diarizer {model!r}; expected builtin, a folder with a config.yaml, or an "
            f"installed pyannote pipeline. To install one: `ressenti models get {model}`."
        )
    return Path(installed.folder), installed


@lru_cache(maxsize=1)  # a batch of recordings loads the models once
def _pyannote(options: DiarizationOptions) -> Diarizer:
    from pipeline.diarization import pyannote
    from pipeline.diarization.pyannote_folder import further_ids

    folder, installed = _locate(options.model)
    further = {name: found for name in further_ids(folder) if (found := _find(name)) is not None}
    trusted = dict(installed.files) if installed else {}
    for name, found in further.items():
        trusted |= {f"{name}/{path}": sha256 for path, sha256 in found.files.items()}
    return pyannote.load(
        folder,
        options,
        name=installed.id if installed else None,
        commit=installed.commit if installed else None,
        licence=getattr(installed.known, "licence", None) if installed else None,
        trusted=trusted,
        others=lambda name: Path(further[name].folder) if name in further else None,
    )


def _find(model: str) -> Any | None:
    """What is installed under a hub id; None where nothing is."""
    try:
        find: Callable[[str], Any | None] = importlib.import_module("pipeline.models.installed").find
    except ImportError:
        return None
    return find(model)
