"""The configured models, loaded on first use and kept for the recordings that follow."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from threading import RLock
from typing import Literal

from ressenti.pipeline import diarization, emotion, names, sentiment, transcription
from ressenti.pipeline.config import DiarizationOptions, EmotionOptions, SentimentOptions, WordOptions
from ressenti.pipeline.diarization.interface import Diarizer
from ressenti.pipeline.emotion.interface import EmotionModel
from ressenti.pipeline.names.finder import NameModel
from ressenti.pipeline.records import ModelInfo, Use
from ressenti.pipeline.sentiment.interface import SentimentModel
from ressenti.pipeline.transcription.interface import Transcriber

log = logging.getLogger(__name__)
_UNCOUNTED = {"speakers": None, "min_speakers": 1, "max_speakers": None}  # passed with each recording


class Models:
    """Model cache: pass the same one to every `analyze` to load and hash models once instead of per recording.

    It keeps one diarizer per layout and one emotion model. Other options replace them, so that memory holds no more
    models than one recording needs. Threads may share it: the first loads a model while the others wait.
    `use` is what the results are for: under commercial use, weights that do not allow it are never loaded.
    """

    def __init__(self) -> None:
        self._alone = RLock()
        self._diarizers: dict[str, tuple[tuple[DiarizationOptions, Use | None], Diarizer]] = {}
        self._emotion: tuple[tuple[EmotionOptions, Use | None], EmotionModel | None] | None = None
        self._words: tuple[tuple[WordOptions, Use | None], Transcriber | None] | None = None
        self._names: tuple[tuple[str, Use | None], NameModel | None] | None = None
        self._sentiment: tuple[tuple[SentimentOptions, Use | None], SentimentModel | None] | None = None

    def diarizer(
        self, layout: Literal["mono", "split"], options: DiarizationOptions, use: Use | None = None
    ) -> Diarizer:
        """The configured diarizer, for any number of speakers; raises the errors of `diarization.choose`."""
        key = (options.model_copy(update=_UNCOUNTED), use)
        with self._alone:
            cached = self._diarizers.get(layout)
            if cached is None or cached[0] != key:
                cached = self._diarizers[layout] = (key, diarization.choose(layout, *key))
                log.info("loaded: %s", _described(cached[1].models))
            return cached[1]

    def emotion(self, options: EmotionOptions, use: Use | None = None) -> EmotionModel | None:
        """The configured emotion model, None if none may be used so; raises the errors of `emotion.choose`."""
        key = (options, use)
        with self._alone:
            cached = self._emotion
            if cached is None or cached[0] != key:
                cached = self._emotion = (key, emotion.choose(*key))
                if cached[1] is not None:
                    log.info("loaded: %s", _described((*cached[1].parts, cached[1].info)))
            return cached[1]

    def transcriber(self, options: WordOptions, use: Use | None = None) -> Transcriber | None:
        """The configured transcriber, None if no words are wanted; raises the errors of `transcription.choose`.

        It is kept without its network, which it loads for each recording and releases afterwards.
        """
        key = (options, use)
        with self._alone:
            cached = self._words
            if cached is None or cached[0] != key:
                cached = self._words = (key, transcription.choose(*key))
                if cached[1] is not None:
                    log.info("found: %s", _described((cached[1].info,)))
            return cached[1]

    def name_finder(self, model: str, use: Use | None = None) -> NameModel | None:
        """The configured name finder, None for `off`; raises the errors of `names.choose`. Kept without its network."""
        key = (model, use)
        with self._alone:
            cached = self._names
            if cached is None or cached[0] != key:
                cached = self._names = (key, names.choose(*key))
                if cached[1] is not None:
                    log.info("found: %s", _described((cached[1].info,)))
            return cached[1]

    def sentiment(self, options: SentimentOptions, use: Use | None = None) -> SentimentModel | None:
        """The configured model of sentiment, None if there is none; raises the errors of `sentiment.choose`.

        It is kept without its network, which it loads for each conversation and releases afterwards.
        """
        key = (options, use)
        with self._alone:
            cached = self._sentiment
            if cached is None or cached[0] != key:
                cached = self._sentiment = (key, sentiment.choose(*key))
                if cached[1] is not None:
                    log.info("found: %s", _described((cached[1].info,)))
            return cached[1]


def _described(models: Sequence[ModelInfo]) -> str:
    return ", ".join(f"{m.task} {m.name} (SHA-256 {(m.sha256 or 'unknown')[:12]})" for m in models)
