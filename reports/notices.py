"""Notices at the top of the page: too many speakers, unconfirmed roles, words outside turns, silenced spans (pure)."""

from __future__ import annotations

from ressenti.pipeline.records import INEXACT_S, OMITTED, Conversation, Note, Omission
from ressenti.reports.page_options import lacks_model, use_of
from ressenti.reports.recognised_words import unknown_languages
from ressenti.reports.wording import Wording

SHOWN = 6  # spans named at the top; the methods name all


def notices_of(conversation: Conversation, words: Wording) -> tuple[str, ...]:
    """Sentences for the top of the page; empty if there are none."""
    many = too_many(conversation)
    roles = [words.note(many)] if many else _unconfirmed(conversation, words)
    return (
        *_tone(conversation, words),
        *roles,
        *_announced(conversation, words),
        *unknown_languages(conversation, words),
        *_unplaced(conversation, words),
        *_silenced(conversation, words),
    )


def licence_line(conversation: Conversation, words: Wording) -> str:
    """That the tone may not be used commercially, where nobody said what for; empty otherwise."""
    bound = [m for m in conversation.models if m.task == "emotion" and m.commercial is False]
    if not bound or lacks_model(conversation) or use_of(conversation):
        return ""
    return words("tone_research", licence=bound[0].licence or bound[0].name)


def _tone(conversation: Conversation, words: Wording) -> list[str]:
    """That there are no classes, as no model may be used."""
    return [words("no_classes")] if lacks_model(conversation) else []


def too_many(conversation: Conversation) -> Note | None:
    """The note that there are more speakers than roles, as long as this is true."""
    speaking = sum(1 for s in conversation.speakers if s.talk and s.talk.talk_s > 0)
    found = (note for note in conversation.diarization.notes if note.key == "more_than_roles")
    return next((note for note in found if speaking > int(note.values["roles"])), None)


def silence_rules(conversation: Conversation, words: Wording) -> tuple[str, ...]:
    """All silenced spans and what they mean for words and figures, for the methods."""
    rules = []
    if conversation.bleeps:
        rules.append(words("silenced_all", spans=words.listed(_spans(conversation, words))))
    if conversation.omissions:
        rules.append(words("omitted_rule", mark=OMITTED, margin=words.exact(INEXACT_S)))
    return tuple(rules)


def why_omitted(place: Omission, conversation: Conversation, words: Wording) -> str:
    """Why words are missing at a place."""
    if any(span.overlap_s(place.start_s, place.end_s) > 0 for span in conversation.bleeps):
        return words("omitted_silenced")
    near = any(span.overlap_s(place.start_s - INEXACT_S, place.end_s + INEXACT_S) > 0 for span in conversation.bleeps)
    return words("omitted_near", margin=words.exact(INEXACT_S)) if near else words("omitted_before")


def _unconfirmed(conversation: Conversation, words: Wording) -> list[str]:
    labels = [s.label for s in conversation.speakers if s.not_scored == "unconfirmed"]
    if not labels:
        return []
    return [words("roles_unconfirmed", n=len(labels), roles=",".join(f"{label}={words('a_role')}" for label in labels))]


def _announced(conversation: Conversation, words: Wording) -> list[str]:
    """That announcements are left out, and where to say that they are none."""
    played = {s.label for s in conversation.speakers if not s.is_person}
    seconds = sum(turn.duration_s for turn in conversation.turns if turn.speaker in played)
    return [words("announced", seconds=words.seconds(seconds, 0))] if seconds else []


def _unplaced(conversation: Conversation, words: Wording) -> list[str]:
    """How many words of the transcript lie outside all turns, and how many came after the end and were dropped."""
    outside, beyond = sum(word.turn is None for word in conversation.words), conversation.words_beyond
    sentences = [words("words_in_no_turn", n=outside)] if outside else []
    return sentences + ([words("words_beyond", n=beyond)] if beyond else [])


def _silenced(conversation: Conversation, words: Wording) -> list[str]:
    spans = _spans(conversation, words)
    sentences = []
    if spans:
        more = len(spans) - SHOWN
        text = words.listed(spans) if more <= 0 else words("silenced_more", n=more, spans=", ".join(spans[:SHOWN]))
        sentences.append(words("silenced", n=len(spans), spans=text))
    if conversation.omissions:
        sentences.append(words("omitted", mark=OMITTED))
    return [" ".join(sentences)] if sentences else []


def _spans(conversation: Conversation, words: Wording) -> list[str]:
    return [f"{words.clock(b.start_s, 1)} – {words.clock(b.end_s, 1)}" for b in conversation.bleeps]
