"""Segments -> turns: joined across short pauses, with their overlap and the windows to score (pure)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ressenti.pipeline.config import EmotionOptions, TurnOptions
from ressenti.pipeline.records import Segment, Turn, union_s
from ressenti.pipeline.records.intervals import clipped, without

Span = tuple[float, float]


@dataclass(frozen=True)
class PlannedWindow:
    """A window of a turn to score, the seconds of speech it stands for, and the spans of speech in it.

    Pauses carry no tone and are left out, unless the window holds only a pause.
    """

    start_s: float
    end_s: float
    weight_s: float
    spoken: tuple[Span, ...]

    @property
    def speech(self) -> tuple[Span, ...]:
        """Spans (start_s, end_s) that are scored."""
        return self.spoken or ((self.start_s, self.end_s),)


def make_turns(
    segments: Sequence[Segment], options: TurnOptions, heard: Sequence[Segment] | None = None
) -> tuple[Turn, ...]:
    """Join segments into turns, in order of time.

    Segments of one speaker become one turn if the pause between them is at most `merge_gap_s` and nobody else speaks
    in it. If `segments` exclude overlap, `heard` are the segments with overlap, used to measure each turn's overlap.
    The confidence of a turn's speaker is the mean of its segments'.
    """
    ordered = sorted(segments, key=lambda s: (s.start_s, s.end_s, s.speaker))
    segments_of: dict[str, list[Segment]] = {}
    for segment in ordered:
        segments_of.setdefault(segment.speaker, []).append(segment)
    spans_of = _spans_of(ordered)
    others_of = _others_of(spans_of, segments_of)
    all_others_of = others_of if heard is None else _others_of(_spans_of(heard), segments_of)
    spans: list[tuple[float, float, str, list[Segment]]] = []
    for label, own in segments_of.items():
        others = others_of[label]
        start, end, parts = own[0].start_s, own[0].end_s, own[:1]
        for segment in own[1:]:
            pause = (end, segment.start_s)
            joins = pause[1] - pause[0] <= options.merge_gap_s and _shared_s([pause], others) <= 0
            if segment.start_s <= end or joins:
                end = max(end, segment.end_s)
                parts.append(segment)
            else:
                spans.append((start, end, label, parts))
                start, end, parts = segment.start_s, segment.end_s, [segment]
        spans.append((start, end, label, parts))
    turns = []
    for index, (start, end, label, parts) in enumerate(sorted(spans, key=lambda span: span[:3])):
        overlap_s = _shared_s(clipped(spans_of[label], start, end), all_others_of[label])
        turns.append(Turn(index, label, start, end, overlap_s, speaker_confidence=_confidence(parts)))
    return tuple(turns)


def _confidence(segments: Sequence[Segment]) -> float | None:
    """Mean confidence of segments, weighted by duration, as exact as it is stored; None if any has none."""
    known = [(s.confidence, s.duration_s) for s in segments if s.confidence is not None]
    if len(known) < len(segments):
        return None
    return round(sum(c * d for c, d in known) / sum(d for _, d in known), 6)


def with_overlap(turns: Sequence[Turn], segments: Sequence[Segment], heard: Sequence[Segment]) -> tuple[Turn, ...]:
    """Recompute `overlap_s` of turns: their speech in `segments` against that of others in `heard`."""
    own, others_of = _spans_of(segments), _others_of(_spans_of(heard), {turn.speaker for turn in turns})
    speech = (clipped(own.get(turn.speaker, []), turn.start_s, turn.end_s) for turn in turns)
    return tuple(
        replace(turn, overlap_s=_shared_s(spans, others_of[turn.speaker]))
        for turn, spans in zip(turns, speech, strict=True)
    )


def clear_spans(turn: Turn, segments: Sequence[Segment], min_s: float) -> list[tuple[float, float, float]]:
    """Stretches of a turn without overlap, as (start_s, end_s, speech_s).

    Each holds at least `min_s` of the speaker's speech; pauses count towards its length only.
    """
    near = [s for s in segments if _touch(s, turn.start_s, turn.end_s)]
    own = union_s([(s.start_s, s.end_s) for s in near if s.speaker == turn.speaker])
    at, clear = turn.start_s, []
    for start, end in _others(near, turn.speaker):
        clear.append((at, min(start, turn.end_s)))
        at = max(at, end)
    clear.append((at, turn.end_s))
    stretches = [(start, end, _shared_s([(start, end)], own)) for start, end in clear if end > start]
    return [(start, end, speech_s) for start, end, speech_s in stretches if speech_s >= min_s]


def windows_of(
    spans: Sequence[tuple[float, float, float]], options: EmotionOptions
) -> list[tuple[float, float, float]]:
    """Windows (start_s, end_s, weight_s) of clear spans (start_s, end_s, speech_s).

    A short span is one window, a longer one is several overlapping windows; their weights add up to the span's speech.
    """
    out: list[tuple[float, float, float]] = []
    for start, end, speech_s in spans:
        if end - start <= options.window_s:
            out.append((start, end, speech_s))
            continue
        last = end - options.window_s
        steps = int((last - start) / options.window_step_s)
        starts = [start + i * options.window_step_s for i in range(steps + 1)]
        if len(starts) == 1 or last - starts[-1] > options.window_step_s / 4:
            starts.append(last)
        else:
            starts[-1] = last
        out += [(at, at + options.window_s, speech_s / len(starts)) for at in starts]
    return out


def plan_windows(
    turn: Turn, segments: Sequence[Segment], options: EmotionOptions, no_speech: Sequence[Span] = ()
) -> list[PlannedWindow]:
    """The windows of a turn to score: without overlap, with the speech in each.

    `no_speech` are spans (s) of laughing, coughing and the like: they are not scored.
    """
    if no_speech:
        segments = _speaking(turn, segments, no_speech)
    own = _speech(turn, segments)
    windows = [
        PlannedWindow(
            start, end, weight_s, tuple((max(a, start), min(b, end)) for a, b in own if a < end and b > start)
        )
        for start, end, weight_s in windows_of(clear_spans(turn, segments, options.min_judged_s), options)
    ]
    return [window for window in windows if window.spoken] if no_speech else windows


def _speaking(turn: Turn, segments: Sequence[Segment], no_speech: Sequence[Span]) -> list[Segment]:
    """The segments near a turn, those of its speaker without some spans."""
    out = []
    for segment in (s for s in segments if _touch(s, turn.start_s, turn.end_s)):
        if segment.speaker != turn.speaker:
            out.append(segment)
            continue
        for start, end in without([(segment.start_s, segment.end_s)], union_s(no_speech)):
            out.append(replace(segment, start_s=start, end_s=end))
    return out


def outside(turns: Sequence[Turn], spans: Sequence[Span]) -> tuple[Turn, ...]:
    """Turns without spans: those inside one go, others end or begin where one begins or ends; a gap inside stays."""
    out = []
    for turn in turns:
        left = without([(turn.start_s, turn.end_s)], spans)
        if left:
            start_s, end_s = left[0][0], left[-1][1]
            same = (start_s, end_s) == (turn.start_s, turn.end_s)
            out.append(turn if same else replace(turn, start_s=start_s, end_s=end_s))
    return tuple(out)


def _speech(turn: Turn, segments: Sequence[Segment]) -> list[Span]:
    own = [s for s in segments if s.speaker == turn.speaker and _touch(s, turn.start_s, turn.end_s)]
    return union_s([(max(s.start_s, turn.start_s), min(s.end_s, turn.end_s)) for s in own])


def _spans_of(segments: Iterable[Segment]) -> dict[str, list[Span]]:
    """Each speaker's speech as sorted, disjoint spans."""
    found: dict[str, list[Span]] = {}
    for s in segments:
        found.setdefault(s.speaker, []).append((s.start_s, s.end_s))
    return {label: union_s(spans) for label, spans in found.items()}


def _others_of(spans_of: Mapping[str, list[Span]], labels: Iterable[str]) -> dict[str, list[Span]]:
    """For each label, the speech of all other speakers."""
    return {
        label: union_s([span for other, spans in spans_of.items() if other != label for span in spans])
        for label in labels
    }


def _others(segments: Sequence[Segment], label: str) -> list[Span]:
    return union_s([(s.start_s, s.end_s) for s in segments if s.speaker != label])


def _touch(segment: Segment, start: float, end: float) -> bool:
    return segment.start_s < end and segment.end_s > start


def _shared_s(spans: Sequence[Span], others: Sequence[Span]) -> float:
    shared = 0.0
    for start, end in spans:
        for a, b in others[max(0, bisect_left(others, (start,)) - 1) :]:
            if a >= end:
                break
            shared += max(0.0, min(end, b) - max(start, a))
    return shared
