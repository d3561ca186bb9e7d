"""The voice encoder: from mel power to states per frame, by the first three layers of the encoder of Whisper base."""

from __future__ import annotations

from functools import cache

import numpy as np

from ressenti.pipeline.audio.mel import FloatArray
from ressenti.pipeline.files.hashes import together
from ressenti.pipeline.models import onnx_session
from ressenti.pipeline.models.hashes import WEIGHTS, built_in
from ressenti.pipeline.records import ModelInfo

BANDS, LAYERS, WIDTH = 80, 3, 512
LEVEL_DBFS = -23.0  # about the level of speech as Whisper was trained on it
FRAME_S = 0.02  # of states; mel power has a frame every 10 ms
MOST_FRAMES = 3_000  # of mel power: the encoder has places for 30 s
_FLOOR, _RANGE = 1e-10, 8.0  # of mel power, and decades below the loudest (Radford et al. 2022)


@cache
def hashes() -> dict[str, str]:
    """SHA-256 of the file by name, checked; `ModelError` where it is missing or differs."""
    return built_in("voice.json", "the built-in voice encoder")


@cache
def info() -> ModelInfo:
    """Description of the encoder for the report; raises `ModelError` like `hashes`."""
    return ModelInfo(
        task="voice encoder",
        name="whisper-base-encoder-3",
        licence="MIT",
        sha256=together(hashes()),
        commercial=True,
    )


def log_mel(mel: FloatArray) -> FloatArray:
    """Mel power (frames, 80) as the encoder wants it: log10, at most 8 decades below the loudest, about -1 to 1."""
    log = np.log10(np.maximum(mel, np.float32(_FLOOR)))
    out: FloatArray = (np.maximum(log, log.max(initial=-np.inf) - np.float32(_RANGE)) + 4) / 4
    return out.astype(np.float32)


def states(mels: FloatArray, frames: FloatArray) -> list[FloatArray]:
    """States of each layer, (n, frames / 2, 512), for log-mel (n, frames, 80), of which `frames` (n,) belong to each.

    Numbers of frames are even and at most 3,000; states after the end of a stretch mean nothing.
    """
    hashes()
    given = {"mel": mels, "frames": frames.astype(np.int64)}
    out: list[FloatArray] = onnx_session(WEIGHTS / "voice.onnx").run(None, given)
    return out
