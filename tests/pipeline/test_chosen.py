from types import SimpleNamespace
from typing import Any

import pytest

from ressenti.pipeline.config import DiarizationOptions, EmotionOptions
from ressenti.pipeline.loaded_models import Models
from ressenti.pipeline.records import ModelInfo


def test_models_are_loaded_once_for_options_that_load_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[tuple[Any, ...]] = []

    def choose(*asked: Any) -> object:
        loaded.append(asked)
        return SimpleNamespace(models=(), parts=(), info=ModelInfo("emotion", "fake", None))

    monkeypatch.setattr("ressenti.pipeline.loaded_models.diarization.choose", choose)
    monkeypatch.setattr("ressenti.pipeline.loaded_models.emotion.choose", choose)
    models = Models()
    judge = models.emotion(EmotionOptions())
    assert models.emotion(EmotionOptions()) is judge
    assert models.emotion(EmotionOptions(model="mine")) is not judge
    assert len(loaded) == 2
    loaded.clear()
    free = models.diarizer("mono", DiarizationOptions())
    assert models.diarizer("mono", DiarizationOptions(speakers=3, max_speakers=4)) is free
    split = models.diarizer("split", DiarizationOptions())
    assert models.diarizer("mono", DiarizationOptions()) is free
    assert models.diarizer("split", DiarizationOptions()) is split
    assert models.diarizer("mono", DiarizationOptions(speech_on=0.5)) is not free
    assert [layout for layout, *_ in loaded] == ["mono", "split", "mono"]


def test_what_cannot_be_loaded_is_not_kept() -> None:
    models = Models()
    for _ in range(2):
        with pytest.raises(Exception, match="unknown emotion model"):
            models.emotion(EmotionOptions(model="nobody-knows"))
