"""What all parts of the page need of a conversation: options, speakers' titles, whether anybody was scored (pure)."""

from __future__ import annotations

from typing import Any, cast

from ressenti.pipeline.records import Conversation, Speaker, Use
from ressenti.reports.wording import Wording

LONG_S = 2700.0  # 45 minutes
EXPRESSIVE = ("laughter", "crying")  # sounds that tell of a mood


def options_of(conversation: Conversation, group: str) -> dict[str, Any]:
    """One group of the options stored with the conversation; empty if it has no such group."""
    return cast("dict[str, Any]", conversation.config.get(group, {}))


def use_of(conversation: Conversation) -> Use | None:
    """What the results are for; None if nobody said so."""
    return cast("Use | None", conversation.config.get("use"))


def titles_of(conversation: Conversation, words: Wording) -> dict[str, str]:
    """Each speaker's title on the page, by label."""
    return {s.label: title_of(s, conversation, words) for s in conversation.speakers}


def title_of(speaker: Speaker, conversation: Conversation, words: Wording) -> str:
    """A speaker's title on the page; announcements have no number unless there are several."""
    if speaker.is_person:
        return words.speaker(speaker.label, speaker.name, speaker.role, speaker.role_source == "guess")
    return speaker.name or unnamed(speaker, conversation, words)


def unnamed(speaker: Speaker, conversation: Conversation, words: Wording) -> str:
    """The title of a speaker without a name and without its role."""
    if speaker.is_person:
        return words.speaker(speaker.label, "", None)
    played = [s.label for s in conversation.speakers if not s.is_person]
    return words("announcement_n", n=played.index(speaker.label) + 1) if len(played) > 1 else words("announcement")


def is_scored(conversation: Conversation) -> bool:
    """Whether any speaker's emotion was judged."""
    return any(speaker.affect is not None for speaker in conversation.speakers)


def is_long(conversation: Conversation) -> bool:
    """Whether a recording is so long that figures show it by minute until a part of it is chosen."""
    return conversation.recording.duration_s > LONG_S


def valence_tells(conversation: Conversation) -> bool:
    """Whether valence tells anything of anybody: an interval without 0, a sure change or a sure moment."""
    looks = 2 * sum(s.affect is not None for s in conversation.speakers)
    found = [e for s in conversation.speakers if s.affect for e in (s.affect.valence, s.affect.valence_change) if e]
    return any(e.differs_from_zero(looks) for e in found) or any(
        m.kind == "valence" and m.certain for m in conversation.moments
    )


def is_heard(conversation: Conversation) -> bool:
    """Whether the tone of any speech was looked at, for its class or for its activation alone."""
    return any(turn.windows for turn in conversation.turns)


def tells_activation(conversation: Conversation) -> bool:
    """Whether it is known of any turn how activated it sounds."""
    return any(turn.activation is not None for turn in conversation.turns)


def lacks_model(conversation: Conversation) -> bool:
    """Whether turns have no class as no emotion model may be used."""
    return any(turn.unjudged == "no_model" for turn in conversation.turns)
