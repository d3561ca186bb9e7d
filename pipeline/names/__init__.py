"""Find people's names in texts, with a token classifier in transformers' format that is on this machine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.files.hashes import digest_of
from ressenti.pipeline.files.paths import expanded, is_file
from ressenti.pipeline.models.cards import stated_in
from ressenti.pipeline.models.folders import is_id
from ressenti.pipeline.models.installed import Installed, need, verify
from ressenti.pipeline.models.use import check_use
from ressenti.pipeline.names.finder import WEIGHTS, NameModel, check
from ressenti.pipeline.records import ModelInfo, Use


def choose(model: str, use: Use | None = None) -> NameModel | None:
    """The configured name finder, checked but not yet loaded; None if names are not looked for (`off`).

    `model` is the id of an installed model or a folder. Raises `ConfigError` for an unknown name, a model with
    another task or one that must not be used so, `NotInstalledError` for a model that is not installed,
    `WrongHashError` for one that was changed, and `ModelError` for one that cannot find names.
    """
    found = locate(model)
    check_use(found, use, "content.redact_names")
    if found is None:
        return None
    if isinstance(found, Installed):
        verify(found)
        check(found.folder)
        return NameModel(found.folder, info_of(found))
    check(found)
    told = stated_in(found)
    digest = digest_of(found / WEIGHTS)
    return NameModel(found, ModelInfo("names", found.resolve().name, told.licence, digest, told.commercial))


def locate(model: str) -> Path | Installed | None:
    """Find the folder or installed model of a configured name; None for `off`. Raises errors as `choose` does."""
    if model == "off":
        return None
    folder = expanded(model)
    if is_file(folder / "config.json"):
        return folder
    if not is_id(model):
        raise ConfigError(
            f"content.redact_names: unknown model {model!r}; expected off, the id of an installed model that finds "
            "names (`ressenti models list`), or a folder with its config.json."
        )
    installed = need(model, instead_of="config.json")
    if installed.task != "names":
        raise ConfigError(
            f"content.redact_names: {model} is installed as a model of {installed.task}; expected one that finds "
            "names. `ressenti models list` shows what each is for."
        )
    return installed


def info_of(installed: Installed) -> ModelInfo:
    """What the report says of an installed model."""
    there = [name for name, _ in installed.files if name == WEIGHTS]
    return replace(installed.info("names"), sha256=installed.noted(there) if there else None)
