"""Words by a Whisper model that faster-whisper (CTranslate2) runs on the CPU: the built-in one, or one in a folder.

A model computes with one thread, so that results are the same on any number of cores; several windows are heard at a
time.
"""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ressenti.pipeline.audio import RATE_HZ, Audio, frame_levels_db
from ressenti.pipeline.config import WordOptions
from ressenti.pipeline.errors import ConfigError, ModelError, RessentiError
from ressenti.pipeline.models import parallel
from ressenti.pipeline.progress import Progress, ignore_progress
from ressenti.pipeline.records import Dropped, DropReason, ModelInfo, SpokenLanguage, Transcription
from ressenti.pipeline.transcription import languages
from ressenti.pipeline.transcription.guards import Decoded, guarded
from ressenti.pipeline.transcription.interface import HeardWord, Speech, Transcript
from ressenti.pipeline.transcription.model_files import Stamp, stamp_of
from ressenti.pipeline.transcription.windows import Part, Window, packed, parts_of, streams_of
from ressenti.pipeline.transcription.word_times import Timed, in_recording

if TYPE_CHECKING:
    from faster_whisper import WhisperModel
    from faster_whisper.tokenizer import Tokenizer

COMPUTE_TYPE = "int8"
_AT_ONCE = 2  # windows that are decoded together; more are hardly faster, and a stop would have to wait for them
_HOP = RATE_HZ // 100  # samples of a frame
_TAIL_S = 0.5  # silence after a window; the encoder takes windows shorter than thirty seconds as they are
_MOST_FRAMES = 3_000
_TOKENS_PER_S = 8  # nobody says more; what does is text that repeats itself
_TOKENS_AT_LEAST = 24
_UNSPACED = frozenset(("zh", "ja", "th", "lo", "my", "yue"))
_PREPENDED, _APPENDED = "\"'“¿([{-«", "\"'.。,，!！?？:：”)]}、»"
_PROBE_S = 15.0  # of a speaker's speech, to hear the language in
_FRAME_S = 0.1  # of levels


@dataclass(frozen=True)
class _Found:
    """What was heard in one window: words, those that the guards did not believe, and how many for which reason."""

    words: tuple[HeardWord, ...]
    unbelieved: tuple[HeardWord, ...]
    dropped: Mapping[DropReason, int]


class WhisperTranscriber:
    """Recognises words with the Whisper model of a folder (model.bin, config.json, tokenizer.json, vocabulary).

    The network is loaded for each recording and released after it, so that it takes no memory from other steps.
    `vocabulary` are words that the model shall expect, such as names. `stamp` is what its files were when they were
    hashed: a model that changed since is refused.
    """

    def __init__(
        self, folder: Path, info: ModelInfo, options: WordOptions, vocabulary: str = "", stamp: Stamp | None = None
    ) -> None:
        self.info = info
        self._folder, self._options, self._vocabulary = folder, options, vocabulary
        self._stamp = stamp or stamp_of(folder)

    def transcribe(self, audio: Audio, speech: Sequence[Speech], progress: Progress = ignore_progress) -> Transcript:
        """Recognise the words of all speakers; raises `ModelError` for a model that cannot be loaded or run."""
        progress("words", 0, None)
        if stamp_of(self._folder) != self._stamp:
            raise ModelError(f"{self._folder}: changed since its files were hashed. Start again.")
        model = load(self._folder)
        hearing = _Hearing(model, audio, self._options, self._vocabulary)
        spoken = hearing.languages(speech, progress)
        known = {own.speaker: own.language for own in spoken}
        windows = [
            window
            for channel, language, spans in streams_of(speech, known)
            for window in packed(
                parts_of(spans, self._options.gap_s, self._options.window_s, hearing.softest_in(channel)),
                self._options.window_s,
                channel,
                language,
            )
        ]
        found = hearing.hear(windows, progress)
        dropped: Counter[DropReason] = Counter()
        for one in found:
            dropped.update(one.dropped)
        about = Transcription(
            languages=spoken,
            dropped=tuple(Dropped(reason, count) for reason, count in sorted(dropped.items())),
            windows=len(windows),
            speech_s=sum(own.seconds for own in speech),
            untold_s=sum(own.seconds for own in speech if known[own.speaker] is None),
            compute_type=str(model.model.compute_type),
            processor=processor(),
        )
        return Transcript(_in_order(one.words for one in found), about, _in_order(one.unbelieved for one in found))


def _in_order(words: Iterable[Sequence[HeardWord]]) -> tuple[HeardWord, ...]:
    return tuple(sorted(chain.from_iterable(words), key=lambda word: (word.start_s, word.end_s)))


def load(folder: Path) -> WhisperModel:
    """Load the model of a folder; `ModelError` where a file is missing or damaged. Nothing is downloaded."""
    stamp_of(folder)
    from faster_whisper import WhisperModel

    try:
        return WhisperModel(
            str(folder),
            device="cpu",
            compute_type=COMPUTE_TYPE,
            cpu_threads=1,
            num_workers=parallel.threads(),
            local_files_only=True,
        )
    except Exception as exc:  # CTranslate2's and tokenizers' errors share no base class
        raise ModelError(f"{folder}: cannot be loaded as a Whisper model ({exc}). Install it again.") from exc


@contextmanager
def _running() -> Iterator[None]:
    """Errors of a model that loads but cannot run become `ModelError`."""
    try:
        yield
    except (RessentiError, MemoryError):
        raise
    except Exception as exc:  # CTranslate2's and tokenizers' errors share no base class
        raise ModelError(
            f"the model for words cannot be run as a Whisper model ({exc}). Install it again, or choose another with "
            "words.model (--words)."
        ) from exc


def processor() -> str:
    """Architecture and instruction sets of the processor, on which the last digits of probabilities depend."""
    found: Any = np.show_config(mode="dicts")
    known = [str(name) for name in found.get("SIMD Extensions", {}).get("found", ())]
    return " ".join([platform.machine() or "unknown", *known])


class _Hearing:
    """A loaded model and the recording that it hears."""

    def __init__(self, model: WhisperModel, audio: Audio, options: WordOptions, vocabulary: str) -> None:
        self._model, self._audio, self._options, self._vocabulary = model, audio, options, vocabulary
        self._stopping = Event()
        self._tokenizers = {"en": self._tokenizer("en")}

    def languages(self, speech: Sequence[Speech], progress: Progress) -> tuple[SpokenLanguage, ...]:
        """The language of each speaker, heard in some of their speech; the recording's is heard in everybody's."""
        options = self._options
        if options.language != "auto":
            return languages.decide(speech, {}, {}, options)
        if not self._model.model.is_multilingual:
            raise ConfigError(
                "words.language: got auto, but the model knows English alone and cannot hear which language is spoken. "
                "If it is English, say so (words.language: en, --spoken-language en); else use a multilingual model."
            )
        probes = [_probe(own, _PROBE_S) for own in speech]

        @_running()
        def listen(window: Window) -> dict[str, float]:
            found = self._model.model.detect_language(self._encoded([window]))[0]
            return {name.strip("<|>"): probability for name, probability in found}

        waiting = _waiting(progress, 0, None)
        heard = list(parallel.each(listen, probes, waiting, self._stopping))
        whole = languages.together([(own, probe.seconds) for own, probe in zip(heard, probes, strict=True)])
        of_speaker = {
            own.speaker: found for own, found in zip(speech, heard, strict=True) if own.seconds >= options.language_s
        }
        return languages.decide(speech, of_speaker, whole, options)

    def hear(self, windows: Sequence[Window], progress: Progress) -> list[_Found]:
        """What is said in each window."""
        for window in windows:
            if window.language not in self._tokenizers:
                self._tokenizers[window.language] = self._tokenizer(window.language)
        batches: list[list[Window]] = []
        for window in windows:
            if batches and len(batches[-1]) < _AT_ONCE and batches[-1][0].language == window.language:
                batches[-1].append(window)
            else:
                batches.append([window])
        total, done = sum(window.seconds for window in windows), 0.0
        found: list[_Found] = []

        def waiting() -> None:
            progress("words", done, total)

        for batch, results in zip(batches, parallel.each(self._heard, batches, waiting, self._stopping), strict=True):
            found += results
            done += sum(window.seconds for window in batch)
            waiting()
        return found

    @_running()
    def _heard(self, batch: Sequence[Window]) -> list[_Found]:
        """What is said in windows of one language, after the guards; nothing where nobody waits for it any more."""
        tokenizer = self._tokenizers[batch[0].language]
        encoded = self._encoded(batch)
        if self._stopping.is_set():
            return []
        prompt = self._model.get_prompt(tokenizer, [], without_timestamps=True, hotwords=self._vocabulary or None)
        longest_s = max(window.seconds for window in batch)
        results = self._model.model.generate(
            encoded,
            [prompt] * len(batch),
            beam_size=self._options.beam,
            sampling_temperature=0.0,
            max_length=min(self._model.max_length, len(prompt) + _TOKENS_AT_LEAST + int(_TOKENS_PER_S * longest_s)),
            return_scores=True,
            return_no_speech_prob=True,
        )
        if self._stopping.is_set():
            return []
        tokens = [[token for token in result.sequences_ids[0] if token < tokenizer.eot] for result in results]
        frames = [round(window.seconds * RATE_HZ / _HOP) for window in batch]
        aligned = self._model.find_alignment(tokenizer, tokens, encoded, frames)
        spaced = batch[0].language not in _UNSPACED
        found = []
        for window, result, words in zip(batch, results, aligned, strict=True):
            count = len(result.sequences_ids[0])
            decoded = Decoded(
                words_of(words, spaced=spaced), result.scores[0] * count / (count + 1), result.no_speech_prob
            )
            kept, dropped = guarded(decoded, self._options)
            placed, lost = in_recording(kept, window)
            rest = [word for word in decoded.words if not any(word is own for own in kept)] if dropped else []
            unbelieved = tuple(in_recording(rest, window)[0])
            found.append(_Found(tuple(placed), unbelieved, {**dropped, "outside": lost} if lost else dropped))
        return found

    def _encoded(self, windows: Sequence[Window]) -> Any:
        """The encoder's output for windows, all padded to the longest; one after another, so that a stop is quick."""
        from ctranslate2 import StorageView

        samples = [self._samples(window) for window in windows]
        frames = min(_MOST_FRAMES, -(-max(map(len, samples)) // _HOP) + int(_TAIL_S * RATE_HZ / _HOP))
        frames += frames % 2  # the encoder halves them
        outputs: list[npt.NDArray[np.float32]] = []
        for own in samples:
            if outputs and self._stopping.is_set():
                break
            outputs.append(np.asarray(self._model.encode(self._features(own, frames))))
        return StorageView.from_array(np.concatenate(outputs) if len(outputs) > 1 else outputs[0])

    def _features(self, samples: npt.NDArray[np.float32], frames: int) -> npt.NDArray[np.float32]:
        """Log mel bands (bands, frames) of samples, with silence after them."""
        padded = np.zeros(frames * _HOP, dtype=np.float32)
        padded[: len(samples)] = samples[: len(padded)]
        features = self._model.feature_extractor(padded)[:, :frames]
        return np.ascontiguousarray(features, dtype=np.float32)

    def _samples(self, window: Window) -> npt.NDArray[np.float32]:
        spans = [(part.start_s, part.end_s) for part in window.parts]
        return self._audio.joined(spans, window.channel).astype(np.float32) / np.float32(32_768)

    def softest_in(self, channel: int) -> Any:
        """A function of two times that finds the softest tenth of a second between them, in a channel."""
        levels: list[npt.NDArray[np.float32]] = []

        def softest(start_s: float, end_s: float) -> float:
            if not levels:
                levels.append(frame_levels_db(self._audio.samples[channel]))
            first = int(start_s / _FRAME_S) + 1
            between = levels[0][first : max(first + 1, int(end_s / _FRAME_S) - 1)]
            return end_s if not len(between) else (first + int(np.argmin(between)) + 0.5) * _FRAME_S

        return softest

    @_running()
    def _tokenizer(self, language: str) -> Tokenizer:
        from faster_whisper.tokenizer import Tokenizer

        multilingual = self._model.model.is_multilingual
        if language != "en" and not multilingual:
            raise ConfigError(
                f"words.language: got {language}, but the model knows English alone; expected en. "
                "Use a multilingual model."
            )
        return Tokenizer(self._model.hf_tokenizer, multilingual, task="transcribe", language=language)


def _probe(own: Speech, longest_s: float) -> Window:
    """The longest of a speaker's spans, up to one window, to hear the language in."""
    chosen: list[tuple[float, float]] = []
    left_s = longest_s
    for start, end in sorted(own.spans, key=lambda span: span[0] - span[1]):
        chosen.append((start, min(end, start + left_s)))
        left_s -= end - start
        if left_s <= 0:
            break
    return Window(own.channel, "en", tuple(Part(start, end, start, end) for start, end in sorted(chosen)))


def _waiting(progress: Progress, done: float, total: float | None) -> Any:
    return lambda: progress("words", done, total)


def words_of(aligned: list[dict[str, Any]], *, spaced: bool) -> tuple[Timed, ...]:
    """Words with their punctuation, from faster-whisper's pieces; what is punctuation alone is left out.

    In languages that are written with spaces (`spaced`), a piece without one before it belongs to the word before, such
    as `'est` after `c` or `-ce` after `est`. The probability of a word is that of its least likely piece.
    """
    from faster_whisper.transcribe import merge_punctuations

    merge_punctuations(aligned, _PREPENDED, _APPENDED)
    words: list[Timed] = []
    for piece in aligned:
        start, end, text, probability = (piece[key] for key in ("start", "end", "word", "probability"))
        if not text.strip():
            continue
        if spaced and words and not text.startswith(" "):
            last = words.pop()
            start, text, probability = last.start_s, last.text + text, min(last.probability, probability)
        words.append(Timed(float(start), float(end), text.strip(), min(1.0, float(probability))))
    return tuple(word for word in words if any(map(str.isalnum, word.text)))
