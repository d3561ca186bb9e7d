"""Conversation -> rows of what people corrected: what was found, what they made of it, who and when (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ressenti.pipeline.export.sheet_cells import Cell, at_clock, since_start
from ressenti.pipeline.export.turn_text import names_of, signed, text_of
from ressenti.pipeline.export.wording import Wording, clock
from ressenti.pipeline.records import Conversation, Ignored, Turn, TurnCorrection

Row = Sequence[Cell]


@dataclass(frozen=True)
class _Told:
    """One row, before who and when: what was corrected, where, whose, what was found, what it is now."""

    kind: str
    correction: object
    place: Turn | Ignored | None
    who: str | None
    found: str | None
    now: str


def correction_rows(conversation: Conversation, wording: Wording) -> list[Row]:
    """One row for each thing that was corrected: the whole conversation, speakers, spans to ignore, then turns."""
    names = names_of(conversation, wording)
    note = conversation.corrections.note
    told = [_Told("call_note", note, None, None, None, note.text)] if note else []
    told += [
        *_of_speakers(conversation, names, wording),
        *_of_spans(conversation, wording),
        *_of_turns(conversation, names, wording),
    ]
    rows: list[Row] = []
    for one in told:
        by = signed(one.correction)
        place: tuple[Cell, Cell] = (
            one.place.index if isinstance(one.place, Turn) else None,
            since_start(one.place.start_s) if one.place else None,
        )
        kind = wording(f"x_c_{one.kind}")
        rows.append((conversation.id, kind, *place, one.who, one.found, one.now, by.by, at_clock(by.at)))
    return rows


def _of_speakers(conversation: Conversation, names: dict[str, str], wording: Wording) -> Iterator[_Told]:
    known, given = {speaker.label: speaker for speaker in conversation.speakers}, conversation.corrections
    for name in given.names:
        if name.speaker in known:
            yield _Told("name", name, None, name.speaker, known[name.speaker].original_name, name.name)
    for kind in given.kinds:
        if kind.speaker in known:
            before = known[kind.speaker].found
            found = wording(f"x_k_{before.kind}") if before else None
            yield _Told("kind", kind, None, names[kind.speaker], found, wording(f"x_k_{kind.kind}"))
    for role in given.roles:
        if role.speaker in known:
            was = known[role.speaker].found
            found = wording.role(was.role) if was and was.role else None
            yield _Told("role", role, None, names[role.speaker], found, wording.role(role.role or ""))


def _of_spans(conversation: Conversation, wording: Wording) -> Iterator[_Told]:
    for span in conversation.corrections.ignored:
        where = f"{clock(span.start_s)} – {clock(span.end_s)}"
        yield _Told("ignored", span, span, None, None, f"{where}{wording('colon')}{wording(f'x_i_{span.why}')}")


def _of_turns(conversation: Conversation, names: dict[str, str], wording: Wording) -> Iterator[_Told]:
    turns = {turn.index: turn for turn in conversation.turns}
    said = {found.turn: text_of(found.words) for found in conversation.words_found}
    for entry in conversation.corrections.turns:
        if (turn := turns.get(entry.turn)) is None:
            continue
        for what, found, now in _of_turn(turn, entry, names, wording):
            yield _Told(what, entry, turn, names[turn.speaker], found, now)
        if entry.words is not None:
            yield _Told("words", entry, turn, names[turn.speaker], said.get(turn.index), entry.words)


def _of_turn(
    turn: Turn, entry: TurnCorrection, names: dict[str, str], wording: Wording
) -> list[tuple[str, str | None, str]]:
    """What was corrected of a turn: what it is, what was found, what it is now."""
    told: list[tuple[str, str | None, str]] = []
    if entry.speaker is not None:
        found = turn.original.speaker if turn.original else turn.speaker
        told.append(("speaker", names.get(found, found), names.get(entry.speaker, entry.speaker)))
    if entry.emotion is not None:
        answer = turn.model_answer if turn.original else None
        told.append(("class", wording(answer.top if answer else "not_judged"), wording(entry.emotion)))
    if entry.note:
        told.append(("note", None, entry.note))
    return told
