"""Words -> places where a text was said, with the words around it (pure)."""

from __future__ import annotations

from ressenti.pipeline.config import build_config
from ressenti.pipeline.content.languages import parts_of
from ressenti.pipeline.content.said import Place, places_of, utterances_of
from ressenti.pipeline.records import UNSURE, Conversation, Speaker, Word

_AROUND = 8  # words before and after


def find_text(conversation: Conversation, text: str) -> tuple[Place, ...]:
    """Places where the words of a text follow one another in a turn, in order of time.

    Upper and lower case, accents and punctuation do not matter. `text` of a place holds some words around it; `UNSURE`
    follows a word whose confidence is below the conversation's `words.unsure_below`.
    """
    unsure_below = build_config(conversation.config, source=conversation.recording.name).words.unsure_below
    wanted = [part for word in text.split() for part in parts_of(word)]
    found = []
    for one in utterances_of(conversation):
        position = {word: k for k, word in enumerate(one.words)}
        for first, last in places_of(wanted, one.parts):
            a, b = max(0, position[first] - _AROUND), position[last] + _AROUND + 1
            said = " ".join(word_shown(conversation.words[k], unsure_below) for k in one.words[a:b])
            shown = f"{'… ' if a else ''}{said}{' …' if b < len(one.words) else ''}"
            start, end = conversation.words[first], conversation.words[last]
            found.append(Place(start.start_s, end.end_s, one.speaker, one.turn, shown))
    return tuple(sorted(found, key=lambda place: (place.start_s, place.end_s)))


def is_called(speaker: Speaker, wanted: str) -> bool:
    """Whether this is a speaker's name, role or label; case does not count."""
    return wanted.casefold() in {text.casefold() for text in (speaker.name, speaker.role, speaker.label) if text}


def word_shown(word: Word, unsure_below: float) -> str:
    """A word as it is written, marked if it is unsure."""
    unsure = word.confidence is not None and word.confidence < unsure_below
    return f"{word.text}{UNSURE}" if unsure else word.text
