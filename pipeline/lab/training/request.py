"""The request, the material and the result of a training run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ressenti.pipeline.lab.labelled_speech.corpora import Clip
from ressenti.pipeline.lab.training.base import Base
from ressenti.pipeline.lab.training.clip_sounds import Sounds
from ressenti.pipeline.lab.training.folds import Partition

if TYPE_CHECKING:
    from ressenti.pipeline.lab.evaluation.emotion import EmotionFigures
    from ressenti.pipeline.lab.training.learner import Epoch


@dataclass(frozen=True)
class Request:
    """The user's request: manifest, base, output folder, licence and whether it allows commercial use, command line."""

    manifest: Path
    base: str
    out: Path
    licence: str | None = None
    allow_missing: bool = False
    overwrite: bool = False
    command: str = ""
    commercial: bool = False


@dataclass(frozen=True)
class Material:
    """Usable clips by part, with their samples in the order of `clips`; `left_out` counts the others by reason."""

    parts: Partition
    clips: tuple[Clip, ...]
    sounds: Sounds
    left_out: dict[str, int]

    def rows(self, part: str) -> tuple[int, ...]:
        """Indices of the clips of a part."""
        own = {clip.path for clip in self.parts.named()[part]}
        return tuple(i for i, clip in enumerate(self.clips) if clip.path in own)

    def labels(self, part: str) -> dict[int, int]:
        """Class indices of the clips of a part."""
        return {i: label for i in self.rows(part) if (label := self.clips[i].label) is not None}


@dataclass(frozen=True)
class Made:
    """A finished training run: the folder and the content of its model card."""

    out: Path
    base: Base
    own_head: bool
    material: Material
    curve: tuple[Epoch, ...]
    figures: EmotionFigures
    at_thresholds: tuple[float, ...]
    placed: tuple[str, str]
