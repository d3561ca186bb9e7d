"""Clips whose level says nothing -> a level as of the effort with which they were spoken."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.emotion import features
from pipeline.training import corpora
from pipeline.training.material import Material

_DB = np.log(10) / 10  # in natural logarithms of power


def vocal_effort(material: Material, clips: Sequence[int], by_tilt: float, by_arousal: float) -> dict[int, np.float32]:
    """What is added to log-mel power of clips whose makers gave them all about one level: a level made up, from labels.

    Who speaks with more effort, or more aroused, is louder and has a flatter spectrum (Traunmüller & Eriksson 2000;
    Goudbeek & Scherer 2010): level comes back from the clip's tilt, in dB for each dB, and from its arousal, in dB for
    each unit, both against the speaker's mean.
    """
    by_speaker: dict[tuple[str, str], list[int]] = {}
    for i in clips:
        by_speaker.setdefault(material.clips[i].who, []).append(i)
    out: dict[int, np.float32] = {}
    for own in by_speaker.values():
        found = [features.speaker_baseline(material.frames(i), None) for i in own]
        level, tilt = (np.array([getattr(b, name) for b in found]) for name in ("level", "tilt"))
        arousal = np.array([corpora.VALENCE_AROUSAL[material.clips[i].emotion][1] for i in own])
        effort = by_tilt * (tilt - tilt.mean()) + by_arousal * _DB * (arousal - arousal.mean())
        out |= dict(zip(own, (level.mean() - level + effort).astype(np.float32), strict=True))
    return out
