"""Names that anybody may type, wherever one looks whether there is something of that name."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from conftest import noise, write_wav
from ressenti.pipeline import errors
from ressenti.pipeline.cli.app import main
from ressenti.pipeline.cli.edits import Additions
from ressenti.pipeline.config import load_config
from ressenti.pipeline.files.paths import expanded, is_file, is_folder, is_there

STRANGE = ["a" * 300, "a/" + "b" * 300, "x\0y", "~nobody-of-that-name/x", "\ud800"]


@pytest.mark.parametrize("name", STRANGE)
def test_there_is_nothing_of_a_name_that_can_be_none(name: str) -> None:
    assert not any(look(Path(name)) for look in (is_there, is_file, is_folder))


def test_files_and_folders_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    assert [look(tmp_path / "file") for look in (is_there, is_file, is_folder)] == [True, True, False]
    assert [look(tmp_path) for look in (is_there, is_file, is_folder)] == [True, False, True]
    assert [look(tmp_path / "pipe") for look in (is_there, is_file, is_folder)] == [True, False, False]


def test_a_user_that_is_none_is_no_folder() -> None:
    assert expanded("~nobody-of-that-name/x") == Path("~nobody-of-that-name/x")
    assert expanded("~/x") == Path.home() / "x"


@pytest.mark.parametrize("name", STRANGE)
def test_models_and_transcripts_of_such_names_are_refused_in_words(name: str) -> None:
    from ressenti.pipeline import diarization, emotion

    with pytest.raises((errors.ConfigError, errors.ModelError)):
        diarization.locate(name)
    with pytest.raises((errors.ConfigError, errors.ModelError)):
        emotion.locate(name)
    with pytest.raises(errors.TranscriptError, match="does not exist"):
        Additions(transcript=Path(name)).check(1)


def test_what_is_no_recording_is_not_read_for_its_pseudonym(tmp_path: Path) -> None:
    from ressenti.pipeline.audio import checked_sha256

    os.mkfifo(tmp_path / "pipe")
    name = Additions(pseudonyms=True).names(lambda path: path.stem, checked_sha256)
    assert [name(path) for path in (tmp_path / "pipe", Path("/dev/zero"))] == ["pipe", "zero"]
    assert name(write_wav(tmp_path / "Anna.wav", noise(1))).startswith("conversation-")


def test_a_transcript_that_is_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "call.srt")
    nothing = Additions().digest("call")
    assert Additions(transcript=tmp_path / "call.srt").digest("call") == nothing


@pytest.mark.parametrize("name", ["none.yaml", "a" * 300 + ".yaml", "x\0y.yaml", "folder/none"])
def test_a_config_that_is_not_there_is_said_without_the_systems_words(name: str) -> None:
    with pytest.raises(errors.ConfigError) as caught:
        load_config(name)
    assert "Errno" not in str(caught.value)


ACTING = "x\x1b[31m\u202e"


@pytest.mark.parametrize(
    "arguments",
    [
        ["analyze", "call.wav", f"--{ACTING}"],
        ["analyze", "call.wav", "--speakers", ACTING],
        [ACTING],
        ["report", "."],
        ["evaluate", "label", ".", "--out", "labels.html"],
        ["analyze", f"{ACTING}.json", "-vv"],
    ],
)
def test_names_do_not_act_on_the_terminal(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["ressenti", *arguments])
    (tmp_path / f"{ACTING}.json").write_text("{}", encoding="utf-8")
    with pytest.raises(SystemExit):
        main()
    said = "".join(capfd.readouterr())
    assert "\x1b" not in said
    assert "\u202e" not in said
    assert r"\x1b[31m\u202e" in said or "--speakers" in arguments
