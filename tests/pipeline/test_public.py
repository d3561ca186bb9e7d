"""What a program uses of the package, and that the README's example does what it says."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

import ressenti.pipeline
from conftest import CHECKOUT
from ressenti import RessentiError, dumps, load, loads
from ressenti.pipeline import errors
from ressenti.pipeline.records import Conversation
from ressenti.reports import report_html
from ressenti.reports.page import render

README = (CHECKOUT / "README.md").read_text(encoding="utf-8")


def example() -> str:
    """The code that follows "From Python" in the README."""
    (_, after) = README.split("\n## From Python\n")
    found = re.search(r"```python\n(.*?)```", after, re.DOTALL)
    assert found
    return found[1]


def test_all_public_names_are_there() -> None:
    for name in ressenti.__all__:
        assert getattr(ressenti, name) is not None
    assert set(ressenti.__all__) == {*ressenti._HOMES, "errors"}
    with pytest.raises(AttributeError, match="nonsense"):
        _ = ressenti.nonsense


def test_the_readme_s_example_runs(
    sample: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copyfile(sample[0], tmp_path / "call.wav")
    monkeypatch.chdir(tmp_path)
    exec(compile(example(), "README.md", "exec"), {"__name__": "example"})  # noqa: S102  # our own text
    assert {path.name for path in tmp_path.iterdir()} == {
        "call.wav",
        "call.report.html",
        "call.json",
        "call.turns.parquet",
    }
    page = (tmp_path / "call.report.html").read_text(encoding="utf-8")
    assert "<audio" in page
    conversation = load("call.json")
    assert {turn.speaker for turn in conversation.turns} == {"S1", "S2"}
    with duckdb.connect() as base:
        (count,) = base.execute("select count(*) from 'call.turns.parquet'").fetchall()
    assert count == (len(conversation.turns),)
    printed = capsys.readouterr().out
    assert conversation.id in printed
    assert "emotion" in printed


def test_what_the_readme_s_example_does_with_a_file_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as caught:
        exec(compile(example(), "README.md", "exec"), {"__name__": "example"})  # noqa: S102
    assert caught.value.code == errors.NotFoundError.exit_code
    assert "call.wav" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_every_error_on_purpose_is_one() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    assert all(issubclass(kind, RessentiError) for kind in kinds)
    assert ressenti.pipeline.errors is errors


def test_a_page_is_the_same_before_and_after_its_json(make_conversation: Callable[..., Conversation]) -> None:
    made = make_conversation()
    page = report_html(made)
    assert page == report_html(loads(dumps(made))) == render(loads(dumps(made)))
    assert report_html(made, "fr") != page
    assert '<html lang="fr"' in report_html(made, lang="fr")


@pytest.mark.parametrize("lang", ["de", "", "../en"])
def test_a_language_that_there_is_not_is_said_in_words(
    make_conversation: Callable[..., Conversation], lang: Any
) -> None:
    with pytest.raises(errors.ConfigError, match="expected one of en, fr"):
        report_html(make_conversation(), lang)
