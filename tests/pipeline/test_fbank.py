"""Kaldi's log mel features in numpy, against torchaudio's."""

import importlib

import numpy as np
import pytest

from conftest import noise
from ressenti.pipeline.audio import fbank
from ressenti.pipeline.models.torchaudio_import import import_torchaudio


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seconds", [0.025, 0.4, 3.337, 61.0])  # one frame; an incomplete last one; two blocks
def test_features_are_those_of_kaldi(seconds: float) -> None:
    import_torchaudio()
    import torch

    kaldi = importlib.import_module("torchaudio.compliance.kaldi")
    swell = np.sin(np.arange(int(seconds * 16_000)) / 3_000) ** 2
    samples = (np.clip(noise(seconds) * (swell + 0.02) + 0.02, -1, 1) * 32767).astype(np.int16)
    given = torch.from_numpy(samples.astype(np.float32) / 32768)[None]
    expected = kaldi.fbank(given, num_mel_bins=80, sample_frequency=16_000, dither=0.0).numpy()
    found = fbank.log_mel(samples)
    assert found.shape == expected.shape == (fbank.frame_count(len(samples)), 80)
    assert np.abs(found - expected).max() < 1e-3


def test_too_few_samples_make_no_frame_and_silence_is_finite() -> None:
    assert fbank.log_mel(np.zeros(399, np.int16)).shape == (0, 80)
    assert np.isfinite(fbank.log_mel(np.zeros(16_000, np.int16))).all()
