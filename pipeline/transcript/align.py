"""Words -> their turns (pure)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from ressenti.pipeline.errors import TranscriptError
from ressenti.pipeline.records import Turn, Word
from ressenti.pipeline.records.intervals import Timed
from ressenti.pipeline.transcript.cues import Spoken

NEAR_S = 0.5  # how far outside a turn a word may lie, given the accuracy of boundaries


def align(words: Sequence[Spoken], turns: Sequence[Turn], duration_s: float) -> tuple[Word, ...]:
    """Give each word the turn that it overlaps most, or the nearest one within `NEAR_S`, or None.

    In overlap the transcript's speakers decide: each is matched to the speaker with whom they share most time, whose
    turns are preferred. Words after the recording's end are dropped. Raises `TranscriptError` if most words are.
    """
    inside = [word for word in words if word.start_s < duration_s]
    if 2 * len(inside) < len(words):
        raise TranscriptError(
            f"the transcript runs until {max(w.end_s for w in words):.0f} s, but the recording ends at "
            f"{duration_s:.0f} s: most of its words lie outside. Use the transcript of this recording."
        )
    timed = Timed(turns)
    near = [_near(word, timed) for word in inside]
    ours = _same_speakers(inside, near)
    return tuple(
        Word(
            word.start_s,
            min(word.end_s, duration_s),
            word.text,
            _turn_of(word, close, ours.get(word.speaker)),
            word.exact,
        )
        for word, close in zip(inside, near, strict=True)
    )


def _same_speakers(words: Sequence[Spoken], near: Sequence[Sequence[Turn]]) -> dict[str | None, str]:
    """Match each speaker of the transcript to the speaker with whom they share most time."""
    shared: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for word, close in zip(words, near, strict=True):
        for turn in close:
            if word.speaker is not None and _gap(word, turn) < 0:
                shared[word.speaker][turn.speaker] -= _gap(word, turn)
    return {theirs: max(sorted(own), key=lambda label: own[label]) for theirs, own in shared.items()}


def _turn_of(word: Spoken, close: Sequence[Turn], speaker: str | None) -> int | None:
    if not close:
        return None
    touched = [turn for turn in close if _gap(word, turn) < 0] or close
    own = [turn for turn in touched if turn.speaker == speaker]
    return min(own or touched, key=lambda turn: (_gap(word, turn), turn.index)).index


def _near(word: Spoken, turns: Timed[Turn]) -> list[Turn]:
    """Turns within `NEAR_S` of the word, in order of their start."""
    close = turns.touching(word.start_s - 2 * NEAR_S, word.end_s + 2 * NEAR_S)
    return [turn for turn in close if _gap(word, turn) <= NEAR_S]


def _gap(word: Spoken, turn: Turn) -> float:
    """Seconds between a word and a turn; negative if they overlap. A word lasts at least a millisecond."""
    return max(word.start_s, turn.start_s) - min(max(word.end_s, word.start_s + 0.001), turn.end_s)
