"""Find who spoke when: the interface, the built-in diarizer, pyannote's pipelines, and one speaker per channel."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from ressenti.pipeline.config import DiarizationOptions
from ressenti.pipeline.diarization.interface import Diarizer
from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.files.paths import expanded, is_file
from ressenti.pipeline.models.folders import is_id
from ressenti.pipeline.models.installed import Installed, find, need, resolved, verify
from ressenti.pipeline.models.use import check_use
from ressenti.pipeline.records import Use


def choose(layout: Literal["mono", "split"], options: DiarizationOptions, use: Use | None = None) -> Diarizer:
    """Choose the diarizer for a layout: by channel if each is a speaker, else the configured model.

    `auto` is the registry's installed default, else the built-in diarizer; `builtin`, an installed pyannote pipeline's
    id, or a folder with one (config.yaml) can be named too. Raises `ConfigError` for an unknown model, even on split
    channels, and for one that must not be used so, `NotInstalledError` for one that is not installed, `WrongHashError`
    for one that was changed, and the errors of `ressenti.pipeline.diarization.pyannote.load`.
    """
    # split channels do not use the default, so it is not checked; a model that is named must exist
    asked = None if layout == "split" and options.model == "auto" else locate(options.model, use)
    if layout == "split":
        from ressenti.pipeline.diarization.channels import ChannelDiarizer

        return ChannelDiarizer(options)
    if asked is not None:
        return _load(asked, options)
    from ressenti.pipeline.diarization.builtin import BuiltinDiarizer

    return BuiltinDiarizer(options)


def locate(model: str, use: Use | None = None) -> Installed | Path | None:
    """Find the folder or installed model of a configured name, without loading it; None for the built-in one.

    Raises `ConfigError` for an unknown name and for a model that must not be used so, `NotInstalledError` for one that
    is not installed.
    """
    found = _find(model, use)
    check_use(found, use, "diarization.model")
    return found


def _find(model: str, use: Use | None) -> Installed | Path | None:
    if model in {"auto", "builtin"}:
        name = resolved(model, "diarization", use)
        return None if name == "builtin" else need(name)
    folder = expanded(model)
    if is_file(folder / "config.yaml"):
        return folder
    if is_id(model):
        return need(model, instead_of="config.yaml")
    raise ConfigError(
        f"diarization.model: unknown diarizer {model!r}; expected auto, builtin, the id of an installed model "
        "(`ressenti models list`), or a folder with a pyannote pipeline's config.yaml."
    )


def check(asked: Installed | Path, options: DiarizationOptions) -> None:
    """Raise the errors that loading would raise for a pipeline's config and missing, changed or untrusted files."""
    from ressenti.pipeline.diarization import pyannote

    pyannote.read_parts(*_verified(asked, options))


def _load(asked: Installed | Path, options: DiarizationOptions) -> Diarizer:
    """Load a pyannote pipeline after verifying that it and its parts are as installed."""
    from ressenti.pipeline.diarization import pyannote

    folder, _, installed, further = _verified(asked, options)
    return pyannote.load(folder, options, installed=installed, further=further)


def _verified(
    asked: Installed | Path, options: DiarizationOptions
) -> tuple[Path, DiarizationOptions, Installed | None, dict[str, Installed]]:
    """Verify a pipeline and the models it needs; return the arguments of `read_parts`."""
    from ressenti.pipeline.diarization.pyannote_folder import further_ids

    folder, installed = (asked, ()) if isinstance(asked, Path) else (asked.folder, (asked,))
    needed = [need(part) for model in installed if model.known for part in model.known.needs]
    for model in (*installed, *needed):
        verify(model)
    further = [found for name in further_ids(folder) if is_id(name) and (found := find(name)) is not None]
    for model in further:
        if model not in needed:
            verify(model)
    return folder, options, installed[0] if installed else None, {model.id: model for model in further}
