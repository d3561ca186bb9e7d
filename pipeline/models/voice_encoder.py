"""The voice encoder (GE2E): from mel power to states per frame, and to one embedding per voice.

Two files in sequence: `voice.onnx` (two recurrent layers) gives the states, `speaker.onnx` (a third layer and a
projection) the speaker embedding. The emotion model needs only the first.
"""

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
    """SHA-256 of both files by name, checked against the recorded ones.

    Raises `ModelError` if one is missing or differs.
    """
    return built_in("speaker.json", "the built-in voice encoder")


@cache
def info() -> ModelInfo:
    """Description of the embedding for the report; raises `ModelError` like `hashes`."""
    return ModelInfo(
        task="speaker embedding",
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


def embeddings(mels: FloatArray) -> FloatArray:
    """Embeddings (n, 256) of unit length for mel power (n, frames, 40)."""
    frame_states = states(mels)
    out: FloatArray = onnx_session(WEIGHTS / "speaker.onnx").run(None, {"states": frame_states})[0]
    return out
