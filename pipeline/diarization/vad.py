"""Find spans of speech with Silero's voice activity model, run as an ONNX sequence."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from threading import Lock

import numpy as np
import numpy.typing as npt
from scipy.ndimage import maximum_filter1d, minimum_filter1d, percentile_filter

from ressenti.pipeline.audio import RATE_HZ, Samples, frame_levels_db, without_tones
from ressenti.pipeline.config import DiarizationOptions
from ressenti.pipeline.errors import ModelError
from ressenti.pipeline.models import onnx_session
from ressenti.pipeline.progress import Progress, ignore_progress

_WINDOW = 512  # samples per probability
_CONTEXT = 64  # samples of the previous window that the model gets with each window
_CHUNK = 4096  # windows at a time, passing on the LSTM's state, to bound memory
_LEVEL = RATE_HZ // 10  # samples per frame of levels
_LEVEL_S = _LEVEL / RATE_HZ
_HERE = 3  # frames on each side that count as the same place
_APART = 50  # minimum frames between two fresh starts
_EDGE_DB = 25.0  # below the speech of its span; breath and room tone in two calls were 27 to 35 dB below
_MOST_DB = 40.0  # maximum gain
_MARGIN = RATE_HZ // 2  # samples before and after a block, for detecting beeps
_REMEMBERED = 4  # channels whose spans are kept: what listens for announcements asks for the same ones

Spans = list[tuple[float, float]]
_LAST: dict[tuple[bytes, str], Spans] = {}
_LOCK = Lock()


@cache
def model_path() -> Path:
    """Path of Silero's sequence model in the installed `silero_vad`, found without importing the package.

    Importing it would load torch and set its threads to 1. Raises `ModelError` if it is not installed.
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


def local_levels_db(levels_db: npt.NDArray[np.float32], window_s: float) -> npt.NDArray[np.float32]:
    """Level of the speech around each frame of 0.1 s, from levels (n,) in dBFS: their local 95th percentile (pure).

    Of all stretches of `window_s` around a frame, the softest counts, so speech after music or next to a shout is
    measured separately. The result is never below the loudest level within `_HERE` frames.
    """
    width = max(1, round(window_s / _LEVEL_S))
    loud = percentile_filter(levels_db, 95, size=width, mode="nearest")
    softest = minimum_filter1d(loud, width, mode="nearest")
    around: npt.NDArray[np.float32] = np.maximum(softest, maximum_filter1d(levels_db, 2 * _HERE + 1, mode="nearest"))
    return around


def fresh_starts(around_db: npt.NDArray[np.float32], drop_db: float) -> list[int]:
    """Frames at which the surrounding level falls by more than `drop_db` within half a second: a new scene (pure)."""
    fall = np.zeros(len(around_db))
    fall[5:] = around_db[:-5] - around_db[5:]
    starts: list[int] = []
    for frame in np.flatnonzero(fall > drop_db).tolist():
        if not starts or frame > starts[-1] + _APART:
            starts.append(frame)
    return starts


def speech_probabilities(
    samples: Samples,
    gains_db: npt.NDArray[np.float32] | None = None,
    starts: Sequence[int] = (),
    progress: Progress = ignore_progress,
) -> npt.NDArray[np.float32]:
    """Probability of speech in each 32 ms of 16 kHz samples (n,); shape (ceil(n / 512),).

    `gains_db` is applied per frame of 0.1 s; at the frames in `starts`, the model's state is reset.
    """
    session = onnx_session(model_path())
    count = -(-len(samples) // _WINDOW)
    fresh = {round(frame * _LEVEL / _WINDOW) for frame in starts}
    edges = sorted({*range(0, count, _CHUNK), *fresh, count} - {k for k in fresh if k >= count})
    h = c = _silence()
    out = np.empty(count, dtype=np.float32)
    for start, end in pairwise(edges):
        if start in fresh:
            h = c = _silence()
        block = _block(samples, start, end, gains_db, alone=start in fresh)
        out[start:end], h, c = session.run(None, {"input": block, "h": h, "c": c})
        progress("speech", end, count)
    return out


def _silence() -> npt.NDArray[np.float32]:
    return np.zeros((1, 1, 128), dtype=np.float32)


def _block(
    samples: Samples, start: int, end: int, gains_db: npt.NDArray[np.float32] | None, *, alone: bool
) -> npt.NDArray[np.float32]:
    """Model input for windows start..end, (end - start, 576), without beeps; `alone` zeroes the context before."""
    first, last = start * _WINDOW - _CONTEXT, end * _WINDOW
    lead = max(0, first - _MARGIN) // _LEVEL * _LEVEL
    signal = without_tones(samples[lead : last + _MARGIN]).astype(np.float32) / 32768
    if gains_db is not None:
        frames = np.minimum((lead + np.arange(len(signal))) // _LEVEL, len(gains_db) - 1)
        signal *= (10 ** (gains_db / 20)).astype(np.float32)[frames]
    padded = np.zeros(last - first, dtype=np.float32)
    used = signal[max(0, first) - lead : last - lead]
    padded[max(0, -first) : max(0, -first) + len(used)] = used
    if alone:
        padded[:_CONTEXT] = 0
    return np.clip(np.lib.stride_tricks.sliding_window_view(padded, _WINDOW + _CONTEXT)[::_WINDOW], -1, 1)


def spans_of(probabilities: npt.NDArray[np.float32], options: DiarizationOptions) -> list[tuple[float, float]]:
    """Spans of speech in seconds, by two thresholds; short gaps are filled, then short spans dropped (pure)."""
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
    """Find spans of speech in 16 kHz samples (n,), in seconds, sorted and disjoint.

    The same samples with the same options are heard once: their spans are remembered.
    """
    key = (hashlib.sha256(np.ascontiguousarray(samples).data).digest(), options.model_dump_json())
    with _LOCK:
        found = _LAST.get(key)
    if found is None:
        found = _detected(samples, options, progress)
        with _LOCK:
            _LAST[key] = found
            while len(_LAST) > _REMEMBERED:
                del _LAST[next(iter(_LAST))]
    else:
        windows = -(-len(samples) // _WINDOW)
        progress("speech", windows, windows)
    return list(found)


def _detected(samples: Samples, options: DiarizationOptions, progress: Progress) -> Spans:
    levels = frame_levels_db(samples)
    whole_db = float(np.percentile(levels, 95))
    around = np.maximum(local_levels_db(levels, options.level_window_s), whole_db - options.level_range_db)
    gains = np.minimum(options.level_dbfs - around, _MOST_DB).astype(np.float32)
    starts = fresh_starts(around, options.level_drop_db)
    probabilities = speech_probabilities(samples, gains, starts, progress)
    duration_s = len(samples) / RATE_HZ
    spans = [(begin, min(end, duration_s)) for begin, end in spans_of(probabilities, options) if begin < duration_s]
    loud_spans = without_faint(spans, probabilities, levels, options)
    return [without_faint_edges(span, probabilities, levels, options) for span in loud_spans]


def without_faint(
    spans: list[tuple[float, float]],
    probabilities: npt.NDArray[np.float32],
    levels_db: npt.NDArray[np.float32],
    options: DiarizationOptions,
) -> list[tuple[float, float]]:
    """Drop spans far softer than most of the speech, unless the detector is sure of them (pure).

    Local gain also raises breath and distant sound. `probabilities` are per 32 ms, `levels_db` per 0.1 s.
    """
    if not spans:
        return []
    loud = np.array([np.percentile(levels_db[_frames(span, _LEVEL_S, len(levels_db))], 90) for span in spans])
    order = np.argsort(loud)
    total_s = np.cumsum([spans[i][1] - spans[i][0] for i in order])
    usual_db = loud[order[np.searchsorted(total_s, total_s[-1] / 2)]]
    sure = [_surely(span, probabilities, options) for span in spans]
    enough = loud > usual_db - options.faint_db
    return [span for span, keep in zip(spans, enough | np.array(sure), strict=True) if keep]


def without_faint_edges(
    span: tuple[float, float],
    probabilities: npt.NDArray[np.float32],
    levels_db: npt.NDArray[np.float32],
    options: DiarizationOptions,
) -> tuple[float, float]:
    """Trim a span's start and end that are far softer than its speech, unless the detector is sure of them (pure).

    A breath before a word and the room tone after it last some tenths of a second; one tenth is kept.
    """
    start, end = span
    first = int(start / _LEVEL_S)
    span_db = levels_db[_frames(span, _LEVEL_S, len(levels_db))]
    talk = np.flatnonzero(span_db > np.percentile(span_db, 90) - _EDGE_DB)
    onset, offset = (first + int(talk[0]) - 1) * _LEVEL_S, (first + int(talk[-1]) + 2) * _LEVEL_S
    if onset - start > _LEVEL_S and not _surely((start, onset), probabilities, options):
        start = onset
    if end - offset > _LEVEL_S and not _surely((offset, end), probabilities, options):
        end = offset
    return start, end


def _surely(span: tuple[float, float], probabilities: npt.NDArray[np.float32], options: DiarizationOptions) -> bool:
    frames = _frames(span, _WINDOW / RATE_HZ, len(probabilities))
    return bool(probabilities[frames].mean() >= options.faint_on)


def _frames(span: tuple[float, float], step_s: float, count: int) -> slice:
    first = min(count - 1, int(span[0] / step_s))
    return slice(first, max(first + 1, round(span[1] / step_s)))
