import numpy as np
import pytest
from scipy import signal

from conftest import noise
from ressenti.pipeline.audio import Audio, frame_levels_db
from ressenti.pipeline.audio.hum import hum_lines_hz, remove_hum

RATE_HZ = 16_000


def wave(hz: float, level: float, seconds: float) -> np.ndarray:
    return level * np.sin(2 * np.pi * hz * np.arange(int(seconds * RATE_HZ)) / RATE_HZ)


def talk(seconds: float, level: float = 0.02) -> np.ndarray:
    """Noise of the band of speech, on and off."""
    band = signal.sosfilt(signal.butter(4, (200, 3400), "bandpass", fs=RATE_HZ, output="sos"), noise(seconds, level))
    return band * ((np.arange(len(band)) // 8000) % 3 != 0)


def cleaned(*channels: np.ndarray) -> np.ndarray:
    samples = (np.stack(channels) * 32767).astype(np.int16)
    remove_hum(samples)
    return samples / 32767


def error_db(found: np.ndarray, wanted: np.ndarray) -> float:
    return float(10 * np.log10(np.mean((found - wanted) ** 2) / np.mean(wanted**2)))


@pytest.mark.parametrize("offset", [0.01, -0.1, 0.3, 0.9])
def test_an_offset_goes_from_the_first_sample(offset: float) -> None:
    said = talk(70)
    assert np.abs(cleaned(said + offset)[0] - cleaned(said)[0]).max() < 3e-4


@pytest.mark.parametrize("mains_hz", [50.0, 60.0, 49.93, 100.0])
@pytest.mark.parametrize("level", [0.01, 0.1])
def test_hum_and_its_harmonics_go_and_talk_stays(mains_hz: float, level: float) -> None:
    said = talk(40)
    hum = sum(wave(mains_hz * (k + 1), level / (k + 1), 40) for k in range(6))
    clean = cleaned(said + hum)[0]
    assert error_db(clean[8000:], cleaned(said)[0][8000:]) < -12
    assert frame_levels_db((clean[8000:] * 32767).astype(np.int16)).max() < -25


def test_rumble_goes() -> None:
    deep = signal.sosfilt(signal.butter(6, 30, fs=RATE_HZ, output="sos"), noise(40, 2.0))
    said = talk(40)
    assert np.std(deep) > 0.1
    assert error_db(cleaned(said + deep)[0], cleaned(said)[0]) < -6


def test_what_is_in_the_band_of_speech_is_not_touched() -> None:
    said = talk(40)
    before, after = (np.abs(np.fft.rfft(x)) for x in (said, cleaned(said)[0]))
    assert error_db(after, before) < -20  # the phase of its deepest parts moves, which nobody hears


def test_blocks_leave_no_seam() -> None:
    tone = wave(300, 0.1, 95) * (np.arange(95 * RATE_HZ) % RATE_HZ < RATE_HZ // 2)
    steps = np.abs(np.diff(cleaned(tone + 0.2)[0]))
    edges = [95 * RATE_HZ * k // 3 for k in (1, 2)]
    assert max(steps[at - 5 : at + 5].max() for at in edges) <= steps[RATE_HZ : 2 * RATE_HZ].max() + 1e-4


def test_each_channel_is_cleaned_by_itself_and_only_hum_is_silence() -> None:
    said = talk(20)
    pair = cleaned(said, wave(50, 0.2, 20) + wave(150, 0.05, 20) + 0.1)
    assert np.abs(pair[0] - cleaned(said)[0]).max() <= 1e-9
    assert np.sort(frame_levels_db((pair[1] * 32767).astype(np.int16)))[-5] < -60


def test_a_tone_that_comes_and_goes_is_no_hum() -> None:
    half = wave(440, 0.1, 30) * (np.arange(30 * RATE_HZ) % (4 * RATE_HZ) < 2 * RATE_HZ)
    assert hum_lines_hz(half + noise(30, 0.001)) == []
    assert hum_lines_hz(wave(440, 0.1, 30) + noise(30, 0.001)) == [pytest.approx(440, abs=0.1)]


@pytest.mark.parametrize("count", [0, 1, 5000])
def test_short_samples_stay_samples(count: int) -> None:
    samples = np.full((2, count), 3000, np.int16)
    remove_hum(samples)
    assert np.abs(samples).max(initial=0) <= 1
    assert Audio(samples).duration_s == count / RATE_HZ
