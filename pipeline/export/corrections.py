"""Conversation -> rows of what people corrected: what was found, what they made of it, who and when (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from ressenti.pipeline.export.sheet_cells import Cell, at_clock, since_start
from ressenti.pipeline.export.turn_text import names_of, text_of, words_of
from ressenti.pipeline.export.wording import Wording, clock
from ressenti.pipeline.records import Conversation, Turn, TurnCorrection

Row = Sequence[Cell]
Change = tuple[str, str | None, str]  # what it is, what was found, what it became


class _Signed(Protocol):
    """A correction that says who made it and when."""

    @property
    def by(self) -> str: ...
    @property
    def at(self) -> str: ...


Placed = tuple[_Signed, tuple[Cell, Cell, Cell], Change]  # a correction, its turn, start and speaker, and what it did


def correction_rows(conversation: Conversation, wording: Wording) -> list[Row]:
    """One row for each thing that was corrected: the note of the call, speakers, spans left out, then turns."""
    changes = (
        *_of_call(conversation, wording),
        *_of_speakers(conversation, wording),
        *_of_turns(conversation, wording),
    )
    return [
        (conversation.id, wording(f"x_c_{kind}"), *where, found, now, entry.by, at_clock(entry.at))
        for entry, where, (kind, found, now) in changes
    ]


def _of_call(conversation: Conversation, wording: Wording) -> Iterator[Placed]:
    note = conversation.corrections.note
    if note is not None:
        yield note, (None, None, None), ("call_note", None, note.text)
    for span in conversation.corrections.ignored:
        left_out = wording("x_ignored", why=wording(f"x_i_{span.why}"), end=clock(span.end_s))
        yield span, (None, since_start(span.start_s), None), ("ignored", None, left_out)


def _of_speakers(conversation: Conversation, wording: Wording) -> Iterator[Placed]:
    wanted, names = conversation.corrections, names_of(conversation, wording)
    known = {speaker.label: speaker for speaker in conversation.speakers}
    for name in wanted.names:
        if name.speaker in known:
            change = ("name", known[name.speaker].original_name, name.name)
            yield name, (None, None, name.speaker), change
    for role in wanted.roles:
        if role.speaker in known:
            before = known[role.speaker].found
            found = wording.role(before.role) if before and before.role else None
            now = wording.role(role.role) if role.role else wording("x_no_role")
            yield role, (None, None, names[role.speaker]), ("role", found, now)
    for kind in wanted.kinds:
        if kind.speaker in known:
            before = known[kind.speaker].found
            was = wording(f"x_k_{before.kind}") if before else None
            yield kind, (None, None, names[kind.speaker]), ("kind", was, wording(f"x_k_{kind.kind}"))


def _of_turns(conversation: Conversation, wording: Wording) -> Iterator[Placed]:
    names, said = names_of(conversation, wording), _rewritten(conversation)
    turns = {turn.index: turn for turn in conversation.turns}
    for entry in conversation.corrections.turns:
        if turn := turns.get(entry.turn):
            for change in _of_turn(turn, entry, names, said, wording):
                yield entry, (turn.index, since_start(turn.start_s), names[turn.speaker]), change


def _rewritten(conversation: Conversation) -> dict[int, tuple[str, str]]:
    """The words of each turn whose words a person wrote, as found and as they are now, by the turn's index."""
    now = words_of(conversation)
    return {entry.turn: (text_of(entry.words), text_of(now.get(entry.turn, ()))) for entry in conversation.words_found}


def _of_turn(
    turn: Turn, entry: TurnCorrection, names: dict[str, str], said: dict[int, tuple[str, str]], wording: Wording
) -> Iterator[Change]:
    if entry.speaker is not None:
        found = turn.original.speaker if turn.original else turn.speaker
        yield "speaker", names.get(found, found), names.get(entry.speaker, entry.speaker)
    if entry.emotion is not None:
        answer = turn.model_answer if turn.original else None
        yield "class", wording(answer.top if answer else "not_judged"), wording(entry.emotion)
    if entry.words is not None:
        yield "words", *said.get(turn.index, (None, entry.words))
    if entry.note:
        yield "note", None, entry.note
