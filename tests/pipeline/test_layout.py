import mmap
from pathlib import Path

import numpy as np
import pytest

from conftest import noise
from ressenti.pipeline.audio import Audio, load
from ressenti.pipeline.audio.channels import Layout, lay_out
from ressenti.pipeline.audio.sample_buffer import zeros
from ressenti.pipeline.config import AudioOptions
from ressenti.pipeline.errors import ConfigError

OPTIONS = AudioOptions()


def talking(seconds: float, first: bool, seed: int) -> np.ndarray:
    """Noise in every other second, as if two people took turns."""
    sound = noise(seconds, 0.1, seed)
    on = (np.arange(len(sound)) // 16_000) % 2 == (0 if first else 1)
    return sound * np.where(on, 1.0, 0.001)


def laid_out(channels: np.ndarray, mode: str = "auto") -> Layout:
    return lay_out(Audio((channels * 32767).astype(np.int16)), mode, OPTIONS)  # type: ignore[arg-type]


def test_channels_that_differ_are_speakers() -> None:
    layout = laid_out(np.stack([talking(10, True, 1), talking(10, False, 2)]))
    assert (layout.mode, layout.reason.key) == ("split", "channels_differ")


def test_bleed_does_not_hide_the_speakers() -> None:
    a, b = talking(10, True, 1), talking(10, False, 2)
    assert laid_out(np.stack([a + 0.1 * b, b + 0.1 * a])).mode == "split"


@pytest.mark.parametrize("second", [1.0, 0.6])
def test_the_same_sound_twice_is_mono(second: float) -> None:
    sound = noise(5)
    layout = laid_out(np.stack([sound, second * sound]))
    assert (layout.mode, layout.reason.key) == ("mono", "channels_alike")
    assert layout.audio.samples.shape == (1, len(sound))


def test_a_silent_channel_is_left_out() -> None:
    sound = noise(5)
    layout = laid_out(np.stack([np.zeros_like(sound), sound]))
    assert (layout.mode, layout.reason.key, layout.reason.values["used"]) == ("mono", "silent_channel", 2)
    assert np.abs(layout.audio.samples).max() > 1000


def test_split_of_one_channel_is_refused() -> None:
    with pytest.raises(ConfigError, match="1 channel"):
        laid_out(noise(2)[None], "split")


def test_asked_for_mono_mixes() -> None:
    layout = laid_out(np.stack([talking(4, True, 1), talking(4, False, 2)]), "mono")
    assert layout.audio.samples.shape[0] == 1
    assert layout.reason.key == "mono_asked"


def test_a_party_who_hardly_speaks_is_not_lost() -> None:
    a, b = noise(60, 0.1, 1), noise(60, 0.0001, 2)
    b[16_000 * 30 : 16_000 * 31] = noise(1, 0.1, 3)
    a[16_000 * 30 : 16_000 * 31] = noise(1, 0.001, 4)
    assert laid_out(np.stack([a, b])).mode == "split"


def test_where_one_channel_never_leads_the_other_is_taken_alone() -> None:
    speech, hum = noise(10, 0.1, 1), noise(10, 0.004, 2)
    layout = laid_out(np.stack([hum, speech]))
    assert (layout.mode, layout.reason.key, layout.reason.values["used"]) == ("mono", "one_channel_leads", 2)
    assert np.array_equal(layout.audio.samples[0], (speech * 32767).astype(np.int16))


def placed(channels: np.ndarray, *positions: str) -> Layout:
    return lay_out(Audio((channels * 32767).astype(np.int16), positions), "auto", OPTIONS)


SURROUND = ("FL", "FR", "FC", "LFE", "BL", "BR")


def test_a_voice_in_the_centre_is_kept_whole_and_nothing_is_called_inverted() -> None:
    sound = np.zeros((6, 5 * 16_000))
    sound[2], sound[3] = noise(5, 0.05), noise(5, 0.3, 1)
    layout = placed(sound, *SURROUND)
    assert (layout.mode, layout.reason.key, layout.reason.values["channels"]) == ("mono", "many_channels", 6)
    assert np.array_equal(layout.audio.samples[0], (sound[2] * 32767).astype(np.int16))


@pytest.mark.parametrize("positions", [("FL", "FR", "FC"), ("FL", "FR", "FC", "LFE", "BL", "BR", "SL", "SR")])
def test_the_centre_counts_most(positions: tuple[str, ...]) -> None:
    sound = np.stack([noise(5, 0.05 if p == "FC" else 0.02, i) for i, p in enumerate(positions)])
    mixed = placed(sound, *positions).audio.samples[0] / 32767
    plain = laid_out(sound).audio.samples[0] / 32767
    at = positions.index("FC")
    assert np.corrcoef(mixed, sound[at])[0, 1] > np.corrcoef(plain, sound[at])[0, 1] + 0.03


def test_deep_effects_are_no_third_channel() -> None:
    sound = np.stack([talking(10, True, 1), talking(10, False, 2), noise(10, 0.3, 3)])
    layout = placed(sound, "FL", "FR", "LFE")
    assert (layout.mode, layout.audio.samples.shape[0]) == ("split", 2)


def test_microphones_of_unknown_places_are_averaged() -> None:
    sound = np.stack([noise(5, 0.05, i) for i in range(4)])
    layout = laid_out(sound)
    assert layout.reason.key == "many_channels"
    assert layout.audio.samples[0] / 32767 == pytest.approx(sound.mean(axis=0), abs=2e-4)


def test_a_voice_in_one_of_eight_is_not_called_inverted() -> None:
    sound = np.stack([noise(5, 0.002 if i else 0.1, i) for i in range(8)])
    assert laid_out(sound).reason.key == "many_channels"


def test_a_party_far_softer_is_not_lost_and_bleed_is_none() -> None:
    a, b = talking(20, True, 1) + noise(20, 0.0002, 3), 0.01 * talking(20, False, 2)
    assert laid_out(np.stack([a, b])).mode == "split"
    layout = laid_out(np.stack([a, 0.01 * a + noise(20, 0.0001, 4)]))
    assert (layout.mode, layout.reason.values["used"]) == ("mono", 1)


def test_an_inverted_channel_does_not_cancel_the_sound(sample: tuple[Path, Path]) -> None:
    _, sound = load(sample[0], OPTIONS)
    voice = sound.samples[0]
    layout = lay_out(Audio(np.stack([voice, -voice])), "auto", OPTIONS)
    assert layout.reason.key == "channels_cancel"
    assert np.array_equal(layout.audio.samples[0], voice)


def test_a_mix_takes_no_memory_of_its_own(sample: tuple[Path, Path]) -> None:
    _, sound = load(sample[0], OPTIONS)
    stereo = np.stack([sound.samples[0], sound.samples[0] // 2])
    mean = np.round((stereo[0].astype(np.float32) + stereo[1]) / 2).astype(np.int16)
    layout = lay_out(Audio(stereo), "mono", OPTIONS)
    assert np.shares_memory(layout.audio.samples, stereo)
    assert np.array_equal(layout.audio.samples[0], mean)


def test_channels_that_are_not_analysed_give_their_memory_back() -> None:
    samples = zeros(3, 100_001)
    samples[:] = 7
    lay_out(Audio(samples), "mono", OPTIONS)
    assert (samples[0] == 7).all()
    given_back = (samples[1:] == 0).mean()
    assert given_back > 0.9 if hasattr(mmap, "MADV_REMOVE") else given_back == 0
    assert (samples[1, :50] == 7).all()  # of a page that the first channel shares
