"""Excerpts of turns -> class scores: one small interface, and the models behind it."""

from __future__ import annotations

from pipeline.config import EmotionOptions
from pipeline.emotion.interface import EmotionModel
from pipeline.errors import ConfigError


def choose(options: EmotionOptions) -> EmotionModel:
    """The configured emotion model; raises `ConfigError` for an unknown one."""
    if options.model != "builtin":
        raise ConfigError(f"emotion.model: unknown emotion model {options.model!r}; expected builtin.")
    from pipeline.emotion.builtin import BuiltinEmotion

    return BuiltinEmotion()
