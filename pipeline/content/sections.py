"""Parts of a conversation: from a mark or a question to the next one (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ressenti.pipeline.content.languages import parts_of
from ressenti.pipeline.content.said import places_of, utterances_of
from ressenti.pipeline.content.search import is_called
from ressenti.pipeline.records import Conversation, Turn

MARK = "#"  # begins a note that names a section


@dataclass(frozen=True)
class Section:
    """A part of a conversation (s), its name, and the turn in which it begins."""

    name: str
    start_s: float
    end_s: float
    turn: int


@dataclass(frozen=True)
class Question:
    """The section that a question begins, and words of it."""

    name: str
    words: str


def key_of(name: str) -> str:
    """A name as it is compared: case, accents and punctuation do not count."""
    return " ".join(part for word in name.split() for part in parts_of(word)) or name.casefold()


def sections_of(
    conversation: Conversation, questions: Sequence[Question] = (), speaker: str | None = None
) -> tuple[Section, ...]:
    """Sections in order of time: from each mark, and from the first turn in which words of a question are said.

    A mark is a turn's note whose first line is `# NAME`. A section ends where the next one begins, or with the
    recording. Questions are looked for in the turns of `speaker` (a name, role or label), and not where a mark has the
    same name; several of one name begin one section.
    """
    begun = [(turn, name) for turn in conversation.turns if (name := _marked(turn))]
    marked = {key_of(name) for _, name in begun}
    wanted = [question for question in questions if key_of(question.name) not in marked]
    begun += _asked(conversation, wanted, speaker)
    starts = sorted({turn.start_s for turn, _ in begun})
    edges = [*starts, conversation.recording.duration_s]
    ends = dict(zip(starts, edges[1:], strict=True))
    begun.sort(key=lambda pair: (pair[0].start_s, pair[0].index))
    return tuple(
        Section(name, turn.start_s, ends[turn.start_s], turn.index)
        for turn, name in begun
        if ends[turn.start_s] > turn.start_s
    )


def _marked(turn: Turn) -> str:
    """The name that a turn's note gives to a section; empty if it gives none."""
    first = turn.note.strip().partition("\n")[0]
    return " ".join(first.lstrip(MARK).split()) if first.startswith(MARK) else ""


def _asked(
    conversation: Conversation, questions: Sequence[Question], speaker: str | None
) -> Iterator[tuple[Turn, str]]:
    """The first turn in which words of a question are said, and its name, for each name."""
    if not questions:
        return
    turns = {turn.index: turn for turn in conversation.turns}
    asking = {own.label for own in conversation.speakers if speaker is None or is_called(own, speaker)}
    said = [one for one in utterances_of(conversation) if one.speaker in asking]
    found: dict[str, list[tuple[Turn, str]]] = {}
    for question in questions:
        wanted = [part for word in question.words.split() for part in parts_of(word)]
        places = [(turns[one.turn], question.name) for one in said if any(places_of(wanted, one.parts))]
        found.setdefault(key_of(question.name), []).extend(places)
    for own in found.values():
        if own:
            yield min(own, key=lambda pair: (pair[0].start_s, pair[0].index))
