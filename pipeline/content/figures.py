"""Figures of how people speak, from words: pace, questions, hesitations; greetings, farewells and prices.

Each needs a language with lists of words (`word_lists`); where the language is not known, nothing is claimed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ressenti.pipeline.config import ContentOptions
from ressenti.pipeline.content.languages import WordLists, word_lists
from ressenti.pipeline.content.said import Place, Utterance, places_of, utterances_of
from ressenti.pipeline.records import Conversation, Word
from ressenti.pipeline.records.intervals import without

MentionKind = Literal["greeting", "farewell", "price"]
_END = re.compile(r"[.!?…][\"'»”)\]]*$")
_NUMBER = re.compile(r"\d")
_CURRENCY_SIGN = re.compile(r"[€$£]")


@dataclass(frozen=True)
class Mention(Place):
    """A place where something of a kind was said."""

    kind: MentionKind


@dataclass(frozen=True)
class Pace:
    """Words per minute of a speaker's own speech, for the words that begin in one minute of the recording."""

    start_s: float
    words_per_min: float


@dataclass(frozen=True)
class SpeakerWords:
    """How a speaker speaks, by their words.

    `words_per_min` is words over minutes of the speaker's own turns that hold words; None with fewer words than
    `content.least_words`. `paces` are those of each minute of the recording with enough words. `questions` are
    sentences that end in a question mark, of `sentences` that end in any mark; None if the words carry no punctuation.
    `hesitations` are words such as "uh" (None without lists for the language). Speech recognition drops many of them.
    """

    speaker: str
    language: str | None
    words: int
    words_per_min: float | None
    paces: tuple[Pace, ...]
    questions: int | None
    sentences: int | None
    hesitations: int | None
    hesitations_per_min: float | None


def speaker_words(
    conversation: Conversation, languages: Mapping[str, str | None], options: ContentOptions
) -> tuple[SpeakerWords, ...]:
    """Figures of each speaker with words, in the order of speakers; `languages` by speaker."""
    said = utterances_of(conversation)
    out = []
    for speaker in conversation.speakers:
        own = [one for one in said if one.speaker == speaker.label]
        if own:
            out.append(_figures(conversation, speaker.label, own, languages.get(speaker.label), options))
    return tuple(out)


def _figures(
    conversation: Conversation,
    speaker: str,
    own: Sequence[Utterance],
    language: str | None,
    options: ContentOptions,
) -> SpeakerWords:
    words = [conversation.words[k] for one in own for k in one.words]
    turns = {turn.index: turn for turn in conversation.turns}
    spans = [(turns[one.turn].start_s, turns[one.turn].end_s) for one in own]
    minutes = sum(end - start for span in spans for start, end in without([span], conversation.ignored)) / 60
    lists = word_lists(language)
    enough = len(words) >= options.least_words and minutes > 0
    marks = [word.text for word in words if _END.search(word.text)]
    hesitations = None
    if lists is not None:
        hesitations = sum(part.text in lists.hesitations for one in own for part in one.parts)
    return SpeakerWords(
        speaker=speaker,
        language=language,
        words=len(words),
        words_per_min=len(words) / minutes if enough else None,
        paces=tuple(_paces(own, conversation, options)),
        questions=sum("?" in mark[-3:] for mark in marks) if marks else None,
        sentences=len(marks) if marks else None,
        hesitations=hesitations,
        hesitations_per_min=hesitations / minutes if hesitations is not None and enough else None,
    )


def _paces(own: Sequence[Utterance], conversation: Conversation, options: ContentOptions) -> Iterator[Pace]:
    """The pace in each minute, from the words that begin in it and the time from the first to the last of a turn."""
    counts: dict[int, int] = {}
    seconds: dict[int, float] = {}
    for one in own:
        by_minute: dict[int, list[Word]] = {}
        for k in one.words:
            by_minute.setdefault(int(conversation.words[k].start_s // 60), []).append(conversation.words[k])
        for minute, found in by_minute.items():
            counts[minute] = counts.get(minute, 0) + len(found)
            seconds[minute] = seconds.get(minute, 0.0) + max(w.end_s for w in found) - min(w.start_s for w in found)
    for minute in sorted(counts):
        if counts[minute] >= options.least_words and seconds[minute] > 0:
            yield Pace(60.0 * minute, 60 * counts[minute] / seconds[minute])


def mentions_of(
    conversation: Conversation, languages: Mapping[str, str | None], options: ContentOptions
) -> tuple[Mention, ...]:
    """Greetings at the beginning, farewells at the end, and prices, in order of time."""
    said = utterances_of(conversation)
    if not said:
        return ()
    begins_s = min(conversation.words[one.words[0]].start_s for one in said)
    ends_s = max(conversation.words[one.words[-1]].end_s for one in said)
    out: list[Mention] = []
    for one in said:
        lists = word_lists(languages.get(one.speaker))
        if lists is None:
            continue
        for kind, first, last in _found(one, lists, conversation.words):
            start_s, end_s = conversation.words[first].start_s, conversation.words[last].end_s
            too_late = kind == "greeting" and start_s > begins_s + options.greeting_within_s
            too_soon = kind == "farewell" and end_s < ends_s - options.farewell_within_s
            if not (too_late or too_soon):
                text = " ".join(word.text for word in conversation.words[first : last + 1])
                out.append(Mention(start_s, end_s, one.speaker, one.turn, text, kind))
    return tuple(sorted(out, key=lambda m: (m.start_s, m.end_s)))


def _found(one: Utterance, lists: WordLists, words: Sequence[Word]) -> Iterator[tuple[MentionKind, int, int]]:
    kinds: tuple[tuple[MentionKind, tuple[tuple[str, ...], ...]], ...] = (
        ("greeting", lists.greetings),
        ("farewell", lists.farewells),
    )
    for kind, phrases in kinds:
        places = [place for phrase in phrases for place in places_of(phrase, one.parts)]
        if places:
            yield kind, min(places)[0], max(last for first, last in places if first == min(places)[0])
    for at, part in enumerate(one.parts):
        text = words[part.word].text
        if _CURRENCY_SIGN.search(text) and _NUMBER.search(text):
            yield "price", part.word, part.word
        elif part.text in lists.currencies and at and _NUMBER.search(words[one.parts[at - 1].word].text):
            yield "price", one.parts[at - 1].word, part.word
