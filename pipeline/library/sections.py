"""Conversations -> the same sections of all of them, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ressenti.pipeline.config import Config, build_config
from ressenti.pipeline.content.figures import speaker_words
from ressenti.pipeline.content.said import languages_of, utterances_of
from ressenti.pipeline.content.search import word_shown
from ressenti.pipeline.content.sections import Question, Section, key_of, sections_of
from ressenti.pipeline.derive import derive
from ressenti.pipeline.records import Conversation, Ignored, Speaker, Turn
from ressenti.reports.sections import Absent, Part, Person, Topic

LEAST_WORDS, MOST_WORDS = 8, 40  # of a quote


@dataclass(frozen=True)
class Interview:
    """A conversation, its page (None if there is none), and what is known of it besides."""

    conversation: Conversation
    page: Path | None
    metadata: tuple[tuple[str, str], ...] = ()


def topics_of(interviews: Sequence[Interview], questions: Sequence[Question], speaker: str | None) -> tuple[Topic, ...]:
    """Sections by name: the questions in their order, then marks as they come; who lacks one is listed, too."""
    found = [(one, sections_of(one.conversation, questions, speaker)) for one in interviews]
    names: dict[str, str] = {}
    for question in questions:
        names.setdefault(key_of(question.name), question.name)
    for _, sections in found:
        for section in sections:
            names.setdefault(key_of(section.name), section.name)
    asked = {key_of(question.name) for question in questions}
    topics = []
    for key, name in names.items():
        parts, absent = [], []
        for one, sections in found:
            own = [section for section in sections if key_of(section.name) == key]
            parts += [_part(one, section) for section in own]
            if not own:
                wordless = key in asked and not one.conversation.words
                absent.append(Absent(one.conversation, one.metadata, wordless))
        topics.append(Topic(name, tuple(parts), tuple(absent)))
    return tuple(topics)


def _part(one: Interview, section: Section) -> Part:
    whole = one.conversation
    options = build_config(whole.config, source=whole.recording.name)
    within = _within(whole, section, options)
    return Part(
        conversation=within,
        page=one.page,
        metadata=one.metadata,
        start_s=section.start_s,
        end_s=section.end_s,
        people=tuple(_people(whole, within, section, options)),
    )


def _within(whole: Conversation, section: Section, options: Config) -> Conversation:
    """The conversation as if people ignored everything outside a section, with all that follows from that."""
    spans = ((0.0, section.start_s), (section.end_s, whole.recording.duration_s))
    outside = tuple(Ignored(start, end) for start, end in spans if end - start > 1e-3)
    corrections = replace(whole.corrections, ignored=(*whole.corrections.ignored, *outside))
    return derive(replace(whole, corrections=corrections), options)


def _people(whole: Conversation, within: Conversation, section: Section, options: Config) -> Iterator[Person]:
    """Whoever speaks in a section, in the order of speakers."""
    paces = {own.speaker: own.words_per_min for own in speaker_words(within, languages_of(whole), options.content)}
    for speaker in within.people:
        if speaker.talk is None or speaker.talk.talk_s <= 0:
            continue
        turns = [turn for turn in within.turns if turn.speaker == speaker.label]
        lengths = [min(turn.end_s, section.end_s) - max(turn.start_s, section.start_s) for turn in turns]
        said_at, said = _first_words(within, speaker, options.words.unsure_below)
        yield Person(
            speaker=speaker,
            longest_turn_s=max(lengths, default=0.0),
            words_per_min=paces.get(speaker.label),
            activation_sd=_activation(whole, turns) if speaker.not_scored is None else None,
            said=said,
            said_at=said_at,
        )


def _activation(whole: Conversation, turns: Sequence[Turn]) -> float | None:
    """Mean activation of turns' windows against all speech of their speaker in the conversation; None if not known."""
    usual = {(turn.index, w.start_s): w.activation for turn in whole.turns for w in turn.windows}
    told = [(usual.get((turn.index, w.start_s)), w.weight_s) for turn in turns for w in turn.windows]
    known = [(activation, seconds) for activation, seconds in told if activation is not None]
    return sum(a * s for a, s in known) / sum(s for _, s in known) if known else None


def _first_words(within: Conversation, speaker: Speaker, unsure_below: float) -> tuple[float | None, str]:
    """When somebody first says something, and what: turn by turn until there are enough words for a quote."""
    texts: list[str] = []
    at = None
    for one in utterances_of(within):
        if one.speaker != speaker.label:
            continue
        at = within.words[one.words[0]].start_s if at is None else at
        left = one.words[: MOST_WORDS - len(texts)]
        texts += [word_shown(within.words[k], unsure_below) for k in left]
        if len(left) < len(one.words):
            return at, " ".join(texts) + " …"
        if len(texts) >= LEAST_WORDS:
            break
    return at, " ".join(texts)
