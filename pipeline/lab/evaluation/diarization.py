"""Compares segments with a reference: diarization error rate, by pyannote.metrics."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median
from typing import TYPE_CHECKING

from ressenti.pipeline.config import DynamicsOptions, TurnOptions
from ressenti.pipeline.errors import NotFoundError
from ressenti.pipeline.lab.evaluation.exchanges import Hits, add_hits, events_of, hits
from ressenti.pipeline.lab.evaluation.overlap import Overlap, add_overlaps, overlap_of
from ressenti.pipeline.lab.evaluation.turn_emotions import EmotionErrors, SpokenEmotion, add_up, by_emotion
from ressenti.pipeline.records import Segment

if TYPE_CHECKING:
    from pyannote.core import Annotation


@dataclass(frozen=True)
class DiarizationError:
    """Seconds of reference speech and of each kind of error, without `collar_s` on each side of a boundary."""

    collar_s: float
    reference_s: float
    missed_s: float
    false_alarm_s: float
    confusion_s: float

    @property
    def rate(self) -> float:
        """Diarization error rate: errors over reference speech, overlap scored."""
        errors = self.missed_s + self.false_alarm_s + self.confusion_s
        return errors / self.reference_s if self.reference_s else float(errors > 0)


@dataclass(frozen=True)
class Comparison:
    """Comparison of found segments with a reference.

    `errors` by collar; `jaccard` is the Jaccard error rate; `boundary_s` the median distance from a reference boundary
    to the nearest found one, None if nothing was found; `matches` are (found, reference speaker, shared seconds);
    `by_emotion` has the labels that occur, without a collar. `interruptions` and `backchannels` are those of the
    reference's segments and of the found ones, by the rules of the product. `sure` says whether the number of speakers
    was called sure.
    """

    errors: tuple[DiarizationError, ...]
    jaccard: float
    boundary_s: float | None
    speakers: int
    found: int
    matches: tuple[tuple[str, str, float], ...]
    overlap: Overlap
    interruptions: Hits
    backchannels: Hits
    by_emotion: tuple[EmotionErrors, ...] = ()
    sure: bool = False


@dataclass(frozen=True)
class Total:
    """Total over several recordings: seconds add up, so long recordings weigh more.

    `jaccard` is the mean and `boundary_s` the median over recordings; `right` of `files` have the reference's number of
    speakers, `near` that or one more or less. `sure` files were called sure, `sure_right` of them rightly. Of
    `monologues` (one speaker), `split` were taken for several.
    """

    errors: tuple[DiarizationError, ...]
    jaccard: float
    boundary_s: float | None
    right: int
    files: int
    near: int
    sure: int
    sure_right: int
    monologues: int
    split: int
    overlap: Overlap
    interruptions: Hits
    backchannels: Hits
    by_emotion: tuple[EmotionErrors, ...]


def read_rttm(path: Path, uri: str | None = None) -> tuple[Segment, ...]:
    """Read the segments of an RTTM file, or of one recording (`uri`) in it; raises `NotFoundError` if it has none."""
    segments = []
    for line in path.read_text(encoding="utf-8").splitlines():
        fields = line.split()
        if len(fields) >= 8 and fields[0] == "SPEAKER" and (uri is None or fields[1] == uri) and float(fields[4]) > 0:
            start_s = float(fields[3])
            segments.append(Segment(start_s, start_s + float(fields[4]), fields[7]))
    if not segments:
        raise NotFoundError(f"{path}: no SPEAKER line{f' for {uri}' if uri else ''}; expected an RTTM file.")
    return tuple(segments)


def compare(
    found: Sequence[Segment],
    reference: Sequence[Segment],
    scored: Sequence[tuple[float, float]],
    collars_s: Sequence[float] = (0.0, 0.25),
    emotions: Sequence[SpokenEmotion] = (),
    *,
    sure: bool = False,
    turns: TurnOptions | None = None,
    dynamics: DynamicsOptions | None = None,
) -> Comparison:
    """Score segments against a reference within the `scored` spans (UEM), once for each collar (seconds per side).

    `turns` and `dynamics` say what a turn and an interruption are, for both sides.
    """
    from pyannote.core import Segment as Span
    from pyannote.core import Timeline
    from pyannote.metrics.diarization import DiarizationErrorRate, JaccardErrorRate

    hypothesis, truth = _annotation(found), _annotation(reference)
    where = Timeline([Span(start, end) for start, end in scored])
    errors = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for collar_s in collars_s:
            metric = DiarizationErrorRate(collar=2 * collar_s, skip_overlap=False)  # pyannote takes the total width
            parts = metric(truth, hypothesis, uem=where, detailed=True)
            names = ("total", "missed detection", "false alarm", "confusion")
            errors.append(DiarizationError(collar_s, *(float(parts[name]) for name in names)))
        mapping = DiarizationErrorRate().optimal_mapping(truth, hypothesis)
        jaccard = float(JaccardErrorRate()(truth, hypothesis, uem=where))  # type: ignore[no-untyped-call]
    shared = truth * hypothesis  # co-occurrence in seconds, reference by hypothesis
    rows, columns = truth.labels(), hypothesis.labels()
    matches = tuple(
        (label, str(mapping[label]), float(shared[rows.index(mapping[label]), columns.index(label)]))
        for label in columns
        if label in mapping
    )
    known = {label: name for label, name, _ in matches}
    rules = turns or TurnOptions(), dynamics or DynamicsOptions()
    found_events, true_events = events_of(found, *rules), events_of(reference, *rules)
    interruptions, backchannels = (
        hits(heard, said, known, scored) for heard, said in zip(found_events, true_events, strict=True)
    )
    boundaries = sorted(edge for s in found for edge in (s.start_s, s.end_s))
    gaps = [min(abs(edge - b) for b in boundaries) for s in reference for edge in (s.start_s, s.end_s) if boundaries]
    return Comparison(
        errors=tuple(errors),
        jaccard=jaccard,
        boundary_s=median(gaps) if gaps else None,
        speakers=len(rows),
        found=len(columns),
        matches=matches,
        overlap=overlap_of(found, reference, scored, known),
        interruptions=interruptions,
        backchannels=backchannels,
        by_emotion=by_emotion(truth, hypothesis, where, emotions),
        sure=sure,
    )


def total(comparisons: Sequence[Comparison]) -> Total:
    """Add up the comparisons of one or more recordings."""
    boundaries = [c.boundary_s for c in comparisons if c.boundary_s is not None]
    right = [c.found == c.speakers for c in comparisons]
    return Total(
        errors=tuple(
            DiarizationError(
                group[0].collar_s,
                sum(e.reference_s for e in group),
                sum(e.missed_s for e in group),
                sum(e.false_alarm_s for e in group),
                sum(e.confusion_s for e in group),
            )
            for group in zip(*(c.errors for c in comparisons), strict=True)
        ),
        jaccard=fmean(c.jaccard for c in comparisons),
        boundary_s=median(boundaries) if boundaries else None,
        right=sum(right),
        files=len(comparisons),
        near=sum(abs(c.found - c.speakers) <= 1 for c in comparisons),
        sure=sum(c.sure for c in comparisons),
        sure_right=sum(c.sure and fits for c, fits in zip(comparisons, right, strict=True)),
        monologues=sum(c.speakers == 1 for c in comparisons),
        split=sum(c.speakers == 1 < c.found for c in comparisons),
        overlap=add_overlaps([c.overlap for c in comparisons]),
        interruptions=add_hits([c.interruptions for c in comparisons]),
        backchannels=add_hits([c.backchannels for c in comparisons]),
        by_emotion=add_up(e for c in comparisons for e in c.by_emotion),
    )


def _annotation(segments: Sequence[Segment]) -> Annotation:
    from pyannote.core import Annotation
    from pyannote.core import Segment as Span

    annotation = Annotation()
    for i, segment in enumerate(segments):
        annotation[Span(segment.start_s, segment.end_s), i] = segment.speaker
    return annotation
