from pathlib import Path

import numpy as np
import pytest
from scipy.signal import welch

from conftest import noise, write_wav
from ressenti.pipeline.audio import RATE_HZ
from ressenti.pipeline.lab.labelled_speech import acoustics
from ressenti.pipeline.lab.labelled_speech.conditions import CONDITIONS, Condition, in_condition, voices_for
from ressenti.pipeline.lab.labelled_speech.corpora import Clip


def clip(folder: Path, sound: np.ndarray, speaker: str = "a", name: str = "x") -> Clip:
    return Clip(write_wav(folder / f"{speaker}-{name}.wav", sound), "ours", speaker, "sad")


def heard(one: Clip, condition: Condition) -> np.ndarray:
    return acoustics.to_float(in_condition(one, condition, [("b", acoustics.to_float(np.ones(100, np.int16)))]))


def tone(hz: float, seconds: float = 2.0) -> np.ndarray:
    return 0.2 * np.sin(2 * np.pi * hz * np.arange(int(seconds * RATE_HZ)) / RATE_HZ)


def density(sound: np.ndarray, low: float, high: float) -> float:
    """Mean power per hertz between two frequencies, in dB."""
    hz, power = welch(sound, RATE_HZ, nperseg=4096)
    return float(10 * np.log10(power[(hz >= low) & (hz <= high)].mean()))


def test_every_condition_has_a_sound_of_its_own(tmp_path: Path) -> None:
    one = clip(tmp_path, noise(1.0))
    sounds = {
        name: in_condition(one, name, voices_for(name, [clip(tmp_path, noise(1.0, seed=1), "b"), one]))
        for name in CONDITIONS
    }
    assert len({sound.tobytes() for sound in sounds.values()}) == len(CONDITIONS)
    assert sounds["clean"].tolist() == in_condition(one, "clean", []).tolist()


@pytest.mark.parametrize("condition", ["phone", "alaw", "gsm"])
def test_lines_pass_a_telephone_band_alone(tmp_path: Path, condition: Condition) -> None:
    sound = heard(clip(tmp_path, noise(3.0)), condition)
    speech = density(sound, 500, 3_000)
    assert density(sound, 20, 150) < speech - 10
    assert density(sound, 4_500, 7_500) < speech - 25


def test_a_speaker_stays_in_one_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ressenti.pipeline.audio.decode.remove_hum", lambda rows: None)  # it would ring after a click
    click = np.zeros(RATE_HZ)
    click[100] = 0.5
    first, second = (heard(clip(tmp_path, click, "a", name), "room") for name in "xy")
    other = heard(clip(tmp_path, click, "b"), "room")
    assert np.array_equal(first, second)
    assert not np.allclose(first, other, atol=1e-3)
    tail = first[101:].astype(np.float64)
    assert 10 * np.log10(first[100] ** 2 / (tail**2).sum()) == pytest.approx(3, abs=0.3)
    assert (tail[int(0.5 * RATE_HZ) :] ** 2).sum() < 1e-3 * (tail**2).sum()


def test_another_recorder_moves_the_grid_and_fills_the_holes(tmp_path: Path) -> None:
    sound = heard(clip(tmp_path, tone(1_000) + tone(3_000)), "pcm")
    assert len(sound) == pytest.approx(2 * RATE_HZ * 1.005, abs=2)
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    peaks = np.fft.rfftfreq(len(sound), 1 / RATE_HZ)
    assert peaks[spectrum.argmax()] == pytest.approx(1_000 / 1.005, abs=0.5)
    floor = density(sound, 5_000, 7_500) + 10 * np.log10(RATE_HZ / 2)  # white: the same everywhere
    assert 10 * np.log10(acoustics.active_power(sound)) - floor == pytest.approx(45, abs=0.5)


def test_a_high_rate_is_hardly_heard(tmp_path: Path) -> None:
    one = clip(tmp_path, tone(700) * (1 + noise(2.0)))
    clean = heard(one, "clean")

    def error_db(condition: Condition) -> float:
        sound = heard(one, condition)
        sound *= (sound @ clean) / (sound @ sound)
        return float(10 * np.log10(((sound - clean) ** 2).mean() / (clean**2).mean()))

    assert error_db("mp3-128") < -25
    assert error_db("mp3-128") < error_db("mp3") - 6
