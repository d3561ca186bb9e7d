"""Score excerpts of turns by class: the interface and the models behind it."""

from __future__ import annotations

from pathlib import Path

from ressenti.pipeline.config import EmotionOptions
from ressenti.pipeline.emotion.interface import EmotionModel
from ressenti.pipeline.emotion.shards import find_weights
from ressenti.pipeline.emotion.trained import stated
from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.files.paths import expanded, is_file
from ressenti.pipeline.models.cards import Stated, stated_in
from ressenti.pipeline.models.folders import is_id
from ressenti.pipeline.models.installed import Installed, need, resolved, verify
from ressenti.pipeline.models.use import HOW_TO_GET, how_to_state, refused
from ressenti.pipeline.records import Use


def choose(options: EmotionOptions, use: Use | None = None) -> EmotionModel | None:
    """Load the configured emotion model; None if none may be used so, as the built-in one is for research only.

    `auto` is the registry's installed default, else the built-in model; `builtin`, an installed model's id, or a folder
    can be named too: one written by `lab.training.emotion` (emotion.json), or a wav2vec2 model in transformers' format
    (config.json). Raises `ConfigError` for an unknown model or a named one that must not be used so,
    `NotInstalledError` for one that is not installed, `ModelError` for damaged weights.
    """
    found = locate(options.model, use)
    if found is None:
        return None
    if isinstance(found, Installed):
        return load_installed(found, options)
    if is_file(found / "emotion.json"):
        from ressenti.pipeline.emotion.builtin import BuiltinEmotion

        return BuiltinEmotion(found, options.prior)
    from ressenti.pipeline.emotion import wav2vec2

    return wav2vec2.load(found, options)


def needed(options: EmotionOptions, use: Use | None = None, instead: str = "") -> EmotionModel:
    """Like `choose`, for those who can do nothing without a model: raises `ConfigError` if none may be used so.

    `instead` says what can be done without one, after a space.
    """
    model = choose(options, use)
    if model is None:
        raise ConfigError(
            "no emotion model to measure: none that is installed allows commercial use, which this config means. "
            f"Install one ({HOW_TO_GET}), or set use: research in a config.{instead}"
        )
    return model


def name_of(options: EmotionOptions, use: Use | None = None) -> str:
    """The configured model's name as results tell it: `auto` becomes an id or builtin, or stays if none may be used."""
    return resolved(options.model, "emotion", use) if locate(options.model, use) is not None else options.model


def locate(model: str, use: Use | None = None) -> Path | Installed | None:
    """Find the folder or installed model of a configured name, without opening its weights.

    None if `auto` finds none that may be used so. Raises `ConfigError` for an unknown name and for a named model that
    must not be used so, `NotInstalledError` for one that is not installed.
    """
    found = _find(model, use)
    why = _not_commercial(found) if use == "commercial" else None
    if why and model != "auto":
        theirs = isinstance(found, Path) and is_file(found / "config.json") and stated(found) is None
        raise refused("emotion.model", model, why, how_to_state(found) if theirs and isinstance(found, Path) else "")
    return None if why else found


def _not_commercial(found: Path | Installed) -> str | None:
    """Why a model must not be used commercially, as far as its maker says; None if it may."""
    if isinstance(found, Installed):
        return found.not_commercial
    from ressenti.pipeline.emotion.builtin import LICENCE, WEIGHTS

    if found == WEIGHTS:
        return f"its licence ({LICENCE}) forbids this use"
    if is_file(found / "emotion.json"):
        return "its licence is not known"
    trained = stated(found)
    if trained is not None:
        told = Stated(trained.licence, trained.commercial) if trained.commercial is not None else Stated()
        return told.not_commercial
    why = stated_in(found).not_commercial
    pickled = why is None and not any(found.glob("*.safetensors"))
    return "its weights are pickles and no safetensors" if pickled else why


def _find(model: str, use: Use | None) -> Path | Installed:
    name = resolved(model, "emotion", use)
    if name == "builtin":
        from ressenti.pipeline.emotion.builtin import WEIGHTS

        return WEIGHTS
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
