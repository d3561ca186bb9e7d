"""Folders of installed models; install and delete them as a whole.

MODELS/                               RESSENTI_MODELS, or the user's data folder
  OWNER--NAME/                        an installed model
    ressenti-model.json               its manifest: `ressenti.pipeline.models.installed`
    config.json, model.safetensors    its files, named as on the hub
  .partial/OWNER--NAME/               an unfinished download, which the next one resumes
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from ressenti.pipeline.errors import ConfigError, DiskFullError
from ressenti.pipeline.files.paths import data_folder, expanded

_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)


def models_folder() -> Path:
    """The folder of installed models: `RESSENTI_MODELS`, else in the system's usual folder for user data."""
    if given := os.environ.get("RESSENTI_MODELS"):
        return expanded(given)
    return data_folder() / "models"


def is_id(text: str) -> bool:
    """Whether this is a model's id, OWNER/NAME, as on the hub (which allows neither `--` nor `..` in one)."""
    return bool(_ID.fullmatch(text)) and "--" not in text and ".." not in text


def folder_of(model_id: str) -> Path:
    """Folder of a model once it is installed; `ConfigError` for an invalid id."""
    if not is_id(model_id):
        raise ConfigError(f"got {model_id!r}; expected a model's id as on the hub, OWNER/NAME.")
    return models_folder() / model_id.replace("/", "--")


def partial_of(model_id: str) -> Path:
    """Folder of an unfinished download."""
    folder = folder_of(model_id)
    return folder.parent / ".partial" / folder.name


def check_room(folder: Path, needed: int) -> None:
    """Raise `DiskFullError` if fewer than `needed` bytes are free; call it before writing."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise DiskFullError(
            f"{folder}: {free / 1e6:.0f} MB free, {needed / 1e6:.0f} MB needed. Free some space, or choose another "
            "folder with RESSENTI_MODELS=FOLDER. Partial downloads are kept."
        )


def put_in_place(made: Path, folder: Path) -> None:
    """Rename a finished folder to its final place, replacing an older one."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(aside, ignore_errors=True)
    if folder.exists():
        folder.replace(aside)
    try:
        made.replace(folder)
    except OSError:
        if aside.exists():
            aside.replace(folder)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def delete(folder: Path) -> bool:
    """Delete a model's folder, renaming it first so that no partial model is ever found; False if it does not exist."""
    if not folder.exists():
        return False
    aside = folder.with_name(f".{folder.name}.removed")
    shutil.rmtree(aside, ignore_errors=True)
    folder.replace(aside)
    shutil.rmtree(aside)
    return True
