"""Spans of each speaker's speech, as corrected, and how they fall into the parts of a recording (pure)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import get_args

from ressenti.pipeline.edits.corrections import corrected_segments
from ressenti.pipeline.records import Conversation, Turn, Unjudged, union_s
from ressenti.pipeline.records.intervals import Timed

Span = tuple[float, float]
SHOWN_S = 0.05  # seconds; less is shown as 0.0


def spoken(conversation: Conversation) -> dict[str, list[Span]]:
    """Spans (start_s, end_s) of each speaker's speech by label, without pauses; they add up to the cards' talk time."""
    found: dict[str, list[Span]] = {s.label: [] for s in conversation.speakers}
    for segment in corrected_segments(conversation):
        found[segment.speaker].append((segment.start_s, segment.end_s))
    return {label: union_s(spans) for label, spans in found.items()}


def speech_by_turn(conversation: Conversation) -> Iterator[tuple[float, float, int | str]]:
    """The diarizer's segments as (start_s, end_s, index of their turn); the label of who was heard if in no turn.

    A segment that spans several turns is cut halfway between them, as it is when a person moves one of them.
    """
    turns_of: dict[str, list[Turn]] = {}
    for turn in conversation.turns:
        turns_of.setdefault(turn.original.speaker if turn.original else turn.speaker, []).append(turn)
    timed = {label: Timed(turns) for label, turns in turns_of.items()}
    for segment in conversation.diarization.segments:
        own = timed[segment.speaker].touching(segment.start_s, segment.end_s) if segment.speaker in timed else []
        at = segment.start_s
        for turn, after in pairwise(own):
            end = (turn.end_s + after.start_s) / 2
            yield at, end, turn.index
            at = end
        yield at, segment.end_s, own[-1].index if own else segment.speaker


def within(spans: Sequence[Span], start_s: float, end_s: float) -> list[Span]:
    """Cut sorted, disjoint spans to what lies between two times."""
    near = spans[max(0, bisect_left(spans, (start_s,)) - 1) : bisect_left(spans, (end_s,))]
    return [(max(a, start_s), min(b, end_s)) for a, b in near if b > start_s]


def judged(turn: Turn, own: Sequence[Span]) -> Iterator[tuple[float, float, float]]:
    """The judged speech of a turn as (start_s, end_s, seconds), with at most end - start seconds.

    Windows that share sound are merged, and their seconds spread over the speech that they cover.
    """
    ordered = sorted(turn.windows, key=lambda w: w.start_s)
    starts = [w.start_s for w in ordered]
    for start, end in union_s([(w.start_s, w.end_s) for w in turn.windows]):
        seconds = sum(w.weight_s for w in ordered[bisect_left(starts, start) : bisect_left(starts, end)])
        speech = within(own, start, end) or [(start, end)]
        whole = sum(b - a for a, b in speech)
        yield from ((a, b, seconds * (b - a) / whole) for a, b in speech)


def by_part(start_s: float, end_s: float, step_s: float, count: int) -> Iterator[tuple[int, float]]:
    """The parts of length `step_s` that a span reaches into, as (index, share of the span); the last takes the rest."""
    first, last = (min(count - 1, int(time // step_s)) for time in (start_s, end_s))
    for k in range(first, last + 1):
        start, end = max(start_s, k * step_s), end_s if k == last else (k + 1) * step_s
        if end > start:
            yield k, (end - start) / (end_s - start_s)


def unjudged_s(conversation: Conversation) -> dict[Unjudged, float]:
    """Seconds of speech that were not judged, by reason, largest first.

    In a judged turn, what is not overlap was too short. Speech outside all turns is overlap: another speaker led there.
    """
    found: dict[Unjudged, float] = dict.fromkeys(get_args(Unjudged), 0.0)
    people = {speaker.label for speaker in conversation.people}
    speech = {label: spans for label, spans in spoken(conversation).items() if label in people}
    rest = {label: sum(b - a for a, b in spans) for label, spans in speech.items()}
    for turn in conversation.people_turns:
        speech_s = sum(b - a for a, b in within(speech[turn.speaker], turn.start_s, turn.end_s))
        rest[turn.speaker] -= speech_s
        if turn.unjudged:
            found[turn.unjudged] += speech_s
        else:
            left_s = max(0.0, speech_s - turn.judged_s)
            found["overlap"] += min(left_s, turn.overlap_s)
            found["short"] += max(0.0, left_s - turn.overlap_s)
    found["overlap"] += sum(max(0.0, seconds) for seconds in rest.values())
    return {why: seconds for why, seconds in sorted(found.items(), key=lambda f: -f[1]) if seconds >= SHOWN_S}
