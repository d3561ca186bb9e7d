"""Read and write conversations as versioned JSON with a schema; all that `loads` accepts can be shown and exported.

The schema gives the types and bounds of `ressenti.pipeline.records`; rules between fields are in
`ressenti.pipeline.store.consistency`.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from ressenti.pipeline.config import Config
from ressenti.pipeline.errors import IsFolderError, NotAConversationError, NotFoundError, UnreadableError
from ressenti.pipeline.files.untrusted import RefusedError, read_bounded, short, skim_json
from ressenti.pipeline.garbage_collection import uncollected
from ressenti.pipeline.records import SCHEMA_VERSION, Conversation
from ressenti.pipeline.store.consistency import BrokenRuleError, check
from ressenti.pipeline.store.corrections_file import stem_of_corrections
from ressenti.pipeline.store.migrations import STEPS, migrated

MOST_BYTES = 512 << 20  # per file; ten minutes take 300 kB
SCHEMA_ID = f"urn:ressenti:conversation:{SCHEMA_VERSION}"
_DECIMALS = 6
_LEAST = 1e-6
_OTHER = (".labels.json", "validation.json", ".aws.json", ".call.json")  # other JSON files that Ressenti writes
_EXPECTED = "Expected a NAME.json that analyze wrote."
_HALF = re.compile("[\ud800-\udfff]")  # a lone surrogate, as in names that are not UTF-8


@cache
def _adapter() -> TypeAdapter[Conversation]:
    return TypeAdapter(Conversation)


def json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a stored conversation; `loads` rejects all that it rejects."""
    schema = _adapter().json_schema()
    options = Config.model_json_schema(ref_template="#/$defs/{model}")
    definitions = {**options.pop("$defs"), "Config": options, **schema.pop("$defs")}
    fields = {**schema.pop("properties"), "config": {"$ref": "#/$defs/Config"}}
    required = [*schema.pop("required"), "version"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        **schema,
        "properties": fields,
        "required": required,
        "$defs": definitions,
    }


@uncollected()
def dumps(conversation: Conversation, *, compact: bool = False) -> str:
    """Write a conversation as JSON text, rounded to six decimals; the same conversation gives the same text.

    Voice embeddings are biometric data and are never written. `compact` omits line breaks and spaces.
    """
    data = _adapter().dump_python(conversation, mode="json", exclude={"diarization": {"embeddings"}})
    _round(data)
    return to_json(data).decode() if compact else to_json(data, indent=1).decode() + "\n"


@uncollected()
def loads(text: str, name: str = "text") -> Conversation:
    """Read a conversation from untrusted JSON text of this version or an earlier one.

    Voice embeddings, which earlier programs wrote, are dropped.
    Raises `NotAConversationError` if it is not a valid conversation, `CorrectionsError` for corrections of turns or
    speakers that do not exist.
    """
    try:
        top = skim_json(text)
    except RefusedError as exc:
        raise NotAConversationError(f"{name}: {exc}. {_EXPECTED}") from exc
    if top is None or "version" not in top:
        raise NotAConversationError(f"{name}: JSON, but not a conversation. {_EXPECTED}")
    try:
        return _fitting(_present(text, top["version"], name))
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        where = short(".".join(map(str, first["loc"])), 200) or "file"
        count = "1 field is" if exc.error_count() == 1 else f"{exc.error_count()} fields are"
        raise NotAConversationError(f"{name}: {count} invalid; first: {where}: {first['msg']}. {_EXPECTED}") from exc
    except BrokenRuleError as exc:
        raise NotAConversationError(f"{name}: {exc}. {_EXPECTED}") from exc


def _present(text: str, version: object, name: str) -> str:
    """Convert the text to this version of the format."""
    if version == SCHEMA_VERSION and not isinstance(version, bool):
        return text
    if isinstance(version, bool) or not isinstance(version, int) or version not in STEPS:
        newer = isinstance(version, int) and version > SCHEMA_VERSION
        known = ", ".join(map(str, [*STEPS, SCHEMA_VERSION]))
        advice = "Use the newer program that wrote it" if newer else "Use the program that wrote it"
        raise NotAConversationError(
            f"{name}: format version {short(repr(version))}; this program reads {known}. "
            f"{advice}, or analyse the recording again."
        )
    return json.dumps(migrated(json.loads(text)))


def _fitting(text: str) -> Conversation:
    """Parse and check a text of this version, fill in all options that this program has, and drop embeddings."""
    conversation = _adapter().validate_json(text, strict=True)
    config = Config.model_validate_json(json.dumps(conversation.config), strict=True)
    check(conversation, config)
    found_by = replace(conversation.diarization, embeddings=())
    return replace(conversation, diarization=found_by, config=config.model_dump(mode="json", exclude={"compute"}))


def load(path: str | Path) -> Conversation:
    """Read a stored conversation; raises the matching subclass of `InputError`."""
    path = Path(path)
    try:
        text = read_bounded(path, MOST_BYTES).decode("utf-8")
    except FileNotFoundError as exc:
        raise NotFoundError(f"{path}: no such file; expected a NAME.json that analyze wrote.") from exc
    except IsADirectoryError as exc:
        raise IsFolderError(f"{path}: is a folder; expected a NAME.json that analyze wrote.") from exc
    except UnicodeDecodeError as exc:
        raise NotAConversationError(f"{path.name}: not text; expected a NAME.json that analyze wrote.") from exc
    except RefusedError as exc:
        raise NotAConversationError(f"{path.name}: {exc}. {_EXPECTED}") from exc
    except OSError as exc:
        raise UnreadableError(f"{path}: cannot be read ({exc.strerror}). Check the permissions.") from exc
    return loads(text, path.name)


def conversations_in(folder: Path) -> list[Path]:
    """JSON files of a folder that may be conversations, by name; `NotFoundError` if there are none.

    Labels, validations and saved corrections, which Ressenti also writes, are excluded by name.
    """
    found = [p for p in sorted(folder.glob("*.json")) if not (p.name.endswith(_OTHER) or stem_of_corrections(p))]
    if not found:
        raise NotFoundError(f"{folder}: has no conversations; expected NAME.json files that analyze wrote.")
    return found


def _round(values: Any, *, options: bool = False) -> None:
    """Round the numbers of a list or dict in place, and replace lone surrogates.

    Options are not rounded, and a positive length never becomes 0, as many must be positive.
    """
    for key, value in values.items() if isinstance(values, dict) else enumerate(values):
        if isinstance(value, float):
            if not math.isfinite(value):
                raise ValueError(f"expected finite numbers in a conversation, got {value}")
            if not options:
                near = round(value, _DECIMALS)
                values[key] = _LEAST if near == 0 < value and str(key).endswith("_s") else near
        elif isinstance(value, str):
            if not value.isascii():
                values[key] = _HALF.sub("\ufffd", value)
        elif isinstance(value, dict | list):
            _round(value, options=options or key == "config")
