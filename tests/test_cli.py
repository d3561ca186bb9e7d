import base64
import gzip
import io
import json
import os
import re
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from commands import ressenti
from conftest import noise, results, write_wav
from ressenti import People
from ressenti.pipeline import errors
from ressenti.pipeline.cli.app import app
from ressenti.pipeline.cli.batch import SOME_FAILED
from ressenti.pipeline.cli.console import Terminal, counted
from ressenti.pipeline.cli.summary_line import tell
from ressenti.pipeline.records import Conversation, ModelInfo, Note

RUN = CliRunner()
OUTPUTS = {"sample.report.html", "sample.json", "sample.turns.csv", "sample.rttm"}


@pytest.fixture(scope="module")
def analysed(sample: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("analysed")
    done = ressenti("analyze", sample[0], "--speakers", "2", "--names", "Anna,Ben", "--out", out)
    assert done.returncode == 0, done.stderr
    assert "2 speakers (given)" in done.stdout
    assert "Traceback" not in done.stderr
    return out


def test_analyze_writes_four_files(analysed: Path) -> None:
    assert results(analysed) == OUTPUTS
    assert json.loads((analysed / "sample.json").read_text(encoding="utf-8"))["speakers"][0]["name"] == "Anna"
    assert (analysed / "sample.rttm").read_text(encoding="utf-8").startswith("SPEAKER sample 1 ")


def test_existing_results_are_kept_unless_told(analysed: Path, sample: tuple[Path, Path]) -> None:
    before = (analysed / "sample.json").read_bytes()
    done = ressenti("analyze", sample[0], "--out", analysed)
    assert done.returncode == errors.OutputExistsError.exit_code
    assert "--overwrite" in done.stderr
    assert (analysed / "sample.json").read_bytes() == before


def test_report_renders_again_with_the_recording_and_without(
    analysed: Path, sample: tuple[Path, Path], tmp_path: Path
) -> None:
    done = ressenti("report", analysed / "sample.json", "--recording", sample[0], "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "contains the recording's sound (0.1 MB)" in done.stdout
    assert (tmp_path / "sample.report.html").read_bytes() == (analysed / "sample.report.html").read_bytes()
    french = ressenti("report", analysed / "sample.json", "--out", tmp_path, "--lang", "fr", "--overwrite")
    assert french.returncode == 0, french.stderr
    assert 'lang="fr"' in (tmp_path / "sample.report.html").read_text(encoding="utf-8")


def test_report_takes_every_conversation_of_a_folder(analysed: Path, tmp_path: Path) -> None:
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_bytes((analysed / "sample.json").read_bytes())
    for name in ("Ben.labels.json", "validation.json", "figures.json"):
        (tmp_path / name).write_text("{}", encoding="utf-8")
    done = RUN.invoke(app, ["report", str(tmp_path), "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    assert results(tmp_path / "out") == {"a.report.html", "b.report.html"}
    assert "skipped figures.json" in done.output
    (tmp_path / "none").mkdir()
    done = RUN.invoke(app, ["report", str(tmp_path / "none")])
    assert isinstance(done.exception, errors.NotFoundError)
    assert "has no conversations" in str(done.exception)


@pytest.mark.parametrize(
    "arguments",
    [
        ["analyze", "x.wav", "--config", "default", "--config", "interview"],
        ["evaluate", "diarization", "x", "--config=a", "--config", "b"],
        ["models", "get", "a/b", "--revision", "x", "--revision", "y"],
    ],
)
def test_an_option_given_twice_is_an_error(arguments: list[str]) -> None:
    done = RUN.invoke(app, arguments)
    assert isinstance(done.exception, errors.ConfigError)
    assert "given 2 times; expected once" in str(done.exception)


def test_options_that_may_be_repeated_still_may() -> None:
    done = RUN.invoke(app, ["evaluate", "trajectory", "nowhere", "--model", "a", "--model", "b"])
    assert isinstance(done.exception, errors.NotFoundError)
    assert "nowhere: no such file or folder" in str(done.exception)
    for name, arguments in (("speech", ["simulate", "speech", "--out", "o"]), ("x", ["evaluate", "emotion", "x"])):
        done = RUN.invoke(app, arguments)
        assert f"{name}: no such file or folder" in str(done.exception)
    done = RUN.invoke(app, ["evaluate", "diarization", "nowhere"])
    assert "nowhere: no such file or folder" in str(done.exception)


def test_one_is_singular() -> None:
    assert [counted(n, "recording") for n in (0, 1, 2)] == ["0 recordings", "1 recording", "2 recordings"]


def test_the_sound_lies_beside_the_page(analysed: Path, sample: tuple[Path, Path], tmp_path: Path) -> None:
    arguments = ("report", analysed / "sample.json", "--recording", sample[0].parent, "--out", tmp_path)
    done = ressenti(*arguments, "--audio", "sidecar")
    assert done.returncode == 0, done.stderr
    assert results(tmp_path) == {"sample.report.html", "sample.report.mp3"}
    assert 85_000 < (tmp_path / "sample.report.mp3").stat().st_size < 95_000
    assert "sample.report.mp3 contains the recording's sound" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        (["--audio", "embed"], errors.ConfigError, "--recording"),
        (["--audio", "sidecar", "--format", "csv", "--recording", "x.wav"], errors.ConfigError, "Add html to --format"),
        (["--recording", __file__], errors.WrongRecordingError, "not the recording that was analysed"),
        (["--recording", "none.wav"], errors.NotFoundError, "no such file"),
    ],
)
def test_sound_that_cannot_be_had_is_an_error(
    analysed: Path, tmp_path: Path, arguments: list[str], error: type[errors.RessentiError], said: str
) -> None:
    done = ressenti("report", analysed / "sample.json", "--out", tmp_path / "out", *arguments)
    assert done.returncode == error.exit_code
    assert said in done.stderr
    assert not (tmp_path / "out").exists()


def corrected(analysed: Path, folder: Path, **changes: object) -> Path:
    """What the page saves: the conversation with what people changed in it."""
    data = json.loads((analysed / "sample.json").read_text(encoding="utf-8"))
    path = folder / "sample.corrected.json"
    path.write_text(json.dumps(data | changes), encoding="utf-8")
    return path


def test_a_corrected_file_is_reported_as_corrected(analysed: Path, tmp_path: Path) -> None:
    stored = json.loads((analysed / "sample.json").read_text(encoding="utf-8"))
    turn = next(t["index"] for t in stored["turns"] if t["emotion"])
    changes = {
        "names": [{"speaker": "S2", "name": "Zoé <b>"}],
        "turns": [{"turn": turn, "emotion": "Sad", "note": "listen again"}],
    }
    path = corrected(analysed, tmp_path, corrections=changes)
    done = ressenti("report", path)
    assert done.returncode == 0, done.stderr
    assert results(tmp_path) == {"sample.corrected.json", "sample.report.html"}
    page = (tmp_path / "sample.report.html").read_text(encoding="utf-8")
    assert "Zoé &lt;b&gt;" in page
    assert page != (analysed / "sample.report.html").read_text(encoding="utf-8")
    again = ressenti("report", path)
    assert again.returncode == errors.OutputExistsError.exit_code
    (tmp_path / "sample.json").write_text(json.dumps(stored), encoding="utf-8")
    both = ressenti("report", tmp_path / "sample.json", path, "--overwrite", "--format", "html,json,csv,rttm")
    assert both.returncode == 0, both.stderr
    assert "sample.json: skipped" in both.stdout
    derived = json.loads((tmp_path / "sample.json").read_text(encoding="utf-8"))
    assert derived["turns"][turn]["emotion"]["activation"] == "human"
    assert derived["turns"][turn]["original"]["windows"] == stored["turns"][turn]["windows"]
    assert derived["speakers"][1]["name"] == "Zoé <b>"
    assert derived["trajectories"] != stored["trajectories"]
    assert derived["diarization"] == stored["diarization"]
    once_more = ressenti("report", tmp_path / "sample.json", "--overwrite")
    assert once_more.returncode == 0
    assert (tmp_path / "sample.report.html").read_text(encoding="utf-8") == page


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"turns": [{"turn": 99, "emotion": "Sad"}]}, errors.CorrectionsError, "turn 99 does not exist"),
        ({"turns": [{"turn": 0, "emotion": "Angry"}]}, errors.NotAConversationError, "corrections.turns.0.emotion"),
        ({"turns": [{"turn": 0, "speaker": "Bob"}]}, errors.CorrectionsError, "a new one such as"),
    ],
)
def test_corrections_that_do_not_fit_are_named(
    analysed: Path, tmp_path: Path, changes: dict[str, object], error: type[errors.RessentiError], said: str
) -> None:
    done = ressenti("report", corrected(analysed, tmp_path, corrections=changes))
    assert done.returncode == error.exit_code
    assert said in done.stderr
    assert not (tmp_path / "sample.report.html").exists()


SRT = """1
00:00:06,700 --> 00:00:07,100
Hello?

2
00:00:08,000 --> 00:00:10,500
<i>My name is</i> Sheila & <script>

3
00:00:16,000 --> 00:00:18,000
Nothing secret here
"""


def unpacked(text: str) -> str:
    """A page with what is packed in it laid open, but for plotly's script; anything else as it is."""
    packed = re.compile(r'(<script type="text/plain" id="(\w+)">)([^<]*)')

    def plain(found: re.Match[str]) -> str:
        if found[2] in ("plotly", "mp3"):
            return found[1]
        return found[1] + gzip.decompress(base64.b64decode(found[3])).decode()

    return packed.sub(plain, text)


def test_words_spans_and_pseudonyms_of_a_stored_conversation(
    analysed: Path, sample: tuple[Path, Path], tmp_path: Path
) -> None:
    words = tmp_path / "words.srt"
    words.write_text(SRT, encoding="utf-8")
    arguments = ("report", analysed / "sample.json", "--transcript", words, "--bleep", "0:09.5-10.5,8-8.5")
    done = ressenti(*arguments, "--recording", sample[0], "--pseudonyms", "--format", "html,json", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    data = json.loads((analysed / "sample.json").read_text(encoding="utf-8"))
    name = f"conversation-{data['recording']['sha256'][:6]}"
    assert results(tmp_path) == {"words.srt", f"{name}.json", f"{name}.report.html"}
    assert "a voice identifies a person" in done.stdout
    assert "3 words, " in done.stdout
    assert "1.5 s silenced" in done.stdout
    written = json.loads((tmp_path / f"{name}.json").read_text(encoding="utf-8"))
    assert [w["text"] for w in written["words"]] == ["Nothing", "secret", "here"]  # "Hello?" may reach into a span
    assert written["bleeps"] == [{"start_s": 8, "end_s": 8.5}, {"start_s": 9.5, "end_s": 10.5}]
    assert "not updated" not in done.stdout
    for file in tmp_path.glob("conversation-*"):
        text = unpacked(file.read_text(encoding="utf-8"))
        assert not [known for known in ("Anna", "Ben<", "Sheila", "sample.wav", "Hello?") if known in text]
        assert "secret" in text  # what is looked for would be found
    again = ("report", analysed / "sample.json", "--bleep", "8-8.5", "--overwrite")
    done = ressenti(*again, "--recording", tmp_path / "none.wav", "--audio", "none")
    assert done.returncode == errors.NotFoundError.exit_code, done.stderr
    before = (analysed / "sample.report.html").read_bytes()
    done = ressenti(*again)
    (analysed / "sample.report.html").write_bytes(before)
    assert "not updated: sample.json, sample.turns.csv, sample.rttm" in done.stdout


def test_analyze_takes_words_spans_and_a_folder_of_transcripts(sample: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "sample.srt").write_text(SRT, encoding="utf-8")
    other = tmp_path / "other.wav"
    other.write_bytes(sample[0].read_bytes())
    options = ("--speakers", "2", "--audio", "sidecar", "--out", tmp_path / "out", "--format", "html,json")
    done = ressenti("analyze", sample[0], other, "--transcript", tmp_path, *options)
    assert done.returncode == 0, done.stderr
    assert "no transcript of this recording" in done.stdout
    stored = [json.loads((tmp_path / "out" / f"{n}.json").read_text(encoding="utf-8")) for n in ("sample", "other")]
    assert [len(data["words"]) for data in stored] == [9, 0]
    assert {p.name for p in (tmp_path / "out").glob("*.mp3")} == {"sample.report.mp3", "other.report.mp3"}


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        (["--bleep", "9-8"], errors.ConfigError, "ends before it begins"),
        (["--bleep", "28-50"], errors.ConfigError, "outside the recording"),
        (["--transcript", "none.srt"], errors.TranscriptError, "does not exist"),
        (["--transcript", __file__], errors.TranscriptError, "expected one of .srt"),
    ],
)
def test_additions_that_do_not_fit_are_named(
    analysed: Path, tmp_path: Path, arguments: list[str], error: type[errors.RessentiError], said: str
) -> None:
    done = ressenti("report", analysed / "sample.json", "--out", tmp_path / "out", *arguments)
    assert done.returncode == error.exit_code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "said"), [(["--bleep", "1-2"], "expected one recording"), (["--transcript", __file__], "a folder")]
)
def test_what_is_of_one_recording_is_refused_for_several(tmp_path: Path, arguments: list[str], said: str) -> None:
    done = ressenti("analyze", tmp_path / "a.wav", tmp_path / "b.wav", *arguments)
    assert done.returncode == errors.ConfigError.exit_code
    assert said in done.stderr


def test_report_takes_other_anchors(analysed: Path, tmp_path: Path) -> None:
    config = tmp_path / "mine.yaml"
    config.write_text(
        "dynamics: {silence_s: 1.25}\nreport: {lang: fr}\nemotion: {unsure_below: 0.95}", encoding="utf-8"
    )
    done = ressenti("report", analysed / "sample.json", "--out", tmp_path, "--config", config)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "sample.report.html").read_text(encoding="utf-8")
    assert "Une pause de plus de 1,25\u00a0s est aussi signalée comme silence" in page
    assert "aucune classe n’atteint 95" in page


def test_bad_recordings_do_not_stop_the_others(sample: tuple[Path, Path], tmp_path: Path) -> None:
    empty = tmp_path / "empty.wav"
    empty.touch()
    text = tmp_path / "text.mp3"
    text.write_text("hello " * 500, encoding="utf-8")
    done = ressenti(
        "analyze", empty, text, tmp_path / "none.wav", sample[0], "--speakers", "2", "--out", tmp_path / "out"
    )
    assert done.returncode == SOME_FAILED
    assert results(tmp_path / "out") == OUTPUTS
    assert "Traceback" not in done.stderr
    assert [name in done.stderr for name in ("empty.wav", "text.mp3", "none.wav")] == [True] * 3


def float_wav(samples: np.ndarray) -> bytes:
    data = samples.astype("<f4").tobytes()
    form = (36 + len(data), b"WAVE", b"fmt ", 16, 3, 1, 16_000, 64_000, 4, 32, b"data", len(data))
    return struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", *form) + data


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda p: p.touch(), errors.EmptyFileError),
        (lambda p: p.write_bytes(os.urandom(5000)), errors.NotAudioError),
        (lambda p: p.mkdir(), errors.IsFolderError),
        (lambda _: None, errors.NotFoundError),
        (lambda p: write_wav(p, noise(3, 0.0)), errors.SilentError),
        (lambda p: write_wav(p, noise(0.3)), errors.TooShortError),
        (lambda p: write_wav(p, noise(0)), errors.ZeroLengthError),
        (lambda p: p.write_bytes(write_wav(p, noise(4)).read_bytes()[:40_000]), errors.TruncatedError),
        (lambda p: write_wav(p, noise(3, 0.02)), errors.NoSpeechError),
        (lambda p: p.write_bytes(float_wav(np.full(48_000, np.nan))), errors.BadSamplesError),
    ],
)
def test_bad_input_has_its_exit_code_and_leaves_nothing(
    tmp_path: Path, make, error: type[errors.RessentiError]
) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "call.wav"
    make(path)
    done = ressenti("analyze", path, "--out", tmp_path / "out")
    assert done.returncode == error.exit_code, done.stderr
    assert done.stderr.startswith("error ")
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--config", "nowhere"], "unknown preset"),
        (["--format", "html,pdf"], "html, json, csv, rttm"),
        (["--speakers", "0"], "diarization.speakers"),
        (["--min-speakers", "4", "--max-speakers", "2"], "min_speakers"),
        (["--allow-restricted", ""], "no reason"),
        (["--names", "Anna,,Ben"], "none empty"),
        (["--channels", "split"], "1 channel"),
        (["--roles", "S9=client"], "no speaker 'S9'"),
        (["--emotion-for", "pilot"], "unknown role"),
    ],
)
def test_options_that_do_not_fit(sample: tuple[Path, Path], tmp_path: Path, arguments: list[str], said: str) -> None:
    done = ressenti("analyze", sample[0], "--out", tmp_path / "out", *arguments)
    assert done.returncode == errors.ConfigError.exit_code
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_defect_in_one_recording_does_not_stop_the_others(
    sample: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ressenti.pipeline.run

    whole = ressenti.pipeline.run.analyze

    def broken(path: Path, *rest: object, **named: object) -> object:
        if path.name == "bad.wav":
            raise ZeroDivisionError("oh [/x] no")
        return whole(path, *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(ressenti.pipeline.run, "analyze", broken)
    bad = write_wav(tmp_path / "bad.wav", noise(2))
    done = RUN.invoke(app, ["analyze", str(bad), str(sample[0]), "--speakers", "2", "--out", str(tmp_path / "out")])
    assert done.exit_code == SOME_FAILED
    assert "unexpected ZeroDivisionError" in done.output
    assert results(tmp_path / "out") == OUTPUTS


def test_a_name_too_long_to_write_is_an_error_not_a_crash(sample: tuple[Path, Path], tmp_path: Path) -> None:
    path = tmp_path / ("x" * 248 + ".wav")
    path.write_bytes(sample[0].read_bytes())
    done = ressenti("analyze", path)
    assert done.returncode == errors.OutputError.exit_code
    assert "too long" in done.stderr


def test_reports_of_one_name_are_refused(analysed: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = tmp_path / "other" / "sample.json"
    other.write_bytes((analysed / "sample.json").read_bytes())
    done = ressenti("report", analysed / "sample.json", other, "--out", tmp_path / "out")
    assert done.returncode == errors.ConfigError.exit_code


def test_a_conversation_without_its_options_is_refused(analysed: Path, tmp_path: Path) -> None:
    data = json.loads((analysed / "sample.json").read_text(encoding="utf-8"))
    data["config"]["affect"] = {"anchors": {}}
    (tmp_path / "sample.json").write_text(json.dumps(data), encoding="utf-8")
    done = ressenti("report", tmp_path / "sample.json")
    assert done.returncode == errors.NotAConversationError.exit_code
    assert "anchor" in done.stderr


def test_two_recordings_of_one_name_are_refused(tmp_path: Path) -> None:
    paths = [write_wav(tmp_path / name, noise(2)) for name in ("call.wav", "call.WAV")]
    done = ressenti("analyze", *paths, "--out", tmp_path / "out")
    assert done.returncode == errors.ConfigError.exit_code
    assert "would both write" in done.stderr


def test_formats_are_chosen(sample: tuple[Path, Path], tmp_path: Path) -> None:
    done = ressenti("analyze", sample[0], "--out", tmp_path, "--format", "json,rttm", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert results(tmp_path) == {"sample.json", "sample.rttm"}


def test_roles_that_are_not_certain_are_told_once(
    make_conversation: Callable[..., Conversation], capsys: pytest.CaptureFixture[str]
) -> None:
    made = make_conversation("interview")
    tell(made, 1.0, {}, Terminal())
    lines = capsys.readouterr().out.splitlines()
    advice = "Listen, then set their roles: --roles S1=ROLE,S2=ROLE"
    assert (
        lines[-1].strip()
        == f"emotion not computed for S1 (interviewer?), S2 (participant?): role not confirmed. {advice}"
    )
    more = tuple(replace(made.speakers[1], label=f"S{k}", role=None, role_source=None) for k in (3, 4, 5, 6))
    many = Note("more_than_roles", {"found": 6, "roles": 2})
    found = replace(made.diarization, count="estimated", count_confidence="low", notes=(many,))
    tell(replace(made, diarization=found, speakers=(*made.speakers, *more)), 1.0, {}, Terminal())
    told = capsys.readouterr().out
    assert "found 6 speakers for 2 roles, probably too many: try --speakers 2" in told
    assert told.count("--speakers") == told.count("not confirmed") == 1
    assert "--roles" not in told
    restricted = make_conversation("call-center", people=People(roles=("S1=agent", "S2=employee")))
    tell(restricted, 1.0, {}, Terminal())
    assert "emotion not computed for S1 (agent), S2 (employee): restricted role\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("licence", "commercial", "line"),
    [
        ("CC BY-NC-SA 4.0", False, "tone: research use only (CC BY-NC-SA 4.0)"),
        (None, None, "tone: licence of the model not known"),
        ("MIT", True, None),
    ],
)
def test_what_the_licence_of_the_tone_allows_is_told(
    make_conversation: Callable[..., Conversation],
    capsys: pytest.CaptureFixture[str],
    licence: str | None,
    commercial: bool | None,
    line: str | None,
) -> None:
    made = make_conversation()
    model = ModelInfo("emotion", "model", licence, commercial=commercial)
    tell(replace(made, models=(*(m for m in made.models if m.task != "emotion"), model)), 1.0, {}, Terminal())
    first, *others = capsys.readouterr().out.splitlines()
    assert (line in first) if line else ("tone:" not in first)
    assert not [text for text in others if "tone:" in text]


def test_a_channel_of_several_voices_is_told(
    make_conversation: Callable[..., Conversation], capsys: pytest.CaptureFixture[str]
) -> None:
    made = make_conversation()
    shared = Note("channel_voices", {"channel": 2, "voices": 3})
    tell(replace(made, diarization=replace(made.diarization, notes=(shared,))), 1.0, {}, Terminal())
    assert "Channel 2 holds 3 voices: told apart by sound, not by channel." in capsys.readouterr().out


@pytest.mark.slow("analyses real recordings")
def test_the_sample_says_where_and_how_well(tmp_path: Path) -> None:
    done = ressenti("sample", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "ressenti-sample" / "sample.report.html").is_file()
    assert "ressenti-sample/sample.report.html" in done.stdout
    assert "speaker90" in done.stdout
    rate = float(done.stdout.split("collar 0.25")[0].split()[-2].strip("(%").rstrip("%"))
    assert rate <= 8.0


def test_the_doctor_names_models_and_licences() -> None:
    done = ressenti("doctor")
    assert done.returncode == 0, done.stdout + done.stderr
    for words in ("silero-vad", "whisper-base-encoder-3", "CC BY-NC-SA 4.0", "Lajavaness", "torch", "call-center"):
        assert words in done.stdout
    for words in ("pyannote-segmentation-3.0", "MIT", "campplus-zh-en-16k-common-advanced", "Apache-2.0"):
        assert words in done.stdout


@pytest.mark.slow("analyses real recordings")
def test_evaluate_diarization_prints_and_writes_figures(sample: tuple[Path, Path], tmp_path: Path) -> None:
    for name in ("truth/a/sample", "truth/a/other", "truth/sample"):
        for path in sample:
            target = (tmp_path / name).with_suffix(path.suffix)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    (tmp_path / "truth" / "a" / "other.wav").rename(tmp_path / "truth" / "a" / "sample_copy.wav")
    emotions = "start_s,end_s,speaker,label\n6.69,7.12,speaker90,Tension\n"
    (tmp_path / "truth" / "a" / "sample.emotions.csv").write_text(emotions, encoding="utf-8")
    done = ressenti("evaluate", "diarization", tmp_path / "truth", "--json", tmp_path / "figures.json")
    assert done.returncode == 0, done.stderr
    figures = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    row, labelled, copy = figures["files"]
    assert [(r["folder"], r["recording"]) for r in figures["files"]] == [
        ("", "sample.wav"),
        ("a", "sample.wav"),
        ("a", "sample_copy.wav"),
    ]
    assert row["given"]["errors"][1]["rate"] <= 0.08
    assert figures["total"]["given"]["errors"][1]["rate"] == row["given"]["errors"][1]["rate"]
    assert figures["total"]["given"]["jaccard"] == row["given"]["jaccard"] == copy["given"]["jaccard"]
    assert list(figures["folders"]) == ["a"]
    assert figures["folders"]["a"]["given"]["files"] == 2
    assert [e["label"] for e in labelled["given"]["by_emotion"]] == ["Tension"]
    assert figures["total"]["free"]["by_emotion"] == labelled["free"]["by_emotion"]
    for count in ("given", "free"):
        part = figures["total"][count]
        assert part["overlap"]["speech_s"] == pytest.approx(3 * row[count]["overlap"]["speech_s"])
        assert part["interruptions"]["true"] == 3 * row[count]["interruptions"]["true"]
        assert set(part["backchannels"]) == {"true", "found", "right", "precision", "recall", "f1"}
        assert part["sure"] == 3 * row[count]["sure"]
        assert (part["files"], part["monologues"], part["split"]) == (3, 0, 0)
        assert 0 <= part["right"] <= part["near"] <= 3
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 120
    rows = [line.split()[:2] for line in lines]
    for place in ("a", "total"):
        assert rows.count([place, "given"]) == rows.count([place, "free"]) == 2  # overlap, number of speakers
    assert [line.split()[0] for line in lines[3:8]] == ["sample.wav", "sample.wav", "sample_copy.wav", "a", "total"]
    assert "…" not in done.stdout
    assert f"{100 * row['given']['errors'][1]['rate']:.1f}" in lines[3]
    assert f"{100 * row['given']['jaccard']:.1f}" in lines[7]
    assert any(line.startswith("Tension") for line in lines)
    assert ressenti("evaluate", "diarization", tmp_path / "nowhere").returncode == errors.NotFoundError.exit_code


def test_ctrl_c_while_the_program_is_loaded_ends_it_quietly() -> None:
    code = """
import sys
class Interrupted:
    def find_spec(self, name, path, target=None):
        if name == "ressenti.pipeline.cli.app":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupted())
from ressenti.pipeline.cli import main
main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


@pytest.mark.slow("runs in processes of its own")
def test_ctrl_c_leaves_nothing(ten_seconds: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # background jobs ignore it
    code += "from ressenti.pipeline.cli import main; main()"
    recordings = [tmp_path / f"call{i}.wav" for i in range(60)]  # for half a minute: a busy machine may wake us late
    recordings[0].write_bytes(ten_seconds.read_bytes())
    for link in recordings[1:]:
        link.hardlink_to(recordings[0])
    process = subprocess.Popen(
        [sys.executable, "-c", code, "analyze", "--words", "off", *map(str, recordings), "--out", str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 120
    while not (out / "call0.rttm").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    names = results(out) if out.exists() else set()  # taken back with its first results, if they were not complete
    assert not any(name.endswith(".partial") for name in names)
    finished = {name.split(".")[0] for name in names}
    assert names == {
        f"{stem}{ending}" for stem in finished for ending in (".report.html", ".json", ".turns.csv", ".rttm")
    }


def test_a_stage_without_an_end_shows_no_percentage() -> None:
    terminal = Terminal()
    terminal.err = Console(file=io.StringIO(), force_terminal=True, width=80)
    for total, shown in ((None, False), (4.0, True)):
        with terminal.progress("call.wav") as progress:
            progress("clustering", 0, total)
        text = terminal.err.file.getvalue()  # type: ignore[attr-defined]
        assert "Clustering voices" in text
        assert ("%" in text) is shown
