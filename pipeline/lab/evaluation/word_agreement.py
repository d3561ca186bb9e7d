"""Do several ways of decoding hear the same words? For recordings without a reference: agreement is not accuracy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ressenti.pipeline.audio import Audio
from ressenti.pipeline.config import Config
from ressenti.pipeline.diarization.interface import Diarizer
from ressenti.pipeline.emotion.fake import FakeEmotion
from ressenti.pipeline.lab.evaluation.words import errors_of, normalised
from ressenti.pipeline.loaded_models import Models
from ressenti.pipeline.progress import Progress, ignore_progress
from ressenti.pipeline.records import ModelInfo
from ressenti.pipeline.run import analyze
from ressenti.pipeline.transcription.interface import Speech, Transcriber, Transcript

OTHER_WAYS: Mapping[str, Mapping[str, object]] = {"beam 5": {"beam": 5}, "windows of 14 s": {"window_s": 14.0}}
"""Options of words that differ from the config's, by the name of the way."""


@dataclass(frozen=True)
class Agreed:
    """Words that are equal in an alignment of two transcripts with so many words each."""

    way: str
    words: int
    other_words: int
    equal: int

    @property
    def share(self) -> float | None:
        """Words that are equal, of all in both; None without words."""
        both = self.words + self.other_words
        return 2 * self.equal / both if both else None


@dataclass(frozen=True)
class Agreement:
    """How well other ways of decoding a recording agree with the config's."""

    name: str
    languages: tuple[str, ...]
    ways: tuple[Agreed, ...]


class SeveralWays:
    """A transcriber that gives the words of the first of several, and keeps those of the others in `heard`."""

    def __init__(self, first: Transcriber, others: Mapping[str, Transcriber]) -> None:
        self._first, self._others = first, others
        self.heard: dict[str, Transcript] = {}

    @property
    def info(self) -> ModelInfo:
        """The first one's model."""
        return self._first.info

    def transcribe(self, audio: Audio, speech: Sequence[Speech], progress: Progress = ignore_progress) -> Transcript:
        """Recognise words in each way."""
        self.heard = {way: other.transcribe(audio, speech, progress) for way, other in self._others.items()}
        return self._first.transcribe(audio, speech, progress)


def ways_of(config: Config) -> SeveralWays:
    """The configured transcriber with `OTHER_WAYS`; raises the errors of `transcription.choose`."""

    def made(update: Mapping[str, object]) -> Transcriber:
        found = Models().transcriber(config.words.model_copy(update=dict(update)))
        if found is None:
            raise ValueError(f"expected a config that recognises words, got words.model {config.words.model!r}")
        return found

    return SeveralWays(made({}), {way: made(update) for way, update in OTHER_WAYS.items()})


def agreement(
    recording: Path,
    config: Config,
    ways: SeveralWays,
    models: Models,
    progress: Progress = ignore_progress,
    diarizer: Diarizer | None = None,
) -> Agreement:
    """Recognise the words of a recording in several ways, in the same speech, and compare them in order of time.

    `diarizer` replaces the configured one (tests).
    """
    made = analyze(
        recording,
        config,
        models=models,
        diarizer=diarizer,
        transcriber=ways,
        emotion_model=FakeEmotion(),
        progress=progress,
    )
    about = made.transcription
    spoken = tuple(dict.fromkeys(own.language for own in about.languages if own.language)) if about else ()
    language = spoken[0] if spoken else "en"
    words = [part for word in made.words for part in normalised(word.text, language)]
    found = []
    for way, said in ways.heard.items():
        others = [part for word in said.words for part in normalised(word.text, language)]
        errors = errors_of(words, others)
        equal = len(words) - errors.substitutions - errors.deletions
        found.append(Agreed(way, len(words), len(others), equal))
    return Agreement(made.recording.name, spoken, tuple(found))


def total(parts: Sequence[Agreement]) -> tuple[Agreed, ...]:
    """The sum of counts, by way."""
    return tuple(
        Agreed(way, *(sum(getattr(own, key) for own in of_way) for key in ("words", "other_words", "equal")))
        for way in OTHER_WAYS
        if (of_way := [own for part in parts for own in part.ways if own.way == way])
    )
