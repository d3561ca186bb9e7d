import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from ressenti.pipeline import errors, store
from ressenti.pipeline.cli.app import app
from ressenti.pipeline.lab.evaluation.labelling import Sample, draw
from ressenti.pipeline.records import CLASSES


def label(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["evaluate", "label", *map(str, arguments)])


def sample_of(calls: Path, count: int = 10) -> Sample:
    return draw([store.load(path) for path in sorted(calls.glob("call-*.json"))], count, 1)


def save_labels(path: Path, sample: Sample, rater: str, labels: list[str | None]) -> Path:
    """A file of labels as the page saves it."""
    answers = [
        {"item": i.id, "label": said, "valence": 0.1, "arousal": -0.1}
        for i, said in zip(sample.items, labels, strict=True)
    ]
    data = {"format": "ressenti-labels", "version": 1, "sample": sample.key, "seed": 1, "count": sample.count}
    path.write_text(json.dumps(data | {"rater": rater, "labels": answers}), encoding="utf-8")
    return path


def test_the_page_is_blind_and_the_same_each_time(calls: Path, tmp_path: Path) -> None:
    one, other = tmp_path / "one.html", tmp_path / "other.html"
    files = sorted(calls.glob("*.json"))
    done = label(calls, "--turns", "10", "--out", one)
    assert done.exit_code == 0, done.output
    assert "10 turns of 5 recordings" in done.output
    assert "confidential" in done.output
    assert label(*files[::-1], "--turns", "10", "--recordings", tmp_path, "--out", other).exit_code == 0
    assert one.read_bytes() == other.read_bytes()
    page = one.read_text(encoding="utf-8")
    for secret in ("Secret", "call-", ".wav", "S1", "S2", "fake-emotion", "stratum", "unsure"):
        assert secret not in re.sub(r"base64|\"mp3\": \"[^\"]*\"", "", page), secret
    (data,) = re.findall(r'id="sheet">(.*?)</script>', page)
    assert [item["id"] for item in json.loads(data)["items"]] == [i.id for i in sample_of(calls).items]


@pytest.mark.slow("analyses real recordings")
def test_fewer_turns_than_asked_for_are_all_there(calls: Path, tmp_path: Path) -> None:
    done = label(calls, "--out", tmp_path / "labels.html")
    assert f"{len(sample_of(calls, 1000).items)} turns (all there are; 100 requested)" in done.output


def test_two_raters_are_read_back_and_a_config_names_the_result(calls: Path, tmp_path: Path) -> None:
    sample = sample_of(calls)
    (tmp_path / "settings").mkdir()
    out = tmp_path / "settings" / "validation.json"
    model: list[str | None] = [CLASSES[i.guess] for i in sample.items]
    anna = save_labels(calls / "Anna.labels.json", sample, "Anna", model)  # beside the conversations: not taken for one
    ben = save_labels(tmp_path / "Ben.labels.json", sample, "Ben", ["cannot tell", *model[1:]])
    done = label(calls, "--read", anna, "--read", ben, "--out", out)
    assert done.exit_code == 0, done.output
    assert "10 of 10 turns labelled, from 5 recordings" in done.output
    assert "2 raters, “cannot tell”: 1;" in done.output
    assert "class 1.00" in done.output
    assert "macro F1 1.00 (95 % interval 1.00 to 1.00" in done.output
    result = json.loads(out.read_text(encoding="utf-8"))
    assert (result["alpha_class"], result["macro_f1"], result["raters"]) == (1.0, 1.0, 2)
    assert label(calls, "--read", anna).exit_code == 0  # the table alone
    config = tmp_path / "settings" / "mine.yaml"
    config.write_text("report: {validation: validation.json}", encoding="utf-8")
    again = CliRunner().invoke(
        app, ["report", str(calls / "call-0.json"), "--config", str(config), "--out", str(tmp_path)]
    )
    assert again.exit_code == 0, again.output
    assert "by ear (turns: 10; recordings: 5;" in (tmp_path / "call-0.report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ([], errors.ConfigError, "--out is missing"),
        (
            ["--read", "x.json", "--turns", "10", "--seed", "2"],
            errors.ConfigError,
            "--turns, --seed: only for making the page",
        ),
        (["--read", "none.json"], errors.LabelsError, "cannot be read"),
        (["--out", "labels.html", "--recordings", "nowhere"], errors.NotFoundError, "not found in"),
    ],
)
def test_what_does_not_fit_is_told(
    calls: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    error: type[Exception],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    done = label(calls, *arguments)
    assert isinstance(done.exception, error)
    assert message in str(done.exception)
    assert not (tmp_path / "labels.html").exists()


@pytest.mark.slow("analyses real recordings")
def test_what_is_there_is_kept_unless_told(calls: Path, tmp_path: Path) -> None:
    out = tmp_path / "labels.html"
    out.write_text("mine", encoding="utf-8")
    assert isinstance(label(calls, "--out", out).exception, errors.OutputExistsError)
    assert out.read_text(encoding="utf-8") == "mine"
    assert label(calls, "--turns", "6", "--out", out, "--overwrite").exit_code == 0
    labels: Any = save_labels(tmp_path / "a.json", sample_of(calls), "A", ["Sad"] * 10)
    assert isinstance(label(calls, "--read", labels, "--out", out).exception, errors.OutputExistsError)


@pytest.mark.slow("analyses real recordings")
def test_a_folder_may_hold_other_files_and_an_empty_one_is_refused(calls: Path, tmp_path: Path) -> None:
    (calls / "package.json").write_text("{}", encoding="utf-8")
    done = label(calls, "--turns", "6", "--out", tmp_path / "labels.html")
    assert done.exit_code == 0
    assert "skipped package.json" in done.stderr
    (tmp_path / "empty").mkdir()
    assert isinstance(label(tmp_path / "empty", "--out", tmp_path / "x.html").exception, errors.NotFoundError)
