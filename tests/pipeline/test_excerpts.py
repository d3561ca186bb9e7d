from pathlib import Path

import numpy as np
import pytest

from ressenti.pipeline import audio, errors
from ressenti.pipeline.audio import encode
from ressenti.pipeline.config import AudioOptions

OPTIONS = AudioOptions()


def tone(seconds: float = 3.0, rate_hz: int = 16_000, hz: float = 440.0) -> np.ndarray:
    return 0.3 * np.sin(2 * np.pi * hz * np.arange(int(seconds * rate_hz)) / rate_hz)


def test_loudness_of_a_known_tone() -> None:
    samples = (tone() * 32767).astype(np.int16)
    assert encode.loudness_dbfs(samples) == pytest.approx(20 * np.log10(0.3 / np.sqrt(2)), abs=0.1)
    assert encode.loudness_dbfs(np.zeros(1000, np.int16)) is None


@pytest.mark.parametrize("ending", ["wav", "flac", "mp3", "opus"])
def test_an_excerpt_is_levelled_encoded_and_read_back(tmp_path: Path, ending: str) -> None:
    samples = (0.05 * tone() / 0.3 * 32767).astype(np.int16)
    sound = encode.excerpt(samples, level_dbfs=-12.0)
    assert sound.dBFS == pytest.approx(-12, abs=0.5)
    path = tmp_path / f"excerpt.{ending}"
    encode.encode(sound, path)
    recording, _ = audio.load(path, OPTIONS)
    assert recording.duration_s == pytest.approx(3.0, abs=0.1)


def test_an_unknown_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(errors.OutputError, match="expected one of"):
        encode.encode(encode.excerpt(np.ones(1600, np.int16)), tmp_path / "a.xyz")
