"""Voices from several recordings -> groups that seem to be one person each (pure)."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from ressenti.pipeline.voices.hearing import HeardVoice
from ressenti.pipeline.voices.likeness import comparable, limit_of

_NEVER = 1e3  # distance of two voices of one recording, who are two people; no mean with it comes below the limit
_SHIFT = 2.0  # keeps distances positive


@dataclass(frozen=True)
class Grouped:
    """Group of a voice, counted from 1 by size (None: nobody else seems to be the same person).

    `score` is its mean likeness to the others of its group, or to the one it is most like; `limit` what that has to
    reach.
    """

    group: int | None
    score: float | None
    limit: float | None


def groups_of(voices: Sequence[HeardVoice], recordings: Sequence[Hashable], false_alarm: float) -> list[Grouped]:
    """The group of each voice; two of one recording never share one.

    Average linkage on by how much likenesses miss their limits (Sokal and Michener 1958). `false_alarm` is the
    probability that two strangers are taken for one person, for any one pair.
    """
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    count = len(voices)
    if count < 2:
        return [Grouped(None, None, None)] * count
    vectors = comparable([voice.embedding for voice in voices])
    scores = np.clip(vectors @ vectors.T, -1, 1).astype(np.float64)
    limits = np.array([[limit_of(min(a.speech_s, b.speech_s), false_alarm) for b in voices] for a in voices])
    apart = np.array([[a == b for b in recordings] for a in recordings])
    distances = _SHIFT + limits - scores
    distances[apart] = _NEVER
    np.fill_diagonal(distances, 0)
    labels = fcluster(linkage(squareform(distances, checks=False), "average"), _SHIFT, "distance")
    sizes = {label: int((labels == label).sum()) for label in dict.fromkeys(labels.tolist())}
    order = [label for label in sorted(sizes, key=lambda label: -sizes[label]) if sizes[label] > 1]
    number = {label: k + 1 for k, label in enumerate(order)}
    out = []
    for k, label in enumerate(labels.tolist()):
        others = np.flatnonzero((labels == label) & (np.arange(count) != k))
        if not len(others):
            elsewhere = np.flatnonzero(~apart[k])
            others = elsewhere[[np.argmax((scores - limits)[k, elsewhere])]] if len(elsewhere) else elsewhere
        mean = (float(scores[k, others].mean()), float(limits[k, others].mean())) if len(others) else (None, None)
        out.append(Grouped(number.get(label), *mean))
    return out
