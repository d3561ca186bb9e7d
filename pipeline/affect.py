"""Class scores -> valence and arousal with their spread, by anchors in the plane (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

from pipeline.config import AffectOptions, EmotionOptions
from pipeline.records import CLASSES, AffectPoint, EmotionScores, Turn, Window


def mean_scores(windows: Sequence[Window]) -> EmotionScores:
    """Scores of a turn: the mean of its windows, weighted by the speech they stand for. Needs at least one window."""
    weights = [w.weight_s for w in windows]
    total = sum(weights)

    def mean(values: Sequence[float]) -> float:
        return sum(v * w for v, w in zip(values, weights, strict=True)) / total

    scores = tuple(min(1.0, mean([w.emotion.scores[k] for w in windows])) for k in range(len(CLASSES)))
    valence = [w.emotion.valence for w in windows if w.emotion.valence is not None]
    arousal = [w.emotion.arousal for w in windows if w.emotion.arousal is not None]
    return EmotionScores(
        scores,
        windows[0].emotion.activation,
        mean(valence) if len(valence) == len(windows) else None,
        mean(arousal) if len(arousal) == len(windows) else None,
    )


def is_unsure(emotion: EmotionScores, options: EmotionOptions) -> bool:
    """Whether no class reaches the confidence that the configuration asks for."""
    return bool(emotion.confidence < options.unsure_below)


def point_of(window: Window, turn: int, options: AffectOptions) -> AffectPoint | None:
    """Expected valence and arousal of a window and their standard deviations under its class scores.

    Independent (sigmoid) scores that are all low say nothing about where in the plane the window lies: None then.
    """
    scores = window.emotion.scores
    if window.emotion.activation == "sigmoid" and max(scores) < 0.5:
        return None
    total = sum(scores)
    shares = [s / total for s in scores]
    anchors = [options.anchors[name] for name in CLASSES]
    means, spreads = [], []
    for axis in (0, 1):
        mean = sum(p * anchor[axis] for p, anchor in zip(shares, anchors, strict=True))
        variance = sum(p * (anchor[axis] - mean) ** 2 for p, anchor in zip(shares, anchors, strict=True))
        means.append(mean)
        spreads.append(sqrt(max(0.0, variance)))
    return AffectPoint(
        time_s=(window.start_s + window.end_s) / 2,
        duration_s=window.end_s - window.start_s,
        weight_s=window.weight_s,
        valence=means[0],
        arousal=means[1],
        valence_sd=spreads[0],
        arousal_sd=spreads[1],
        turn=turn,
    )


def points_of(turns: Sequence[Turn], speaker: str, options: AffectOptions) -> tuple[AffectPoint, ...]:
    """All points of one speaker in order of time."""
    points = [point_of(w, turn.index, options) for turn in turns if turn.speaker == speaker for w in turn.windows]
    return tuple(sorted((p for p in points if p is not None), key=lambda p: p.time_s))
