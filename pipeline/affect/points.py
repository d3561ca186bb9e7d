"""Turn class scores into valence and arousal with their spread, by anchors in the plane (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import sqrt
from typing import cast

from ressenti.pipeline.affect.stats import nearness
from ressenti.pipeline.config import AffectOptions, EmotionOptions
from ressenti.pipeline.records import CLASSES, AffectPoint, EmotionScores, Turn, Window


def given(emotion: EmotionScores, options: EmotionOptions) -> tuple[str, ...]:
    """Classes that reach the configured confidence, highest first; more than one only for independent scores.

    A class set by a person always counts as reached.
    """
    if emotion.activation == "human":
        return (emotion.top,)
    if emotion.activation != "sigmoid":
        return (emotion.top,) if emotion.confidence >= options.unsure_below else ()
    limits = cast("Mapping[str, float]", options.thresholds)
    found = [(s, name) for s, name in zip(emotion.scores, CLASSES, strict=True) if s >= limits[name]]
    return tuple(name for _, name in sorted(found, key=lambda pair: -pair[0]))


def decided(emotion: EmotionScores, options: EmotionOptions) -> EmotionScores:
    """Add to a turn's scores the classes that reach the configured confidence; the first is the turn's class."""
    return replace(emotion, reached=given(emotion, options))


def is_unsure(emotion: EmotionScores, options: EmotionOptions) -> bool:
    """Whether no class reaches the configured confidence."""
    return not given(emotion, options)


def placed(window: Window, options: AffectOptions) -> Window:
    """Recompute a regression window's class scores from the configured anchors; others are returned unchanged."""
    emotion = window.emotion
    if emotion is None or emotion.activation != "regression" or emotion.valence is None or emotion.arousal is None:
        return window
    anchors = [options.anchors[name] for name in CLASSES]
    near = nearness((emotion.valence, emotion.arousal), anchors, options.error_sd)
    return replace(window, emotion=replace(emotion, scores=near))


def point_of(
    window: Window, turn: int, options: AffectOptions, limits: EmotionOptions | None = None
) -> AffectPoint | None:
    """Expected valence and arousal of a window, and their standard deviations, under its class scores.

    None without scores, and if all independent (sigmoid) scores are below their thresholds, as they then give no
    position in the plane. A regression's valence and arousal are used directly, with the configured error.
    """
    emotion = window.emotion
    if emotion is None:
        return None
    if emotion.activation == "sigmoid" and is_unsure(emotion, limits or EmotionOptions()):
        return None
    if emotion.activation == "regression" and emotion.valence is not None and emotion.arousal is not None:
        return _point(window, turn, (emotion.valence, emotion.arousal), (options.error_sd, options.error_sd))
    total = sum(emotion.scores)
    shares = [s / total for s in emotion.scores]
    anchors = [options.anchors[name] for name in CLASSES]
    means, spreads = [], []
    for axis in (0, 1):
        mean = sum(p * anchor[axis] for p, anchor in zip(shares, anchors, strict=True))
        variance = sum(p * (anchor[axis] - mean) ** 2 for p, anchor in zip(shares, anchors, strict=True))
        means.append(mean)
        spreads.append(sqrt(max(0.0, variance)))
    return _point(window, turn, (means[0], means[1]), (spreads[0], spreads[1]))


def _point(window: Window, turn: int, means: tuple[float, float], spreads: tuple[float, float]) -> AffectPoint:
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


def points_of(
    turns: Sequence[Turn], speaker: str, options: AffectOptions, limits: EmotionOptions | None = None
) -> tuple[AffectPoint, ...]:
    """All points of one speaker in time order."""
    speaker_turns = [turn for turn in turns if turn.speaker == speaker]
    points = [point_of(w, turn.index, options, limits) for turn in speaker_turns for w in turn.windows]
    return tuple(sorted((p for p in points if p is not None), key=lambda p: p.time_s))
