"""The words of a conversation by speaker and turn, in the form in which they are searched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ressenti.pipeline.content.languages import guessed, parts_of
from ressenti.pipeline.records import Conversation, Word
from ressenti.pipeline.records.intervals import is_inside


@dataclass(frozen=True)
class Part:
    """A part of a word as it is compared, and the word's place among the conversation's words."""

    text: str
    word: int


@dataclass(frozen=True)
class Utterance:
    """The words of one turn: its speaker, and their parts in order."""

    speaker: str
    turn: int
    words: tuple[int, ...]
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Place:
    """Where something was said: time (s), speaker, turn, and the words as they are written."""

    start_s: float
    end_s: float
    speaker: str
    turn: int
    text: str


def utterances_of(conversation: Conversation) -> tuple[Utterance, ...]:
    """The words of each turn that has some, in order of time; those outside all turns, or that people ignore, are not.

    A word is in a span that people ignore if its middle is.
    """
    by_turn: dict[int, list[int]] = {}
    ignored = conversation.ignored
    for k, word in enumerate(conversation.words):
        if word.turn is not None and not is_inside((word.start_s + word.end_s) / 2, ignored):
            by_turn.setdefault(word.turn, []).append(k)
    return tuple(
        Utterance(turn.speaker, turn.index, tuple(found), tuple(_parts(conversation.words, found)))
        for turn in conversation.turns
        if (found := by_turn.get(turn.index))
    )


def _parts(words: Sequence[Word], places: Sequence[int]) -> Iterator[Part]:
    for k in places:
        for text in parts_of(words[k].text):
            yield Part(text, k)


def places_of(phrase: Sequence[str], parts: Sequence[Part]) -> Iterator[tuple[int, int]]:
    """First and last word of each place where parts follow one another as in a phrase."""
    length = len(phrase)
    wanted = tuple(phrase)
    if not length:
        return
    for k in range(len(parts) - length + 1):
        if parts[k].text == wanted[0] and tuple(part.text for part in parts[k : k + length]) == wanted:
            yield parts[k].word, parts[k + length - 1].word


def languages_of(conversation: Conversation) -> dict[str, str | None]:
    """The language of each speaker's words: as recognised, or else guessed from common words; None if unclear."""
    known = conversation.transcription
    said = utterances_of(conversation)
    if known is not None:
        return {s.label: known.language_of(s.label) for s in conversation.speakers}
    whole = guessed([part.text for one in said for part in one.parts])
    own = {
        s.label: guessed([part.text for one in said if one.speaker == s.label for part in one.parts])
        for s in conversation.speakers
    }
    return {label: language or whole for label, language in own.items()}
