"""Score excerpts of turns by class: the interface and the models behind it."""

from __future__ import annotations

from pathlib import Path

from ressenti.pipeline.config import EmotionOptions
from ressenti.pipeline.emotion.interface import EmotionModel
from ressenti.pipeline.emotion.shards import find_weights
from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.files.paths import expanded, is_file
from ressenti.pipeline.models.folders import is_id
from ressenti.pipeline.models.installed import Installed, need, resolved, verify


def choose(options: EmotionOptions) -> EmotionModel:
    """Load the configured emotion model.

    `auto` is the registry's installed default, else the built-in model; `builtin`, an installed model's id, or a folder
    can be named too: one written by `lab.training.emotion` (emotion.json), or a wav2vec2 model in transformers' format
    (config.json). Raises `ConfigError` for an unknown model, `NotInstalledError` for one that is not installed,
    `ModelError` for damaged weights.
    """
    from ressenti.pipeline.emotion.builtin import BuiltinEmotion

    found = locate(options.model)
    if found is None:
        return BuiltinEmotion()
    if isinstance(found, Installed):
        return load_installed(found, options)
    if is_file(found / "emotion.json"):
        return BuiltinEmotion(found)
    from ressenti.pipeline.emotion import wav2vec2

    return wav2vec2.load(found, options)


def locate(model: str) -> Path | Installed | None:
    """Find the folder or installed model of a configured name, without loading it; None for the built-in one.

    Raises `ConfigError` for an unknown name, `NotInstalledError` for a model that is not installed.
    """
    name = resolved(model, "emotion")
    if name == "builtin":
        return None
    if model == "auto":  # never a folder that happens to have this name
        return need(name)
    folder = expanded(name)
    if is_file(folder / "emotion.json") or is_file(folder / "config.json"):
        return folder
    if is_id(name):
        return need(name, instead_of="config.json")
    raise ConfigError(
        f"emotion.model: unknown emotion model {model!r}; expected auto, builtin, the id of an installed model "
        "(`ressenti models list`), or a folder with emotion.json or config.json."
    )


def load_installed(installed: Installed, options: EmotionOptions) -> EmotionModel:
    """Load an installed model after verifying that it is as installed."""
    from ressenti.pipeline.emotion import wav2vec2

    verify(installed)
    return wav2vec2.load(
        installed.folder,
        options,
        known=installed.known,
        name=installed.id,
        commit=installed.commit,
        sha256=noted(installed),
    )


def noted(installed: Installed) -> str:
    """SHA-256 of an installed model's weights, from its manifest."""
    return installed.noted(path.name for path in find_weights(installed.folder).files)
