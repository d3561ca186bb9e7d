"""CSV for the spreadsheets of a country: pandas and DuckDB read the same figures as from the English files."""

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from ressenti.pipeline import export, store
from ressenti.pipeline.cli.app import app
from ressenti.pipeline.config import Config
from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.records import Conversation

WRITERS = pytest.mark.parametrize("write", [export.turns_csv, export.said_csv])


def report(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["report", *map(str, arguments)])


@pytest.fixture
def stored(spoken: Conversation, tmp_path: Path) -> Path:
    path = tmp_path / "call.json"
    path.write_text(store.dumps(spoken), encoding="utf-8")
    return path


@WRITERS
@pytest.mark.parametrize("locale", ["fr", "es"])
def test_semicolons_and_decimal_commas_say_the_same(
    write: Callable[[Conversation], str], locale: str, spoken: Conversation, tmp_path: Path
) -> None:
    asked = export.with_csv_locale(spoken, "fr" if locale == "fr" else "es")
    english, local = write(spoken), write(asked)
    assert local.startswith("\ufeffconversation;")
    assert not english.startswith("\ufeff")
    before = pd.read_csv(io.StringIO(english))
    path = tmp_path / "local.csv"
    path.write_bytes(local.encode())
    pd.testing.assert_frame_equal(pd.read_csv(path, sep=";", decimal=",", encoding="utf-8-sig"), before)
    with duckdb.connect() as base:
        sql = "select start_s from read_csv(?, delim=';', decimal_separator=',') order by all"
        starts = [row[0] for row in base.execute(sql, [str(path)]).fetchall() if row[0] is not None]
    assert starts == sorted(before["start_s"].dropna())


def test_a_text_with_semicolons_stays_one_cell_and_runs_nothing(spoken: Conversation) -> None:
    turns = (replace(spoken.turns[0], note='=1+1;"x";\n-2,5'), *spoken.turns[1:])
    text = export.turns_csv(export.with_csv_locale(replace(spoken, turns=turns), "fr"))
    read = pd.read_csv(io.StringIO(text.removeprefix("\ufeff")), sep=";", decimal=",")
    assert read["note"][0] == '\'=1+1;"x";\n-2,5'


def test_each_row_tells_the_recording_the_words_and_what_a_person_did(spoken: Conversation) -> None:
    read = pd.read_csv(io.StringIO(export.turns_csv(spoken)))
    assert list(read.columns[:5]) == ["conversation", "recording", "turn", "start_s", "end_s"]
    assert set(read["conversation"]) == {spoken.id}
    assert set(read["recording"]) == {spoken.recording.name}
    row = read.loc[5]
    assert (row["text"], row["corrected"], row["model_speaker"]) == ("taken by a person", True, "S2")
    assert row["note"] == spoken.turns[5].note
    assert read[["corrected_by", "corrected_at"]].isna().all(axis=None)


def test_the_language_of_the_page_does_not_change_csv(make_spoken: Callable[..., Conversation]) -> None:
    assert export.turns_csv(make_spoken(lang="fr")) == export.turns_csv(make_spoken())


def test_the_command_writes_them_and_keeps_the_stored_conversation(stored: Path) -> None:
    out = stored.parent / "out"
    done = report(stored, "--format", "csv,said,json", "--csv-locale", "fr", "--out", out)
    assert done.exit_code == 0, done.output
    for name in ("call.turns.csv", "call.said.csv"):
        assert (out / name).read_bytes().startswith(b"\xef\xbb\xbfconversation;")
    assert store.load(out / "call.json").config["report"]["csv_locale"] == "en"  # type: ignore[index]


def test_a_config_says_it_too(stored: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("report:\n  csv_locale: es\n", encoding="utf-8")
    assert report(stored, "--format", "csv", "--config", own).exit_code == 0
    assert stored.with_name("call.turns.csv").read_bytes().startswith(b"\xef\xbb\xbfconversation;recording;")


def test_a_stored_conversation_that_does_not_say_is_written_in_english(spoken: Conversation) -> None:
    for told in ({}, {"csv_locale": "xx"}, None):
        assert export.turns_csv(replace(spoken, config={"report": told})).startswith("conversation,")
    assert Config().report.csv_locale == "en"


def test_it_is_refused_where_no_csv_is_written(stored: Path) -> None:
    done = report(stored, "--csv-locale", "fr")
    assert isinstance(done.exception, ConfigError)
    assert "--csv-locale: got fr, but --format asks for no CSV" in str(done.exception)
    assert not stored.with_name("call.report.html").exists()
