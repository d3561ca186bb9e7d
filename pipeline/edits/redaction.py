"""Redaction: personal data in words is silenced in all sound, and its words are removed for good."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from ressenti.pipeline.edits.bleeps import with_bleeps
from ressenti.pipeline.edits.names import NameFinder, names_in
from ressenti.pipeline.edits.written_words import with_found_words
from ressenti.pipeline.personal_data.find import TimedWord, find
from ressenti.pipeline.personal_data.requests import Answer, unsure_answers
from ressenti.pipeline.personal_data.spoken_numbers import KNOWN
from ressenti.pipeline.records import Conversation, PersonalData, PersonalKind, Span, Turn, Word

PADDING_S = 0.3  # silenced before, as times of words are not exact, ...
AFTER_S = 0.6  # ... and after: words are mostly said to end too soon


def with_redaction(
    conversation: Conversation,
    dropped: Sequence[Word] = (),
    unsure_below: float = 0.5,
    names: NameFinder | None = None,
) -> Conversation:
    """Find personal data in the words, silence it with its surroundings, and remember its kinds and times.

    `dropped` are recognised words that are not among the conversation's, since the guards did not believe them: what
    is personal in them is silenced, too. After a request for a number or to spell something, an answer that spells,
    or half of whose words are below the confidence `unsure_below`, is silenced whole, also where it has no words.
    People's names are looked for only with `names`. There may be personal data that is not found.
    """
    places = _places_in(conversation, (*conversation.words, *dropped), unsure_below, names)
    if conversation.words_found:  # what was found instead of the words that a person wrote
        found = with_found_words(conversation).words
        places += [place for place in _places_in(conversation, found, unsure_below, names) if place not in places]
    if names is not None and names.info not in conversation.models:
        conversation = replace(conversation, models=(*conversation.models, names.info))
    if not places:
        return conversation
    places.sort(key=lambda place: (place.start_s, place.end_s))
    end_s = conversation.recording.duration_s
    spans = [
        Span(max(0.0, p.start_s - PADDING_S), min(max(p.end_s, p.start_s + 0.01) + AFTER_S, end_s))
        for p in places
        if p.start_s - PADDING_S < end_s
    ]
    kept = tuple(dict.fromkeys((*conversation.personal_data, *places)))
    return with_bleeps(replace(conversation, personal_data=kept), spans)


def _places_in(
    conversation: Conversation, said: Sequence[Word], unsure_below: float, names: NameFinder | None
) -> list[PersonalData]:
    """Personal data in words."""
    speakers = {turn.index: turn.speaker for turn in conversation.turns}
    words = sorted(said, key=lambda word: (word.start_s, word.end_s))
    heard = [
        TimedWord(w.text, w.start_s, w.end_s, None if w.turn is None else speakers.get(w.turn), w.confidence)
        for w in words
    ]
    places = [
        PersonalData(cast("PersonalKind", f.kind), *_span(words[f.first : f.last + 1]))
        for f in find(heard, _languages(conversation))
    ]
    answers = unsure_answers(heard, unsure_below)
    places += [PersonalData("number", *_whole_answer(answer, heard, conversation.turns)) for answer in answers]
    return places if names is None else [*places, *names_in(words, names)]


def _whole_answer(answer: Answer, words: Sequence[TimedWord], turns: Sequence[Turn]) -> tuple[float, float]:
    """From the first turn of who answers, after what was asked, to their last before somebody else speaks."""
    first, last = words[answer.first], words[answer.last]
    asked_s = words[answer.request].end_s
    until_s = min(
        (t.start_s for t in turns if t.speaker != first.speaker and t.start_s >= last.end_s), default=last.end_s
    )
    own = [t for t in turns if t.speaker == first.speaker and t.end_s > asked_s and t.start_s < until_s]
    start_s = min([first.start_s, *(max(asked_s, t.start_s) for t in own)])
    return start_s, max([last.end_s, *(min(until_s, t.end_s) for t in own)])


def _span(words: Sequence[Word]) -> tuple[float, float]:
    return min(word.start_s for word in words), max(word.end_s for word in words)


def _languages(conversation: Conversation) -> frozenset[str]:
    """The languages that are spoken, as far as we can read numbers in them; all of these if none is known."""
    about = conversation.transcription
    known = frozenset(own.language for own in about.languages if own.language in KNOWN) if about else frozenset()
    return frozenset(language for language in known if language) or KNOWN
