"""The models that a config chooses, loaded when a recording first needs them and kept for those that follow."""

from __future__ import annotations

from typing import Literal

from pipeline import diarization, emotion
from pipeline.config import DiarizationOptions, EmotionOptions
from pipeline.diarization.interface import Diarizer
from pipeline.emotion.interface import EmotionModel

_UNCOUNTED = {"speakers": None, "min_speakers": 1, "max_speakers": None}  # a diarizer is told these with each recording


class Models:
    """Hand one to every `analyze` of a process: models are loaded, and their files hashed, once and not per recording.

    For each layout the diarizer of the last options is kept, and the emotion model of the last options: other options
    load anew, so that no more models lie in memory than one recording needs.
    """

    def __init__(self) -> None:
        self._diarizers: dict[str, tuple[DiarizationOptions, Diarizer]] = {}
        self._emotion: tuple[EmotionOptions, EmotionModel] | None = None

    def diarizer(self, layout: Literal["mono", "split"], options: DiarizationOptions) -> Diarizer:
        """The configured diarizer, whatever number of speakers is asked for; raises what `diarization.choose` does."""
        key = options.model_copy(update=_UNCOUNTED)
        kept = self._diarizers.get(layout)
        if kept is None or kept[0] != key:
            kept = self._diarizers[layout] = (key, diarization.choose(layout, key))
        return kept[1]

    def emotion(self, options: EmotionOptions) -> EmotionModel:
        """The configured emotion model; raises what `emotion.choose` does."""
        if self._emotion is None or self._emotion[0] != options:
            self._emotion = (options, emotion.choose(options))
        return self._emotion[1]
