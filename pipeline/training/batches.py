"""Material -> seeded batches of simulated conversations for the built-in emotion network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pipeline.emotion import features
from pipeline.emotion.features import Baseline, Frames
from pipeline.mel import FloatArray
from pipeline.training import corpora
from pipeline.training.material import Material
from pipeline.training.surroundings import SHARES

_OTHER_SHARE = 0.2  # of a corpus that the recipe does not name
_BASE_FRAMES = 800  # out of all of a speaker, that his or her baseline is taken from
_DB = np.log(10) / 10  # in natural logarithms of power


@dataclass(frozen=True)
class Recipe:
    """Everything that the training depends on besides the data."""

    seed: int = 7
    members: int = 2  # networks whose outputs are averaged; each leaves out other speakers, for the temperature
    steps: int = 2500
    groups: int = 6  # simulated conversations in a batch: one speaker, one channel each
    clips: int = 8  # of each
    frames: int = 256
    long_share: float = 0.8  # of conversations, in which the baseline is from minutes of the speaker
    smoothing: float = 0.1  # of labels
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    average_decay: float = 0.998
    corpus_share: tuple[tuple[str, float], ...] = (("ravdess", 0.7), ("nemo", 0.2), ("emodb", 0.1))


@dataclass(frozen=True)
class Batch:
    """Clips: bands (b, frames, 64), contours (b, frames, 4), mask (b, frames), and what they are.

    Targets are 1 for the emotion (b, 8) and for its class (b, 5), if it has one, and valence and arousal (b, 2).
    """

    bands: Tensor
    contours: Tensor
    mask: Tensor
    emotions: Tensor
    classes: Tensor
    plane: Tensor


def population(material: Material, clips: Sequence[int]) -> Baseline:
    """The mean speaker of some clips: each at his or her own level, counted once."""
    own: dict[tuple[str, str], list[int]] = {}
    for i in clips:
        own.setdefault(material.clips[i].who, []).append(i)
    found = [features.speaker_baseline(material.all_of(rows, every=7), None) for rows in own.values()]
    return Baseline(
        np.mean([b.mean for b in found], axis=0).astype(np.float32),
        np.sqrt(np.mean([b.sd**2 for b in found], axis=0)).astype(np.float32),
        float(np.mean([b.pitch for b in found])),
        float(np.mean([b.tilt for b in found])),
    )


class Batches:
    """Groups of clips of one speaker, emotions not balanced, in one surrounding and through one channel."""

    def __init__(self, material: Material, clips: Sequence[int], base: Baseline, recipe: Recipe, seed: int) -> None:
        self.material, self.base, self.recipe = material, base, recipe
        self.rng = np.random.default_rng(seed)
        self.speakers: dict[str, dict[str, dict[str, list[int]]]] = {}
        for i in clips:
            clip = material.clips[i]
            by_emotion = self.speakers.setdefault(clip.corpus, {}).setdefault(clip.speaker, {})
            by_emotion.setdefault(clip.emotion, []).append(i)
        known = dict(recipe.corpus_share)
        self._corpora = [n for n in known if n in self.speakers] + sorted(n for n in self.speakers if n not in known)
        shares = np.array([known.get(n, _OTHER_SHARE) for n in self._corpora])
        self._shares = shares / shares.sum()

    def group(self) -> tuple[list[tuple[FloatArray, FloatArray]], list[int]]:
        """Features and clips of one simulated conversation.

        The baseline is from some of the clips alone (little has been heard), or from frames of all that the speaker
        ever said (minutes have been heard), in the same surrounding and through the same channel.
        """
        rng, recipe = self.rng, self.recipe
        corpus = str(rng.choice(self._corpora, p=self._shares))
        by_emotion = self.speakers[corpus][str(rng.choice(sorted(self.speakers[corpus])))]
        surrounding = str(rng.choice(list(SHARES), p=list(SHARES.values())))
        emotions = sorted(by_emotion)
        drawn = rng.choice(emotions, size=recipe.clips, p=rng.dirichlet(np.full(len(emotions), 1.5)))
        chosen = [by_emotion[e][rng.integers(len(by_emotion[e]))] for e in drawn]
        channel = Channel.drawn(rng)
        heard = [channel.of_clip(self.material.frames(i, surrounding), rng) for i in chosen]
        if rng.random() < recipe.long_share:
            all_said = self._some_frames([i for own in by_emotion.values() for i in own], surrounding)
            trust = float(np.exp(rng.uniform(np.log(15), np.log(300)))) / (len(all_said) * features.FRAME_S)
            baseline = features.speaker_baseline(channel.of(all_said), self.base, trust)
        else:
            some = heard[: int(rng.integers(1, recipe.clips + 1))]
            baseline = features.speaker_baseline(features.joined(some), self.base)
        return [features.normalise(frames, baseline) for frames in heard], chosen

    def _some_frames(self, clips: Sequence[int], surrounding: str) -> Frames:
        """About as many frames as a baseline needs, out of some of the clips."""
        some = [clips[i] for i in self.rng.integers(len(clips), size=24)]
        frames = self.material.all_of(some, surrounding)
        rows = np.sort(self.rng.integers(len(frames), size=_BASE_FRAMES))
        return Frames(frames.mel[rows], frames.prosody[rows])

    def batch(self) -> Batch:
        """A batch of several conversations."""
        recipe, rng = self.recipe, self.rng
        rows: list[tuple[FloatArray, FloatArray]] = []
        clips: list[int] = []
        for _ in range(recipe.groups):
            normalised, chosen = self.group()
            rows += normalised
            clips += chosen
        bands = np.zeros((len(rows), recipe.frames, features.BANDS), np.float32)
        contours = np.zeros((len(rows), recipe.frames, features.CONTOURS), np.float32)
        mask = np.zeros((len(rows), recipe.frames), np.float32)
        for i, row in enumerate(rows):
            start = int(rng.integers(0, max(1, len(row[0]) - recipe.frames + 1)))
            cut = slice(start, start + recipe.frames)
            a, b = random_masks(row[0][cut], row[1][cut], rng)
            bands[i, : len(a)], contours[i, : len(a)], mask[i, : len(a)] = a, b, 1
        names = [self.material.clips[i].emotion for i in clips]
        emotions = np.eye(len(corpora.EMOTIONS), dtype=np.float32)[[corpora.EMOTIONS.index(name) for name in names]]
        classes = np.zeros((len(clips), 5), np.float32)
        for i, name in enumerate(names):
            if name in corpora.CLASS_OF:
                classes[i, corpora.CLASS_OF[name]] = 1
        plane = np.array([corpora.VALENCE_AROUSAL[name] for name in names], np.float32)
        return Batch(*(torch.from_numpy(part) for part in (bands, contours, mask, emotions, classes, plane)))


@dataclass(frozen=True)
class Channel:
    """One equaliser, and a shift of the spectrum as of another vocal tract: `low` and `share` say from which bands."""

    response: FloatArray
    low: np.ndarray
    share: FloatArray

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> Channel:
        """A random channel: within some 4 dB, and 8 % of the bands."""
        bands = np.arange(features.BANDS)
        response = np.interp(bands, np.linspace(0, len(bands) - 1, 6), rng.normal(0, 4, size=6)) * _DB
        warp = np.clip(bands * rng.uniform(0.92, 1.08) + rng.uniform(-0.5, 0.5), 0, len(bands) - 1)
        low = np.floor(warp).astype(int)
        return cls(response.astype(np.float32), low, (warp - low).astype(np.float32))

    def of(self, frames: Frames) -> Frames:
        """Frames as heard through it."""
        high = np.minimum(self.low + 1, features.BANDS - 1)
        mel = frames.mel[:, self.low] * (1 - self.share) + frames.mel[:, high] * self.share + self.response
        return Frames(mel.astype(np.float32), frames.prosody)

    def of_clip(self, frames: Frames, rng: np.random.Generator) -> Frames:
        """Frames of a clip as heard through it, with a small change of tempo and level of its own."""
        count = max(8, round(len(frames) * rng.uniform(0.9, 1.1)))
        at = np.linspace(0, len(frames) - 1, count).round().astype(int)
        louder = np.float32(rng.normal(0, 1.5) * _DB)
        return self.of(Frames(frames.mel[at] + louder, frames.prosody[at]))


def random_masks(bands: FloatArray, contours: FloatArray, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """SpecAugment: one stretch of bands and one of frames set to the baseline (Park et al. 2019)."""
    bands, contours = bands.copy(), contours.copy()
    width = int(rng.integers(0, 12))
    at = int(rng.integers(0, bands.shape[1] - width + 1))
    bands[:, at : at + width] = 0
    length = int(rng.integers(0, max(1, len(bands) // 6)))
    start = int(rng.integers(0, len(bands) - length + 1))
    bands[start : start + length] = 0
    contours[start : start + length] = 0
    return bands, contours
