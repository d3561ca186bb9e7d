"""The built-in Whisper model: OpenAI's base, multilingual, as int8 in CTranslate2's format."""

from __future__ import annotations

from functools import cache

from ressenti.pipeline.files.hashes import together
from ressenti.pipeline.models.hashes import WEIGHTS, built_in
from ressenti.pipeline.records import ModelInfo

FOLDER = WEIGHTS / "whisper"


@cache
def hashes() -> dict[str, str]:
    """SHA-256 of the files by name, checked; `ModelError` where one is missing or differs."""
    return built_in("whisper.json", "the built-in transcription model")


@cache
def info() -> ModelInfo:
    """What the report says of the model; raises `ModelError` as `hashes` does."""
    return ModelInfo(
        task="transcription", name="whisper-base", licence="MIT", sha256=together(hashes()), commercial=True
    )
