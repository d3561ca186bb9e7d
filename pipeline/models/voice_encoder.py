"""The voice encoder: from mel power to states per frame, by the first two layers of a GE2E speaker encoder."""

from __future__ import annotations

from functools import cache

from ressenti.pipeline.audio.mel import FloatArray
from ressenti.pipeline.files.hashes import together
from ressenti.pipeline.models import onnx_session
from ressenti.pipeline.models.hashes import WEIGHTS, built_in
from ressenti.pipeline.records import ModelInfo

BANDS, WIDTH = 40, 256
LEVEL_DBFS = -30.0  # the encoder was trained at this level


@cache
def hashes() -> dict[str, str]:
    """SHA-256 of the file by name, checked; `ModelError` where it is missing or differs."""
    return built_in("voice.json", "the built-in voice encoder")


@cache
def info() -> ModelInfo:
    """Description of the encoder for the report; raises `ModelError` like `hashes`."""
    return ModelInfo(
        task="voice encoder",
        name="ge2e-resemblyzer-0.1.4",
        licence="Apache-2.0",
        sha256=together(hashes()),
        commercial=True,
    )


def states(mels: FloatArray) -> FloatArray:
    """States (n, frames, 256) of the second layer for mel power (n, frames, 40); no frame depends on later ones."""
    hashes()
    out: FloatArray = onnx_session(WEIGHTS / "voice.onnx").run(None, {"mel": mels})[0]
    return out
