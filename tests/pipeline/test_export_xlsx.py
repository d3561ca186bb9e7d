"""The workbook is read back by openpyxl: sheets, times, shares, and texts that are no formulas."""

import io
import json
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any, get_args

import openpyxl
import pandas as pd
import pytest
from openpyxl.workbook.workbook import Workbook
from openpyxl.worksheet.worksheet import Worksheet
from typer.testing import CliRunner

from ressenti.pipeline import export, extras, store
from ressenti.pipeline.cli.app import app
from ressenti.pipeline.cli.workbook import workbook
from ressenti.pipeline.derive import with_corrections
from ressenti.pipeline.edits.pseudonyms import pseudonymised
from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.export.sheet_cells import MOST_UNITS, Figure, at_clock, cell_text
from ressenti.pipeline.export.turn_text import text_of, words_of
from ressenti.pipeline.language import Lang
from ressenti.pipeline.records import (
    CallNote,
    Conversation,
    Corrections,
    Ignored,
    SpeakerKind,
    SpeakerName,
    SpeakerRole,
    Turn,
    TurnCorrection,
    Word,
)
from ressenti.reports.headline import headline
from ressenti.reports.wording import Wording

Make = Callable[..., Conversation]
SHEETS = {
    "en": ["Summary", "Turns", "Moments", "Corrections"],
    "fr": ["Résumé", "Tours de parole", "Moments", "Corrections"],
    "es": ["Resumen", "Turnos", "Momentos", "Correcciones"],
}
HOSTILE = [
    "=1+1",
    "+cmd|' /C calc'!A0",
    "-2",
    "@SUM(A1)",
    '=HYPERLINK("http://x.invalid")',
    "http://x.invalid",
    "12",
    "{=1}",
]


def opened(conversation: Conversation) -> Workbook:
    return openpyxl.load_workbook(io.BytesIO(workbook(conversation)))


def rows_of(sheet: Worksheet) -> list[dict[str, Any]]:
    head, *rows = sheet.iter_rows(values_only=True)
    return [dict(zip(map(str, head), row, strict=True)) for row in rows]


@pytest.mark.parametrize("lang", get_args(Lang))
def test_sheets_have_filters_and_a_heading_that_stays(lang: Lang, make_spoken: Make, empty: Conversation) -> None:
    for conversation in (make_spoken(lang=lang), export.in_language(empty, lang)):
        book = opened(conversation)
        assert book.sheetnames == SHEETS[lang]
        for sheet in book:
            assert sheet.freeze_panes == "A2"
            assert sheet.auto_filter.ref.startswith("A1:")
            assert all(cell.value and cell.font.bold for cell in sheet[1])
            assert len({cell.value for cell in sheet[1]}) == len(sheet[1])


def test_the_summary_says_what_the_page_says_first(make_spoken: Make) -> None:
    conversation = make_spoken(lang="fr")
    rows = [
        tuple(cell for cell in row) for row in opened(conversation)["Résumé"].iter_rows(min_row=2, values_only=True)
    ]
    told = [row[1] for row in rows if row[0] == "En bref"]
    assert told == list(headline(conversation, Wording("fr")))
    found = {str(row[0]): row for row in rows}
    assert found["Durée"][1] == timedelta(seconds=40)
    assert found["SHA-256 de l’enregistrement"][1] == "ab" * 32
    assert found["Conversation"][1] == conversation.id
    assert str(found["Modèle (émotion)"][1]).startswith("some/model, CC BY-NC-SA 4.0")
    who = [row for row in rows if row[0] == "Locuteur"]
    assert len(who) == len(conversation.speakers)
    talk = conversation.speakers[0].talk
    assert talk
    assert who[0][2].total_seconds() == pytest.approx(talk.talk_s, abs=1e-3)  # type: ignore[union-attr]
    assert who[0][3:] == (pytest.approx(talk.share), talk.turns)


def test_the_day_is_that_of_the_name(make_spoken: Make) -> None:
    made = make_spoken()
    named = replace(made, recording=replace(made.recording, name="call_2026-03-04_10-30.wav"))
    found = {row["Item"]: row["Value"] for row in rows_of(opened(named)["Summary"])}
    assert found["Title"] == "call_2026-03-04_10-30"
    assert found["Date"] == "4 March 2026, 10:30"
    assert "Date" not in {row["Item"] for row in rows_of(opened(made)["Summary"])}


def test_turns_have_times_shares_words_and_what_a_person_did(spoken: Conversation) -> None:
    sheet = opened(spoken)["Turns"]
    rows = rows_of(sheet)
    for row, turn in zip(rows, sorted(spoken.turns, key=lambda t: (t.start_s, t.end_s)), strict=True):
        assert (row["Conversation"], row["Turn"]) == (spoken.id, turn.index)
        assert row["Start"].total_seconds() == pytest.approx(turn.start_s, abs=1e-3)
        assert row["Length"].total_seconds() == pytest.approx(turn.duration_s, abs=2e-3)
        assert row["Unsure"] == (("yes" if turn.unsure else "no") if turn.emotion else None)
        place = spoken.place_of(turn)
        assert row["Valence"] == (pytest.approx(place[0]) if place else None)
    row = next(row for row in rows if row["Turn"] == 5)
    assert (row["Words"], row["Corrected"], row["Class"], row["Score"]) == ("taken by a person", "yes", "Sad", None)
    assert (row["Model’s class"], row["Found speaker"]) == ("Tension", 'Zoé "LA Voix" (S2)')
    assert row["Note"] == 'She "sighs"\n<i>here</i> & stops'
    formats = {str(cell.value): sheet.cell(2, cell.column).number_format for cell in sheet[1]}
    assert (formats["Start"], formats["End"], formats["Score"]) == ("[h]:mm:ss.0", "[h]:mm:ss.0", "0%")


def test_an_hour_is_shown_as_hours(make_spoken: Make) -> None:
    late = make_spoken(turns=(Turn(0, "S1", 90_061.5, 90_062.0, unjudged="short"),), trajectories=(), words=())
    late = replace(late, recording=replace(late.recording, duration_s=90_100.0))
    cell = opened(late)["Turns"]["C2"]
    assert cell.value == timedelta(days=1, hours=1, minutes=1, seconds=1.5)


def test_moments_are_those_of_the_conversation_also_where_they_overlap(spoken: Conversation) -> None:
    rows = rows_of(opened(spoken)["Moments"])
    moments = sorted(spoken.moments, key=lambda m: m.start_s)
    assert len(moments) > 2
    assert [row["Start"].total_seconds() for row in rows] == [pytest.approx(m.start_s, abs=1e-3) for m in moments]
    assert [row["May be chance"] == "no" for row in rows] == [m.certain for m in moments]
    assert all(row["Kind"] and row["What"] and row["Conversation"] == spoken.id for row in rows)


def test_corrections_say_what_was_found_and_what_it_became(make_conversation: Make) -> None:
    wanted = Corrections(
        names=(SpeakerName("S2", "Ben"),),
        turns=(TurnCorrection(0, speaker="S2", note="heard twice"), TurnCorrection(1, emotion="Sad")),
        kinds=(SpeakerKind("S1", "announcement"),),
    )
    rows = rows_of(opened(with_corrections(make_conversation(), wanted))["Corrections"])
    told = [(row["Kind"], row["Turn"], row["Found"], row["Corrected to"]) for row in rows]
    assert told == [
        ("Name", None, None, "Ben"),
        ("Person or announcement", None, "person", "announcement"),
        ("Speaker", 0, "Announcement S1", "Ben"),
        ("Note", 0, None, "heard twice"),
        ("Class", 1, "Tension", "Sad"),
    ]


def test_all_that_people_correct_is_there_with_who_and_when(spoken: Conversation) -> None:
    who, day = "KM", "2026-11-30T20:15:00Z"
    wanted = Corrections(
        roles=(SpeakerRole("S1", "agent", who, day), SpeakerRole("S2", None)),
        ignored=(Ignored(0.0, 0.5, "before", who, day),),
        note=CallNote("=call back", who, day),
        turns=(TurnCorrection(1, words="quite other words", by=who, at=day),),
    )
    book = opened(with_corrections(spoken, wanted))
    rows = {row["Kind"]: row for row in reversed(rows_of(book["Corrections"]))}
    assert {kind: (row["Found"], row["Corrected to"]) for kind, row in rows.items() if kind != "Words"} == {
        "Note on the call": (None, "=call back"),
        "Role": ("client", "agent"),
        "Left out": (None, "before the talk, until 00:00:00.5"),
    }
    assert rows["Words"]["Corrected to"] == "quite other words"
    found = words_of(spoken)[1]
    assert rows["Words"]["Found"] == text_of(found)
    assert {(row["Corrected by"], row["Corrected at (UTC)"]) for row in rows.values()} == {
        (who, datetime(2026, 11, 30, 20, 15))
    }
    (turn,) = [row for row in rows_of(book["Turns"]) if row["Turn"] == 1]
    assert (turn["Words"], turn["Corrected"], turn["Corrected by"]) == ("quite other words", "yes", who)
    assert "=call back" in {row["Value"] for row in rows_of(book["Summary"])}
    read = pd.read_csv(io.StringIO(export.turns_csv(with_corrections(spoken, wanted)))).loc[1]
    assert (read["corrected"], read["corrected_by"], read["corrected_at"]) == (True, who, day)
    assert json.loads(export.aws(with_corrections(spoken, wanted)))["Transcript"][1]["Ressenti"]["Corrected"]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_is_a_formula_a_link_or_a_number(text: str, spoken: Conversation) -> None:
    speakers = (replace(spoken.speakers[0], name=text), *spoken.speakers[1:])
    turns = (replace(spoken.turns[0], note=text), *spoken.turns[1:])
    made = replace(spoken, speakers=speakers, turns=turns, words=(Word(1.0, 1.5, text, 0),))
    made = replace(made, recording=replace(made.recording, name=text), program=text)
    data = workbook(made)
    book = openpyxl.load_workbook(io.BytesIO(data))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "n", "d"}
    same = [cell for cell in cells if cell.value == text]
    assert len(same) >= 3
    assert all(cell.data_type == "s" and cell.hyperlink is None for cell in same)
    if text[0] in "=+-@":
        assert all(cell.quotePrefix for cell in same)
    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        sheets = [parts.read(name) for name in parts.namelist() if "worksheets/sheet" in name]
    assert not [sheet for sheet in sheets if b"<f>" in sheet or b"<hyperlink" in sheet]


def test_characters_that_no_workbook_can_hold_are_told_by_their_codes(spoken: Conversation) -> None:
    odd = "a\x00b\x1bc\ud800d\u202ee\uffff\ufffef _x0041_ \U0001f600\r\nend"
    speakers = (replace(spoken.speakers[0], name=odd), *spoken.speakers[1:])
    turns = (replace(spoken.turns[0], note=odd), *spoken.turns[1:])
    made = replace(spoken, speakers=speakers, turns=turns, recording=replace(spoken.recording, name=odd), program=odd)
    note = next(row["Note"] for row in rows_of(opened(made)["Turns"]) if row["Turn"] == 0)
    assert note.startswith("a\\x00b\\x1bc\\ud800d\\u202ee")
    assert note.endswith("f _x0041_ \U0001f600\\x0d\nend")


def test_text_that_does_not_fit_ends_with_an_ellipsis(spoken: Conversation) -> None:
    for letter in ("x", "\U0001f600"):
        long = " ".join(letter * 4_000 for _ in range(10))
        words = tuple(Word(1.0 + k / 100, 1.0 + k / 100, text, 0) for k, text in enumerate(long.split()))
        row = next(r for r in rows_of(opened(replace(spoken, words=words))["Turns"]) if r["Turn"] == 0)
        units = len(row["Words"].encode("utf-16-le")) // 2
        assert MOST_UNITS - 2 < units <= MOST_UNITS
        assert row["Words"].endswith(f"{letter}…")
    assert cell_text("x" * MOST_UNITS) == "x" * MOST_UNITS


def test_a_day_is_excels_day_and_what_is_none_stays_text() -> None:
    assert at_clock("2026-11-30T12:00:00Z") == Figure(46356.5, "day")
    assert at_clock("2026-11-30T12:00:00") == at_clock("2026-11-30T13:00:00+01:00") == Figure(46356.5, "day")
    assert (at_clock(""), at_clock("yesterday")) == (None, "yesterday")
    assert at_clock("1800-01-01T00:00:00Z") == "1800-01-01T00:00:00Z"  # Excel has no such day


def test_same_conversation_same_bytes_whenever_it_is_written(
    spoken: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = store.loads(store.dumps(spoken))
    first = workbook(stored)
    monkeypatch.setattr(time, "time", lambda: 2_000_000_000.0)
    assert workbook(store.loads(store.dumps(stored))) == first
    with zipfile.ZipFile(io.BytesIO(first)) as parts:
        assert {info.date_time[0] for info in parts.infolist()} == {1980}
        assert b"2000-01-01T00:00:00Z" in parts.read("docProps/core.xml")


def test_no_words_are_said_once(unspoken: Conversation, spoken: Conversation) -> None:
    def said(conversation: Conversation) -> list[object]:
        return [
            c.value for s in opened(conversation) for row in s.iter_rows() for c in row if "No words" in str(c.value)
        ]

    assert said(unspoken) == ["No words were recognised or brought along."]
    assert said(spoken) == []


def test_silenced_words_and_names_left_out_are_not_in_it(silenced: Conversation) -> None:
    def all_text(conversation: Conversation) -> str:
        with zipfile.ZipFile(io.BytesIO(workbook(conversation))) as parts:
            return "".join(parts.read(name).decode() for name in parts.namelist())

    assert "[…]" in all_text(silenced)
    assert "Zoé." not in all_text(silenced)
    assert "Zoé" in all_text(silenced)
    assert "Zoé" not in all_text(pseudonymised(silenced))


def test_languages_have_the_same_texts() -> None:
    folder = resources.files("ressenti.pipeline.export") / "locales"
    texts = [json.loads((folder / f"{lang}.json").read_text(encoding="utf-8")) for lang in get_args(Lang)]
    assert texts[0].keys() == texts[1].keys() == texts[2].keys()


def test_a_turn_of_an_announcement_or_of_laughing_says_so(make_spoken: Make) -> None:
    turns = (Turn(0, "S1", 1.0, 2.0, unjudged="announcement"), Turn(1, "S1", 3.0, 4.0, unjudged="sound"))
    made = make_spoken(turns=turns, trajectories=(), words=(), moments=())
    assert [row["Not judged because"] for row in rows_of(opened(made)["Turns"])] == [
        "announcement",
        "laughing, coughing or the like",
    ]
    assert "laughing, coughing or the like" in export.quotes_md(made)


def test_the_command_writes_it_in_the_language_that_is_asked_for(spoken: Conversation, tmp_path: Path) -> None:
    path = tmp_path / "call.json"
    path.write_text(store.dumps(spoken), encoding="utf-8")
    done = CliRunner().invoke(app, ["report", str(path), "--format", "xlsx", "--lang", "es"])
    assert done.exit_code == 0, done.output
    assert openpyxl.load_workbook(tmp_path / "call.xlsx").sheetnames == SHEETS["es"]


def test_without_xlsxwriter_the_error_says_what_to_install(
    spoken: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install xlsxwriter \(the extra `xlsx`\), or choose csv"):
        workbook(spoken)
