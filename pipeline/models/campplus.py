"""CAM++ speaker embeddings (Wang et al. 2023): the features of a voice in, 192 values of unit length out.

Weights are stored as fp16 and computed with as fp32. The last layer has no rectifier: values have both signs. Within
one recording, embeddings are compared in a space of fewer directions, in which mood, line and room move a voice less.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

from ressenti.pipeline.audio import Samples
from ressenti.pipeline.audio.fbank import log_mel
from ressenti.pipeline.audio.mel import FloatArray
from ressenti.pipeline.files.hashes import together
from ressenti.pipeline.models import onnx_session, parallel
from ressenti.pipeline.models.hashes import WEIGHTS, built_in
from ressenti.pipeline.records import ModelInfo

WIDTH = 192
FEWEST = 10  # frames of a voice: 115 ms; far more is needed for an embedding that says something
_BATCH = 1_500  # frames of one batch, all voices together; four times as many take a third longer on two cores


@cache
def hashes() -> dict[str, str]:
    """SHA-256 of the file by name, checked; `ModelError` where it is missing or differs."""
    return built_in("campplus.json", "the built-in speaker embedding")


@cache
def info() -> ModelInfo:
    """What the report says of the model; raises `ModelError` as `hashes` does."""
    return ModelInfo(
        task="speaker embedding",
        name="campplus-zh-en-16k-common-advanced",
        licence="Apache-2.0",
        sha256=together(hashes()),
        commercial=True,
    )


def embed_samples(voices: Sequence[Samples]) -> FloatArray:
    """Embeddings (n, 192) of the samples of each voice at 16 kHz, as `embed` makes them of their features."""
    return embed([log_mel(samples) for samples in voices])


def embed(voices: Sequence[FloatArray]) -> FloatArray:
    """Embeddings (n, 192) of unit length of voices, each given as rows (frames, 80) of `log_mel`.

    The rows of one voice may come from several places. Their mean is taken out here. Voices of one length go through
    the network together, which changes nothing but the time. Raises `ValueError` for one with fewer rows than `FEWEST`.
    """
    lengths = np.array([len(rows) for rows in voices], dtype=np.int64)
    if len(lengths) and lengths.min() < FEWEST:
        raise ValueError(f"a voice of {lengths.min()} frames; expected {FEWEST} or more")
    hashes()
    session = onnx_session(WEIGHTS / "campplus.onnx")

    def heard(batch: npt.NDArray[np.int64]) -> FloatArray:
        features = np.stack([voices[i] - voices[i].mean(axis=0) for i in batch])
        raw: FloatArray = session.run(None, {"features": features})[0]
        unit: FloatArray = raw / (np.linalg.norm(raw, axis=1, keepdims=True) + np.float32(1e-9))
        return unit

    batches = []
    for length in np.unique(lengths):
        rows = np.flatnonzero(lengths == length)
        most = max(1, _BATCH // int(length))
        batches += [rows[start : start + most] for start in range(0, len(rows), most)]
    out = np.empty((len(voices), WIDTH), dtype=np.float32)
    for batch, vectors in zip(batches, parallel.each(heard, batches), strict=True):
        out[batch] = vectors
    return out


def in_space(embeddings: FloatArray) -> FloatArray:
    """Embeddings (n, 192) of `embed` as (n, 64) of unit length: what tells voices apart, in any mood, on any line."""
    mean, directions = _space()
    placed = (embeddings - mean) @ directions
    unit: FloatArray = placed / (np.linalg.norm(placed, axis=1, keepdims=True) + np.float32(1e-9))
    return unit


@cache
def _space() -> tuple[FloatArray, FloatArray]:
    """Mean (192,) and directions (192, 64); `ModelError` where the file is missing or not as it was shipped."""
    built_in("campplus_space.json", "the space of speaker embeddings")
    with np.load(WEIGHTS / "campplus_space.npz", allow_pickle=False) as held:
        return held["mean"], held["directions"]
