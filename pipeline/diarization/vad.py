"""Samples -> spans of speech, with Silero's voice activity model as one ONNX sequence."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.audio import RATE_HZ, Samples, frame_levels_db
from pipeline.config import DiarizationOptions
from pipeline.errors import ModelError
from pipeline.models import onnx_session
from pipeline.records import Progress, ignore_progress

_WINDOW = 512  # samples per probability
_CONTEXT = 64  # samples of the window before that the model sees with each
_CHUNK = 4096  # windows at a time, the LSTM's state handed on: memory stays bounded


@cache
def model_path() -> Path:
    """Silero's sequence model inside the installed `silero_vad`, found without importing that package.

    Importing it would load torch and set its threads to 1. Raises `ModelError` where it is not installed.
    """
    spec = importlib.util.find_spec("silero_vad")
    if spec is None or not spec.submodule_search_locations:
        raise ModelError("silero-vad is not installed; expected version 6.2.1 or newer. Run: pip install silero-vad")
    path = Path(spec.submodule_search_locations[0]) / "data" / "silero_vad_16k_sequence.onnx"
    if not path.is_file():
        raise ModelError(
            f"silero-vad has no {path.name}; expected version 6.2.1 or newer. Run: pip install -U silero-vad"
        )
    return path


def level_gain(samples: Samples, level_dbfs: float) -> float:
    """Factor that brings the 95th percentile of the 0.1 s levels of samples (n,) to `level_dbfs`; at most 40 dB."""
    loud = float(np.percentile(frame_levels_db(samples), 95))
    return float(10 ** (min(level_dbfs - loud, 40.0) / 20))


def speech_probabilities(
    samples: Samples, gain: float = 1.0, progress: Progress = ignore_progress
) -> npt.NDArray[np.float32]:
    """Probability of speech in each 32 ms of 16 kHz samples (n,); shape (ceil(n / 512),)."""
    session = onnx_session(model_path())
    count = -(-len(samples) // _WINDOW)
    padded = np.zeros(_CONTEXT + count * _WINDOW, dtype=np.int16)
    padded[_CONTEXT : _CONTEXT + len(samples)] = samples
    view = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW + _CONTEXT)[::_WINDOW]
    h = c = np.zeros((1, 1, 128), dtype=np.float32)
    out = np.empty(count, dtype=np.float32)
    for start in range(0, count, _CHUNK):
        block = np.clip(view[start : start + _CHUNK].astype(np.float32) * (gain / 32768), -1, 1)
        out[start : start + len(block)], h, c = session.run(None, {"input": block, "h": h, "c": c})
        progress("speech", min(count, start + _CHUNK), count)
    return out


def spans_of(probabilities: npt.NDArray[np.float32], options: DiarizationOptions) -> list[tuple[float, float]]:
    """Spans of speech in seconds, by two thresholds; short ones dropped, short gaps filled (pure)."""
    step_s = _WINDOW / RATE_HZ
    spans: list[tuple[float, float]] = []
    start: int | None = None
    for i, p in enumerate([*probabilities.tolist(), 0.0]):
        if start is None and p >= options.speech_on:
            start = i
        elif start is not None and p < options.speech_off:
            spans.append((start * step_s, i * step_s))
            start = None
    if start is not None:
        spans.append((start * step_s, len(probabilities) * step_s))
    filled: list[tuple[float, float]] = []
    for begin, end in spans:
        if filled and begin - filled[-1][1] < options.fill_gap_s:
            filled[-1] = (filled[-1][0], end)
        else:
            filled.append((begin, end))
    return [(begin, end) for begin, end in filled if end - begin >= options.min_speech_s]


def detect_speech(
    samples: Samples, options: DiarizationOptions, progress: Progress = ignore_progress
) -> list[tuple[float, float]]:
    """Spans of speech in 16 kHz samples (n,), in seconds, sorted and apart."""
    gain = level_gain(samples, options.level_dbfs)
    duration_s = len(samples) / RATE_HZ
    spans = spans_of(speech_probabilities(samples, gain, progress), options)
    return [(begin, min(end, duration_s)) for begin, end in spans if begin < duration_s]
