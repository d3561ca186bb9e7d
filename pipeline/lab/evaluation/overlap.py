"""Overlapped speech against a reference, in frames of 10 ms (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ressenti.pipeline.records import Segment

FRAME_S = 0.01


class Retrieved(Protocol):
    """Ratios of what is `true`, what was `found`, and what of it is `right`, in any unit; None where nothing is."""

    @property
    def counts(self) -> tuple[float, float, float]:
        """How much is true, found, and right."""
        ...

    @property
    def precision(self) -> float | None:
        """Share of what was found that is right; None if nothing was found."""
        _, found, right = self.counts
        return share(right, found)

    @property
    def recall(self) -> float | None:
        """Share of what is true that was found; None if there is nothing to find."""
        true, _, right = self.counts
        return share(right, true)

    @property
    def f1(self) -> float | None:
        """Harmonic mean of both; None if there is nothing and nothing was found."""
        true, found, right = self.counts
        return share(2 * right, true + found)


@dataclass(frozen=True)
class Overlap(Retrieved):
    """Seconds in which anybody speaks, in which two or more do (true, found, and both), and errors in true overlap.

    `speech_s` is of the reference. The last four are seconds of speakers, where the reference has two or more.
    """

    speech_s: float
    true_s: float
    found_s: float
    both_s: float
    reference_s: float
    missed_s: float
    false_alarm_s: float
    confusion_s: float

    @property
    def counts(self) -> tuple[float, float, float]:
        """Seconds of overlap that are true, found, and both."""
        return self.true_s, self.found_s, self.both_s

    @property
    def invented(self) -> float | None:
        """Overlap found where there is none, as a share of the reference's speech; None without speech."""
        return share(self.found_s - self.both_s, self.speech_s)

    @property
    def rate(self) -> float | None:
        """Diarization error rate of overlapped speech, without a collar; None if there is none."""
        return share(self.missed_s + self.false_alarm_s + self.confusion_s, self.reference_s)


def overlap_of(
    found: Sequence[Segment],
    reference: Sequence[Segment],
    scored: Sequence[tuple[float, float]],
    names: Mapping[str, str],
) -> Overlap:
    """Compare overlap within the scored spans; `names` are the reference's speakers by found label.

    In overlap, a speaker who is missing is missed, one too many a false alarm, a wrong one is confused, as in the
    diarization error rate; who is who was decided on the whole recording.
    """
    count = round(max((s.end_s for s in (*found, *reference)), default=0.0) / FRAME_S)
    where = _frames(scored, count)
    true = {label: where & _frames(_spans(reference, label), count) for label in {s.speaker for s in reference}}
    heard = {label: where & _frames(_spans(found, label), count) for label in {s.speaker for s in found}}
    nobody = np.zeros(count, bool)
    said, told = (np.sum([nobody, *rows.values()], axis=0) for rows in (true, heard))
    right = np.sum([nobody, *(row & true.get(names.get(label, ""), nobody) for label, row in heard.items())], axis=0)
    both = said > 1
    seconds = (
        said > 0,
        both,
        told > 1,
        both & (told > 1),
        said[both],
        np.maximum(said - told, 0)[both],
        np.maximum(told - said, 0)[both],
        (np.minimum(said, told) - right)[both],
    )
    return Overlap(*(float(frames.sum()) * FRAME_S for frames in seconds))


def add_overlaps(overlaps: Sequence[Overlap]) -> Overlap:
    """Add up the seconds of several recordings."""
    return Overlap(*(sum(column) for column in zip(*map(astuple, overlaps), strict=True)))


def share(part: float, whole: float) -> float | None:
    """Part of a whole; None of nothing."""
    return part / whole if whole > 0 else None


def _spans(segments: Sequence[Segment], label: str) -> list[tuple[float, float]]:
    return [(s.start_s, s.end_s) for s in segments if s.speaker == label]


def _frames(spans: Sequence[tuple[float, float]], count: int) -> npt.NDArray[np.bool_]:
    """The frames of some spans, each from the nearest boundary to the nearest."""
    out = np.zeros(count, bool)
    for start, end in spans:
        out[max(0, round(start / FRAME_S)) : max(0, round(end / FRAME_S))] = True
    return out
