"""The models that a config chooses, loaded when a recording first needs them and kept for those that follow."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from threading import RLock
from typing import Literal

from ressenti.pipeline import diarization, emotion
from ressenti.pipeline.config import DiarizationOptions, EmotionOptions
from ressenti.pipeline.diarization.interface import Diarizer
from ressenti.pipeline.emotion.interface import EmotionModel
from ressenti.pipeline.records import ModelInfo

log = logging.getLogger(__name__)
_UNCOUNTED = {"speakers": None, "min_speakers": 1, "max_speakers": None}  # a diarizer is told these with each recording


class Models:
    """Hand one to every `analyze` of a process: models are loaded, and their files hashed, once and not per recording.

    For each layout the diarizer of the last options is kept, and the emotion model of the last options: other options
    load anew, so that no more models lie in memory than one recording needs. Threads may share one: a model that two
    of them need is loaded by the first, while the other waits.
    """

    def __init__(self) -> None:
        self._alone = RLock()
        self._diarizers: dict[str, tuple[DiarizationOptions, Diarizer]] = {}
        self._emotion: tuple[EmotionOptions, EmotionModel] | None = None

    def diarizer(self, layout: Literal["mono", "split"], options: DiarizationOptions) -> Diarizer:
        """The configured diarizer, whatever number of speakers is asked for; raises what `diarization.choose` does."""
        key = options.model_copy(update=_UNCOUNTED)
        with self._alone:
            kept = self._diarizers.get(layout)
            if kept is None or kept[0] != key:
                kept = self._diarizers[layout] = (key, diarization.choose(layout, key))
                log.info("loaded: %s", _told(kept[1].models))
            return kept[1]

    def emotion(self, options: EmotionOptions) -> EmotionModel:
        """The configured emotion model; raises what `emotion.choose` does."""
        with self._alone:
            kept = self._emotion
            if kept is None or kept[0] != options:
                kept = self._emotion = (options, emotion.choose(options))
                log.info("loaded: %s", _told((*kept[1].parts, kept[1].info)))
            return kept[1]


def _told(models: Sequence[ModelInfo]) -> str:
    return ", ".join(f"{m.task} {m.name} (SHA-256 {(m.sha256 or 'unknown')[:12]})" for m in models)
