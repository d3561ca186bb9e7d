"""Conversation <-> JSON, versioned, with a schema."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from pipeline.errors import IsFolderError, NotAConversationError, NotFoundError, UnreadableError
from pipeline.records import SCHEMA_VERSION, Conversation

_DECIMALS = 6
_OTHER = (".labels.json", "validation.json", ".aws.json")  # what else Ressenti writes beside conversations


@cache
def _adapter() -> TypeAdapter[Conversation]:
    return TypeAdapter(Conversation)


def json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a stored conversation."""
    return _adapter().json_schema()


def dumps(conversation: Conversation) -> str:
    """A conversation as JSON text; numbers rounded to six decimals, same conversation same text."""
    data = _adapter().dump_python(conversation, mode="json")
    return json.dumps(_rounded(data), ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def loads(text: str, name: str = "text") -> Conversation:
    """A conversation from JSON text; raises `NotAConversationError` where it is none, or of another version."""
    try:
        data = json.loads(text)
    except ValueError as exc:
        raise NotAConversationError(f"{name}: not JSON ({exc}). Expected a NAME.json that analyze wrote.") from exc
    if not isinstance(data, dict) or "version" not in data:
        raise NotAConversationError(f"{name}: JSON, but not a conversation. Expected a NAME.json that analyze wrote.")
    if data["version"] != SCHEMA_VERSION:
        raise NotAConversationError(
            f"{name}: version {data['version']!r} of the format, this program reads {SCHEMA_VERSION}. "
            "Use the program that wrote it, or analyse the recording again."
        )
    try:
        return _adapter().validate_json(text)
    except ValidationError as exc:
        first = exc.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise NotAConversationError(
            f"{name}: {exc.error_count()} things do not fit, first {where}: {first['msg']}. "
            "Expected a NAME.json that analyze wrote."
        ) from exc


def load(path: Path) -> Conversation:
    """Read a stored conversation; raises the subclass of `InputError` that fits."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as exc:
        raise NotFoundError(f"{path}: no such file; expected a NAME.json that analyze wrote.") from exc
    except IsADirectoryError as exc:
        raise IsFolderError(f"{path}: a folder; expected a NAME.json that analyze wrote.") from exc
    except UnicodeDecodeError as exc:
        raise NotAConversationError(f"{path.name}: not text; expected a NAME.json that analyze wrote.") from exc
    except OSError as exc:
        raise UnreadableError(f"{path}: cannot be read ({exc.strerror}). Check the permissions.") from exc
    return loads(text, path.name)


def conversations_in(folder: Path) -> list[Path]:
    """The JSON files of a folder that may hold a conversation, by name; `NotFoundError` where there is none.

    Labels and validations, which Ressenti writes too, are left out by their names.
    """
    found = [p for p in sorted(folder.glob("*.json")) if not p.name.endswith(_OTHER)]
    if not found:
        raise NotFoundError(f"{folder}: no conversation in it; expected NAME.json files that analyze wrote.")
    return found


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, _DECIMALS)
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return value
