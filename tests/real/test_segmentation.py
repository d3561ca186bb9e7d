"""Segmentation-3.0, the published weights: in ONNX, and in pyannote's own pipeline, on recordings with real overlap."""

import hashlib
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyannote_checkpoints
import pytest

from ressenti.pipeline import audio
from ressenti.pipeline.config import AudioOptions, DiarizationOptions
from ressenti.pipeline.diarization import pyannote
from ressenti.pipeline.diarization.interface import Count
from ressenti.pipeline.diarization.pyannote_folder import Checkpoint
from ressenti.pipeline.diarization.pyannote_models import load_model
from ressenti.pipeline.models import segmentation
from ressenti.pipeline.models.registry import pinned_hashes
from ressenti.pipeline.models.torchaudio_import import import_pyannote_audio

REAL = Path(__file__).parent / "segmentation-3.0" / "pytorch_model.bin"
STEP_S = segmentation.STEP / audio.RATE_HZ


@pytest.fixture(scope="module")
def torch_alone() -> Iterator[None]:
    """pyannote.audio imported, and torch on one core."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import_pyannote_audio()
        import torch

        threads = torch.get_num_threads()
        torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def meeting(shared_data: Path) -> audio.Audio:
    """A minute of a meeting of four people."""
    path = shared_data / "conversations" / "ami" / "seriously.flac"
    return audio.load(path, AudioOptions(remove_hum=False))[1]


@pytest.fixture(scope="module")
def overlapped(shared_data: Path) -> np.ndarray:
    """Which frames of `STEP_S` of that meeting have two speakers or more, by its reference."""
    counts = np.zeros(round(60 / STEP_S), dtype=int)
    for line in (shared_data / "conversations" / "ami" / "seriously.rttm").read_text(encoding="utf-8").splitlines():
        start, length = map(float, line.split()[3:5])
        counts[round(start / STEP_S) : round((start + length) / STEP_S)] += 1
    return counts > 1


def windows_of(sound: audio.Audio) -> np.ndarray:
    samples = sound.samples[0]
    starts = range(0, len(samples) - segmentation.WINDOW + 1, 150 * segmentation.STEP)
    return np.stack([samples[start : start + segmentation.WINDOW] for start in starts])


def test_the_file_is_the_published_one() -> None:
    sha256 = hashlib.sha256(REAL.read_bytes()).hexdigest()
    assert sha256 == (REAL.parent / "SHA256SUMS").read_text(encoding="utf-8").split()[0]
    assert sha256 in pinned_hashes()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.slow("loads pyannote.audio in processes of their own")
def test_onnx_hears_what_pyannote_hears(torch_alone: None, meeting: audio.Audio) -> None:
    import torch

    data = REAL.read_bytes()
    theirs = load_model(Checkpoint(REAL, data, hashlib.sha256(data).hexdigest()))
    windows = windows_of(meeting)
    with torch.inference_mode():
        expected = theirs(torch.from_numpy(windows.astype(np.float32) / 32768)[:, None]).numpy()
    found = segmentation.log_probabilities(windows)
    assert found == pytest.approx(expected, abs=5e-3)
    two_best = np.sort(expected, axis=-1)[..., -2:]
    close = two_best[..., 1] - two_best[..., 0] < 1e-2  # within rounding, either class may win
    assert ((found.argmax(-1) == expected.argmax(-1)) | close).all()
    assert close.mean() < 0.01
    field = theirs.receptive_field
    assert (theirs.receptive_field_center(0), theirs.receptive_field_size(1)) == (
        segmentation.FIRST,
        segmentation.FIELD,
    )
    assert field.step == pytest.approx(STEP_S)
    assert found.shape[1] == theirs.num_frames(segmentation.WINDOW) == segmentation.frame_count(segmentation.WINDOW)


def test_overlap_is_where_the_reference_has_it(meeting: audio.Audio, overlapped: np.ndarray) -> None:
    """Of ten seconds each; AMI is said to be among what the network learned from, so this flatters."""
    samples = meeting.samples[0]
    heard, truth = [], []
    for start in range(0, len(samples) - segmentation.WINDOW + 1, segmentation.WINDOW):
        voices = segmentation.voices(segmentation.log_probabilities(samples[None, start : start + segmentation.WINDOW]))
        heard.append(voices[0].sum(axis=1) > 1)
        at = round((start + segmentation.FIRST) / segmentation.STEP)
        truth.append(overlapped[at : at + len(heard[-1])])
    found, expected = np.concatenate(heard), np.concatenate(truth)
    both = (found & expected).sum()
    assert 2 * both / (found.sum() + expected.sum()) > 0.4


@pytest.mark.filterwarnings("ignore")
@pytest.mark.slow("loads pyannote.audio in processes of their own")
def test_overlap_in_pyannotes_own_pipeline(
    torch_alone: None, meeting: audio.Audio, overlapped: np.ndarray, tmp_path: Path
) -> None:
    """Model loading, powerset and overlap with published weights; only the embedding is random."""
    pyannote_checkpoints.make(tmp_path)
    shutil.copy(REAL, tmp_path / "segmentation-3.0" / REAL.name)
    diarizer = pyannote.load(tmp_path / "speaker-diarization-3.1", DiarizationOptions(trust_model=True))
    assert diarizer.models[1].sha256 in pinned_hashes()
    found = diarizer.diarize(meeting, Count(exactly=3))
    counts = np.zeros(len(overlapped), dtype=int)
    for segment in found.segments:
        counts[round(segment.start_s / STEP_S) : round(segment.end_s / STEP_S)] += 1
    heard = counts > 1
    assert found.hears_overlap
    assert heard.sum() * STEP_S > 1
    assert (heard & overlapped).sum() / heard.sum() > 2 * overlapped.mean()  # it is no chance
    alone = np.zeros(len(overlapped), dtype=int)
    for segment in found.exclusive:
        alone[round(segment.start_s / STEP_S) : round(segment.end_s / STEP_S)] += 1
    assert alone.max() == 1
