import numpy as np
import pytest

from conftest import noise
from ressenti.pipeline.audio import load, without_tones
from ressenti.pipeline.config import AudioOptions

RATE_HZ = 16_000


def beeps(freqs_hz: tuple[float, ...], seconds: float, level: float, length_s: float, each_s: float) -> np.ndarray:
    t = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    phase = t % each_s
    ramp = np.clip(np.minimum(phase, length_s - phase) / 0.004, 0, 1)
    return level * ramp * sum(np.sin(2 * np.pi * hz * t) for hz in freqs_hz) / len(freqs_hz)


def as_samples(x: np.ndarray) -> np.ndarray:
    return (x * 32767).astype(np.int16)


def power_db(x: np.ndarray) -> float:
    return float(10 * np.log10(np.mean((x / 32768.0) ** 2) + 1e-12))


@pytest.mark.parametrize(
    ("freqs_hz", "length_s"),
    [
        ((1400,), 0.3),
        ((440,), 0.25),
        ((425,), 1.0),
        ((1000,), 0.2),
        ((2100,), 3.0),
        ((770, 1336), 0.12),
        ((950, 1800), 0.3),
    ],
)
def test_beeps_go_whatever_their_pitch(freqs_hz: tuple[float, ...], length_s: float) -> None:
    heard = as_samples(beeps(freqs_hz, 40, 0.2, length_s, 5.0) + noise(40, 0.0005))
    assert power_db(without_tones(heard)) < power_db(heard) - 15


def test_talk_under_a_beep_stays(sample: tuple) -> None:
    voice = load(sample[0], AudioOptions())[1].samples[0]
    beep = as_samples(beeps((1400,), 30, 0.3, 0.3, 5.0))[: len(voice)]
    both = np.clip(voice.astype(int) + beep, -32768, 32767).astype(np.int16)
    left = without_tones(both).astype(float) - voice
    assert power_db(left) < power_db(beep) - 10


def test_without_beeps_it_is_the_same_array(sample: tuple) -> None:
    voice = load(sample[0], AudioOptions())[1].samples[0]
    assert without_tones(voice) is voice
    hiss = as_samples(noise(10))
    assert without_tones(hiss) is hiss


@pytest.mark.parametrize("count", [0, 1, 700])
def test_short_samples_are_left_alone(count: int) -> None:
    samples = np.ones(count, np.int16)
    assert without_tones(samples) is samples


def test_a_voice_that_glides_is_no_beep() -> None:
    t = np.arange(5 * RATE_HZ) / RATE_HZ
    glide = as_samples(0.2 * np.sin(2 * np.pi * (400 * t + 10 / (2 * np.pi * 5) * np.sin(2 * np.pi * 5 * t))))
    assert without_tones(glide) is glide
