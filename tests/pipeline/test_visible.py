"""Characters that act are shown, writing of any script is left alone, and cells are no formulas."""

from __future__ import annotations

import base64
import csv
import gzip
import io
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.table import Table

from ressenti.pipeline import export
from ressenti.pipeline.cli.console import Terminal
from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.lab.labelled_speech.truth import TruthSegment, emotions_csv, read_truth
from ressenti.pipeline.records import Conversation, Moment, Note, Word
from ressenti.pipeline.text import guarded, unguarded, visible
from ressenti.reports.page import render


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;owned\x07.wav", "\\x1b]0;owned\\x07.wav"),
        ("a\u202egnp.wav", "a\\u202egnp.wav"),
        ("\u2066a\u2069", "\\u2066a\\u2069"),
        ("a\u200bb\ufeff", "a\\u200bb\\ufeff"),
        ("a\u2028b\u2029", "a\\u2028b\\u2029"),
        ("a\rb\x9b1m", "a\\x0db\\x9b1m"),
        ("pay\u200dpal", "pay\\u200dpal"),
        ("\udcff.wav", "\\udcff.wav"),
        ("a\U000e0041", "a\\U000e0041"),
        ("exe\u200f.wav\u200e\u061c", "exe\\u200f.wav\\u200e\\u061c"),
        ("a\u3164b\uffa0\u034f", "a\\u3164b\\uffa0\\u034f"),
    ],
)
def test_what_acts_is_shown(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "Zoé",
        "日本語",
        "שלום עולם",
        "مرحبا",
        "שלום\u200f!",
        "می\u200cخواهم",
        "क्\u200dष",
        "👩\u200d🔬",
        "👍🏽",
        "❤️",
        "🏴\U000e0067\U000e0062\U000e007f",
        "a\tb\nc",
    ],
)
def test_writing_is_left_alone(text: str) -> None:
    assert visible(text) == text


def test_no_control_reaches_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    name = "\x1b]0;owned\x07\u202e.wav"
    table = Table("model")
    table.add_row(name)
    Terminal().show(table)
    Terminal().say(f"[bold]{name}[/]")
    Terminal().fail(ConfigError(f"{name}: no"))
    try:
        raise RuntimeError(name)
    except RuntimeError as error:
        Terminal().fail(error)
    said = capsys.readouterr()
    for text in (said.out, said.err):
        assert "\\x1b]0;owned\\x07\\u202e.wav" in text
        assert not {"\x1b]", "\x07", "\u202e"} & {text[k : k + n] for k in range(len(text)) for n in (1, 2)}


def test_nothing_that_acts_reaches_a_page_but_as_its_code(make_conversation: Callable[..., Conversation]) -> None:
    made, acting = make_conversation(), "a\u202eb"
    moment = Moment("interruption", 1.0, 2.0, "S1", values={"of": acting, "overlap_s": 1.0})
    note = Note("track_chosen", {"track": acting, "tracks": 2})
    page = render(
        replace(
            made,
            recording=replace(made.recording, name=acting, codec=acting, notes=(note,)),
            layout_reason=Note("silent_channel", {"other": acting, "used": acting}),
            speakers=(replace(made.speakers[0], name=acting, role=acting), *made.speakers[1:]),
            models=tuple(replace(model, name=acting, licence=acting) for model in made.models),
            turns=(replace(made.turns[0], note=acting), *made.turns[1:]),
            words=(Word(1.0, 1.2, acting, 0),),
            moments=(moment, *made.moments),
            program=acting,
        )
    )
    packed = re.search('id="data">([^<]*)<', page)
    assert packed
    for text in (page, gzip.decompress(base64.b64decode(packed[1])).decode()):
        assert "a\\u202eb" in text.replace("\\\\", "\\")
        assert "\u202e" not in text


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1"])
def test_a_formula_is_text(text: str) -> None:
    assert guarded(text) == f"'{text}"
    assert unguarded(guarded(text)) == text


@pytest.mark.parametrize("text", ["", "Anna", "'=1", "a=b", "it's"])
def test_other_text_is_left_alone(text: str) -> None:
    assert guarded(text) == text


def test_names_in_the_table_of_turns_are_no_formulas_and_numbers_stay_numbers(
    make_conversation: Callable[..., Conversation],
) -> None:
    made = make_conversation()
    named = replace(made, speakers=(replace(made.speakers[0], name="=1+1", role="@x"), *made.speakers[1:]))
    rows = list(csv.DictReader(io.StringIO(export.turns_csv(named))))
    assert {(row["name"], row["role"]) for row in rows if row["speaker"] == "S1"} == {("'=1+1", "'@x")}
    assert any(row["arousal"].startswith("-") for row in rows) or any(row["valence"].startswith("-") for row in rows)


def test_truth_is_read_back_as_it_was(tmp_path_factory: pytest.TempPathFactory) -> None:
    truth = (TruthSegment(0.0, 1.0, "=Anna", 1, "Sad", -0.5, None, "turn", "-clip"),)
    path = tmp_path_factory.mktemp("truth") / "a.emotions.csv"
    path.write_text(emotions_csv(truth), encoding="utf-8")
    assert "'=Anna" in path.read_text(encoding="utf-8")
    assert ",-0.5," in path.read_text(encoding="utf-8")
    assert read_truth(path) == truth
