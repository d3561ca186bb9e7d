"""`ressenti analyze --timeout` and `--verbose`."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from conftest import noise, write_wav
from ressenti.pipeline import errors
from ressenti.pipeline.cli.app import app
from ressenti.pipeline.config import Config
from ressenti.pipeline.records import Conversation
from ressenti.pipeline.version import PROGRAM

RUN = CliRunner()


def test_a_recording_that_takes_too_long_is_given_up_and_the_next_one_begun(tmp_path: Path) -> None:
    names = [str(write_wav(tmp_path / f"{name}.wav", noise(2, 0.02))) for name in ("a", "b")]
    done = RUN.invoke(app, ["analyze", *names, "--timeout", "0.000001", "--out", str(tmp_path / "out")])
    assert done.exit_code in {errors.TimedOutError.exit_code, 41}  # all failed
    assert done.stderr.count("not finished after") == 2
    assert "--timeout" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_number_that_is_asked_for_also_counts_the_voices_of_channels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Config] = []

    def noted(path: Path, config: Config, *rest: object, **named: object) -> None:
        asked.append(config)
        raise errors.NoSpeechError("none")

    monkeypatch.setattr("ressenti.pipeline.run.analyze", noted)
    path = str(write_wav(tmp_path / "a.wav", noise(2, 0.02)))
    for options in ((), ("--speakers", "2")):
        RUN.invoke(app, ["analyze", path, "--config", "call-center", "--out", str(tmp_path / "out"), *options])
    assert [(c.diarization.speakers, c.diarization.channel_voices) for c in asked] == [(2, "free"), (2, "auto")]


def test_a_timeout_that_is_none_is_refused(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", noise(2, 0.02))
    done = RUN.invoke(app, ["analyze", str(path), "--timeout", "0"])
    assert isinstance(done.exception, errors.ConfigError)


def test_steps_are_told_on_standard_error_when_asked(ten_seconds: Path, tmp_path: Path) -> None:
    def analyze(*options: str) -> tuple[str, str]:
        out = tmp_path / "_".join(["out", *options])
        asked = ["analyze", str(ten_seconds), "--names", "Hidden,Other", "--format", "json,csv", "--out", str(out)]
        done = RUN.invoke(app, [*asked, *options])
        assert done.exit_code == 0, done.output
        return done.stdout, done.stderr

    assert analyze()[1] == ""
    told = analyze("-v")[1]
    for what in ("\nrun: recording: 10.0 s", "layout: mono", "loaded: ", "diarization took", "written: json, csv"):
        assert what in told
    assert "Hidden" not in told
    assert str(tmp_path) not in told
    shown, told = analyze("-vv", "--quiet")
    assert shown == ""
    assert str(tmp_path) in told
    assert str(ten_seconds) in told
    assert analyze("--quiet")[1] == ""  # a command in the same process that does not ask


def test_names_for_speakers_that_are_not_there_are_told(
    make_conversation: Callable[..., Conversation], recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ressenti.pipeline.run.analyze", lambda *_, **__: make_conversation())
    asked = ["analyze", str(recording), "--format", "rttm", "--out", str(tmp_path / "out"), "--overwrite"]
    assert RUN.invoke(app, [*asked, "--names", "Anna,Ben"]).stderr == ""
    for names, unused in (("Anna,Ben,Carl", "Carl"), ("S2=Ben,S7=Carl", "S7=Carl")):
        done = RUN.invoke(app, [*asked, "--names", names])
        assert done.exit_code == 0
        assert done.stderr == f"--names: not used: {unused}; call.wav has S1, S2\n"


def test_the_version_is_told() -> None:
    done = RUN.invoke(app, ["--version"])
    assert (done.exit_code, done.stdout) == (0, f"{PROGRAM}\n")
