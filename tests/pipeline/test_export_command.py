"""`--format` of the command line: what it writes from a stored conversation."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ressenti.pipeline import export, extras, store
from ressenti.pipeline.cli import outputs
from ressenti.pipeline.cli.app import app
from ressenti.pipeline.cli.workbook import workbook
from ressenti.pipeline.config import Config
from ressenti.pipeline.derive import derive
from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.records import Conversation, EmotionScores

EVERY = "textgrid,srt,vtt,aws,quotes-md,quotes-docx,xlsx,parquet"


@pytest.fixture
def stored(spoken: Conversation, tmp_path: Path) -> Path:
    path = tmp_path / "call.json"
    path.write_text(store.dumps(spoken), encoding="utf-8")
    return path


def report(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["report", *map(str, arguments)])


def test_every_format_is_written_from_a_stored_conversation(stored: Path) -> None:
    done = report(stored, "--format", EVERY)
    assert done.exit_code == 0, done.output
    made = store.load(stored)
    endings = {
        ".TextGrid": export.textgrid,
        ".srt": export.srt,
        ".vtt": export.vtt,
        ".aws.json": export.aws,
        ".quotes.md": export.quotes_md,
    }
    for ending, write in endings.items():
        assert stored.with_name(f"call{ending}").read_text(encoding="utf-8") == write(made)
    assert stored.with_name("call.quotes.docx").read_bytes() == export.quotes_docx(made)
    assert stored.with_name("call.xlsx").read_bytes() == workbook(made)
    for table in export.TABLES:
        assert stored.with_name(f"call.{table}.parquet").read_bytes() == export.parquet(made, table)
    assert not stored.with_name("call.report.html").exists()


def test_the_language_that_is_asked_for_is_that_of_the_exports(stored: Path) -> None:
    assert report(stored, "--format", "quotes-md", "--lang", "fr").exit_code == 0
    assert stored.with_name("call.quotes.md").read_text(encoding="utf-8").startswith("# Citations\u00a0: ")


def test_an_export_beside_its_conversation_is_not_taken_for_one(stored: Path) -> None:
    assert report(stored, "--format", "aws").exit_code == 0
    assert report(*stored.parent.glob("*.json"), "--format", "srt").exit_code == 0
    alone = stored.rename(stored.with_name("other.json")).with_name("call.aws.json")
    assert report(alone, "--format", "srt").exit_code == 15


def test_parquet_without_pyarrow_is_refused_before_anything_is_done(
    stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    done = report(stored, "--format", "srt,parquet")
    assert isinstance(done.exception, ConfigError)
    assert "pip install pyarrow" in str(done.exception)
    assert not stored.with_name("call.srt").exists()
    assert outputs.parse_formats("srt,csv") == ("srt", "csv")


def test_of_classes_scored_on_their_own_the_highest_is_written(make_spoken: Callable[..., Conversation]) -> None:
    several = EmotionScores((0.7, 0.1, 0.2, 0.1, 0.9), "sigmoid")
    made = make_spoken(with_words=False)
    windows = {t.index: tuple(replace(w, emotion=several) for w in t.windows) for t in made.turns}
    both = derive(replace(made, turns=tuple(replace(t, windows=windows[t.index]) for t in made.turns)), Config())
    assert "[Tension]" in export.srt(both)
    assert 'text = "Tension"' in export.textgrid(both)
    assert "· Tension ·" in export.quotes_md(both)
    assert '"Class": "Tension"' in export.aws(both)
    assert "Pleased" not in export.srt(both)
