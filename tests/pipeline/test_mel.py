import numpy as np
import pytest

from ressenti.pipeline.audio.mel import (
    HOP,
    RATE_HZ,
    WINDOW,
    filterbank,
    frame_count,
    mel_power,
    slaney_hz_to_mel,
    slaney_mel_to_hz,
)


def test_the_scale_and_its_inverse() -> None:
    hz = np.array([0.0, 200, 999, 1000, 4000, 8000])
    assert slaney_mel_to_hz(slaney_hz_to_mel(hz)) == pytest.approx(hz)
    assert slaney_hz_to_mel(1000) == pytest.approx(15)
    assert slaney_hz_to_mel(6400) == pytest.approx(42)


def test_frames_agree_with_a_naive_transform() -> None:
    rng = np.random.default_rng(1)
    samples = rng.integers(-20_000, 20_000, 5_000).astype(np.int16)
    got = mel_power(samples, 40)
    assert got.shape == (frame_count(len(samples)), 40)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)
    padded = np.pad(samples / 32768, WINDOW // 2)
    for frame in (0, 7, len(got) - 1):
        piece = padded[frame * HOP : frame * HOP + WINDOW]
        power = np.abs(np.fft.rfft(np.pad(piece, (0, WINDOW - len(piece))) * window)) ** 2
        assert got[frame] == pytest.approx(power @ filterbank(40).T, rel=1e-3)


def test_a_tone_is_where_it_should_be() -> None:
    samples = (10_000 * np.sin(2 * np.pi * 1000 * np.arange(RATE_HZ) / RATE_HZ)).astype(np.int16)
    loudest = mel_power(samples, 64, 60, 7600)[50].argmax()
    centres = slaney_mel_to_hz(np.linspace(slaney_hz_to_mel(60), slaney_hz_to_mel(7600), 66))[1:-1]
    assert centres[loudest] == pytest.approx(1000, abs=40)


def test_blocks_make_no_difference() -> None:
    samples = np.random.default_rng(2).integers(-9000, 9000, 6_100 * HOP).astype(np.int16)
    whole = mel_power(samples, 40)
    late = mel_power(samples[5_990 * HOP :], 40)
    assert whole[6_000:6_050] == pytest.approx(late[10:60], rel=1e-4)


@pytest.mark.parametrize("count", [0, 1, 159, 160, 401])
def test_any_length_has_frames(count: int) -> None:
    assert mel_power(np.zeros(count, np.int16), 40).shape == (1 + count // HOP, 40)
