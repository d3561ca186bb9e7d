"""Turns -> talk, silence, overlap, interruption, monologue and latency (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median

from ressenti.pipeline.config import DynamicsOptions
from ressenti.pipeline.records import (
    Exchange,
    Interruption,
    Monologue,
    Segment,
    Silence,
    Talk,
    Turn,
    union_s,
)
from ressenti.pipeline.records.intervals import without


def exchange_of(
    segments: Sequence[Segment],
    turns: Sequence[Turn],
    duration_s: float,
    options: DynamicsOptions,
    played: Sequence[tuple[float, float]] = (),
    left_out: Sequence[tuple[float, float]] = (),
) -> Exchange:
    """Figures of the conversation as a whole: speech, overlap, non-talk, silences, holds, interruptions, monologues.

    `played` are spans (s) of music, tones and announcements, `left_out` those that the user left out; neither is
    silence of the parties. Between sounds that are played, silence of at most `silence_s` belongs to the hold.
    """
    speech = union_s([(s.start_s, s.end_s) for s in segments])
    speech_s = sum(end - start for start, end in speech)
    edges = [0.0, *(edge for span in speech for edge in span), duration_s]
    gaps = [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b > a]
    holds: list[tuple[float, float]] = []
    if played or left_out:
        held = _bridged(played, options.silence_s)
        holds = [(max(a, c), min(b, d)) for a, b in gaps for c, d in held if min(b, d) > max(a, c)]
        gaps = without(gaps, union_s([*holds, *left_out]))
    return Exchange(
        speech_s=speech_s,
        overlap_s=max(0.0, sum(s.duration_s for s in _joined(segments)) - speech_s),  # rounding may make it negative
        non_talk_s=sum(b - a for a, b in gaps if b - a > options.non_talk_s),
        silences=tuple(Silence(a, b) for a, b in gaps if b - a > options.silence_s),
        holds=tuple(Silence(a, b) for a, b in holds if b - a > options.non_talk_s),
        interruptions=interruptions_of(turns, options),
        monologues=monologues_of(turns, options),
    )


def _bridged(spans: Sequence[tuple[float, float]], most_s: float) -> list[tuple[float, float]]:
    """Spans, sorted and joined across gaps of at most `most_s`."""
    out: list[tuple[float, float]] = []
    for start, end in union_s(spans):
        if out and start - out[-1][1] <= most_s:
            out[-1] = (out[-1][0], end)
        else:
            out.append((start, end))
    return out


def interruptions_of(turns: Sequence[Turn], options: DynamicsOptions) -> tuple[Interruption, ...]:
    """Turns that begin inside another speaker's turn, overlap it for longer than the limit, and outlast it."""
    return tuple(
        Interruption(turn.start_s, turn.speaker, other.speaker, other.end_s - turn.start_s)
        for other, turn in _overlapping(turns)
        if other.start_s < turn.start_s
        and turn.end_s > other.end_s
        and other.end_s - turn.start_s > options.interruption_s
    )


def backchannels_of(turns: Sequence[Turn]) -> frozenset[int]:
    """Indices of turns that lie entirely inside another speaker's longer turn."""
    inside = set()
    for other, turn in _overlapping(turns):
        if turn.end_s <= other.end_s and turn.duration_s < other.duration_s:
            inside.add(turn.index)
        elif other.start_s == turn.start_s and other.end_s < turn.end_s:
            inside.add(other.index)
    return frozenset(inside)


def monologues_of(turns: Sequence[Turn], options: DynamicsOptions) -> tuple[Monologue, ...]:
    """Each speaker's longest monologue, in order of time, as shown on cards, in key moments and in exports.

    A monologue lasts until another speaker takes the floor or a silence exceeds `silence_s`. Shorter pauses are part of
    it; other speakers' backchannels do not end it, and a speaker's own backchannels do not count.
    """
    backchannels = backchannels_of(turns)
    longest: dict[str, Monologue] = {}
    run: Monologue | None = None
    for turn in sorted((t for t in turns if t.index not in backchannels), key=lambda t: t.start_s):
        goes_on = run is not None and run.speaker == turn.speaker and turn.start_s - run.end_s <= options.silence_s
        start, end = (run.start_s, run.end_s) if run is not None and goes_on else (turn.start_s, turn.end_s)
        run = Monologue(start, max(end, turn.end_s), turn.speaker)
        if turn.speaker not in longest or run.duration_s > longest[turn.speaker].duration_s:
            longest[turn.speaker] = run
    return tuple(sorted(longest.values(), key=lambda m: m.start_s))


def talks_of(
    labels: Sequence[str],
    segments: Sequence[Segment],
    turns: Sequence[Turn],
    exchange: Exchange,
    options: DynamicsOptions,
    measured: Sequence[Turn] | None = None,
) -> dict[str, Talk]:
    """Talk figures of each speaker. Backchannels count as talk time, not as turns.

    `measured` are the turns with a known loudness, if they differ from `turns`.
    """
    joined, backchannels = _joined(segments), backchannels_of(turns)
    all_s = sum(s.duration_s for s in joined)
    own_s: dict[str, list[float]] = {label: [] for label in labels}
    own: dict[str, list[Turn]] = {label: [] for label in labels}
    answers: dict[str, list[float]] = {label: [] for label in labels}
    loudness: dict[str, list[float]] = {label: [] for label in labels}
    for segment in joined:
        own_s[segment.speaker].append(segment.duration_s)
    for turn in turns:
        own[turn.speaker].append(turn)
    for a, b in pairwise(t for t in turns if t.index not in backchannels):
        gap = max(0.0, b.start_s - a.end_s)
        if a.speaker != b.speaker and gap <= options.max_latency_s:
            answers[b.speaker].append(gap)
    for turn in turns if measured is None else measured:
        if turn.loudness_dbfs is not None:
            loudness[turn.speaker].append(turn.loudness_dbfs)
    return {
        label: _talk(
            label, sum(own_s[label]), all_s, own[label], backchannels, exchange, answers[label], loudness[label]
        )
        for label in labels
    }


def _talk(
    label: str,
    own_s: float,
    all_s: float,
    own: Sequence[Turn],
    backchannels: frozenset[int],
    exchange: Exchange,
    answers: Sequence[float],
    loudness: Sequence[float],
) -> Talk:
    return Talk(
        talk_s=own_s,
        share=own_s / all_s if all_s else 0.0,
        turns=sum(t.index not in backchannels for t in own),
        longest_monologue_s=max((m.duration_s for m in exchange.monologues if m.speaker == label), default=0.0),
        interruptions=sum(i.by == label for i in exchange.interruptions),
        backchannels=sum(t.index in backchannels for t in own),
        response_latency_s=median(answers) if answers else None,
        loudness_dbfs=median(loudness) if loudness else None,
    )


def _overlapping(turns: Sequence[Turn]) -> Iterator[tuple[Turn, Turn]]:
    """Yield overlapping pairs of turns of different speakers, earlier start first."""
    open_turns: list[Turn] = []
    for turn in sorted(turns, key=lambda t: (t.start_s, t.end_s)):
        open_turns = [other for other in open_turns if other.end_s > turn.start_s]
        yield from ((other, turn) for other in open_turns if other.speaker != turn.speaker)
        open_turns.append(turn)


def _joined(segments: Sequence[Segment]) -> list[Segment]:
    """Join each speaker's segments that overlap one another."""
    spans_of: dict[str, list[tuple[float, float]]] = {}
    for s in segments:
        spans_of.setdefault(s.speaker, []).append((s.start_s, s.end_s))
    return [Segment(start, end, label) for label, spans in spans_of.items() for start, end in union_s(spans)]
