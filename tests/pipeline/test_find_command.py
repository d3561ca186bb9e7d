import csv
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ressenti.pipeline import store
from ressenti.pipeline.cli.app import app
from ressenti.pipeline.edits.words import with_words
from ressenti.pipeline.transcript.cues import Spoken

RUN = CliRunner()


@pytest.fixture
def spoken(calls: Path) -> Path:
    """Five calls; in the second and third somebody names a clutch, in the others nobody says a word."""
    for k in (1, 2):
        path = calls / f"call-{k}.json"
        texts = ("Hello, the Clutch-plate is broken", "oh l'été arrive =SUM(A1)")
        words = [
            Spoken(at + 0.3 * i, at + 0.3 * i + 0.2, text)
            for at, line in zip((0.5, 5.0), texts, strict=True)
            for i, text in enumerate(line.split())
        ]
        made = replace(with_words(store.load(path), words), transcription=None)
        path.write_text(store.dumps(made), encoding="utf-8")
    return calls


def test_words_are_found_with_file_time_and_speaker(spoken: Path) -> None:
    found = RUN.invoke(app, ["find", str(spoken), "the clutch plate"])
    assert found.exit_code == 0
    assert "call-1.json 0:00 Zoé Secret: Hello, the Clutch-plate is broken" in found.output
    assert "2 places in 5 conversations, 3 of them without words" in found.output


def test_accents_and_case_do_not_matter_and_a_speaker_can_be_asked_for(spoken: Path) -> None:
    assert "2 places" in RUN.invoke(app, ["find", str(spoken), "L'ETE arrive"]).output
    assert "0 places" in RUN.invoke(app, ["find", str(spoken), "clutch", "--speaker", "Max Secret"]).output
    assert "2 places" in RUN.invoke(app, ["find", str(spoken), "clutch", "--speaker", "s1"]).output


def test_a_table_is_written_and_its_texts_are_guarded(spoken: Path, tmp_path: Path) -> None:
    out = tmp_path / "found.csv"
    assert RUN.invoke(app, ["find", str(spoken), "sum", "--out", str(out)]).exit_code == 0
    rows = list(csv.DictReader(out.read_text(encoding="utf-8").splitlines()))
    assert [row["recording"] for row in rows] == ["call-1.wav", "call-2.wav"]
    again = RUN.invoke(app, ["find", str(spoken), "sum", "--out", str(out)])
    assert again.exit_code != 0


def test_nothing_to_look_for_is_an_error(spoken: Path) -> None:
    found = RUN.invoke(app, ["find", str(spoken), "?!"])
    assert found.exit_code != 0


def test_redaction_says_where_it_had_no_words_to_look_in(spoken: Path, tmp_path: Path) -> None:
    said = RUN.invoke(app, ["report", str(spoken / "call-1.json"), "--redact", "--out", str(tmp_path / "a")])
    assert "not looked for" not in said.output
    silent = RUN.invoke(app, ["report", str(spoken / "call-0.json"), "--redact", "--out", str(tmp_path / "b")])
    assert "not looked for in speech without words" in " ".join(silent.output.split())
