"""What words say: negative, neutral or positive, told by a text classifier and never from the sound."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ressenti.pipeline.config import SentimentOptions
from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.files.hashes import digest_of
from ressenti.pipeline.files.paths import expanded, is_file
from ressenti.pipeline.models.cards import stated_in
from ressenti.pipeline.models.folders import is_id
from ressenti.pipeline.models.installed import Installed, need, resolved, verify
from ressenti.pipeline.models.text_model import WEIGHTS
from ressenti.pipeline.models.use import check_use
from ressenti.pipeline.records import ModelInfo, Use
from ressenti.pipeline.sentiment.classifier import TextClassifier


def choose(options: SentimentOptions, use: Use | None = None) -> TextClassifier | None:
    """The configured model of sentiment, checked but not yet loaded; None if there is none, or none is wanted.

    `auto` is the registry's installed default, if there is one that may be used so; an installed model's id or a folder
    can be named, too. Raises `ConfigError` for an unknown name, a model with another task or one that must not be used
    so, and for labels that do not fit; `NotInstalledError` for a model that is not installed, `WrongHashError` for one
    that was changed, and `ModelError` for one that tells no sentiment.
    """
    found = locate(options.model, use)
    if found is None:
        return None
    if isinstance(found, Installed):
        verify(found)
        known = found.known.polarities if found.known else {}
        model = TextClassifier(found.folder, info_of(found), known, options.labels)
        model.check()
        return model
    told = stated_in(found)
    info = ModelInfo("sentiment", found.resolve().name, told.licence, commercial=told.commercial)
    TextClassifier(found, info, given=options.labels).check()  # before a large file is hashed
    return TextClassifier(found, replace(info, sha256=digest_of(found / WEIGHTS)), given=options.labels)


def locate(model: str, use: Use | None = None) -> Path | Installed | None:
    """Find the folder or installed model of a configured name; None for `off`, and for `auto` if there is none.

    Raises errors as `choose` does.
    """
    if model == "off":
        return None
    name = resolved(model, "sentiment", use)
    if model == "auto":
        return None if name == "builtin" else _telling(need(name))
    folder = expanded(name)
    if is_file(folder / "config.json"):
        found: Path | Installed = folder
    elif is_id(name):
        found = _telling(need(name, instead_of="config.json"))
    else:
        raise ConfigError(
            f"sentiment.model: unknown model {model!r}; expected auto, off, the id of an installed model of sentiment "
            "(`ressenti models list`), or a folder with its config.json."
        )
    check_use(found, use, "sentiment.model")
    return found


def info_of(installed: Installed) -> ModelInfo:
    """What the report says of an installed model."""
    there = [name for name, _ in installed.files if name == WEIGHTS]
    return replace(installed.info("sentiment"), sha256=installed.noted(there) if there else None)


def _telling(installed: Installed) -> Installed:
    if installed.task != "sentiment":
        raise ConfigError(
            f"sentiment.model: {installed.id} is installed as a model of {installed.task}; expected one that tells the "
            "sentiment of words. `ressenti models list` shows what each is for."
        )
    return installed
