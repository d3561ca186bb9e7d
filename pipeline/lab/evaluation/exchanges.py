"""Interruptions and backchannels against a reference: both sides counted by the rules of the product (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ressenti.pipeline import turn_taking
from ressenti.pipeline.config import DynamicsOptions, TurnOptions
from ressenti.pipeline.lab.evaluation.overlap import Retrieved
from ressenti.pipeline.records import Segment
from ressenti.pipeline.turns import make_turns


@dataclass(frozen=True)
class Event:
    """Something that one speaker does at a time: the span of an interruption's overlap, or of a backchannel."""

    start_s: float
    end_s: float
    speaker: str


@dataclass(frozen=True)
class Hits(Retrieved):
    """How many events there are, how many were found, and how many of those are right."""

    true: int
    found: int
    right: int

    @property
    def counts(self) -> tuple[float, float, float]:
        """Events that are true, found, and right."""
        return self.true, self.found, self.right


def events_of(
    segments: Sequence[Segment], turns: TurnOptions, dynamics: DynamicsOptions
) -> tuple[list[Event], list[Event]]:
    """Interruptions and backchannels of segments, which may overlap, as an analysis counts them."""
    made = make_turns(segments, turns)
    inside = turn_taking.backchannels_of(made)
    return (
        [Event(i.time_s, i.time_s + i.overlap_s, i.by) for i in turn_taking.interruptions_of(made, dynamics)],
        [Event(turn.start_s, turn.end_s, turn.speaker) for turn in made if turn.index in inside],
    )


def hits(
    found: Sequence[Event],
    true: Sequence[Event],
    names: Mapping[str, str],
    scored: Sequence[tuple[float, float]],
) -> Hits:
    """Match events one to one; a found event is right if it overlaps a true one of the same speaker.

    `names` are the reference's speakers by found label. Events that begin outside the scored spans do not count.
    """
    from scipy.optimize import linear_sum_assignment

    heard, said = ([e for e in events if any(a <= e.start_s < b for a, b in scored)] for events in (found, true))
    same = np.zeros((len(heard), len(said)), dtype=np.int64)
    for i, a in enumerate(heard):
        for k, b in enumerate(said):
            same[i, k] = names.get(a.speaker) == b.speaker and a.start_s < b.end_s and b.start_s < a.end_s
    rows, columns = linear_sum_assignment(same, maximize=True)
    return Hits(len(said), len(heard), int(same[rows, columns].sum()))


def add_hits(several: Sequence[Hits]) -> Hits:
    """Add up the events of several recordings."""
    return Hits(sum(h.true for h in several), sum(h.found for h in several), sum(h.right for h in several))
