"""What is read of files of others' making, and what is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ressenti.pipeline.config import load_config
from ressenti.pipeline.errors import ConfigError, LabelsError, NotAConversationError, TranscriptError
from ressenti.pipeline.files.untrusted import RefusedError, parse_json, parse_yaml, read_bounded, skim_json
from ressenti.pipeline.lab.evaluation.labels import read_rating
from ressenti.pipeline.lab.simulation.options import load_suite
from ressenti.pipeline.store import load
from ressenti.pipeline.store.validation import read_validation
from ressenti.pipeline.transcript.files import read_transcript


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: &x 1\nb: *x", "line 1: an anchor"),
        ("a: !!python/object/apply:os.system [id]", "a tag"),
        ("a: !x 1", "a tag"),
        ("[" * 100_000, "too deep"),
        ("- " * 10_000, "too deep"),
        ("a: 1\na: 2", "'a' appears twice"),
        ("a: {b: 1, b: 1}", "'b' appears twice"),
        ("1: 2", "line 1: got 1 as a key"),
        ("true: 2", "got true as a key"),
        ("? [a]\n: 1", "a list or group as a key"),
        ("a: " + "9" * 5_000, "a number of 5000 digits"),
        ("a: b: c", "not YAML"),
        ("a: \x00", "not YAML"),
        ("--- 1\n--- 2", "not YAML"),
    ],
)
def test_yaml_that_is_refused(text: str, said: str) -> None:
    with pytest.raises(RefusedError, match=said):
        parse_yaml(text)


def test_yaml_guesses_no_dates_times_octals_or_words_of_truth() -> None:
    text = "{day: 2026-01-01, time: 1:30, no: no, on: yes, t: true, n: null, e: , i: -12, f: 1.5, x: 1e3, q: '1'}"
    assert parse_yaml(text) == {
        "day": "2026-01-01",
        "time": "1:30",
        "no": "no",
        "on": "yes",
        "t": True,
        "n": None,
        "e": None,
        "i": -12,
        "f": 1.5,
        "x": 1000.0,
        "q": "1",
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": 1, "a": 2}', "'a' appears twice"),
        ('{"x": {"a": 1, "a": 2}}', "'a' appears twice"),
        ("NaN", "NaN; expected a finite number"),
        ("[-Infinity]", "-Infinity"),
        ("9" * 19, "a number of 19 digits"),
        ("[" * 100_000, "too deep"),
        ("\ud800", "half a character"),
        ("{", "not JSON"),
        ("", "not JSON"),
    ],
)
def test_json_that_is_refused(text: str, said: str) -> None:
    for read in (parse_json, skim_json):
        with pytest.raises(RefusedError, match=said):
            read(text)


@pytest.mark.parametrize("text", ["[" * 40 + "]" * 40, "1e999", '"\\ud800"', '{"\\ud800": 1}'])
def test_json_that_is_refused_once_it_is_built(text: str) -> None:
    with pytest.raises(RefusedError):
        parse_json(text)


def test_of_skimmed_json_the_outermost_names_are_left() -> None:
    assert skim_json('{"version": 2, "turns": [{"a": 1}], "x": {"y": 1}}') == {"version": 2, "turns": [None], "x": None}
    assert skim_json("[{}]") is None
    assert skim_json("null") is None


def test_a_file_is_read_to_its_bound_and_no_further(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x" * 10)
    assert read_bounded(path, 10) == b"x" * 10
    with pytest.raises(RefusedError, match="10 bytes; expected at most 9"):
        read_bounded(path, 9)
    with pytest.raises(RefusedError, match="not a valid file name"):
        read_bounded(Path("a\0b"), 9)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_pipes_and_devices_are_refused_by_all_readers_without_waiting(tmp_path: Path, kind: str) -> None:
    def place(name: str) -> Path:
        path = tmp_path / name
        if kind == "pipe":
            os.mkfifo(path)
        else:
            path.symlink_to("/dev/zero")
        return path

    said = f"a {kind}"
    with pytest.raises(ConfigError, match=said):
        load_config(place("a.yaml"))
    with pytest.raises(ConfigError, match=said):
        load_suite(str(place("suite.yaml")))
    with pytest.raises(ConfigError, match=said):
        read_validation(str(place("validation.json")))
    with pytest.raises(NotAConversationError, match=said):
        load(place("a.json"))
    with pytest.raises(LabelsError, match=said):
        read_rating(place("a.labels.json"))
    with pytest.raises(TranscriptError, match=said):
        read_transcript(place("a.srt"), "a")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("trajectory: {step_s: 1.0e-9}", "trajectory.step_s: got 1e-09, expected at least 0.1"),
        ("trajectory: {smoothing_s: 1e308}", "trajectory.smoothing_s: got 1e+308, expected at most 3600"),
        ("diarization: {step_s: 0}", "diarization.step_s: got 0, expected at least 0.5"),
        ("emotion: {window_step_s: 1e-300}", "emotion.window_step_s"),
        ("moments: {peaks: 123456789}", "moments.peaks: got 123456789, expected at most 1000"),
        ("audio: {silent_dbfs: 1e308}", "audio.silent_dbfs"),
        ("affect: {error_sd: 1e-300}", "affect.error_sd"),
        ("roles: {order: [" + "x," * 1001 + "]}", "roles.order"),
        ("\n".join(f"k{k}: 1" for k in range(50)), "and 40 more"),
    ],
)
def test_options_have_bounds(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert said in str(caught.value)
    assert len(str(caught.value)) < 5_000
