"""Samples -> segments with speakers: one small interface, and the diarizers behind it."""

from __future__ import annotations

import importlib
from typing import Literal, cast

from pipeline.config import DiarizationOptions
from pipeline.diarization.interface import Diarizer
from pipeline.errors import ConfigError
from pipeline.models.folders import is_id
from pipeline.models.installed import Installed, need, resolved, verify


def choose(layout: Literal["mono", "split"], options: DiarizationOptions) -> Diarizer:
    """The diarizer for a layout: channels where each is a speaker, else the configured model.

    `auto` is the installed default of the registry, else the built-in one; otherwise `builtin` or an installed model's
    id. Raises `ConfigError` for an unknown one, `NotInstalledError` for a model that was never fetched.
    """
    if options.model not in {"auto", "builtin"} and not is_id(options.model):
        raise ConfigError(
            f"diarization.model: unknown diarizer {options.model!r}; expected auto, builtin, or the id of an installed "
            "model (`ressenti models list`)."
        )
    if layout == "split":
        from pipeline.diarization.channels import ChannelDiarizer

        return ChannelDiarizer(options)
    if (name := resolved(options.model, "diarization")) != "builtin":
        return load_installed(need(name), options)
    from pipeline.diarization.builtin import BuiltinDiarizer

    return BuiltinDiarizer(options)


def load_installed(installed: Installed, options: DiarizationOptions) -> Diarizer:
    """An installed pipeline, once it and the models it needs are known to be what was installed."""
    for model in (*map(need, installed.known.needs if installed.known else ()), installed):
        verify(model)
    loader = importlib.import_module("pipeline.diarization.pyannote")
    return cast("Diarizer", loader.load(installed.folder, options, installed.known, installed.commit))
