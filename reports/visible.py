"""A conversation as the page shows it: what acts on reading order or is not seen, shown as its code (pure)."""

from __future__ import annotations

from dataclasses import replace

from pipeline.records import Conversation
from pipeline.visible import visible


def as_seen(conversation: Conversation) -> Conversation:
    """The conversation with all that people wrote made visible; never stored, for it is not what they wrote."""
    return replace(
        conversation,
        recording=replace(conversation.recording, name=visible(conversation.recording.name)),
        speakers=tuple(
            replace(
                s,
                name=visible(s.name),
                role=None if s.role is None else visible(s.role),
                original_name=None if s.original_name is None else visible(s.original_name),
            )
            for s in conversation.speakers
        ),
        turns=tuple(
            turn if (note := visible(turn.note)) == turn.note else replace(turn, note=note)
            for turn in conversation.turns
        ),
        words=tuple(
            word if (text := visible(word.text)) == word.text else replace(word, text=text)
            for word in conversation.words
        ),
        models=tuple(replace(model, name=visible(model.name)) for model in conversation.models),
        allow_restricted=None if conversation.allow_restricted is None else visible(conversation.allow_restricted),
    )
