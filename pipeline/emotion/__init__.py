"""Excerpts of turns -> class scores: one small interface, and the models behind it."""

from __future__ import annotations

import importlib
from pathlib import Path

from pipeline.config import EmotionOptions
from pipeline.emotion.interface import EmotionModel
from pipeline.errors import ConfigError


def choose(options: EmotionOptions) -> EmotionModel:
    """The configured emotion model: `builtin`, a folder of weights, or the id of an installed model.

    A folder holds what `pipeline.training.emotion` wrote (emotion.json) or a wav2vec2 model in transformers' format
    (config.json). Raises `ConfigError` for an unknown one, `ModelError` for a folder whose weights are damaged.
    """
    from pipeline.emotion.builtin import BuiltinEmotion

    if options.model == "builtin":
        return BuiltinEmotion()
    folder = Path(options.model)
    if (folder / "emotion.json").is_file():
        return BuiltinEmotion(folder)
    if (folder / "config.json").is_file():
        from pipeline.emotion import wav2vec2

        return wav2vec2.load(folder, options)
    if (installed := _installed(options)) is not None:
        return installed
    raise ConfigError(
        f"emotion.model: unknown emotion model {options.model!r}; expected builtin, a folder with emotion.json or "
        f"config.json in it, or an installed model. To install one: ressenti models get {options.model}"
    )


def _installed(options: EmotionOptions) -> EmotionModel | None:
    """The installed model of that id, None where there is none."""
    try:
        installed = importlib.import_module("pipeline.models.installed")
    except ImportError:
        return None
    found = installed.find(options.model)
    if found is None:
        return None
    from pipeline.emotion import wav2vec2

    installed.verify(found)
    return wav2vec2.load(found.folder, options, known=found.known, name=found.id, commit=found.commit)
