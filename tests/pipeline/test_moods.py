"""Speech in moods keeps its words and changes what moods change."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from ressenti.pipeline.lab.labelled_speech import moods
from ressenti.pipeline.lab.labelled_speech.corpora import read_clips

RATE_HZ = 16_000


def voice(seconds: float = 2.0, pitch_hz: float = 120.0) -> np.ndarray:
    """A pulse train with a falling spectrum, as a voice has."""
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    wave = sum(np.sin(2 * np.pi * pitch_hz * k * t) / k for k in range(1, 30))
    return (0.1 * wave).astype(np.float32)


def pitch_hz(sound: np.ndarray) -> float:
    import parselmouth

    values = parselmouth.Sound(sound.astype(np.float64), RATE_HZ).to_pitch().selected_array["frequency"]
    return float(np.median(values[values > 0]))


def above_1_khz(sound: np.ndarray) -> float:
    power = np.abs(np.fft.rfft(sound)) ** 2
    return float(power[np.fft.rfftfreq(len(sound), 1 / RATE_HZ) > 1_000].sum() / power.sum())


def test_neutral_speech_stays_as_it_is_but_for_its_level() -> None:
    made = moods.in_mood(voice(), moods.MOODS["neutral"])
    assert np.corrcoef(made, voice())[0, 1] == pytest.approx(1, abs=1e-6)
    assert np.abs(made).max() == pytest.approx(0.7, abs=1e-3)


def test_anger_is_higher_shorter_and_brighter_and_sadness_the_reverse() -> None:
    plain, angry, sad = (moods.in_mood(voice(), moods.MOODS[name]) for name in ("neutral", "angry", "sad"))
    assert pitch_hz(angry) == pytest.approx(120 * 1.45, rel=0.03)
    assert pitch_hz(sad) == pytest.approx(120 * 0.9, rel=0.03)
    assert len(angry) / len(plain) == pytest.approx(0.92, abs=0.02)
    assert len(sad) / len(plain) == pytest.approx(1.15, abs=0.02)
    assert above_1_khz(angry) > 1.5 * above_1_khz(plain) > 1.5 * above_1_khz(sad)


def test_the_command_leaves_out_who_is_held_out(shared_data: Path, tmp_path: Path) -> None:
    import typer

    app = typer.Typer()
    app.command()(moods.main)
    out = tmp_path / "moods"
    told = CliRunner().invoke(app, [str(shared_data / "speech" / "librispeech"), str(out), "--speakers", "2"])
    assert told.exit_code == 0, told.output
    made = read_clips(out)
    assert {clip.emotion for clip in made} == set(moods.MOODS)
    assert len({clip.speaker for clip in made}) == 2
    source = {clip.speaker: clip for clip in read_clips(shared_data / "speech" / "librispeech", labelled=False)}
    assert not any(moods.is_held_out(source[clip.speaker]) for clip in made)
