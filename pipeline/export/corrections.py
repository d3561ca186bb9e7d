"""Conversation -> rows of what people corrected: what was found, what they made of it, who and when (pure)."""

from __future__ import annotations

from collections.abc import Sequence

from ressenti.pipeline.export.sheet_cells import Cell, at_clock, since_start
from ressenti.pipeline.export.turn_text import names_of, signed
from ressenti.pipeline.export.wording import Wording
from ressenti.pipeline.records import Conversation, Turn, TurnCorrection

Row = Sequence[Cell]


def correction_rows(conversation: Conversation, wording: Wording) -> list[Row]:
    """One row for each thing that was corrected: names, people and announcements, then turns."""
    names = names_of(conversation, wording)
    rows: list[Row] = []

    def add(kind: str, correction: object, turn: Turn | None, who: str, found: str | None, now: str) -> None:
        by = signed(correction)
        place: tuple[Cell, Cell] = (turn.index, since_start(turn.start_s)) if turn else (None, None)
        rows.append((conversation.id, wording(f"x_c_{kind}"), *place, who, found, now, by.by, at_clock(by.at)))

    known = {speaker.label: speaker for speaker in conversation.speakers}
    for name in conversation.corrections.names:
        if name.speaker in known:
            add("name", name, None, name.speaker, known[name.speaker].original_name, name.name)
    for kind in conversation.corrections.kinds:
        if kind.speaker in known:
            before = known[kind.speaker].found
            found = wording(f"x_k_{before.kind}") if before else None
            add("kind", kind, None, names[kind.speaker], found, wording(f"x_k_{kind.kind}"))
    turns = {turn.index: turn for turn in conversation.turns}
    for entry in conversation.corrections.turns:
        if turn := turns.get(entry.turn):
            for what, before_it, now in _of_turn(turn, entry, names, wording):
                add(what, entry, turn, names[turn.speaker], before_it, now)
    return rows


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
