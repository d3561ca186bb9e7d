import numpy as np
import pytest

from pipeline.emotion.prosody import prosody
from pipeline.evaluation import acoustics
from pipeline.mel import frame_count

RATE_HZ = 16_000


def voice(hz: float, seconds: float = 1.0) -> np.ndarray:
    """A sum of harmonics that fall by 6 dB per octave."""
    times = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    waves = sum(np.sin(2 * np.pi * hz * k * times) / k for k in range(1, 12))
    return np.asarray(waves * 3000).astype(np.int16)


@pytest.mark.parametrize("hz", [80, 120, 210, 300, 450])
def test_pitch_of_a_voice_also_through_a_telephone(hz: float) -> None:
    for samples in (voice(hz), acoustics.to_int16(acoustics.telephone(acoustics.to_float(voice(hz))))):
        heard = prosody(samples)[10:-10]
        assert np.exp2(np.median(heard[:, 0])) == pytest.approx(hz, rel=0.01)
        assert np.median(heard[:, 1]) > 0.8


def test_noise_and_silence_have_no_voice() -> None:
    noise = (np.random.default_rng(0).standard_normal(RATE_HZ) * 3000).astype(np.int16)
    assert np.median(prosody(noise)[:, 1]) < 0.4
    silence = prosody(np.zeros(RATE_HZ, np.int16))
    assert np.isfinite(silence).all()
    assert silence[:, 1].max() < 0.01


def test_tilt_follows_the_balance_of_the_spectrum() -> None:
    times = np.arange(RATE_HZ) / RATE_HZ
    low, high = (np.sin(2 * np.pi * hz * times) * 3000 for hz in (400, 2000))
    dull, bright = ((a * low + (1 - a) * high).astype(np.int16) for a in (0.9, 0.1))
    difference = np.median(prosody(bright)[:, 2]) - np.median(prosody(dull)[:, 2])
    assert difference == pytest.approx(4 * np.log(9), rel=0.1)  # power of 1/9 and 9


@pytest.mark.parametrize("samples", [1, 100, 160, 16_001])
def test_frames_are_those_of_the_mel_spectrogram(samples: int) -> None:
    assert prosody(np.ones(samples, np.int16)).shape == (frame_count(samples), 3)


def test_louder_is_the_same() -> None:
    soft = prosody(voice(150) // 4)
    assert prosody(voice(150)) == pytest.approx(soft, abs=0.02)
