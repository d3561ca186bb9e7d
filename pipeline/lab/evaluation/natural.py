"""Labelled clips -> how well emotions are heard in talk as it mostly is: neutral, with some other emotion.

Each speaker's clips are drawn into conversations, `NEUTRAL` of them neutral, the rest from their other classes equally.
A speaker with few neutral clips repeats them, which adds speech but nothing new. The model expects what its
configuration says, and its baseline is the conversation.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ressenti.pipeline.affect.points import is_unsure
from ressenti.pipeline.audio import RATE_HZ
from ressenti.pipeline.config import Config
from ressenti.pipeline.emotion.interface import EmotionModel
from ressenti.pipeline.lab.evaluation import metrics
from ressenti.pipeline.lab.evaluation.emotion import ClipScores, Cut, hear_as
from ressenti.pipeline.lab.evaluation.metrics import FloatArray, IntArray, Interval
from ressenti.pipeline.progress import Progress, ignore_progress
from ressenti.pipeline.records import CLASSES

NEUTRAL = 0.7
SECONDS = 120.0  # of each conversation
TIMES = 3  # conversations of each speaker
SEED = 0
_NEUTRAL, _TENSION = CLASSES.index("Neutral"), CLASSES.index("Tension")


@dataclass(frozen=True)
class InTalk:
    """A clip as it was scored in a conversation, and its seconds of speech."""

    heard: ClipScores
    seconds: float


@dataclass(frozen=True)
class NaturalFigures:
    """Figures of clips in mostly neutral conversations; intervals are 95 % over speakers.

    `accuracy` has to beat `always_neutral`, the share of neutral clips. `brier_skill` is 1 minus the Brier score over
    that of a model which always gives the shares of the classes: 0 is no better than that, 1 is perfect. `sure_share`
    have a score at the configured limit or above, `sure_right` of these are right; `sure_other` are sure of another
    class than Neutral, and `sure_other_right` of these are right. `tension_recall` of the tense clips are called tense,
    `tension_sure` of them for sure; `false_tension_per_h` is how often in an hour of neutral speech Tension is called
    for sure. None where there is nothing to count.
    """

    clips: int
    speakers: int
    always_neutral: float
    accuracy: float
    accuracy_interval: Interval | None
    macro_f1: float
    macro_f1_interval: Interval | None
    brier_skill: float
    brier_skill_interval: Interval | None
    sure_share: float
    sure_right: float | None
    sure_other: float
    sure_other_right: float | None
    tension_recall: float | None
    tension_sure: float | None
    false_tension_per_h: float | None


def hear_naturally(
    cuts: Sequence[Cut], model: EmotionModel, config: Config, progress: Progress = ignore_progress
) -> list[InTalk]:
    """Score clips in mostly neutral conversations of each speaker who has neutral clips and others with a class."""
    people: dict[tuple[str, str], list[Cut]] = {}
    for cut in cuts:
        if cut.clip.label is not None:
            people.setdefault(cut.clip.who, []).append(cut)
    out: list[InTalk] = []
    for done, (who, own) in enumerate(sorted(people.items()), start=1):
        labels = [cut.clip.label or 0 for cut in own]
        if _NEUTRAL in labels and set(labels) != {_NEUTRAL}:
            rng = np.random.default_rng([SEED, *hashlib.sha256("/".join(who).encode()).digest()[:4]])
            for _ in range(TIMES):
                talk = _talk([len(cut.samples) / RATE_HZ for cut in own], labels, rng)
                heard = hear_as([own[i] for i in talk], [who[1]] * len(talk), model, config, emotions=False)
                out += [InTalk(one, len(own[i].samples) / RATE_HZ) for i, one in zip(talk, heard, strict=True)]
        progress("talks", done, len(people))
    return out


def _talk(seconds: Sequence[float], labels: Sequence[int], rng: np.random.Generator) -> list[int]:
    """Clips of one conversation, as indices."""
    of = {label: [i for i, own in enumerate(labels) if own == label] for label in sorted(set(labels))}
    others = [label for label in of if label != _NEUTRAL]
    talk: list[int] = []
    while sum(seconds[i] for i in talk) < SECONDS:
        label = _NEUTRAL if rng.random() < NEUTRAL else others[int(rng.integers(len(others)))]
        talk.append(of[label][int(rng.integers(len(of[label])))])
    return talk


def natural_figures(heard: Sequence[InTalk], config: Config) -> NaturalFigures:
    """Figures of what `hear_naturally` gives; raises `ValueError` without any."""
    if not heard:
        raise ValueError("no speaker has neutral clips and others")
    answers = [one.heard for one in heard]
    truth = np.array([h.clip.label for h in answers], dtype=np.int64)
    guess = np.array([CLASSES.index(h.scores.top) for h in answers], dtype=np.int64)
    scores = np.array([h.scores.scores for h in answers])
    seconds = np.array([one.seconds for one in heard])
    sure = np.array([not is_unsure(h.scores, config.emotion) for h in answers], dtype=bool)
    speakers = [h.clip.who for h in answers]
    right, other = truth == guess, guess != _NEUTRAL
    tense, neutral = truth == _TENSION, truth == _NEUTRAL

    def skill(rows: IntArray) -> float:
        return _brier_skill(scores[rows], truth[rows])

    def f1(rows: IntArray) -> float:
        return metrics.macro_f1(metrics.confusion(truth[rows], guess[rows]))

    def accuracy(rows: IntArray) -> float:
        return float(right[rows].mean())

    everything = np.arange(len(truth))
    false = (sure & (guess == _TENSION))[neutral].sum()
    return NaturalFigures(
        clips=len(truth),
        speakers=len(set(speakers)),
        always_neutral=float(neutral.mean()),
        accuracy=accuracy(everything),
        accuracy_interval=metrics.bootstrap(speakers, accuracy),
        macro_f1=f1(everything),
        macro_f1_interval=metrics.bootstrap(speakers, f1),
        brier_skill=skill(everything),
        brier_skill_interval=metrics.bootstrap(speakers, skill),
        sure_share=float(sure.mean()),
        sure_right=_share(right, sure),
        sure_other=float((sure & other).mean()),
        sure_other_right=_share(right, sure & other),
        tension_recall=_share(guess == _TENSION, tense),
        tension_sure=_share(sure & (guess == _TENSION), tense),
        false_tension_per_h=float(false / seconds[neutral].sum() * 3600) if neutral.any() else None,
    )


def _share(what: FloatArray, of: FloatArray) -> float | None:
    return float(what[of].mean()) if of.any() else None


def _brier_skill(scores: FloatArray, truth: IntArray) -> float:
    """Brier skill (Brier 1950) of scores (n, 5) against the shares of the classes among the truth (n,)."""
    there = np.eye(len(CLASSES))[truth]
    shares = there.mean(axis=0)
    reference = ((shares - there) ** 2).sum(axis=1).mean()
    return float(1 - ((scores - there) ** 2).sum(axis=1).mean() / reference) if reference else float("nan")
