"""What all parts of the page need of a conversation: options, speakers' titles, whether anybody was scored (pure)."""

from __future__ import annotations

from typing import Any, cast

from ressenti.pipeline.records import Conversation
from ressenti.reports.wording import Wording


def options_of(conversation: Conversation, group: str) -> dict[str, Any]:
    """One group of the options stored with the conversation; empty if it has no such group."""
    return cast("dict[str, Any]", conversation.config.get(group, {}))


def titles_of(conversation: Conversation, words: Wording) -> dict[str, str]:
    """Each speaker's title on the page, by label."""
    return {s.label: words.speaker(s.label, s.name, s.role, s.role_source == "guess") for s in conversation.speakers}


def is_scored(conversation: Conversation) -> bool:
    """Whether any speaker's emotion was judged."""
    return any(speaker.affect is not None for speaker in conversation.speakers)
