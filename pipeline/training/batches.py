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
from pipeline.training.augment import Channel, spec_augment
from pipeline.training.effort import vocal_effort
from pipeline.training.material import Material
from pipeline.training.surroundings import SHARES
from pipeline.training.unlike import unlike_speech

_OTHER_SHARE = 0.2  # of a corpus that the recipe does not name
_BASE_FRAMES, _BASE_CLIPS = 800, 24  # out of all of a speaker, that his or her baseline is taken from
_NEUTRAL = 0.3  # share at least, up to all, of an uneven one
_FEW = 0.5  # parameter of the Dirichlet distribution that shares out the rest of it
_NOISY = frozenset({"noise", "noisy_line", "babble"})  # surroundings in which what is around speech may pass for it
_AROUND_NOISY, _AROUND_ELSE = 100, 15  # frames of it at most, before and after a clip, where the clip has them
_AROUND_SHARE = 0.5  # of clips


@dataclass(frozen=True)
class Recipe:
    """What the training depends on besides the data and the code."""

    seed: int = 7
    steps: int = 2400
    groups: int = 6  # simulated conversations in a batch: one speaker, one channel each
    clips: int = 8  # of each
    frames: int = 256
    long_share: float = 0.8  # of conversations, in which the baseline is from minutes of the speaker
    even_share: float = 0.2  # of these, in which the baseline is of all clips; else 30 to 100 % neutral, as talk is
    unlike_share: float = 0.05  # of conversations, in which nobody speaks
    smoothing: float = 0.1  # of labels
    learning_rate: float = 2e-3
    matrix_rate: float = 0.03  # the same, of Muon
    weight_decay: float = 0.02
    average_decay: float = 0.998
    corpus_share: tuple[tuple[str, float], ...] = (("ravdess", 0.6), ("nemo", 0.3), ("emodb", 0.1))
    levelled: tuple[str, ...] = ("nemo", "emodb")  # corpora whose makers gave all clips about one level
    level_by_tilt: float = 1.0  # dB that a clip of these regains for each dB of spectral tilt
    level_by_arousal: float = 6.0  # and for each unit of arousal of its label
    level_sd: float = 2.5  # dB, of each clip of any corpus, each time
    voices: tuple[str, ...] = ("nemo", "emodb")  # corpora that babble behind others, where every fold learns from them


@dataclass(frozen=True)
class Batch:
    """Clips: bands (b, frames, 64), contours (b, frames, 4), mask (b, frames), and what they are.

    Targets are 1 for the emotion (b, 8) and for its class (b, 5), if it has one, and valence and arousal (b, 2); where
    `speech` (b,) is 0, every emotion and class alike, and nothing on the plane.
    """

    bands: Tensor
    contours: Tensor
    mask: Tensor
    emotions: Tensor
    classes: Tensor
    plane: Tensor
    speech: Tensor


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
        levelled = [i for i in clips if material.clips[i].corpus in recipe.levelled]
        self._louder = vocal_effort(material, levelled, recipe.level_by_tilt, recipe.level_by_arousal)
        known = dict(recipe.corpus_share)
        self._corpora = [n for n in known if n in self.speakers] + sorted(n for n in self.speakers if n not in known)
        shares = np.array([known.get(n, _OTHER_SHARE) for n in self._corpora])
        self._shares = shares / shares.sum()

    def group(self) -> tuple[list[tuple[FloatArray, FloatArray]], list[int], bool]:
        """Features and clips of one simulated conversation, and whether it is one, of speech.

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
        speech = rng.random() >= recipe.unlike_share
        raw = [self._frames(i, surrounding) for i in chosen]
        raw = raw if speech else [unlike_speech(frames, rng) for frames in raw]
        heard = [channel.of_clip(frames, rng, recipe.level_sd) for frames in raw]
        if speech and rng.random() < recipe.long_share:
            all_said = self._some_frames(by_emotion, surrounding)
            trust = float(np.exp(rng.uniform(np.log(15), np.log(300)))) / (len(all_said) * features.FRAME_S)
            baseline = features.speaker_baseline(channel.of(all_said), self.base, trust)
        else:
            some = heard[: int(rng.integers(1, recipe.clips + 1))]
            baseline = features.speaker_baseline(features.joined(some), self.base)
        return [features.normalise(frames, baseline) for frames in heard], chosen, speech

    def _frames(self, clip: int, surrounding: str) -> Frames:
        most = _AROUND_NOISY if surrounding in _NOISY else _AROUND_ELSE
        most = most if self.rng.random() < _AROUND_SHARE else 0
        before, after = (int(n) for n in self.rng.integers(most + 1, size=2))
        frames = self.material.frames(clip, surrounding, around=(before, after))
        return Frames(frames.mel + self._louder.get(clip, np.float32(0)), frames.prosody)

    def _some_frames(self, by_emotion: dict[str, list[int]], surrounding: str) -> Frames:
        """About as many frames as a baseline needs, out of some of a speaker's clips."""
        emotions = sorted(by_emotion)
        shares = np.array([len(by_emotion[e]) for e in emotions], float)
        if self.rng.random() >= self.recipe.even_share:
            shares = self.rng.dirichlet(np.full(len(emotions), _FEW))
            if "neutral" in emotions and len(emotions) > 1:
                at, neutral = emotions.index("neutral"), self.rng.uniform(_NEUTRAL, 1)
                shares *= (1 - neutral) / max(1e-9, 1 - shares[at])
                shares[at] = neutral
        drawn = self.rng.choice(emotions, size=_BASE_CLIPS, p=shares / shares.sum())
        some = [by_emotion[e][self.rng.integers(len(by_emotion[e]))] for e in drawn]
        frames = features.joined([self._frames(i, surrounding) for i in some])
        rows = np.sort(self.rng.integers(len(frames), size=_BASE_FRAMES))
        return Frames(frames.mel[rows], frames.prosody[rows])

    def batch(self) -> Batch:
        """A batch of several conversations."""
        recipe, rng = self.recipe, self.rng
        rows: list[tuple[FloatArray, FloatArray]] = []
        clips: list[int] = []
        spoken: list[bool] = []
        for _ in range(recipe.groups):
            normalised, chosen, speech = self.group()
            rows += normalised
            clips += chosen
            spoken += [speech] * len(chosen)
        bands = np.zeros((len(rows), recipe.frames, features.BANDS), np.float32)
        contours = np.zeros((len(rows), recipe.frames, features.CONTOURS), np.float32)
        mask = np.zeros((len(rows), recipe.frames), np.float32)
        for i, row in enumerate(rows):
            start = int(rng.integers(0, max(1, len(row[0]) - recipe.frames + 1)))
            cut = slice(start, start + recipe.frames)
            a, b = spec_augment(row[0][cut], row[1][cut], rng)
            bands[i, : len(a)], contours[i, : len(a)], mask[i, : len(a)] = a, b, 1
        names = [self.material.clips[i].emotion for i in clips]
        emotions = np.eye(len(corpora.EMOTIONS), dtype=np.float32)[[corpora.EMOTIONS.index(name) for name in names]]
        classes = np.zeros((len(clips), 5), np.float32)
        for i, name in enumerate(names):
            if name in corpora.CLASS_OF:
                classes[i, corpora.CLASS_OF[name]] = 1
        plane = np.array([corpora.VALENCE_AROUSAL[name] for name in names], np.float32)
        silent = ~np.array(spoken)
        emotions[silent], classes[silent] = 1 / emotions.shape[1], 1 / classes.shape[1]
        parts = (bands, contours, mask, emotions, classes, plane, np.array(spoken, np.float32))
        return Batch(*(torch.from_numpy(part) for part in parts))
