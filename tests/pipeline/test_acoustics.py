from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import welch

from ressenti.pipeline.audio import RATE_HZ, load
from ressenti.pipeline.config import AudioOptions
from ressenti.pipeline.lab.labelled_speech import acoustics
from ressenti.pipeline.lab.labelled_speech.acoustics import CODECS, Codec, Sound

FRAME = 320


@pytest.fixture(scope="session")
def speech(sample: tuple[Path, Path]) -> Sound:
    """Twelve seconds of real talk."""
    _, audio = load(sample[0], AudioOptions())
    return acoustics.to_float(audio.samples[0])[int(8 * RATE_HZ) : int(20 * RATE_HZ)]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def tone(hz: float, seconds: float = 2.0, level: float = 0.2) -> Sound:
    return (level * np.sin(2 * np.pi * hz * np.arange(int(seconds * RATE_HZ)) / RATE_HZ)).astype(np.float32)


def db(power: float) -> float:
    return float(10 * np.log10(power))


def power_at(sound: Sound, hz: float) -> float:
    """Power within 30 Hz, by Welch's method, away from the ends."""
    f, p = welch(sound[3200:-3200], RATE_HZ, nperseg=4096)
    return float(p[np.abs(f - hz) <= 30].sum() * (f[1] - f[0]))


def loudest_lag(a: Sound, b: Sound, reach: int = 1600) -> int:
    """Samples by which b comes after a, by cross-correlation."""
    size = 2 * len(a)
    cross = np.fft.irfft(np.fft.rfft(b, size) * np.conj(np.fft.rfft(a, size)))
    around = np.concatenate([cross[-reach:], cross[: reach + 1]])
    return int(np.abs(around).argmax()) - reach


def test_samples_survive_the_way_there_and_back() -> None:
    samples = np.array([-32768, -1, 0, 1, 32767], np.int16)
    assert acoustics.to_int16(acoustics.to_float(samples)).tolist() == samples.tolist()
    assert acoustics.to_int16(np.array([-2, 2], np.float32)).tolist() == [-32768, 32767]


def test_active_power_is_of_the_talk_and_not_of_the_pauses() -> None:
    loud = tone(400, 1.0)
    pauses = np.concatenate([loud, np.zeros(3 * RATE_HZ, np.float32), loud])
    assert acoustics.active_power(loud) == pytest.approx(0.02, rel=1e-3)
    assert acoustics.active_power(pauses) == pytest.approx(0.02, rel=1e-3)
    hum = pauses + tone(100, 5.0, 0.2 * 10 ** (-31 / 20))  # of frames 31 dB below the loudest
    assert acoustics.active_power(hum) == pytest.approx(0.02, rel=0.01)


@pytest.mark.parametrize("snr_db", [-5.0, 0.0, 10.0, 30.0])
def test_the_ratio_to_the_noise_is_as_asked(speech: Sound, snr_db: float) -> None:
    noise = acoustics.pink_noise(len(speech) + 500, rng())
    added = acoustics.with_noise(speech, 0.3 * noise, snr_db).astype(np.float64) - speech
    frames = (speech[: len(speech) // FRAME * FRAME].astype(np.float64).reshape(-1, FRAME) ** 2).mean(axis=1)
    active = frames[10 * np.log10(frames + 1e-20) >= 10 * np.log10(frames.max()) - 30].mean()
    assert db(active / (added**2).mean()) == pytest.approx(snr_db, abs=0.05)


def test_noise_keeps_the_speech_as_it_is(speech: Sound) -> None:
    assert np.array_equal(acoustics.with_noise(speech, np.zeros_like(speech), 10), speech)
    noisy = acoustics.with_noise(speech, acoustics.pink_noise(len(speech), rng()), 10)
    assert noisy.shape == speech.shape
    assert noisy.dtype == np.float32
    assert loudest_lag(speech, noisy) == 0


def test_at_level(speech: Sound) -> None:
    levelled = acoustics.at_level(speech, -26)
    assert db(acoustics.active_power(levelled)) == pytest.approx(-26, abs=1e-3)
    assert np.corrcoef(levelled, speech)[0, 1] == pytest.approx(1)
    assert not acoustics.at_level(np.zeros(1000, np.float32), -26).any()


def test_pink_noise_falls_by_three_decibels_per_octave() -> None:
    noise = acoustics.pink_noise(20 * RATE_HZ, rng())
    assert noise.std() == pytest.approx(1, rel=1e-3)
    f, p = welch(noise, RATE_HZ, nperseg=4096)
    band = (f > 50) & (f < 6000)
    slope = np.polyfit(np.log2(f[band]), 10 * np.log10(p[band]), 1)[0]
    assert slope == pytest.approx(-3.01, abs=0.15)
    assert np.array_equal(noise, acoustics.pink_noise(20 * RATE_HZ, rng()))


def test_babble_is_of_every_voice_at_the_same_level() -> None:
    voices = [tone(300, 1.0, 0.5), tone(1000, 0.7, 0.01), np.zeros(0, np.float32)]
    talk = acoustics.babble(voices, 3 * RATE_HZ, rng())
    assert len(talk) == 3 * RATE_HZ
    assert db(power_at(talk, 300) / power_at(talk, 1000)) == pytest.approx(0, abs=0.5)
    assert np.array_equal(talk, acoustics.babble(voices, 3 * RATE_HZ, rng()))
    assert not np.array_equal(talk, acoustics.babble(voices, 3 * RATE_HZ, rng(1)))
    assert not acoustics.babble([], 100, rng()).any()


@pytest.mark.parametrize("t60_s", [0.2, 0.5, 0.9])
def test_a_room_takes_its_time_to_decay(t60_s: float) -> None:
    click = np.zeros(2 * RATE_HZ, np.float32)
    click[1000] = 1
    response = acoustics.reverberant(click, t60_s, 6, rng())
    assert not np.abs(response[:1000]).max() > 1e-5
    assert int(np.abs(response).argmax()) == 1000
    assert response[1000] == pytest.approx(1, abs=1e-4)
    tail = response[1001:].astype(np.float64)
    assert db(1 / (tail**2).sum()) == pytest.approx(6, abs=0.05)
    # Schroeder's backward integral, fitted from -5 to -25 dB
    left = 10 * np.log10(np.cumsum(tail[::-1] ** 2)[::-1] / (tail**2).sum() + 1e-12)
    rows = np.flatnonzero((left <= -5) & (left >= -25))
    slope = np.polyfit(rows / RATE_HZ, left[rows], 1)[0]
    assert -60 / slope == pytest.approx(t60_s, rel=0.1)


def test_a_room_keeps_the_time_of_speech(speech: Sound) -> None:
    wet = acoustics.reverberant(speech, 0.4, 6, rng())
    assert wet.shape == speech.shape
    assert loudest_lag(speech, wet) == 0
    assert np.array_equal(wet, acoustics.reverberant(speech, 0.4, 6, rng()))


def test_a_telephone_passes_its_band_alone() -> None:
    for hz, kept_db in ((100, -30), (200, -8), (5000, -20)):
        heard = acoustics.telephone(tone(hz))
        assert db(power_at(heard, hz) / power_at(tone(hz), hz)) < kept_db
    for hz in (500, 1000, 2500):
        assert db(power_at(acoustics.telephone(tone(hz)), hz) / power_at(tone(hz), hz)) == pytest.approx(0, abs=0.5)


@pytest.mark.parametrize("codec", CODECS)
def test_codecs_keep_length_and_time(speech: Sound, codec: Codec) -> None:
    for part in (speech, speech[:32_001], speech[:7_777]):
        heard = acoustics.through(part, codec)
        assert heard.shape == part.shape
        assert heard.dtype == np.float32
    heard = acoustics.through(speech, codec)
    assert abs(loudest_lag(speech, heard)) <= 1
    for half in (slice(0, len(speech) // 2), slice(len(speech) // 2, None)):
        assert abs(loudest_lag(speech[half], heard[half])) <= 1
    end = slice(-8000, None)  # the last half second is there as well
    assert abs(db((heard[end] ** 2).mean() / (speech[end] ** 2).mean())) < 3
    assert np.array_equal(heard, acoustics.through(speech, codec))
    assert 0.7 < np.corrcoef(speech, heard)[0, 1] < 1 - 1e-6  # and it does something


@pytest.mark.parametrize("codec", ["mulaw", "alaw", "gsm"])
def test_telephone_codecs_have_telephone_rates(codec: Codec) -> None:
    white = (0.1 * rng().standard_normal(3 * RATE_HZ)).astype(np.float32)
    f, p = welch(acoustics.through(white, codec), RATE_HZ, nperseg=1024)
    assert db(p[f > 4400].mean() / p[(f > 500) & (f < 3000)].mean()) < -25


def test_a_higher_rate_is_nearer_to_the_sound(speech: Sound) -> None:
    def error_db(bits_per_s: int | None) -> float:
        heard = acoustics.through(speech, "mp3", bits_per_s)
        heard *= (heard @ speech) / (heard @ heard)  # LAME makes everything 0.4 dB softer
        return db(((heard - speech) ** 2).mean() / (speech**2).mean())

    assert error_db(None) == error_db(24_000)
    assert error_db(128_000) < error_db(64_000) - 3 < error_db(None) - 6


def test_clipping_is_hard_and_as_far_above_the_speech_as_asked(speech: Sound) -> None:
    limit = np.sqrt(acoustics.active_power(speech)) * 10 ** (3 / 20)
    heard = acoustics.clipped(speech, 3)
    assert np.abs(heard).max() == pytest.approx(limit)
    below = np.abs(speech) < limit
    assert 0.8 < below.mean() < 0.99
    assert np.array_equal(heard[below], speech[below])
    assert np.abs(heard[~below]) == pytest.approx(limit)


EFFECTS: dict[str, Callable[[Sound], Sound]] = {
    "at_level": lambda s: acoustics.at_level(s, -26),
    "noise": lambda s: acoustics.with_noise(s, acoustics.pink_noise(len(s), rng()), 10),
    "babble": lambda s: acoustics.with_noise(s, acoustics.babble([s, s], len(s), rng()), 10),
    "room": lambda s: acoustics.reverberant(s, 0.3, 6, rng()),
    "small room": lambda s: acoustics.reverberant(s, 1e-5, 6, rng()),
    "telephone": acoustics.telephone,
    "mulaw": lambda s: acoustics.through(s, "mulaw"),
    "alaw": lambda s: acoustics.through(s, "alaw"),
    "gsm": lambda s: acoustics.through(s, "gsm"),
    "opus": lambda s: acoustics.through(s, "opus"),
    "mp3": lambda s: acoustics.through(s, "mp3"),
    "mp3 at a high rate": lambda s: acoustics.through(s, "mp3", 128_000),
    "clipped": lambda s: acoustics.clipped(s, 3),
}


@pytest.mark.parametrize("length", [0, 1, 2, 100, 319, 1601])
@pytest.mark.parametrize("effect", EFFECTS)
def test_short_sound_and_silence_pass_through_everything(effect: str, length: int) -> None:
    for sound in (np.zeros(length, np.float32), tone(400, 1)[100 : 100 + length]):
        heard = EFFECTS[effect](sound)
        assert heard.shape == sound.shape
        assert heard.dtype == np.float32
        assert np.isfinite(heard).all()
        acoustics.to_int16(heard)
    assert acoustics.active_power(np.zeros(length, np.float32)) == 0


def test_a_tilt_raises_what_is_above_its_frequency() -> None:
    sound = tone(300) + tone(3000)
    for gain_db in (-6.0, 6.0):
        out = acoustics.tilted(sound, gain_db)
        assert len(out) == len(sound)
        assert db(power_at(out, 300) / power_at(sound, 300)) == pytest.approx(0, abs=0.05)
        assert db(power_at(out, 3000) / power_at(sound, 3000)) == pytest.approx(gain_db, abs=0.05)
        assert loudest_lag(sound, out) == 0
    middle = acoustics.tilted(tone(1000), 6.0)
    assert db(power_at(middle, 1000) / power_at(tone(1000), 1000)) == pytest.approx(3, abs=0.2)
    assert acoustics.tilted(sound, 0.0) is sound
    assert len(acoustics.tilted(sound[:0], 3.0)) == 0
