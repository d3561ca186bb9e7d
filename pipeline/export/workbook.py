"""Conversation -> an Excel workbook with a summary, turns, moments and corrections, in the report's language."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from ressenti.pipeline.export.corrections import correction_rows
from ressenti.pipeline.export.quotes import made_of, with_role
from ressenti.pipeline.export.sheet_cells import Cell, Figure, at_clock, cell_text, share, since_start
from ressenti.pipeline.export.turn_text import (
    corrected_turns,
    correction_of,
    has_words,
    known_of,
    names_of,
    plain,
    text_of,
    words_of,
)
from ressenti.pipeline.export.wording import Wording, silenced, wording_of
from ressenti.pipeline.extras import need
from ressenti.pipeline.records import Conversation, Turn

Sheet = Literal["summary", "turns", "moments", "corrections"]
_CREATED = datetime(2000, 1, 1)  # the same in every workbook, so that bytes do not tell when it was made
_FORMULAS = ("=", "+", "-", "@")
_OPTIONS = {"in_memory": True, "strings_to_formulas": False, "strings_to_numbers": False, "strings_to_urls": False}
_NUMBERS = {
    "time": "[h]:mm:ss.0",
    "day": "yyyy-mm-dd hh:mm:ss",
    "share": "0%",
    "axis": "+0.00;-0.00;0.00",
    "deviations": "+0.0;-0.0;0.0",
}
_COLUMNS: dict[Sheet, dict[str, int]] = {  # texts of the headings, and widths in letters
    "summary": {"item": 26, "value": 90, "talk": 12, "share": 10, "turns": 8},
    "turns": {
        "conversation": 20, "turn": 7, "start": 12, "end": 12, "length": 12, "speaker": 22, "role": 14,
        "speaker_sure": 12, "words": 70, "class": 12, "class_sure": 12, "unsure": 9, "valence": 9, "arousal": 10,
        "activation": 12, "overlap": 12, "not_judged": 22, "corrected": 12, "model_class": 14, "model_speaker": 22,
        "note": 40, "by": 16, "at": 20,
    },
    "moments": {
        "conversation": 20, "kind": 20, "start": 12, "end": 12, "length": 12, "speaker": 22, "what": 70, "chance": 14,
        "said": 60,
    },
    "corrections": {
        "conversation": 20, "kind": 20, "turn": 7, "start": 12, "speaker": 22, "found": 40, "corrected_to": 40,
        "by": 16, "at": 20,
    },
}  # fmt: skip


@dataclass(frozen=True)
class MomentTold:
    """One moment as the page tells it; `certain` is False if it may be chance."""

    kind: str
    start_s: float
    end_s: float
    who: str
    what: str
    certain: bool
    quote: str


@dataclass(frozen=True)
class Told:
    """What the page says of a conversation: its title and day, the sentences at the top, and the moments."""

    title: str
    when: str
    sentences: tuple[str, ...]
    moments: tuple[MomentTold, ...]


def workbook(conversation: Conversation, told: Told, metadata: Sequence[tuple[str, str]] = ()) -> bytes:
    """The workbook; raises `ConfigError` if XlsxWriter is not installed. The same conversation gives the same bytes.

    Every sheet has filters and a heading that stays in place. Times are Excel's times, shares are percentages, and no
    text is run as a formula. Text that does not fit into a cell ends with an ellipsis.
    """
    need("xlsxwriter", "--format xlsx", "or choose csv")
    import xlsxwriter

    wording = wording_of(conversation)
    rows: dict[Sheet, list[Sequence[Cell]]] = {
        "summary": _summary(conversation, told, wording, metadata),
        "turns": [_turn(conversation, turn, wording, cells) for turn, cells in _by_time(conversation, wording)],
        "moments": [_moment(conversation, moment, wording) for moment in told.moments],
        "corrections": correction_rows(conversation, wording),
    }
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, _OPTIONS) as book:
        title = plain(cell_text(told.title))[:255]
        book.set_properties({"title": title, "author": "Ressenti", "created": _CREATED})
        writer = _Writer(book, wording)
        for sheet, table in rows.items():
            writer.add(sheet, table)
    return out.getvalue()


class _Writer:
    """Writes tables into the sheets of a workbook."""

    def __init__(self, book: Any, wording: Wording) -> None:
        top = {"valign": "top"}
        self._book, self._wording = book, wording
        self._head = book.add_format({"bold": True, "text_wrap": True, "bottom": 1, **top})
        self._text = book.add_format({"text_wrap": True, **top})
        self._guarded = book.add_format({"text_wrap": True, "quote_prefix": True, **top})
        self._numbers = {name: book.add_format({"num_format": code, **top}) for name, code in _NUMBERS.items()}
        self._whole = book.add_format({"num_format": "0", **top})

    def add(self, sheet: Sheet, rows: Sequence[Sequence[Cell]]) -> None:
        """Add a sheet with a heading that stays in place, and filters."""
        columns = _COLUMNS[sheet]
        page = self._book.add_worksheet(self._wording(f"x_sheet_{sheet}"))
        for at, (name, width) in enumerate(columns.items()):
            page.set_column(at, at, width)
            page.write_string(0, at, self._wording(f"x_{name}"), self._head)
        page.freeze_panes(1, 0)
        page.autofilter(0, 0, max(1, len(rows)), len(columns) - 1)
        page.set_landscape()
        page.set_paper(9)  # A4
        page.fit_to_pages(1, 0)
        page.repeat_rows(0)
        for at, row in enumerate(rows, 1):
            for column, cell in enumerate(row):
                self._write(page, at, column, cell)

    def _write(self, page: Any, row: int, column: int, cell: Cell) -> None:
        if cell is None or cell == "":
            return
        if isinstance(cell, bool):
            page.write_string(row, column, self._wording("x_yes" if cell else "x_no"), self._text)
        elif isinstance(cell, Figure):
            page.write_number(row, column, cell.value, self._numbers[cell.format])
        elif isinstance(cell, int):
            page.write_number(row, column, cell, self._whole)
        else:
            text = cell_text(cell)
            page.write_string(row, column, text, self._guarded if text.startswith(_FORMULAS) else self._text)


def _summary(
    conversation: Conversation, told: Told, wording: Wording, metadata: Sequence[tuple[str, str]]
) -> list[Sequence[Cell]]:
    recording, names = conversation.recording, names_of(conversation, wording)
    rows: list[Sequence[Cell]] = [
        (wording("x_title"), told.title),
        (wording("recording"), recording.name),
        (wording("x_conversation"), conversation.id),
        *([(wording("x_when"), told.when)] if told.when else []),
        (wording("length"), since_start(recording.duration_s)),
        *known_of(metadata, wording),
    ]
    rows += [(wording("x_says"), sentence) for sentence in told.sentences]
    for speaker in conversation.speakers:
        who = with_role(speaker, names[speaker.label], wording)
        figures: tuple[Cell, ...] = ()
        if talk := speaker.talk:
            figures = (since_start(talk.talk_s), share(talk.share), talk.turns)
        rows.append((wording("x_speaker"), who, *figures))
    if note := conversation.corrections.note:
        rows.append((wording("x_c_call_note"), note.text))
    limits = [] if has_words(conversation) else [wording("x_no_words")]
    limits.append(wording("limit_expression"))
    if conversation.allow_restricted:
        limits.append(wording("legal_allowed", reason=plain(conversation.allow_restricted)))
    rows += [(wording("x_limit"), limit) for limit in (*limits, *silenced(conversation))]
    return [*rows, *made_of(conversation, wording)]


@dataclass(frozen=True)
class _Said:
    """What a turn's row shows besides the turn."""

    words: str
    speaker: str
    role: str
    model_speaker: str
    corrected: bool
    by: str
    at: str


def _by_time(conversation: Conversation, wording: Wording) -> Iterable[tuple[Turn, _Said]]:
    words, names, entries = words_of(conversation), names_of(conversation, wording), correction_of(conversation)
    corrected = corrected_turns(conversation)
    roles = {s.label: wording.role(s.role) if s.role else "" for s in conversation.speakers}
    for turn in sorted(conversation.turns, key=lambda t: (t.start_s, t.end_s)):
        found = turn.original.speaker if turn.original else turn.speaker
        entry = entries.get(turn.index)
        yield (
            turn,
            _Said(
                text_of(words.get(turn.index, ())),
                names[turn.speaker],
                roles[turn.speaker],
                names.get(found, found),
                turn.index in corrected,
                entry.by if entry else "",
                entry.at if entry else "",
            ),
        )


def _turn(conversation: Conversation, turn: Turn, wording: Wording, said: _Said) -> Sequence[Cell]:
    valence, arousal = conversation.place_of(turn) or (None, None)
    emotion, answer = turn.emotion, turn.model_answer
    own = None if turn.by_person or emotion is None else emotion
    return (
        conversation.id,
        turn.index,
        since_start(turn.start_s),
        since_start(turn.end_s),
        since_start(turn.duration_s),
        said.speaker,
        said.role,
        share(turn.speaker_confidence),
        said.words,
        wording(emotion.top) if emotion else None,
        share(own.confidence) if own else None,
        turn.unsure if emotion else None,
        _figure(valence, "axis"),
        _figure(arousal, "axis"),
        _figure(turn.activation, "deviations"),
        since_start(turn.overlap_s),
        wording(f"u_{turn.unjudged}") if turn.unjudged else None,
        said.corrected,
        wording(answer.top) if answer else None,
        said.model_speaker,
        turn.note,
        said.by,
        at_clock(said.at),
    )


def _moment(conversation: Conversation, moment: MomentTold, wording: Wording) -> Sequence[Cell]:
    return (
        conversation.id,
        wording(f"x_m_{moment.kind}"),
        since_start(moment.start_s),
        since_start(moment.end_s),
        since_start(moment.end_s - moment.start_s),
        moment.who,
        moment.what,
        not moment.certain,
        moment.quote,
    )


def _figure(value: float | None, form: Literal["axis", "deviations"]) -> Figure | None:
    return None if value is None else Figure(value, form)
