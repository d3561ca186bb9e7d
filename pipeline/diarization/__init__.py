"""Samples -> segments with speakers: one small interface, and the diarizers behind it."""

from __future__ import annotations

from typing import Literal

from pipeline.config import DiarizationOptions
from pipeline.diarization.interface import Diarizer
from pipeline.errors import ConfigError


def choose(layout: Literal["mono", "split"], options: DiarizationOptions) -> Diarizer:
    """The diarizer for a layout: channels where each is a speaker, else the configured model.

    Raises `ConfigError` for an unknown model.
    """
    if options.model != "builtin":
        raise ConfigError(f"diarization.model: unknown diarizer {options.model!r}; expected builtin.")
    if layout == "split":
        from pipeline.diarization.channels import ChannelDiarizer

        return ChannelDiarizer(options)
    from pipeline.diarization.builtin import BuiltinDiarizer

    return BuiltinDiarizer(options)
