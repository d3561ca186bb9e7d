"""Remove the names of people, recordings and folders from conversations."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePath
from typing import Any

from ressenti.pipeline.records import Conversation, Corrections


def pseudonym(sha256: str) -> str:
    """A recording's pseudonym, from its SHA-256."""
    return f"conversation-{sha256[:6]}"


def pseudonymised(conversation: Conversation) -> Conversation:
    """Remove names of the recording, speakers, who corrected them, and folders (in options), and what voices say.

    Labels, roles, words, notes and the reason for scoring restricted roles stay; check these for names. The SHA-256
    stays too, so anyone with the recording can identify it.
    """
    return replace(
        conversation,
        recording=replace(conversation.recording, name=pseudonym(conversation.recording.sha256)),
        diarization=replace(conversation.diarization, embeddings=()),
        speakers=tuple(replace(speaker, name="", original_name=None, voice=None) for speaker in conversation.speakers),
        corrections=_without_people(conversation.corrections),
        config={group: _without_folders(values) for group, values in conversation.config.items()},
    )


def _without_people(given: Corrections) -> Corrections:
    """Corrections without names, and without who made them."""
    note = replace(given.note, by="") if given.note else None
    turns = tuple(replace(entry, by="") for entry in given.turns)
    kinds = tuple(replace(entry, by="") for entry in given.kinds)
    roles = tuple(replace(entry, by="") for entry in given.roles)
    ignored = tuple(replace(span, by="") for span in given.ignored)
    return Corrections(turns=turns, kinds=kinds, roles=roles, ignored=ignored, note=note)


def _without_folders(values: object) -> object:
    """Options of a group, with each path reduced to its last part."""
    if not isinstance(values, dict):
        return values
    paths: dict[str, Any] = {
        key: PurePath(value).name
        for key, value in values.items()
        if key in ("model", "validation", "vocabulary") and isinstance(value, str) and _is_path(key, PurePath(value))
    }
    return values | paths


def _is_path(key: str, path: PurePath) -> bool:
    """Whether an option is a path rather than a model id, which may have one slash."""
    return (
        key in ("validation", "vocabulary")
        or path.is_absolute()
        or path.parts[:1] in (("..",), ("~",))
        or len(path.parts) > 2
    )
