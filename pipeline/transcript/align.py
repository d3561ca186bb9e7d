"""Words -> the turns in which they were said (pure)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from ressenti.pipeline.errors import TranscriptError
from ressenti.pipeline.records import Turn, Word
from ressenti.pipeline.records.intervals import Timed
from ressenti.pipeline.transcript.cues import Spoken

NEAR_S = 0.5  # how far outside a turn a word may lie: boundaries of turns and of words are no better


def align(words: Sequence[Spoken], turns: Sequence[Turn], duration_s: float) -> tuple[Word, ...]:
    """Each word with the turn that it overlaps most, or the nearest one within `NEAR_S`; else with none.

    The transcript's own speakers decide where turns overlap: each is taken for the one of ours with whom they share
    most time, and that one's turns come first. Words after the recording's end are dropped; raises `TranscriptError`
    where most are.
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
    """Who of ours each of the transcript's speakers is: the one with whom most time is shared."""
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
    """Turns (in order of their start) that the word touches, or from which it is not further than `NEAR_S`."""
    close = turns.touching(word.start_s - 2 * NEAR_S, word.end_s + 2 * NEAR_S)
    return [turn for turn in close if _gap(word, turn) <= NEAR_S]


def _gap(word: Spoken, turn: Turn) -> float:
    """Seconds between a word and a turn; below zero, how much they share. A word lasts a millisecond at least."""
    return max(word.start_s, turn.start_s) - min(max(word.end_s, word.start_s + 0.001), turn.end_s)
