"""The user's decisions about models: which pickles may be loaded, and which model is the default.

They are in `models.json` in the user's settings folder, or in RESSENTI_SETTINGS, not in the models folder, so that a
folder or archive from someone else brings no decisions along. A decision is about bytes, not about names::

    {"version": 1, "trusted": ["<SHA-256 of a pickle>"],
     "default": {"diarization": {"id": "OWNER/NAME", "sha256": "<of the model's files together>"}}}
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ressenti.pipeline.errors import ConfigError, ModelError
from ressenti.pipeline.files.disk import writing
from ressenti.pipeline.files.paths import expanded
from ressenti.pipeline.files.untrusted import RefusedError, parse_json, read_text
from ressenti.pipeline.models.registry import Used, pinned_hashes

FILE = "models.json"
_LARGEST = 1 << 22  # bytes
_WAIT_S = 10.0  # for another process that is writing a decision
_SHA256 = re.compile(r"[0-9a-f]{64}")

Digest = Annotated[str, Field(pattern=_SHA256.pattern)]


class Choice(BaseModel):
    """The default model: its id, and the SHA-256 of its files together."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    sha256: Digest


class Decisions(BaseModel):
    """All decisions."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    trusted: frozenset[Digest] = frozenset()
    default: dict[Used, Choice] = {}


def settings_folder() -> Path:
    """The user's settings folder: `RESSENTI_SETTINGS`, else the system's usual place."""
    if given := os.environ.get("RESSENTI_SETTINGS"):
        return expanded(given)
    if sys.platform == "win32":
        base = Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Preferences"
    else:
        base = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return base / "ressenti"


def decisions() -> Decisions:
    """Read the decisions; `ModelError` if the file is invalid."""
    try:
        path = settings_folder() / FILE
    except RuntimeError:  # a user without a home has no decisions
        return Decisions()
    try:
        return Decisions.model_validate(parse_json(read_text(path, _LARGEST)))
    except (FileNotFoundError, NotADirectoryError):
        return Decisions()
    except (OSError, RefusedError, ValidationError) as exc:
        why = f"invalid fields: {exc.error_count()}" if isinstance(exc, ValidationError) else str(exc)
        raise ModelError(
            f"{path}: cannot be read ({why}); expected your trusted models, as written by `ressenti models`. "
            "Delete it, then trust and choose your models again."
        ) from exc


def trusted_hashes() -> frozenset[str]:
    """SHA-256 of the pickles that may be loaded: those trusted by the user and those pinned by the registry."""
    return decisions().trusted | pinned_hashes()


def sha256_of(text: str) -> str:
    """Normalise a typed SHA-256 to lower case; `ConfigError` for anything else, including a part of one."""
    typed = text.strip().lower().removeprefix("sha256:")
    if not _SHA256.fullmatch(typed):
        raise ConfigError(f"got {text[:80]!r}; expected a whole SHA-256 as printed, 64 hexadecimal digits.")
    return typed


def trust(hashes: Iterable[str]) -> None:
    """Trust pickles, given by their SHA-256, so that they may be loaded."""
    added = frozenset(map(sha256_of, hashes))
    if added - decisions().trusted:
        _change(lambda now: now.model_copy(update={"trusted": now.trusted | added}))


def distrust(hashes: Iterable[str]) -> None:
    """Stop trusting pickles."""
    gone = frozenset(map(sha256_of, hashes))
    _change(lambda now: now.model_copy(update={"trusted": now.trusted - gone}))


def choose(task: Used, model_id: str, sha256: str) -> None:
    """Make a model the default, as long as its files have this hash."""
    chosen = {task: Choice(id=model_id, sha256=sha256)}
    if decisions().default.get(task) != chosen[task]:
        _change(lambda now: now.model_copy(update={"default": {**now.default, **chosen}}))


def is_chosen(model_id: str) -> bool:
    """Whether the user chose this model as a default."""
    return any(choice.id == model_id for choice in decisions().default.values())


def forget(model_id: str) -> None:
    """No longer use a model as default."""
    if is_chosen(model_id):
        _change(
            lambda now: now.model_copy(
                update={"default": {task: one for task, one in now.default.items() if one.id != model_id}}
            )
        )


def _change(change: Callable[[Decisions], Decisions]) -> None:
    """Read, change and write the file as a whole, one process at a time."""
    from filelock import FileLock, Timeout

    path = settings_folder() / FILE
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(path.with_name(f".{FILE}.lock"), timeout=_WAIT_S):
                _write(path, change(decisions()))
        except Timeout as exc:
            raise ModelError(f"{path}: another process is using it. Wait for it, or stop it.") from exc


def _write(path: Path, found: Decisions) -> None:
    ordered = found.model_dump(mode="json") | {"trusted": sorted(found.trusted)}
    text = Decisions.model_construct(**ordered).model_dump_json(indent=1, warnings=False) + "\n"
    descriptor, name = tempfile.mkstemp(prefix=f".{FILE}.", dir=path.parent)
    aside = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
