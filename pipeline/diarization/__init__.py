"""Samples -> who spoke when: one small interface, the built-in way, pyannote's pipelines, and channels as speakers."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from ressenti.pipeline.config import DiarizationOptions
from ressenti.pipeline.diarization.interface import Diarizer
from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.files.paths import expanded, is_file
from ressenti.pipeline.models.folders import is_id
from ressenti.pipeline.models.installed import Installed, find, need, resolved, verify


def choose(layout: Literal["mono", "split"], options: DiarizationOptions) -> Diarizer:
    """The diarizer for a layout: channels where each is a speaker, else the configured model.

    `auto` is the installed default of the registry, else the built-in one; otherwise `builtin`, an installed pyannote
    pipeline's id, or a folder with one (config.yaml). Raises `ConfigError` for an unknown one, also where channels
    decide, `NotInstalledError` for a model that was never fetched, `WrongHashError` for one that changed since, and
    what `ressenti.pipeline.diarization.pyannote.load` raises.
    """
    # on split channels the default, which would not be used, need not be whole; a model that is named has to be there
    asked = None if layout == "split" and options.model == "auto" else locate(options.model)
    if layout == "split":
        from ressenti.pipeline.diarization.channels import ChannelDiarizer

        return ChannelDiarizer(options)
    if asked is not None:
        return _load(asked, options)
    from ressenti.pipeline.diarization.builtin import BuiltinDiarizer

    return BuiltinDiarizer(options)


def locate(model: str) -> Installed | Path | None:
    """The folder or the installed model that a configured name means, None for the built-in one; nothing is loaded.

    Raises `ConfigError` for a name that means nothing, `NotInstalledError` for a model that was never fetched.
    """
    if model in {"auto", "builtin"}:
        name = resolved(model, "diarization")
        return None if name == "builtin" else need(name)
    folder = expanded(model)
    if is_file(folder / "config.yaml"):
        return folder
    if is_id(model):
        return need(model, instead_of="config.yaml")
    raise ConfigError(
        f"diarization.model: unknown diarizer {model!r}; expected auto, builtin, the id of an installed model "
        "(`ressenti models list`), or a folder with a pyannote pipeline's config.yaml in it."
    )


def check(asked: Installed | Path, options: DiarizationOptions) -> None:
    """Raise what loading a pipeline would for its config, for files that lack, changed or are not to be trusted."""
    from ressenti.pipeline.diarization import pyannote

    pyannote.read_parts(*_verified(asked, options))


def _load(asked: Installed | Path, options: DiarizationOptions) -> Diarizer:
    """A pyannote pipeline, once it and all that it is made of are known to be what was installed."""
    from ressenti.pipeline.diarization import pyannote

    folder, _, installed, further = _verified(asked, options)
    return pyannote.load(folder, options, installed=installed, further=further)


def _verified(
    asked: Installed | Path, options: DiarizationOptions
) -> tuple[Path, DiarizationOptions, Installed | None, dict[str, Installed]]:
    """A pipeline's folder, what is installed of it, and what it needs besides, verified; as `read_parts` takes it."""
    from ressenti.pipeline.diarization.pyannote_folder import further_ids

    folder, own = (asked, ()) if isinstance(asked, Path) else (asked.folder, (asked,))
    needed = [need(part) for model in own if model.known for part in model.known.needs]
    for model in (*own, *needed):
        verify(model)
    further = [found for name in further_ids(folder) if is_id(name) and (found := find(name)) is not None]
    for model in further:
        if model not in needed:
            verify(model)
    return folder, options, own[0] if own else None, {model.id: model for model in further}
