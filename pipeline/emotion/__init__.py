"""Excerpts of turns -> class scores: one small interface, and the models behind it."""

from __future__ import annotations

from pathlib import Path

from pipeline.config import EmotionOptions
from pipeline.emotion.interface import EmotionModel
from pipeline.errors import ConfigError


def choose(options: EmotionOptions) -> EmotionModel:
    """The configured emotion model: `builtin`, or a folder of weights that `pipeline.training.emotion` wrote.

    Raises `ConfigError` for an unknown one, `ModelError` for a folder whose weights are damaged.
    """
    from pipeline.emotion.builtin import BuiltinEmotion

    if options.model == "builtin":
        return BuiltinEmotion()
    folder = Path(options.model)
    if (folder / "emotion.json").is_file():
        return BuiltinEmotion(folder)
    raise ConfigError(
        f"emotion.model: unknown emotion model {options.model!r}; expected builtin, or a folder with emotion.onnx "
        "and emotion.json in it."
    )
