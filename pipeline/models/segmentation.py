"""Who speaks within ten seconds (pyannote's segmentation-3.0): samples in, up to three voices of a window out.

The network tells the voices of one window apart, at most two of them at once; which voice of one window is which of the
next it does not know. Its classes are the powerset: nobody, each of three voices, each pair of them (Plaquet & Bredin
2023, "Powerset multi-class cross entropy loss for neural speaker diarization").
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from ressenti.pipeline.audio import RATE_HZ, Samples
from ressenti.pipeline.audio.mel import FloatArray
from ressenti.pipeline.files.hashes import together
from ressenti.pipeline.models import onnx_session, parallel
from ressenti.pipeline.models.hashes import WEIGHTS, built_in
from ressenti.pipeline.records import ModelInfo

WINDOW = 10 * RATE_HZ  # samples that the network was trained on
STEP = 270  # samples from one frame to the next: 16.875 ms
FIELD = 991  # samples that the convolutions see of one frame; its recurrent layers see the whole window
FIRST = 495  # sample on which the first frame is centred
VOICES = 3
SETS = ((), (0,), (1,), (2,), (0, 1), (0, 2), (1, 2))
"""The voices of each class."""

_BATCH = 8  # windows


@cache
def hashes() -> dict[str, str]:
    """SHA-256 of the file by name, checked; `ModelError` where it is missing or differs."""
    return built_in("segmentation.json", "the built-in segmentation")


@cache
def info() -> ModelInfo:
    """What the report says of the model; raises `ModelError` as `hashes` does."""
    return ModelInfo(
        task="diarization",
        name="pyannote-segmentation-3.0",
        licence="MIT",
        sha256=together(hashes()),
        commercial=True,
    )


def frame_count(samples: int) -> int:
    """Frames of a window of so many samples: 589 of ten seconds; needs `FIELD` samples at least."""
    return 1 + (samples - FIELD) // STEP


def log_probabilities(windows: npt.NDArray[np.int16]) -> FloatArray:
    """Log-probabilities (n, frames, 7) of the classes, of windows (n, samples) at 16 kHz; several batches at a time."""
    hashes()
    session = onnx_session(WEIGHTS / "segmentation.onnx")

    def heard(batch: Samples) -> FloatArray:
        out: FloatArray = session.run(None, {"samples": batch.astype(np.float32) / 32768})[0]
        return out

    batches = [windows[start : start + _BATCH] for start in range(0, len(windows), _BATCH)]
    empty = np.empty((0, frame_count(windows.shape[1]), len(SETS)), dtype=np.float32)
    return np.concatenate([empty, *parallel.each(heard, batches)])


def chances(log_probabilities: FloatArray) -> FloatArray:
    """Probability (..., frames, 3) that each voice speaks: the sum over the classes that it is in (pure)."""
    out: FloatArray = np.exp(log_probabilities) @ _members().astype(np.float32)
    return out


def voices(log_probabilities: FloatArray) -> npt.NDArray[np.bool_]:
    """Which of the three voices (..., frames, 3) speak: those of the likeliest class of each frame (pure)."""
    out: npt.NDArray[np.bool_] = _members()[log_probabilities.argmax(axis=-1)]
    return out


def _members() -> npt.NDArray[np.bool_]:
    """Which voices (7, 3) each class has."""
    return np.array([[voice in members for voice in range(VOICES)] for members in SETS])
