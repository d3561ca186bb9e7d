"""A transcriber with made-up words, for tests and experiments."""

from __future__ import annotations

from collections.abc import Sequence

from ressenti.pipeline.audio import Audio
from ressenti.pipeline.progress import Progress, ignore_progress
from ressenti.pipeline.records import ModelInfo, SpokenLanguage, Transcription
from ressenti.pipeline.transcription.interface import HeardWord, Speech, Transcript


class FakeTranscriber:
    """Says the words of `text` over and over, one each half second of speech; `asked` records what it was given."""

    def __init__(
        self, text: str = "thank you for calling", language: str | None = "en", confidence: float = 0.9
    ) -> None:
        self._text, self._language, self._confidence = text.split(), language, confidence
        self.info = ModelInfo("transcription", "fake-transcriber", "none", commercial=True)
        self.asked: list[tuple[Speech, ...]] = []

    def transcribe(self, audio: Audio, speech: Sequence[Speech], progress: Progress = ignore_progress) -> Transcript:
        """Return the words, each within one span of one speaker."""
        self.asked.append(tuple(speech))
        progress("words", audio.duration_s, audio.duration_s)
        places = sorted(
            (start + k / 2, min(start + k / 2 + 0.4, end), own.channel)
            for own in speech
            for start, end in own.spans
            for k in range(int(2 * (end - start)) or 1)
        )
        words = (
            HeardWord(start, end, self._text[k % len(self._text)], channel, self._confidence)
            for k, (start, end, channel) in enumerate(places)
        )
        seconds = sum(own.seconds for own in speech)
        about = Transcription(
            languages=tuple(
                SpokenLanguage(own.speaker, self._language, "speaker" if self._language else "unknown", 1.0)
                for own in speech
            ),
            dropped=(),
            windows=len(speech),
            speech_s=seconds,
            untold_s=0.0 if self._language else seconds,
            compute_type="fake",
            processor="fake",
        )
        return Transcript(tuple(words) if self._language else (), about)
