"""How well activation by rule ranks labelled speech: high against low arousal, each clip against its speaker's others.

Nothing is learned from clips, so every corpus can be measured.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ressenti.pipeline.affect.activation import activations
from ressenti.pipeline.audio import RATE_HZ
from ressenti.pipeline.config import DiarizationOptions
from ressenti.pipeline.emotion.voice_measures import voice_measures_of
from ressenti.pipeline.lab.evaluation import metrics
from ressenti.pipeline.lab.evaluation.metrics import Interval
from ressenti.pipeline.lab.labelled_speech.conditions import Condition, in_condition, voices_for
from ressenti.pipeline.lab.labelled_speech.corpora import VALENCE_AROUSAL, Clip
from ressenti.pipeline.lab.labelled_speech.prepare import speech_of
from ressenti.pipeline.progress import Progress, ignore_progress
from ressenti.pipeline.records import VoiceMeasures


@dataclass(frozen=True)
class HeardClip:
    """A clip's speaker, emotion, how it sounds, and its seconds of speech."""

    who: tuple[str, str]
    emotion: str
    voice: VoiceMeasures
    seconds: float


@dataclass(frozen=True)
class ActivationFigures:
    """Clips, speakers, and how well activation ranks them: area under the ROC curve of high (> 0) against low arousal.

    `auc` ranks all clips together, with an interval over speakers, `auc_calm` high against neutral and calm clips
    alone, `within` is the mean of the speakers' own. None where a corpus lacks one kind. `unvoiced` clips have no
    voiced sound and take no part. `by_emotion` is the mean activation (SD) of each emotion.
    """

    condition: str
    clips: int
    speakers: int
    unvoiced: int
    auc: float | None
    interval: Interval | None
    auc_calm: float | None
    within: float | None
    by_emotion: dict[str, float]


def hear(
    clips: Sequence[Clip], condition: Condition, options: DiarizationOptions, progress: Progress = ignore_progress
) -> tuple[list[HeardClip], int]:
    """Measure the speech of clips in a condition; the number of those without a voice comes with it."""
    voices, heard, unvoiced = voices_for(condition, clips), [], 0
    for done, clip in enumerate(clips, start=1):
        samples = speech_of(in_condition(clip, condition, voices), options)
        measures = voice_measures_of(samples)
        if measures is None:
            unvoiced += 1
        else:
            heard.append(HeardClip(clip.who, clip.emotion, measures, len(samples) / RATE_HZ))
        progress("clips", done, len(clips))
    return heard, unvoiced


def figures_of(heard: Sequence[HeardClip], condition: str = "clean", unvoiced: int = 0) -> ActivationFigures:
    """Rank clips, each against all clips of its speaker."""
    by_speaker: dict[tuple[str, str], list[int]] = defaultdict(list)
    for k, clip in enumerate(heard):
        by_speaker[clip.who].append(k)
    found = np.zeros(len(heard))
    for rows in by_speaker.values():
        found[rows] = activations([heard[k].voice for k in rows], [heard[k].seconds for k in rows])
    high = np.array([VALENCE_AROUSAL[clip.emotion][1] > 0 for clip in heard])
    calm = np.array([clip.emotion in ("neutral", "calm") for clip in heard])

    def auc(rows: np.ndarray) -> float:
        return metrics.ranking(high[rows], found[rows])

    every = np.arange(len(heard))
    own = [value for rows in by_speaker.values() if not np.isnan(value := auc(np.array(rows)))]
    names = sorted({clip.emotion for clip in heard}, key=list(VALENCE_AROUSAL).index)
    return ActivationFigures(
        condition=condition,
        clips=len(heard),
        speakers=len(by_speaker),
        unvoiced=unvoiced,
        auc=_known(auc(every)),
        interval=metrics.bootstrap([clip.who for clip in heard], auc),
        auc_calm=_known(auc(np.flatnonzero(high | calm))),
        within=float(np.mean(own)) if own else None,
        by_emotion={n: float(found[[clip.emotion == n for clip in heard]].mean()) for n in names},
    )


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value
