"""Material -> weighted examples for the emotion network: clips as heard in simulated conversations (seeded)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ressenti.pipeline.audio.mel import FloatArray
from ressenti.pipeline.emotion.features import Impressions
from ressenti.pipeline.lab.speech import corpora
from ressenti.pipeline.lab.speech.augmentation import SHARES
from ressenti.pipeline.lab.training.baseline import Baseline
from ressenti.pipeline.lab.training.clip_features import UNLIKE, ClipFeatures

_OTHER_SHARE = 0.2  # of a corpus that the recipe does not name
_BASE_CLIPS = 24  # that a long baseline is the mean of
_NEUTRAL = 0.3  # share at least, up to all, of talk
_FEW = 0.5  # parameter of the Dirichlet distribution that shares out the rest of it
_FEW_CLIPS = 8  # at most, of a short baseline
_LONG_S = (15.0, 300.0)  # of a long one


@dataclass(frozen=True)
class NetworkRecipe:
    """What the training depends on besides the data and the code."""

    seed: int = 7
    steps: int = 100  # of L-BFGS
    even_share: float = 0.2  # of conversations, in which the baseline is of minutes of all emotions alike
    talk_share: float = 0.4  # in which it is of minutes of talk, 30 to 100 % neutral; else of few clips
    unlike_share: float = 0.05  # of all that is learned, which is no speech, beside speech
    penalty: float = 0.01  # of squared weights
    corpus_share: tuple[tuple[str, float], ...] = (("ravdess", 0.8), ("nemo", 0.13), ("emodb", 0.07))
    voices: tuple[str, ...] = ("nemo", "emodb")  # corpora that babble behind others, where every fold learns from them


@dataclass(frozen=True)
class WeightedClips:
    """Differences from a baseline (n, 768), what they are, and how much each counts (n,), 1 on average.

    Targets are 1 for the emotion (n, 8) and for its class (n, 5), if it has one, and valence and arousal (n, 2); where
    `speech` (n,) is 0, every emotion and class alike, and nothing on the plane.
    """

    differences: FloatArray
    emotions: FloatArray
    classes: FloatArray
    plane: FloatArray
    speech: FloatArray
    weights: FloatArray


def weighted_clips_of(
    material: ClipFeatures, clips: Sequence[int], base: Baseline, recipe: NetworkRecipe, seed: int
) -> WeightedClips:
    """Clips in every surrounding and what is no speech, each in a conversation; speakers and emotions count alike."""
    rng = np.random.default_rng(seed)
    speakers: dict[tuple[str, str], list[int]] = {}
    for i in clips:
        speakers.setdefault(material.clips[i].who, []).append(i)
    shares = _corpus_shares([corpus for corpus, _ in speakers], recipe)
    rows, weights, which, spoken = [], [], [], []
    for (corpus, _), own in sorted(speakers.items()):
        emotions = [material.clips[i].emotion for i in own]
        alike = np.array([1 / emotions.count(e) for e in emotions]) / len(set(emotions))
        nobody = material.heard(own, UNLIKE)
        for surrounding, share in SHARES.items():
            heard = material.heard(own, surrounding)
            speaker = _conversations(heard, emotions, recipe, rng)
            weight = shares[corpus] * share * alike
            for values, part, speech in (
                (heard.values, 1 - recipe.unlike_share, True),
                (nobody.values, recipe.unlike_share, False),
            ):
                rows.append(_difference(base, values, *speaker))
                weights.append(weight * part)
                which.append(own)
                spoken.append(speech)
    is_speech = np.repeat(spoken, [len(own) for own in which])
    targets = _targets([material.clips[i].emotion for own in which for i in own], is_speech)
    counted = np.concatenate(weights)
    counted = (counted / counted.mean()).astype(np.float32)
    return WeightedClips(np.concatenate(rows), *targets, is_speech.astype(np.float32), counted)


def _corpus_shares(names: Sequence[str], recipe: NetworkRecipe) -> dict[str, float]:
    """What a speaker of each corpus counts."""
    known = dict(recipe.corpus_share)
    return {name: known.get(name, _OTHER_SHARE) / names.count(name) for name in set(names)}


def _conversations(
    heard: Impressions, emotions: Sequence[str], recipe: NetworkRecipe, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """What is heard of a speaker in a conversation around each of n clips: mean (n, 768), seconds (n, 1)."""
    count = np.zeros((len(emotions), len(emotions)), np.float32)  # of each clip, in each baseline
    trust = np.zeros(len(emotions), np.float32)  # seconds of speech that it is worth
    names = sorted(set(emotions))
    of = {name: np.array([k for k, e in enumerate(emotions) if e == name]) for name in names}
    for i in range(len(emotions)):
        kind = rng.random()
        if kind < recipe.even_share + recipe.talk_share:
            shares = np.full(len(names), 1 / len(names)) if kind < recipe.even_share else _talk(names, rng)
            drawn = rng.choice(len(names), size=_BASE_CLIPS, p=shares)
            np.add.at(count[i], [rng.choice(of[names[k]]) for k in drawn], 1)
            trust[i] = np.exp(rng.uniform(*np.log(_LONG_S)))
        else:
            shares = rng.dirichlet(np.full(len(names), 1.5))
            drawn = rng.choice(len(names), size=int(rng.integers(_FEW_CLIPS)), p=shares)
            np.add.at(count[i], [rng.choice(of[names[k]]) for k in drawn], 1)
            count[i, i] += 1
            trust[i] = count[i] @ heard.seconds
    count *= heard.seconds
    return (count @ heard.values) / count.sum(axis=1, keepdims=True), trust[:, None]


def _difference(base: Baseline, values: FloatArray, speaker: FloatArray, seconds: FloatArray) -> FloatArray:
    out: FloatArray = base(*(torch.from_numpy(part) for part in (values, speaker, seconds))).numpy()
    return out


def _talk(names: Sequence[str], rng: np.random.Generator) -> np.ndarray:
    """Shares of emotions in talk, which is mostly neutral."""
    shares = rng.dirichlet(np.full(len(names), _FEW))
    if "neutral" in names and len(names) > 1:
        at, neutral = names.index("neutral"), rng.uniform(_NEUTRAL, 1)
        shares *= (1 - neutral) / max(1e-9, 1 - shares[at])
        shares[at] = neutral
    out: np.ndarray = shares / shares.sum()
    return out


def _targets(names: Sequence[str], speech: np.ndarray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Emotions (n, 8), classes (n, 5), valence and arousal (n, 2)."""
    emotions = np.eye(len(corpora.EMOTIONS), dtype=np.float32)[[corpora.EMOTIONS.index(name) for name in names]]
    none = np.zeros(5, np.float32)
    rows = {name: np.eye(5, dtype=np.float32)[k] for name, k in corpora.CLASS_OF.items()}
    classes = np.array([rows.get(name, none) for name in names])
    emotions[~speech], classes[~speech] = 1 / emotions.shape[1], 1 / classes.shape[1]
    return emotions, classes, np.array([corpora.VALENCE_AROUSAL[name] for name in names], np.float32)
