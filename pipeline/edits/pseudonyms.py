"""Conversations without the names of people, recordings and folders."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePath
from typing import Any

from ressenti.pipeline.records import Conversation, Corrections


def pseudonym(sha256: str) -> str:
    """What a recording is called where its own name is not to be seen."""
    return f"conversation-{sha256[:6]}"


def pseudonymised(conversation: Conversation) -> Conversation:
    """The conversation without names: the recording's, the speakers', those of folders in its options; no embeddings.

    Labels and roles stay, and so do words, notes and the reason for judging restricted roles: whoever wrote them is to
    read them again. The SHA-256 stays too; who has the recording can tell that it is this one.
    """
    return replace(
        conversation,
        recording=replace(conversation.recording, name=pseudonym(conversation.recording.sha256)),
        diarization=replace(conversation.diarization, embeddings=()),
        speakers=tuple(replace(speaker, name="", original_name=None) for speaker in conversation.speakers),
        corrections=Corrections(turns=conversation.corrections.turns),
        config={group: _without_folders(values) for group, values in conversation.config.items()},
    )


def _without_folders(values: object) -> object:
    """Options of a group, of each path of a folder or file its last part alone."""
    if not isinstance(values, dict):
        return values
    paths: dict[str, Any] = {
        key: PurePath(value).name
        for key, value in values.items()
        if key in ("model", "validation") and isinstance(value, str) and _is_path(key, PurePath(value))
    }
    return values | paths


def _is_path(key: str, path: PurePath) -> bool:
    """Whether an option is a path and not the id of a model, which may have one slash."""
    return key == "validation" or path.is_absolute() or path.parts[:1] in (("..",), ("~",)) or len(path.parts) > 2
