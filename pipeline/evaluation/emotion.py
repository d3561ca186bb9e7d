"""An emotion model against labelled speech: heard as in a conversation, or each clip alone, in several conditions."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from pipeline import affect
from pipeline.audio import RATE_HZ, Samples
from pipeline.config import Config
from pipeline.emotion.interface import EmotionModel, Excerpt
from pipeline.errors import ConfigError
from pipeline.evaluation import acoustics, metrics
from pipeline.evaluation.metrics import FloatArray, IntArray, Interval, ReliabilityBin
from pipeline.records import CLASSES, EmotionScores, Progress, Window, ignore_progress
from pipeline.training.corpora import VALENCE_AROUSAL, Clip
from pipeline.training.prepare import read, speech_of
from pipeline.turns import windows_of

Condition = Literal["clean", "phone", "mp3", "babble", "noise"]
CONDITIONS: tuple[Condition, ...] = ("clean", "phone", "mp3", "babble", "noise")
SNR_DB = 10.0  # of babble and noise
_VOICES, _POOL = 6, 24  # that babble at once, out of so many clips


@dataclass(frozen=True)
class Cut:
    """A clip, the samples (n,) of its speech, and the windows (start_s, end_s, weight_s) in which it is scored."""

    clip: Clip
    samples: Samples
    plan: tuple[tuple[float, float, float], ...]


@dataclass(frozen=True)
class Heard:
    """A clip and what the product made of it: scores, and expected valence and arousal (None where undecided)."""

    clip: Clip
    scores: EmotionScores
    point: tuple[float, float] | None


@dataclass(frozen=True)
class EmotionFigures:
    """How well labelled clips were heard.

    `clips`, F1 and what follows are of clips that have a class; macro F1 and recall are over the classes that are
    there, intervals 95 % over speakers. `sure_share` have a score at the configured limit or above, `sure_right` of
    these are right. `arousal_auc` and `valence_auc` rank all emotions: high (> 0) against low arousal, positive
    against negative valence, by the corpus' values or else the emotion's coordinates; CCC needs the corpus' values.
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


def cut_clips(
    clips: Sequence[Clip], config: Config, condition: Condition = "clean", progress: Progress = ignore_progress
) -> list[Cut]:
    """Speech of clips in a condition, as turns of a conversation would be cut; long ones in windows, as turns are.

    Raises the subclass of `InputError` that fits a clip that cannot be read.
    """
    voices = _voices(clips) if condition == "babble" else []
    out = []
    for done, clip in enumerate(clips, start=1):
        samples = speech_of(_in_condition(clip, condition, voices), config.diarization)
        length_s = len(samples) / RATE_HZ
        out.append(Cut(clip, samples, tuple(windows_of([(0.0, length_s, length_s)], config.emotion))))
        progress("clips", done, len(clips))
    return out


def hear(cuts: Sequence[Cut], model: EmotionModel, config: Config, *, alone: bool = False) -> list[Heard]:
    """Score clips as turns of conversations, each speaker's together, so that a model can know its speaker.

    With `alone`, every clip is as if nothing else had been heard of its speaker.
    """
    out: list[Heard] = []
    for who in sorted({cut.clip.who for cut in cuts}):
        own = [cut for cut in cuts if cut.clip.who == who]
        excerpts = [
            Excerpt(cut.samples[round(a * RATE_HZ) : round(b * RATE_HZ)], f"{who[1]}-{i}" if alone else who[1])
            for i, cut in enumerate(own)
            for a, b, _ in cut.plan
        ]
        scores = iter(model.score(excerpts))
        for cut in own:
            windows = tuple(
                affect.placed(Window(start, end, weight, next(scores)), config.affect)
                for start, end, weight in cut.plan
            )
            mean = affect.decided(affect.mean_scores(windows), config.emotion)
            out.append(Heard(cut.clip, mean, _point(windows, config)))
    return out


def figures_of(heard: Sequence[Heard], config: Config) -> EmotionFigures:
    """Figures of merit of what was heard; NaN where there is nothing to judge by, None where it is not defined."""
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

    arousal, valence = (_axis(heard, axis) for axis in (1, 0))
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
    )


def _axis(heard: Sequence[Heard], axis: int) -> tuple[float | None, float | None, Interval | None]:
    """AUC of one axis by its sign, and CCC with its interval where the material gives values."""
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
    """Mean of the windows' places in the plane, weighted by their speech, as a turn's."""
    points = [p for w in windows if (p := affect.point_of(w, 0, config.affect, config.emotion)) is not None]
    if not points:
        return None
    weights: FloatArray = np.array([p.weight_s for p in points])
    return tuple(np.average([(p.valence, p.arousal) for p in points], axis=0, weights=weights).tolist())


Voices = Sequence[tuple[tuple[str, str], acoustics.Sound]]


def _voices(clips: Sequence[Clip]) -> Voices:
    """Speakers and sounds to make babble of."""
    drawn = [clips[i] for i in np.random.default_rng(0).permutation(len(clips))[:_POOL]]
    return [(clip.who, acoustics.to_float(read(clip))) for clip in drawn]


def _in_condition(clip: Clip, condition: Condition, voices: Voices) -> Samples:
    """Samples of a clip in a condition, the same whenever it is asked for."""
    samples = read(clip)
    if condition == "clean":
        return samples
    sound = acoustics.to_float(samples)
    rng = np.random.default_rng(int(hashlib.sha256(clip.path.name.encode()).hexdigest()[:8], 16))
    if condition == "phone":
        sound = acoustics.through(acoustics.telephone(sound), "mulaw")
    elif condition == "mp3":
        sound = acoustics.through(sound, "mp3")
    elif condition == "noise":
        sound = acoustics.with_noise(sound, acoustics.pink_noise(len(sound), rng), SNR_DB)
    else:
        others = [voice for who, voice in voices if who != clip.who]
        if not others:
            raise ConfigError(
                f"babble: nobody but {clip.speaker} is there to talk; expected material of more speakers."
            )
        drawn = rng.permutation(len(others))[:_VOICES]
        talk = acoustics.babble([others[i] for i in drawn], len(sound), rng)
        sound = acoustics.with_noise(sound, talk, SNR_DB)
    return acoustics.to_int16(sound)
