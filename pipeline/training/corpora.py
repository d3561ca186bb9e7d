"""The labelled corpora that the built-in emotion model learns from, and the speakers that no training may touch."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from pipeline.errors import NotFoundError

EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
CLASS_OF = {"happy": 0, "calm": 1, "neutral": 2, "sad": 3, "angry": 4}
"""Index in `CLASSES` of each emotion that has a class, as in the seed model's published RAVDESS table."""

VALENCE_AROUSAL = {
    "neutral": (0.0, 0.0),
    "calm": (0.65, -0.55),
    "happy": (0.80, 0.45),
    "sad": (-0.65, -0.30),
    "angry": (-0.50, 0.70),
    "fearful": (-0.60, 0.60),
    "disgust": (-0.60, 0.20),
    "surprised": (0.25, 0.70),
}
"""Coordinates of acted emotions, after Russell 1980 and NRC-VAD; acted joy and anger are more aroused."""


@dataclass(frozen=True)
class Clip:
    """One labelled clip."""

    path: Path
    corpus: str
    speaker: str
    emotion: str


@cache
def held_out() -> frozenset[tuple[str, str]]:
    """(corpus, speaker) pairs that no training may touch, as committed in `held_out.csv`."""
    with (resources.files(__package__) / "held_out.csv").open(encoding="utf-8") as file:
        return frozenset((row["corpus"], row["speaker"]) for row in csv.DictReader(file))


def read_clips(folder: Path) -> list[Clip]:
    """Every clip of every corpus under a folder that holds `CORPUS/labels.csv` files, in a fixed order.

    Raises `NotFoundError` when there is none.
    """
    clips: list[Clip] = []
    for labels in sorted(folder.glob("*/labels.csv")):
        with labels.open(encoding="utf-8") as file:
            clips += [
                Clip(labels.parent / row["path"], labels.parent.name, row["speaker"], row["emotion"])
                for row in csv.DictReader(file)
            ]
    if not clips:
        raise NotFoundError(f"{folder}: no CORPUS/labels.csv in it; expected a folder of labelled corpora.")
    return sorted(clips, key=lambda clip: str(clip.path))


def split(clips: Sequence[Clip]) -> tuple[list[Clip], list[Clip]]:
    """Clips to learn from and clips held out: two sets of speakers that share nobody."""
    held = [clip for clip in clips if (clip.corpus, clip.speaker) in held_out()]
    return [clip for clip in clips if (clip.corpus, clip.speaker) not in held_out()], held


def left_out(clips: Sequence[Clip], member: int, members: int) -> frozenset[tuple[str, str]]:
    """Speakers that one network of several does not learn from: of each corpus every eighth, others for each."""
    out: set[tuple[str, str]] = set()
    for corpus in sorted({clip.corpus for clip in clips}):
        speakers = sorted({clip.speaker for clip in clips if clip.corpus == corpus})
        out |= {(corpus, speaker) for i, speaker in enumerate(speakers) if i % max(8, members) == member}
    return frozenset(out)
