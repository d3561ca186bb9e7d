"""What known voices say of a speaker: a proposed name or that the voice is unknown, with the figures (pure)."""

from __future__ import annotations

from ressenti.pipeline.records import Conversation, Speaker
from ressenti.reports.wording import Wording

LITTLE_S = 10.0  # with less speech, voices are hard to tell apart


def voice_remarks(speaker: Speaker, words: Wording) -> list[str]:
    """Sentences for a speaker's card; none if their voice was not compared, or if a person named them since."""
    found = speaker.voice
    if found is None or speaker.original_name is not None:
        return []
    remark = words(
        "voice_named" if speaker.named_by_voice else "voice_unknown",
        score=words.number(found.score),
        limit=words.number(found.limit),
        seconds=words.seconds(found.speech_s, 0),
        n=found.known,
    )
    return [remark, words("voice_little", limit=words.exact(LITTLE_S))] if found.speech_s < LITTLE_S else [remark]


def voice_notices(conversation: Conversation, words: Wording) -> tuple[str, ...]:
    """What the law says of comparing voices; empty if none were."""
    return (words("legal_voice"),) if any(speaker.voice is not None for speaker in conversation.speakers) else ()
