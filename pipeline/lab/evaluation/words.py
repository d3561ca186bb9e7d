"""Recognised words against a reference: errors, errors by speaker, times, and words that nobody said."""

from __future__ import annotations

import re
import resource
import time
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

from ressenti.pipeline.audio import Audio
from ressenti.pipeline.config import Config
from ressenti.pipeline.errors import NoSpeechError, SilentError
from ressenti.pipeline.loaded_models import Models
from ressenti.pipeline.progress import Progress, ignore_progress
from ressenti.pipeline.records import Conversation, ModelInfo
from ressenti.pipeline.run import analyze
from ressenti.pipeline.transcript.cues import Spoken
from ressenti.pipeline.transcript.files import find_transcript, read_transcript
from ressenti.pipeline.transcription.interface import Speech, Transcriber, Transcript

_APOSTROPHES = str.maketrans(dict.fromkeys("’ʼ‘`", "'"))
_NO_LETTERS = re.compile(r"[^\w' ]|_")
_BRACKETED = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|<[^<>]*>")  # noises and remarks


@dataclass(frozen=True)
class Errors:
    """Counts against a reference of `words` words and `letters` letters."""

    words: int
    substitutions: int
    deletions: int
    insertions: int
    letters: int
    letter_errors: int

    @property
    def count(self) -> int:
        """Wrong words."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float | None:
        """Word error rate; None without words."""
        return self.count / self.words if self.words else None

    @property
    def letter_rate(self) -> float | None:
        """Character error rate; None without letters."""
        return self.letter_errors / self.letters if self.letters else None


@dataclass(frozen=True)
class Cost:
    """What recognising took: seconds by the clock and of the processor, and the process' peak memory (MB)."""

    sound_s: float
    wall_s: float
    cpu_s: float
    peak_mb: float


@dataclass(frozen=True)
class WordFigures:
    """Figures of one recording.

    `all` compares words in order of time, whoever said them; `by_speaker` each speaker's with those of the reference's
    speaker that fits best, which together are `permuted` (cpWER). Both are empty if the reference names no speakers.
    `by_channel` compares the words of each channel (from 1), where channels are parties and the reference names
    several; the channel is None for words in no turn.
    In `by_speaker`, "" are words without a speaker, and None is nobody. `time_error_s` is the median distance of starts
    of words that are right; None if the reference has no times of its own.
    """

    name: str
    languages: tuple[str, ...]
    all: Errors
    permuted: Errors
    by_speaker: tuple[tuple[str | None, str | None, Errors], ...]
    by_channel: tuple[tuple[int | None, Errors], ...]
    time_error_s: float | None
    cost: Cost


@dataclass(frozen=True)
class Invented:
    """Words that were recognised in a recording in which nobody speaks."""

    name: str
    seconds: float
    words: int
    text: str


class TimedTranscriber:
    """A transcriber that measures what it takes."""

    def __init__(self, transcriber: Transcriber) -> None:
        self._inner = transcriber
        self.costs: list[Cost] = []

    @property
    def info(self) -> ModelInfo:
        """The model's."""
        return self._inner.info

    def transcribe(self, audio: Audio, speech: Sequence[Speech], progress: Progress = ignore_progress) -> Transcript:
        """Recognise words, and note the time."""
        wall, cpu = time.perf_counter(), time.process_time()
        said = self._inner.transcribe(audio, speech, progress)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        spent = time.perf_counter() - wall, time.process_time() - cpu
        self.costs.append(Cost(audio.duration_s, *spent, peak))
        return said


def normalised(text: str, language: str) -> list[str]:
    """Words in lower case without punctuation and remarks in brackets; French elisions (l', d') are words of their own.

    Numbers stay as they are written.
    """
    plain = unicodedata.normalize("NFKC", _BRACKETED.sub(" ", text)).casefold().translate(_APOSTROPHES)
    plain = _NO_LETTERS.sub(" ", plain)
    if language == "fr":
        plain = plain.replace("'", "' ")
    return [word for part in plain.split() if (word := part if language == "fr" else part.strip("'")) and word != "'"]


def errors_of(reference: Sequence[str], found: Sequence[str]) -> Errors:
    """Errors of words, both normalised."""
    import jiwer

    letters = sum(map(len, reference)) + max(0, len(reference) - 1)
    if not reference:
        return Errors(0, 0, 0, len(found), 0, len(" ".join(found)))
    words = jiwer.process_words(" ".join(reference), " ".join(found))
    signs = jiwer.process_characters(" ".join(reference), " ".join(found))
    wrong = signs.substitutions + signs.deletions + signs.insertions
    return Errors(len(reference), words.substitutions, words.deletions, words.insertions, letters, wrong)


def total(parts: Iterable[Errors]) -> Errors:
    """The sum of counts."""
    sums = [0] * 6
    for one in parts:
        sums = [a + b for a, b in zip(sums, vars(one).values(), strict=True)]
    return Errors(*sums)


def by_speakers(
    reference: Mapping[str, Sequence[str]], found: Mapping[str, Sequence[str]]
) -> tuple[tuple[str | None, str | None, Errors], ...]:
    """Errors of each pair of speakers (reference, found), paired with the fewest in all; None is nobody, without words.

    Words without a speaker can have a name of their own, such as "".
    """
    from scipy.optimize import linear_sum_assignment

    size = max(len(reference), len(found))
    theirs, ours = _padded(reference, size), _padded(found, size)
    table = [[errors_of(a, b) for _, b in ours] for _, a in theirs]
    rows, columns = linear_sum_assignment(np.array([[one.count for one in row] for row in table]))
    return tuple((theirs[a][0], ours[b][0], table[a][b]) for a, b in zip(rows, columns, strict=True))


def by_channels(
    reference: Sequence[Spoken], conversation: Conversation, language: str
) -> tuple[tuple[int | None, Errors], ...]:
    """Errors of each channel (from 1; None: words in no turn), in order of time; empty if there is one channel alone.

    Channels of the reference are numbers from 1 or 0, or letters from A.
    """
    named = {word.channel for word in reference if word.channel is not None}
    if conversation.layout != "split" or len(named) < 2:
        return ()
    numbers = _channel_numbers(named)
    of_turn = {turn.index: conversation.diarization.channel_of(turn.speaker) for turn in conversation.turns}
    theirs: dict[int | None, list[str]] = defaultdict(list)
    ours: dict[int | None, list[str]] = defaultdict(list)
    for word in reference:
        theirs[numbers.get(word.channel or "")] += normalised(word.text, language)
    for heard in conversation.words:
        ours[None if heard.turn is None else of_turn[heard.turn]] += normalised(heard.text, language)
    channels = sorted(theirs.keys() | ours.keys(), key=lambda channel: (channel is None, channel))
    return tuple((channel, errors_of(theirs[channel], ours[channel])) for channel in channels)


def _channel_numbers(names: Iterable[str]) -> dict[str, int]:
    """The number of each channel, from 1, by its name: 1 and 2, 0 and 1, A and B; other names have none."""
    found = {}
    for name in names:
        if name.isascii() and name.isdecimal() and len(name) < 4:
            found[name] = int(name)
        elif len(name) == 1 and name.isascii() and name.isalpha():
            found[name] = ord(name.upper()) - ord("A") + 1
    first = 1 - min(found.values(), default=1)
    return {name: number + max(0, first) for name, number in found.items()}


def _padded(words: Mapping[str, Sequence[str]], size: int) -> list[tuple[str | None, Sequence[str]]]:
    """Speakers and their words, with as many nobodies as are missing."""
    return [*words.items(), *[(None, ())] * (size - len(words))]


def time_error_s(reference: Sequence[Spoken], conversation: Conversation, language: str) -> float | None:
    """Median distance (s) between the starts of words that are right; None without exact times or right words."""
    import jiwer

    theirs = [(w, word.start_s) for word in reference if word.exact for w in normalised(word.text, language)]
    ours = [(w, word.start_s) for word in conversation.words for w in normalised(word.text, language)]
    if not theirs or not ours:
        return None
    out = jiwer.process_words(" ".join(w for w, _ in theirs), " ".join(w for w, _ in ours))
    gaps = [
        abs(theirs[part.ref_start_idx + k][1] - ours[part.hyp_start_idx + k][1])
        for part in out.alignments[0]
        if part.type == "equal"
        for k in range(part.ref_end_idx - part.ref_start_idx)
    ]
    return median(gaps) if gaps else None


def measure(
    recording: Path, reference: Sequence[Spoken], config: Config, models: Models, progress: Progress = ignore_progress
) -> WordFigures:
    """Analyse a recording, and compare its words with a reference; `config` recognises words."""
    inner = models.transcriber(config.words, config.use)
    if inner is None:
        raise ValueError(f"expected a config that recognises words, got words.model {config.words.model!r}")
    timed = TimedTranscriber(inner)
    made = analyze(recording, config, models=models, transcriber=timed, progress=progress)
    return compared(made, reference, timed.costs[0])


def compared(made: Conversation, reference: Sequence[Spoken], cost: Cost) -> WordFigures:
    """The words of a conversation against a reference, normalised as its first speaker's language asks for."""
    about = made.transcription
    spoken = tuple(dict.fromkeys(own.language for own in about.languages if own.language)) if about else ()
    language = spoken[0] if spoken else "en"
    speaker_of: dict[int | None, str] = {turn.index: turn.speaker for turn in made.turns}
    theirs: dict[str, list[str]] = defaultdict(list)
    ours: dict[str, list[str]] = defaultdict(list)
    for word in reference:
        theirs[word.speaker or ""] += normalised(word.text, language)
    for heard in made.words:
        ours[speaker_of.get(heard.turn, "")] += normalised(heard.text, language)
    pairs = by_speakers(theirs, ours) if any(theirs) else ()
    in_time = sorted(reference, key=lambda word: word.start_s)
    return WordFigures(
        name=made.recording.name,
        languages=spoken,
        all=errors_of(
            [w for word in in_time for w in normalised(word.text, language)],
            [w for word in made.words for w in normalised(word.text, language)],
        ),
        permuted=total(errors for _, _, errors in pairs),
        by_speaker=pairs,
        by_channel=by_channels(in_time, made, language),
        time_error_s=time_error_s(reference, made, language),
        cost=cost,
    )


def invented(recording: Path, config: Config, models: Models, progress: Progress = ignore_progress) -> Invented:
    """Words that are recognised in a recording in which nobody speaks; none where no speech is detected."""
    quick = config.model_copy(update={"audio": config.audio.model_copy(update={"min_duration_s": 0.01})})
    try:
        made = analyze(recording, quick, models=models, progress=progress)
    except (NoSpeechError, SilentError):
        from ressenti.pipeline import audio

        try:
            known, _ = audio.load(recording, quick.audio, ignore_progress)
        except SilentError:
            return Invented(recording.name, 0.0, 0, "")
        return Invented(recording.name, known.duration_s, 0, "")
    text = " ".join(word.text for word in made.words)
    return Invented(recording.name, made.recording.duration_s, len(made.words), text)


def references_in(recordings: Sequence[Path]) -> list[tuple[Path, tuple[Spoken, ...]]]:
    """Recordings that have a transcript of the same name beside them, with its words."""
    pairs = [(path, find_transcript(path.parent, path.stem)) for path in recordings]
    return [(path, read_transcript(found, path.stem)) for path, found in pairs if found is not None]
