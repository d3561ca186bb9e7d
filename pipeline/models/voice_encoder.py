"""The voice encoder (GE2E): mel power in; what it hears frame by frame, and the voice as a whole, out.

Two files, one after the other: `voice.onnx` (two recurrent layers) hears, `speaker.onnx` (a third and a projection)
sums up who it is. The emotion model needs the first alone.
"""

from __future__ import annotations

from functools import cache

from ressenti.pipeline.audio.mel import FloatArray
from ressenti.pipeline.models import onnx_session
from ressenti.pipeline.models.hashes import WEIGHTS, built_in, together
from ressenti.pipeline.records import ModelInfo

BANDS, WIDTH = 40, 256
LEVEL_DBFS = -30.0  # the encoder was trained at this level


@cache
def hashes() -> dict[str, str]:
    """SHA-256 of both files by name, checked against what was noted when they were made.

    Raises `ModelError` where one is missing or differs.
    """
    return built_in("speaker.json", "the built-in voice encoder")


@cache
def info() -> ModelInfo:
    """What the report says of the embedding; raises `ModelError` as `hashes` does."""
    return ModelInfo(
        task="speaker embedding",
        name="ge2e-resemblyzer-0.1.4",
        licence="Apache-2.0",
        sha256=together(hashes()),
        commercial=True,
    )


def states(mels: FloatArray) -> FloatArray:
    """States (n, frames, 256) of the second layer on mel power (n, frames, 40); each frame depends on none after it."""
    hashes()
    out: FloatArray = onnx_session(WEIGHTS / "voice.onnx").run(None, {"mel": mels})[0]
    return out


def embeddings(mels: FloatArray) -> FloatArray:
    """Embeddings (n, 256) of unit length of mel power (n, frames, 40)."""
    heard = states(mels)
    out: FloatArray = onnx_session(WEIGHTS / "speaker.onnx").run(None, {"states": heard})[0]
    return out
