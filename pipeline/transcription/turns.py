"""Recognised words -> their turns (pure)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import reduce

from ressenti.pipeline.records import Diarization, Turn, Word, union_s
from ressenti.pipeline.records.intervals import Timed
from ressenti.pipeline.transcription.interface import HeardWord, Span, Speech

_DECIMALS = 3  # of seconds and probabilities; more would say nothing
_NEAR_S = 0.5  # how far outside its channel's turns a word may lie


def speech_of(found: Diarization, channels: Mapping[str, int]) -> tuple[Speech, ...]:
    """Each speaker's speech, in order of first speech; `channels` (from 1) are empty for a single mix."""
    spans: dict[str, list[Span]] = defaultdict(list)
    for segment in found.segments:
        spans[segment.speaker].append((segment.start_s, segment.end_s))
    return tuple(
        Speech(speaker, channels.get(speaker, 1) - 1, tuple(union_s(spans[speaker]))) for speaker in found.speakers
    )


def given_to_turns(words: Sequence[HeardWord], turns: Sequence[Turn], channels: Mapping[str, int]) -> tuple[Word, ...]:
    """Give each word the turn of its channel that it overlaps most, or the nearest one, or None.

    In overlap, turns of a mix share its words by time. Of turns that a word overlaps alike, the later one gets it, as
    whoever begins to speak is louder than who stops; but of a turn that lies within another, as a backchannel does, the
    word goes to the outer one, unless the diarizer is surer of the inner one's speaker. Turns that were cut from
    segments without overlap (`Diarization.exclusive`) say already who speaks.
    """
    of_channel: dict[int, list[Turn]] = defaultdict(list)
    for turn in turns:
        of_channel[channels.get(turn.speaker, 1) - 1].append(turn)
    timed = {channel: Timed(own) for channel, own in of_channel.items()}
    return tuple(
        Word(
            round(word.start_s, _DECIMALS),
            round(word.end_s, _DECIMALS),
            word.text,
            _turn_of(word, timed.get(word.channel)),
            confidence=round(word.confidence, _DECIMALS),
        )
        for word in words
    )


def _turn_of(word: HeardWord, turns: Timed[Turn] | None) -> int | None:
    near = turns.touching(word.start_s - _NEAR_S, word.end_s + _NEAR_S) if turns else []

    def beside_s(turn: Turn) -> float:
        return max(word.start_s, turn.start_s) - min(word.end_s, turn.end_s)

    if not near:
        return None
    least = min(round(beside_s(turn), 6) for turn in near)
    alike = sorted(
        (turn for turn in near if round(beside_s(turn), 6) == least),
        key=lambda turn: (turn.start_s, -turn.end_s, turn.index),
    )
    return reduce(_prevailing, alike).index


def _prevailing(before: Turn, turn: Turn) -> Turn:
    """Which of two turns gets a word that overlaps both alike; `turn` begins no earlier."""
    if turn.end_s > before.end_s:
        return turn
    sure, surer = before.speaker_confidence, turn.speaker_confidence
    return turn if sure is not None and surer is not None and surer > sure else before
