"""Figures of sounds against a truth, and recorded sounds in simulated conversations."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from conftest import write_wav
from ressenti.pipeline.cli.app import app
from ressenti.pipeline.derive import with_corrections
from ressenti.pipeline.edits.bleeps import parse_spans, parse_time
from ressenti.pipeline.errors import ConfigError, NotFoundError
from ressenti.pipeline.lab.evaluation.sounds import SoundFigures, TrueSound, compare_sounds
from ressenti.pipeline.lab.labelled_speech.truth import TruthSegment
from ressenti.pipeline.lab.simulation.options import Playing, Sounding, load_suite
from ressenti.pipeline.lab.simulation.played import Bank, held_out, read_sounds, sounds_csv, with_sounds
from ressenti.pipeline.records import Conversation, Corrections, Segment, Sound, SpeakerKind

RATE = 16_000


@pytest.fixture
def bank_folder(tmp_path: Path) -> Path:
    """Two sounds of each kind, one of them held out by its name."""
    folder = tmp_path / "sounds"
    rng = np.random.default_rng(3)
    rows, voices = ["path,kind,language,licence,seconds"], ["path,speaker,class,language,sex"]
    kept = sorted(path for path in held_out() if path.startswith(("IVR_prompt/", "hold_music/")))
    names = [*kept[:1], "IVR_prompt/mine.flac", *[p for p in kept if "hold_music" in p][:1], "hold_music/mine.flac"]
    for name in (*names, "ring_tone/my_ringback.flac", "nonverbal/laughing/mine.flac"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_wav(path, rng.integers(-5000, 5000, 2 * RATE).astype(np.int16))
        if name.startswith("nonverbal/"):
            voices.append(f"{name.removeprefix('nonverbal/')},x,laughing,en,f")
        else:
            kind = "IVR prompt" if name.startswith("IVR") else "music"
            rows.append(f"{name},{kind},{'en-US' if kind == 'IVR prompt' else ''},none,2")
    (folder / "telephony.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (folder / "nonverbal" / "labels.csv").write_text("\n".join(voices) + "\n", encoding="utf-8")
    return folder


def segment(start_s: float, end_s: float, speaker: str = "Anna") -> TruthSegment:
    return TruthSegment(start_s, end_s, speaker, 1, "neutral", None, None, "turn", "clip")


def test_sounds_move_the_talk_and_are_told(bank_folder: Path) -> None:
    bank = Bank(bank_folder, "development")
    samples = np.full((2, 10 * RATE), 9, np.int16)
    truth = (segment(0.5, 4.0), segment(5.0, 9.0))
    playing = Playing(lead=("tone", "music"), middle=("music",))
    rng = np.random.default_rng(0)
    made, moved, told = with_sounds(samples, truth, playing, Sounding(channels="split"), bank, rng)
    assert [t.kind for t in told] == ["tone", "music", "music"]
    assert {t.channel for t in told} == {2}
    assert all("mine" in t.source or "my_" in t.source for t in told)  # none is held out
    first, second = moved
    assert first.end_s - first.start_s == pytest.approx(3.5, abs=0.01)
    assert told[1].end_s < first.start_s < first.end_s <= told[2].start_s < told[2].end_s < second.start_s
    assert made.shape[1] / RATE > 10 + sum(t.end_s - t.start_s for t in told)
    at = round((first.start_s + 1) * RATE)
    assert (made[:, at : at + 100] == 9).all()
    assert not made[0, round(told[0].start_s * RATE) : round(told[0].end_s * RATE)].any()
    assert (
        made == with_sounds(samples, truth, playing, Sounding(channels="split"), bank, np.random.default_rng(0))[0]
    ).all()


def test_laughing_comes_after_a_turn_of_whoever_laughs(bank_folder: Path, tmp_path: Path) -> None:
    truth = (segment(0.5, 4.0), segment(5.0, 9.0, "Ben"))
    bank = Bank(bank_folder, "development")
    samples = np.zeros((1, 10 * RATE), np.int16)
    with pytest.raises(NotFoundError, match="of kind"):  # only laughing is there
        with_sounds(samples, truth, Playing(voices=40), Sounding(), bank, np.random.default_rng(1))
    told = with_sounds(samples, truth, Playing(lead=("tone",)), Sounding(), bank, np.random.default_rng(0))[2]
    path = tmp_path / "x.sounds.csv"
    path.write_text(sounds_csv(told), encoding="utf-8")
    assert read_sounds(path) == told
    with pytest.raises(NotFoundError, match="no recorded sounds"):
        Bank(tmp_path, "held-out")


def test_the_halves_share_no_sound() -> None:
    assert len(held_out()) > 200
    assert load_suite("sounds").sounds == "held-out"
    assert load_suite("sounds").speakers == "held-out"
    development = load_suite("sounds-development")
    assert (development.sounds, development.speakers) == ("development", "training")
    assert development.scenes == load_suite("sounds").scenes


def test_seconds_and_marks_are_counted(make_conversation: Any) -> None:
    made: Conversation = make_conversation()
    sounds = (Sound("laughter", 10.0, 11.0, 0.9), Sound("cough", 25.0, 25.5, 0.9))
    made = with_corrections(replace(made, sounds=sounds), Corrections(kinds=(SpeakerKind("S2", "announcement"),)))
    truth = [
        TrueSound(4.0, 6.0, "announcement"),
        TrueSound(20.0, 22.0, "music"),
        TrueSound(27.0, 28.0, "tone"),
        TrueSound(10.2, 10.8, "laughter"),
        TrueSound(1.0, 2.0, "throat"),
    ]
    talk = [Segment(9.5, 19.5, "Anna"), Segment(22.5, 23.5, "Anna")]
    found = compare_sounds(made, truth, talk)
    assert found.announced_s == pytest.approx(2.0)
    assert found.recognised_s == pytest.approx(1.0)  # S2 begins at 5 s
    assert found.played_s == pytest.approx(3.0)
    assert found.played_spoken_s == pytest.approx(1.0)  # the tone, in which S1 speaks
    assert found.talk_s == pytest.approx(11.0)
    assert found.wrongly_s == pytest.approx(1.5)  # 19-19.5 and 22.5-23.5
    assert found.voices == {"laughter": (1, 1, 1), "throat": (1, 0, 0)}
    assert found.false_marks == 1
    both = found + found
    assert (both.talk_s, both.voices["throat"]) == (pytest.approx(22.0), (2, 0, 0))
    assert SoundFigures().false_per_10_min == 0


def test_times_and_spans_are_read_in_words() -> None:
    assert parse_time("1:03.5", "--start") == 63.5
    assert [(s.start_s, s.end_s) for s in parse_spans("63-71,1:20-1:30", "--ignore")] == [(63, 71), (80, 90)]
    with pytest.raises(ConfigError, match=r"--start: got 'soon'; expected seconds or m:ss"):
        parse_time("soon", "--start")
    with pytest.raises(ConfigError, match="--ignore: got"):
        parse_spans("later", "--ignore")


def test_the_command_line_takes_spans_and_refuses_others(recording: Path) -> None:
    done = CliRunner().invoke(app, ["analyze", str(recording), "--start", "soon"])
    assert done.exit_code != 0
    assert "--start" in str(done.exception)
    nothing = CliRunner().invoke(app, ["evaluate", "sounds", str(recording.parent / "absent")])
    assert nothing.exit_code != 0
    assert "no recordings" in str(nothing.exception)
