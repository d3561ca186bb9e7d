"""Many recordings in one command: what is left, lines of JSON, exit codes, streams that fail, runs beside each other."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

import ressenti.pipeline.run
from conftest import SEGMENTS, by_loudness, noise, results, write_wav
from ressenti import loads
from ressenti.pipeline import errors, store
from ressenti.pipeline.cli.app import app
from ressenti.pipeline.cli.batch import ALL_FAILED, SOME_FAILED
from ressenti.pipeline.diarization.fake import FakeDiarizer
from ressenti.pipeline.emotion.fake import FakeEmotion

RUN = CliRunner()
FAST = ("--format", "json,rttm")


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the recordings that were analysed, by fakes."""
    whole, names = ressenti.pipeline.run.analyze, []

    def quick(path: Path, config: object, people: object, **_: object) -> object:
        names.append(Path(path).name)
        return whole(path, config, people, diarizer=FakeDiarizer(SEGMENTS), emotion_model=FakeEmotion(by_loudness))  # type: ignore[arg-type]

    monkeypatch.setattr(ressenti.pipeline.run, "analyze", quick)
    return names


@pytest.fixture
def two(tmp_path: Path) -> list[Path]:
    return [write_wav(tmp_path / f"{name}.wav", noise(30, seed=k)) for k, name in enumerate("ab")]


def analyze(*arguments: str | Path) -> tuple[int, str]:
    done = RUN.invoke(app, ["analyze", *map(str, arguments), *FAST])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


def test_what_is_done_is_skipped_and_the_rest_is_done(heard: list[str], two: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert analyze(two[0], "--out", out)[0] == 0
    code, said = analyze(*two, "--out", out, "--skip-existing")
    assert code == 0
    assert "a.wav: already done" in said
    assert heard == ["a.wav", "b.wav"]
    assert results(out) == {"a.json", "a.rttm", "b.json", "b.rttm"}
    assert analyze(*two, "--out", out)[0] == ALL_FAILED
    assert analyze(two[0], "--out", out)[0] == errors.OutputExistsError.exit_code
    assert len(heard) == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda out: ("--names", "Anna,Ben"), "made with other options"),
        (lambda out: (out / "a.rttm").write_text("by hand") and (), "changed since it was written"),
        (lambda out: (out / ".a.ressenti").unlink() or (), "no record of how it was made"),
        (lambda out: write_wav(out.parent / "a.wav", noise(30, seed=9)) and (), "made from another recording"),
    ],
)
def test_what_is_not_as_it_would_be_made_is_left_and_told(
    heard: list[str], two: list[Path], tmp_path: Path, change: Callable[[Path], tuple[str, ...]], said: str
) -> None:
    out = tmp_path / "out"
    analyze(two[0], "--out", out)
    options = change(out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    code, told = analyze(two[0], "--out", out, "--skip-existing", *options)
    assert (code, said in told) == (0, True), told
    line = json.loads(analyze(two[0], "--out", out, "--skip-existing", "--json", *options)[1])
    assert (line["status"], line["code"], said in line["error"]) == ("skipped", 0, True)
    code, told = analyze(two[0], "--out", out, *options)
    assert (code, said in told) == (errors.OutputExistsError.exit_code, True), told
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert len(heard) == 1
    assert analyze(two[0], "--out", out, "--overwrite", *options)[0] == 0
    assert "already done" in analyze(two[0], "--out", out, "--skip-existing", *options)[1]


def test_results_of_which_a_part_is_gone_are_made_again(heard: list[str], two: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    analyze(two[0], "--out", out)
    before = (out / "a.rttm").read_bytes()
    (out / "a.rttm").unlink()
    assert analyze(two[0], "--out", out)[0] == 0
    assert (out / "a.rttm").read_bytes() == before
    assert heard == ["a.wav"] * 2
    (out / "a.rttm").unlink()
    (out / "a.json").write_text("by hand", encoding="utf-8")
    assert analyze(two[0], "--out", out, "--skip-existing")[0] == errors.OutputExistsError.exit_code


def test_results_that_a_killed_run_was_placing_are_completed(
    heard: list[str], two: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    assert analyze(two[0], "--out", out)[0] == 0
    whole = {path.name: path.read_bytes() for path in out.iterdir()}
    for place in (1, 2, 3):
        for path in out.iterdir():
            path.unlink()
        left = [place]
        child = os.fork()
        if child == 0:
            real = Path.replace

            def replace(self: Path, target: Path, real: Callable[..., Path] = real, left: list[int] = left) -> Path:
                if not left[0]:
                    os._exit(0)
                left[0] -= 1
                return real(self, target)

            Path.replace = replace  # type: ignore[method-assign, assignment]
            analyze(two[0], "--out", out)
            os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        code, said = analyze(two[0], "--out", out)
        assert (code, "completed the results of an interrupted run" in said) == (0, True)
        assert {path.name: path.read_bytes() for path in out.iterdir()} == whole
        assert len(heard) == 1


def test_a_corrected_file_and_labels_stay_and_a_report_joins_the_manifest(
    heard: list[str], two: list[Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    analyze(two[0], "--out", out)
    for name in ("a.corrected.json", "Ben.labels.json"):
        (out / name).write_bytes((out / "a.json").read_bytes())
    done = RUN.invoke(app, ["report", str(out / "a.json"), "--format", "srt"])
    assert done.exit_code == 0, done.output
    assert "already done" in analyze(two[0], "--out", out, "--skip-existing")[1]
    assert analyze(two[0], "--out", out, "--overwrite")[0] == 0
    kept = (out / "a.corrected.json").read_bytes()
    assert kept == (out / "Ben.labels.json").read_bytes() == (out / "a.json").read_bytes()
    assert results(out) == {"a.json", "a.rttm", "a.srt", "a.corrected.json", "Ben.labels.json"}
    manifest = json.loads((out / ".a.ressenti").read_text(encoding="utf-8"))
    assert set(manifest["files"]) == {"a.json", "a.rttm", "a.srt"}
    folder = RUN.invoke(app, ["report", str(out), "--format", "vtt"])
    assert ".ressenti" not in folder.output


def test_a_recording_that_another_run_works_on_is_left_to_it(heard: list[str], two: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    with store.claim(out, "a"):
        code, said = analyze(two[0], "--out", out)
        assert (code, "another run is working on it" in said) == (errors.ClaimedError.exit_code, True)
        done = RUN.invoke(app, ["analyze", *map(str, two), "--out", str(out), "--json", *FAST])
    assert done.exit_code == 0
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(Path(line["recording"]).name, line["status"], line["code"]) for line in lines] == [
        ("b.wav", "done", 0),
        ("a.wav", "skipped", errors.ClaimedError.exit_code),
    ]
    assert heard == ["b.wav"]
    assert results(out) == {"b.json", "b.rttm"}


@pytest.mark.slow("analyses real recordings in processes of their own")
def test_two_runs_share_the_work(ten_seconds: Path, tmp_path: Path) -> None:
    recordings = [tmp_path / f"call{k}.wav" for k in range(3)]
    for path in recordings:
        shutil.copyfile(ten_seconds, path)
    command = [*COMMAND, "analyze", *recordings, "--out", tmp_path / "out", "--json", *FAST]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    lines = [json.loads(line) for run in runs for line in run.communicate(timeout=300)[0].splitlines()]
    assert [run.returncode for run in runs] == [0, 0]
    assert sorted(Path(line["recording"]).stem for line in lines if line["status"] == "done") == [
        path.stem for path in recordings
    ]
    assert len(lines) == 6
    assert results(tmp_path / "out") == {f"{p.stem}.{kind}" for p in recordings for kind in ("json", "rttm")}


def test_exit_codes_of_several(heard: list[str], two: list[Path], tmp_path: Path) -> None:
    out, none = tmp_path / "out", [tmp_path / "no.wav", tmp_path / "nor.wav"]
    assert analyze(*two, none[0], "--out", out)[0] == SOME_FAILED
    assert analyze(two[0], none[0], "--out", out, "--skip-existing")[0] == SOME_FAILED
    assert analyze(*none, "--out", out)[0] == ALL_FAILED
    assert analyze(none[0], "--out", out)[0] == errors.NotFoundError.exit_code
    reports = [str(out / "a.json"), str(tmp_path / "no.json")]
    assert RUN.invoke(app, ["report", *reports]).exit_code == SOME_FAILED
    assert RUN.invoke(app, ["report", *reports]).exit_code == ALL_FAILED
    assert RUN.invoke(app, ["report", reports[1]]).exit_code == errors.NotFoundError.exit_code


def test_lines_of_json_are_all_that_is_printed(heard: list[str], two: list[Path], tmp_path: Path) -> None:
    strange = write_wav(tmp_path / os.fsdecode(b"caf\xe9.wav"), noise(30))
    arguments = [*map(str, two), str(strange), str(tmp_path / "no.wav"), "--out", str(tmp_path / "out")]
    done = RUN.invoke(app, ["analyze", *arguments, "--json", *FAST])
    assert done.exit_code == SOME_FAILED
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["status"] for line in lines] == ["done", "done", "done", "failed"]
    assert lines[0]["outputs"] == [str(tmp_path / "out" / name) for name in ("a.json", "a.rttm")]
    assert lines[0]["recording"] == str(two[0])
    assert lines[0]["conversation"] == loads((tmp_path / "out" / "a.json").read_text(encoding="utf-8")).id
    assert lines[3]["conversation"] is None
    assert lines[2]["recording"] == str(strange)
    assert lines[0]["seconds"] > 0
    assert (lines[0]["code"], lines[0]["error"]) == (0, None)
    assert (lines[3]["code"], lines[3]["outputs"]) == (errors.NotFoundError.exit_code, [])
    assert "no such file" in lines[3]["error"]


COMMAND = [sys.executable, "-c", "from ressenti.pipeline.cli import main; main()"]
FAKES = f"""
import sys
import ressenti.pipeline.run
from ressenti.pipeline.diarization.fake import FakeDiarizer
from ressenti.pipeline.emotion.fake import FakeEmotion
whole = ressenti.pipeline.run.analyze
ressenti.pipeline.run.analyze = lambda path, config, people, **_: whole(
    path, config, people, diarizer=FakeDiarizer({SEGMENTS!r}), emotion_model=FakeEmotion())
from ressenti.pipeline.cli import main
main()
"""


@pytest.mark.parametrize(
    ("option", "redirection", "said"),
    [
        ("", "| head -n 1", ""),
        ("--json", "| head -n 1", ""),
        ("", "| true", ""),
        ("", ">/dev/full", "some output was lost"),
        ("--json", ">/dev/full", "some output was lost"),
        ("--json", ">&-", ""),
        ("", ">&- 2>&- <&-", ""),
        ("", "2>/dev/full", ""),
    ],
)
@pytest.mark.slow("runs in processes of its own")
def test_output_that_nobody_takes_stops_nothing(
    two: list[Path], tmp_path: Path, redirection: str, said: str, option: str
) -> None:
    script = f'set +o pipefail; {{ "$0" -c "$1" analyze "$2" "$3" --out "$4" --format json,rttm {option}; echo $? >"$5"; }} {redirection}'
    place = str(Path(__file__).parent)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([place, *sys.path])}
    given = [sys.executable, FAKES, str(two[0]), str(two[1]), str(tmp_path / "out"), str(tmp_path / "code")]
    done = subprocess.run(["bash", "-c", script, *given], capture_output=True, text=True, check=False, env=environment)
    assert (tmp_path / "code").read_text().strip() == "0", done.stderr
    assert results(tmp_path / "out") == {"a.json", "a.rttm", "b.json", "b.rttm"}
    assert "Traceback" not in done.stderr
    assert "bug in Ressenti" not in done.stderr
    assert said in done.stderr
    assert said or not done.stderr


@pytest.mark.parametrize(
    "extra", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}]
)
@pytest.mark.slow("runs in processes of its own")
def test_names_and_signs_that_an_encoding_lacks_are_written_in_others(tmp_path: Path, extra: dict[str, str]) -> None:
    path = write_wav(tmp_path / "réunion ✓.wav", noise(30))
    environment = {**os.environ, **extra, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    command = [sys.executable, "-c", FAKES, "analyze", str(path), "--format", "json"]
    done = subprocess.run(command, capture_output=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(b"ok r\\xe9union ok.wav")
    assert (tmp_path / "réunion ✓.json").exists()


def test_what_an_encoding_lacks_does_not_hide_an_error(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    command = [*COMMAND, "analyze", str(tmp_path / "né.wav")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == errors.NotFoundError.exit_code
    assert "n\\xe9.wav: no such file" in done.stderr


def test_what_is_read_is_never_replaced_by_a_result(heard: list[str], tmp_path: Path) -> None:
    recording = write_wav(tmp_path / "call.wav", noise(30))
    words = "1\n00:00:00,500 --> 00:00:05,000\nmine\n\n"
    (tmp_path / "call.srt").write_text(words, encoding="utf-8")
    (tmp_path / "link.srt").symlink_to("call.srt")
    (tmp_path / "sub").mkdir()
    write = ("--out", tmp_path / "sub" / "..", "--overwrite")
    for transcript in (tmp_path / "call.srt", tmp_path / "link.srt", tmp_path):
        asked = ["analyze", recording, "--transcript", transcript, "--format", "srt", *write]
        done = RUN.invoke(app, [str(part) for part in asked])
        assert isinstance(done.exception, errors.ConfigError)
        assert "call.srt is an input, but a result would overwrite it" in str(done.exception)
    own = recording.rename(tmp_path / "own.json")
    before = own.read_bytes()
    with pytest.raises(errors.ConfigError, match=r"own\.json is an input"):
        analyze(own, *write)
    assert own.read_bytes() == before
    assert (tmp_path / "call.srt").read_text(encoding="utf-8") == words
    assert heard == []


def test_another_recording_is_not_replaced_by_the_sound_of_a_page(heard: list[str], tmp_path: Path) -> None:
    first, second = (write_wav(tmp_path / name, noise(30)) for name in ("call.wav", "call.report.mp3"))
    done = RUN.invoke(app, ["analyze", str(first), str(second), "--audio", "sidecar", "--overwrite"])
    assert isinstance(done.exception, errors.ConfigError)
    assert second.read_bytes() == first.read_bytes()
    assert heard == []
