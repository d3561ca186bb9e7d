"""Corrections of a conversation in a file of their own, `NAME.corrections.json`, as its page saves them.

The file holds all corrections of the conversation, also those that are applied, and the spans to silence.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError
from pydantic_core import to_json

from ressenti.pipeline.errors import CorrectionsError, NotFoundError, UnreadableError, WrongRecordingError
from ressenti.pipeline.files.untrusted import RefusedError, read_bounded, short, skim_json
from ressenti.pipeline.records import Conversation, Corrections, Name, Span
from ressenti.pipeline.records.fields import Record, Sha256

ENDING = ".corrections.json"
FORMAT: Literal["ressenti corrections"] = "ressenti corrections"
VERSION = 1
MOST_BYTES = 64 << 20
_SAVED = re.compile(r"\.corrections( ?\(\d+\))?\.json$")  # browsers number repeated downloads
_EXPECTED = "Expected a NAME.corrections.json that a page saved."


@dataclass(frozen=True)
class CorrectionsFile(Record):
    """What the file holds: whose corrections they are, the corrections, and spans to silence.

    `turns_sha256` is the hash of the turns that they were made on (`turns_sha256`), or empty if that is not known.
    """

    format: Literal["ressenti corrections"]
    version: Literal[1]
    conversation: Name
    sha256: Sha256
    name: Name
    corrections: Corrections
    bleeps: Annotated[tuple[Span, ...], Field(max_length=1_000)] = ()
    turns_sha256: Sha256 | Literal[""] = ""


@cache
def _adapter() -> TypeAdapter[CorrectionsFile]:
    return TypeAdapter(CorrectionsFile)


def corrections_of(conversation: Conversation, name: str) -> CorrectionsFile:
    """All corrections and silenced spans of a conversation, as a file holds them."""
    return CorrectionsFile(
        FORMAT,
        1,
        conversation.id,
        conversation.recording.sha256,
        name,
        conversation.corrections,
        conversation.bleeps,
        turns_sha256(conversation),
    )


def dump_corrections(saved: CorrectionsFile) -> str:
    """The text of a file; the same corrections give the same text."""
    return to_json(_adapter().dump_python(saved, mode="json"), indent=1).decode() + "\n"


def load_corrections(path: Path) -> CorrectionsFile:
    """Read untrusted corrections; raises `CorrectionsError`, `NotFoundError` or `UnreadableError`."""
    try:
        text = read_bounded(path, MOST_BYTES).decode("utf-8-sig")
        top = skim_json(text)
    except FileNotFoundError as exc:
        raise NotFoundError(f"{path}: no such file; expected corrections that a page saved.") from exc
    except UnicodeDecodeError as exc:
        raise CorrectionsError(f"{path.name}: not text. {_EXPECTED}") from exc
    except RefusedError as exc:
        raise CorrectionsError(f"{path.name}: {exc}. {_EXPECTED}") from exc
    except OSError as exc:
        raise UnreadableError(f"{path}: cannot be read ({exc.strerror}). Check the permissions.") from exc
    if top is None or top.get("format") != FORMAT:
        raise CorrectionsError(f"{path.name}: JSON, but no corrections. {_EXPECTED}")
    version = top.get("version")
    if isinstance(version, int) and version > VERSION:
        raise CorrectionsError(
            f"{path.name}: corrections of version {short(repr(version))}; this program reads {VERSION}. "
            "Use the newer program whose page saved them."
        )
    if isinstance(version, bool):
        raise CorrectionsError(f"{path.name}: version {version}; expected {VERSION}. {_EXPECTED}")
    try:
        return _adapter().validate_json(text.removeprefix("\ufeff"), strict=True)
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        where = short(".".join(map(str, first["loc"])), 200) or "file"
        count = "1 field is" if exc.error_count() == 1 else f"{exc.error_count()} fields are"
        raise CorrectionsError(f"{path.name}: {count} invalid; first: {where}: {first['msg']}. {_EXPECTED}") from exc


def check_fits(saved: CorrectionsFile, conversation: Conversation, name: str) -> None:
    """Refuse corrections of another recording, or of turns that do not exist.

    Raises `WrongRecordingError` or `CorrectionsError`; `name` is that of the file.
    """
    known = conversation.recording
    if saved.sha256 != known.sha256:
        raise WrongRecordingError(
            f"{name}: corrections of another recording: SHA-256 {saved.sha256[:12]}..., expected "
            f"{known.sha256[:12]}... ({known.name}). Put the file beside the conversation that it belongs to."
        )
    turns = {turn.index for turn in conversation.turns}
    strange = next((entry.turn for entry in saved.corrections.turns if entry.turn not in turns), None)
    if strange is not None:
        raise CorrectionsError(
            f"{name}: turn {strange} does not exist; expected 0 to {max(turns, default=-1)}. The recording may have "
            "been analysed again: look at the page, and correct it anew."
        )
    late = next((span for span in saved.bleeps if span.start_s >= known.duration_s), None)
    if late is not None:
        raise CorrectionsError(
            f"{name}: {late.start_s:g}-{late.end_s:g} s is to be silenced, but the recording is {known.duration_s:g} s "
            "long. Use the corrections of this recording."
        )


def turns_sha256(conversation: Conversation) -> str:
    """SHA-256 of the turns as they were found: their numbers, times (to the microsecond) and speakers."""
    told = [
        f"{turn.index} {turn.start_s:.6f} {turn.end_s:.6f} {(turn.original or turn).speaker}"
        for turn in conversation.turns
    ]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()


def stem_of_corrections(path: Path) -> str | None:
    """NAME of a NAME.corrections.json, or of a NAME.corrections (1).json; None for other files."""
    found = _SAVED.search(path.name)
    return path.name[: found.start()] or None if found else None


def saved_corrections(folder: Path, stem: str) -> list[Path]:
    """The files of corrections called `stem` in a folder, that which was saved last first."""
    return last_first(path for path in folder.glob("*.json") if stem_of_corrections(path) == stem)


def last_first(paths: Iterable[Path]) -> list[Path]:
    """Files in the order in which they were saved, the last first."""
    return sorted(paths, key=lambda path: (_saved_at(path), path.name), reverse=True)


def _saved_at(path: Path) -> int:
    """When a file was written (ns); 0 for one that is not there, such as a link that leads nowhere."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
