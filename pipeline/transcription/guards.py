"""Guards against text that nobody said: what is dropped, and why (pure)."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from ressenti.pipeline.config import WordOptions
from ressenti.pipeline.records import DropReason
from ressenti.pipeline.transcription.word_times import Timed

_LONGEST = 8  # words of an n-gram whose repetitions are looked for


@dataclass(frozen=True)
class Decoded:
    """A window's words, the mean log-probability of its tokens, and the probability that it holds no speech."""

    words: tuple[Timed, ...]
    log_probability: float
    no_speech: float


def guarded(found: Decoded, options: WordOptions) -> tuple[list[Timed], dict[DropReason, int]]:
    """The words of a window that may be believed, and how many were dropped for which reason.

    All words go if there is probably no speech, if the model is too unsure of them, or if the text repeats itself so
    much that it can be compressed well. Of what is left, an n-gram said many times in a row is kept once.
    """
    whole = len(found.words)
    if not whole:
        return [], {}
    if found.no_speech > options.no_speech:
        return [], {"no_speech": whole}
    if found.log_probability < options.log_probability:
        return [], {"log_probability": whole}
    if compression(found.words) > options.compression:
        return [], {"compression": whole}
    kept = without_repeats(found.words, options.repeats)
    return kept, {"repeated": whole - len(kept)} if len(kept) < whole else {}


def compression(words: Sequence[Timed]) -> float:
    """Bytes of the text for each byte of it compressed; ordinary talk reaches about 2."""
    text = " ".join(word.text for word in words).encode()
    return len(text) / len(zlib.compress(text))


def without_repeats(words: Sequence[Timed], most: int) -> list[Timed]:
    """Words, with each n-gram that occurs more than `most` times in a row kept once."""
    keys = [word.text.strip(".,!?;:…").casefold() for word in words]
    kept: list[Timed] = []
    at = 0
    while at < len(words):
        for length in range(1, _LONGEST + 1):
            times = _times(keys, at, length)
            if times > most:
                kept += words[at : at + length]
                at += length * times
                break
        else:
            kept.append(words[at])
            at += 1
    return kept


def _times(keys: Sequence[str], at: int, length: int) -> int:
    """How many times in a row the n-gram of this length at this place occurs."""
    gram, times = keys[at : at + length], 1
    while len(gram) == length and keys[at + times * length : at + (times + 1) * length] == gram:
        times += 1
    return times
