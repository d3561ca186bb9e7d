"""Evaluates an emotion model on labelled speech: as in a conversation or each clip alone, in several conditions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ressenti.pipeline.affect import points as affect
from ressenti.pipeline.audio import RATE_HZ, Samples
from ressenti.pipeline.config import Config
from ressenti.pipeline.emotion.interface import EmotionModel, Excerpt
from ressenti.pipeline.lab.evaluation import metrics
from ressenti.pipeline.lab.evaluation.metrics import FloatArray, IntArray, Interval, ReliabilityBin
from ressenti.pipeline.lab.evaluation.outputs import emotions_of
from ressenti.pipeline.lab.labelled_speech.conditions import Condition, in_condition, voices_for
from ressenti.pipeline.lab.labelled_speech.corpora import EMOTIONS, VALENCE_AROUSAL, Clip
from ressenti.pipeline.lab.labelled_speech.prepare import speech_of
from ressenti.pipeline.progress import Progress, ignore_progress
from ressenti.pipeline.records import CLASSES, EmotionScores, Window, mean_scores
from ressenti.pipeline.turns import windows_of


@dataclass(frozen=True)
class Cut:
    """A clip, the samples (n,) of its speech, and the windows (start_s, end_s, weight_s) in which it is scored."""

    clip: Clip
    samples: Samples
    plan: tuple[tuple[float, float, float], ...]


@dataclass(frozen=True)
class ClipScores:
    """A scored clip: class scores, and expected valence and arousal (None if undecided).

    `emotions` are the scores of the eight emotions, in the order of `EMOTIONS`; None if the model does not give them.
    """

    clip: Clip
    scores: EmotionScores
    point: tuple[float, float] | None
    emotions: tuple[float, ...] | None = None


@dataclass(frozen=True)
class EmotionFigures:
    """Accuracy of a model on labelled clips.

    `clips`, F1 and the figures below it cover clips with a class; macro F1 and recall average over the classes present;
    intervals are 95 % over speakers. `sure_share` have a score at the configured limit or above, `sure_right` of these
    are right. `arousal_auc` and `valence_auc` rank all emotions: high (> 0) against low arousal, positive against
    negative valence, by the corpus' values or else the emotion's coordinates; CCC needs the corpus' values.
    `emotion_recall` is the mean recall over those of the eight emotions that are present, for all clips with an
    emotion; None if the model does not give them. `lacks` are the classes that the training of a retrained model lacks;
    `macro_f1_learned` averages F1 over the other classes that are present; calling clips of lacking classes by these
    counts as wrong. All three are None for a model that was not retrained.
    """

    clips: int
    speakers: int
    f1: tuple[float, ...]
    support: tuple[int, ...]
    macro_f1: float
    macro_f1_interval: Interval | None
    micro_f1: float
    micro_f1_interval: Interval | None
    recall: float
    recall_interval: Interval | None
    confusion: tuple[tuple[int, ...], ...]
    calibration_error: float
    reliability: tuple[ReliabilityBin, ...]
    sure_share: float
    sure_right: float | None
    arousal_auc: float | None
    valence_auc: float | None
    arousal_ccc: float | None
    arousal_ccc_interval: Interval | None
    valence_ccc: float | None
    valence_ccc_interval: Interval | None
    emotion_recall: float | None
    emotion_recall_interval: Interval | None
    lacks: tuple[str, ...] | None
    macro_f1_learned: float | None
    macro_f1_learned_interval: Interval | None


def cut_clips(
    clips: Sequence[Clip], config: Config, condition: Condition = "clean", progress: Progress = ignore_progress
) -> list[Cut]:
    """Cut clips in a condition: speech without pauses, as in a conversation, in windows if it is long.

    Raises a subclass of `InputError` for a clip that cannot be read.
    """
    voices = voices_for(condition, clips)
    out = []
    for done, clip in enumerate(clips, start=1):
        samples = speech_of(in_condition(clip, condition, voices), config.diarization)
        length_s = len(samples) / RATE_HZ
        out.append(Cut(clip, samples, tuple(windows_of([(0.0, length_s, length_s)], config.emotion))))
        progress("clips", done, len(clips))
    return out


def hear(cuts: Sequence[Cut], model: EmotionModel, config: Config, *, alone: bool = False) -> list[ClipScores]:
    """Score clips as turns of conversations, each speaker's together, so that a model can adapt to the speaker.

    With `alone`, each clip is scored as if it were the speaker's only one.
    """
    out: list[ClipScores] = []
    for who in sorted({cut.clip.who for cut in cuts}):
        own = [cut for cut in cuts if cut.clip.who == who]
        names = [f"{who[1]}-{i}" if alone else who[1] for i in range(len(own))]
        out += hear_as(own, names, model, config)
    return out


def hear_as(
    cuts: Sequence[Cut], names: Sequence[str], model: EmotionModel, config: Config, *, emotions: bool = True
) -> list[ClipScores]:
    """Score clips in order; clips with the same name are one speaker's, in one conversation.

    Without `emotions`, the eight emotions are not scored, which halves the time.
    """
    excerpts = [
        Excerpt(cut.samples[round(start * RATE_HZ) : round(end * RATE_HZ)], name)
        for cut, name in zip(cuts, names, strict=True)
        for start, end, _ in cut.plan
    ]
    scores = iter(model.score(excerpts))
    eight: Iterator[FloatArray] = iter(emotions_of(model, excerpts) if emotions else ())
    out = []
    for cut in cuts:
        windows = tuple(
            affect.placed(Window(start, end, weight, next(scores)), config.affect) for start, end, weight in cut.plan
        )
        told = [row for _, row in zip(windows, eight, strict=False)]
        mean = mean_scores(windows)
        if mean is None:
            raise ValueError(f"{cut.clip.path.name}: no windows")
        decided = affect.decided(mean, config.emotion)
        out.append(ClipScores(cut.clip, decided, _point(windows, config), _mean(told, windows)))
    return out


def _mean(told: Sequence[FloatArray], windows: Sequence[Window]) -> tuple[float, ...] | None:
    """Mean scores of a clip's windows, weighted by their speech; None if there are no scores."""
    if not told:
        return None
    return tuple(np.average(told, axis=0, weights=[window.weight_s for window in windows]).tolist())


def figures_of(heard: Sequence[ClipScores], config: Config, lacks: tuple[str, ...] | None = None) -> EmotionFigures:
    """Figures for scored clips; NaN if there are no labels for a figure, None if it is not defined.

    `lacks` are the classes that the training lacks, where it is known.
    """
    classed = [h for h in heard if h.clip.label is not None]
    truth = np.array([h.clip.label for h in classed], dtype=np.int64)
    guess = np.array([CLASSES.index(h.scores.top) for h in classed], dtype=np.int64)
    confidence = np.array([h.scores.confidence for h in classed])
    speakers = [h.clip.who for h in classed]
    matrix = metrics.confusion(truth, guess)
    curve = metrics.reliability(confidence, truth == guess)
    sure = np.array([not affect.is_unsure(h.scores, config.emotion) for h in classed], dtype=bool)

    def interval(figure: metrics.OfConfusion) -> Interval | None:
        return metrics.bootstrap(speakers, lambda rows: figure(metrics.confusion(truth[rows], guess[rows])))

    def learned_f1(matrix: FloatArray) -> float:
        return metrics.macro_f1(matrix, [CLASSES.index(name) for name in lacks or ()])

    arousal, valence = (_axis(heard, axis) for axis in (1, 0))
    emotion_recall = _emotion_recall(heard)
    return EmotionFigures(
        clips=len(classed),
        speakers=len(set(speakers)),
        f1=tuple(metrics.f1_scores(matrix).tolist()),
        support=tuple(int(n) for n in matrix.sum(axis=1)),
        macro_f1=metrics.macro_f1(matrix),
        macro_f1_interval=interval(metrics.macro_f1),
        micro_f1=metrics.micro_f1(matrix),
        micro_f1_interval=interval(metrics.micro_f1),
        recall=metrics.unweighted_recall(matrix),
        recall_interval=interval(metrics.unweighted_recall),
        confusion=tuple(tuple(int(n) for n in row) for row in matrix),
        calibration_error=metrics.calibration_error(curve),
        reliability=curve,
        sure_share=float(sure.mean()) if len(sure) else float("nan"),
        sure_right=float((truth == guess)[sure].mean()) if sure.any() else None,
        arousal_auc=arousal[0],
        valence_auc=valence[0],
        arousal_ccc=arousal[1],
        arousal_ccc_interval=arousal[2],
        valence_ccc=valence[1],
        valence_ccc_interval=valence[2],
        emotion_recall=emotion_recall[0],
        emotion_recall_interval=emotion_recall[1],
        lacks=lacks,
        macro_f1_learned=None if lacks is None else learned_f1(matrix),
        macro_f1_learned_interval=None if lacks is None else interval(learned_f1),
    )


def _emotion_recall(heard: Sequence[ClipScores]) -> tuple[float | None, Interval | None]:
    """Mean recall of the emotions present, with its interval."""
    named = [(h.clip, h.emotions) for h in heard if h.clip.emotion and h.emotions is not None]
    if not named:
        return None, None
    truth = np.array([EMOTIONS.index(clip.emotion) for clip, _ in named], dtype=np.int64)
    guess = np.array([int(np.argmax(scores)) for _, scores in named], dtype=np.int64)

    def recall(rows: IntArray) -> float:
        return metrics.unweighted_recall(metrics.confusion(truth[rows], guess[rows], size=len(EMOTIONS)))

    return recall(np.arange(len(named))), metrics.bootstrap([clip.who for clip, _ in named], recall)


def _axis(heard: Sequence[ClipScores], axis: int) -> tuple[float | None, float | None, Interval | None]:
    """AUC of one axis by its sign, and CCC with its interval if the corpus has values."""
    placed = [h for h in heard if h.point is not None]
    given = [(h.clip.valence, h.clip.arousal)[axis] for h in placed]
    named = [VALENCE_AROUSAL[h.clip.emotion][axis] if h.clip.emotion else 0.0 for h in placed]
    known = np.array([n if v is None else v for v, n in zip(given, named, strict=True)])
    found = np.array([h.point[axis] for h in placed if h.point is not None])
    ranked = (known != 0) if axis == 0 else np.array([bool(h.clip.emotion) for h in placed], dtype=bool) | (known != 0)
    auc = metrics.ranking(known[ranked] > 0, found[ranked]) if len(known) else float("nan")
    rows = [i for i, value in enumerate(given) if value is not None]
    if not rows:
        return _or_none(auc), None, None
    truth, estimate = known[rows], found[rows]
    speakers = [placed[i].clip.who for i in rows]

    def ccc(drawn: IntArray) -> float:
        return metrics.concordance(truth[drawn], estimate[drawn])

    return _or_none(auc), _or_none(metrics.concordance(truth, estimate)), metrics.bootstrap(speakers, ccc)


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else value


def _point(windows: Sequence[Window], config: Config) -> tuple[float, float] | None:
    """Mean of the windows' points, weighted by their speech, as for a turn."""
    points = [p for w in windows if (p := affect.point_of(w, 0, config.affect, config.emotion)) is not None]
    if not points:
        return None
    weights: FloatArray = np.array([p.weight_s for p in points])
    return tuple(np.average([(p.valence, p.arousal) for p in points], axis=0, weights=weights).tolist())
