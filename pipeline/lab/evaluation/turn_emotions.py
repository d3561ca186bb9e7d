"""Missed speech and speaker confusion, by the emotion of the turn."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ressenti.pipeline.records import CLASSES

if TYPE_CHECKING:
    from pyannote.core import Annotation, Timeline


@dataclass(frozen=True)
class SpokenEmotion:
    """A stretch of one speaker's speech with a known emotion, a label from `CLASSES`."""

    start_s: float
    end_s: float
    speaker: str
    label: str


@dataclass(frozen=True)
class EmotionErrors:
    """Seconds of speech with an emotion and one speaker only, and how many were missed or confused."""

    label: str
    reference_s: float
    missed_s: float
    confusion_s: float


def by_emotion(
    truth: Annotation, hypothesis: Annotation, scored: Timeline, emotions: Sequence[SpokenEmotion]
) -> tuple[EmotionErrors, ...]:
    """Missed speech and speaker confusion by emotion, outside overlap.

    Found speakers are matched with the reference by the optimal mapping over the whole file. A second speaker found
    beside the right one is a false alarm, which belongs to no emotion.
    """
    from pyannote.core import Segment as Span
    from pyannote.core import Timeline
    from pyannote.metrics.diarization import DiarizationErrorRate

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mapping = DiarizationErrorRate().optimal_mapping(truth, hypothesis, uem=scored)
    names = {reference: label for label, reference in mapping.items()}
    alone = scored.support().crop(truth.get_overlap().gaps(scored.extent()))
    spoken = hypothesis.get_timeline().support()
    out = []
    for label in CLASSES:
        parts = []
        for speaker in truth.labels():
            said = Timeline([Span(e.start_s, e.end_s) for e in emotions if (e.speaker, e.label) == (speaker, label)])
            said = said.support().crop(truth.label_timeline(speaker).support()).crop(alone)
            found = hypothesis.label_timeline(names[speaker]).support() if speaker in names else Timeline()
            parts.append((said.duration(), said.crop(spoken).duration(), said.crop(found).duration()))
        reference_s, heard_s, right_s = (sum(column) for column in zip(*parts, strict=True))
        if reference_s > 0:
            out.append(EmotionErrors(label, reference_s, reference_s - heard_s, heard_s - right_s))
    return tuple(out)


def add_up(errors: Iterable[EmotionErrors]) -> tuple[EmotionErrors, ...]:
    """Add up the errors of several recordings, by label in the order of `CLASSES`."""
    every = list(errors)
    return tuple(
        EmotionErrors(
            label,
            sum(e.reference_s for e in every if e.label == label),
            sum(e.missed_s for e in every if e.label == label),
            sum(e.confusion_s for e in every if e.label == label),
        )
        for label in CLASSES
        if any(e.label == label for e in every)
    )
