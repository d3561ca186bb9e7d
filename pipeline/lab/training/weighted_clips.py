"""Clip features -> weighted examples for the emotion network: clips in simulated conversations (seeded)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ressenti.pipeline.audio.mel import FloatArray
from ressenti.pipeline.emotion.features import Impressions
from ressenti.pipeline.lab.labelled_speech import corpora
from ressenti.pipeline.lab.labelled_speech.augmentation import SHARES
from ressenti.pipeline.lab.training.clip_features import UNLIKE, ClipFeatures
from ressenti.pipeline.lab.training.network import EmotionNet

_BASE_CLIPS = 24  # clips in the mean of a long baseline
_NEUTRAL = 0.3  # minimum share of neutral in everyday talk
_FEW = 0.5  # parameter of the Dirichlet distribution of the other emotions
_FEW_CLIPS = 8  # clips of a short baseline, at most
_LONG_S = (15.0, 300.0)  # length of a long baseline


@dataclass(frozen=True)
class NetworkRecipe:
    """Everything that the training depends on besides data and code."""

    seed: int = 7
    steps: int = 100  # of L-BFGS
    even_share: float = 0.2  # share of conversations whose baseline is minutes of all emotions in equal parts
    talk_share: float = 0.4  # share whose baseline is minutes of talk, 30 to 100 % neutral; the rest have few clips
    unlike_share: float = 0.05  # share of non-speech examples
    penalty: float = 0.05  # on squared weights of classes and emotions
    ridge: float = 0.3  # on squared weights of valence and arousal
    voices: tuple[str, ...] = ("nemo", "emodb")  # corpora used for babble if every fold trains on them


@dataclass(frozen=True)
class WeightedClips:
    """Embeddings of differences from a baseline (n, 256), their targets, and their weights (n,), which sum to 1.

    Targets are 1 for the emotion (n, 8) and for its class (n, 5), if it has one, and valence and arousal (n, 2). If
    `speech` (n,) is 0, all emotions and classes have equal targets, and valence and arousal do not count.
    """

    embeddings: FloatArray
    emotions: FloatArray
    classes: FloatArray
    plane: FloatArray
    speech: FloatArray
    weights: FloatArray


def weighted_clips_of(
    material: ClipFeatures, clips: Sequence[int], net: EmotionNet, recipe: NetworkRecipe, seed: int
) -> WeightedClips:
    """Clips in every surrounding and non-speech, each in a conversation.

    Corpora have equal weight, so have the speakers of a corpus, and the emotions of a speaker.
    """
    rng = np.random.default_rng(seed)
    speakers: dict[tuple[str, str], list[int]] = {}
    for i in clips:
        speakers.setdefault(material.clips[i].who, []).append(i)
    of_corpus = [corpus for corpus, _ in speakers]
    rows, weights, which, spoken = [], [], [], []
    for (corpus, _), own in sorted(speakers.items()):
        emotions = [material.clips[i].emotion for i in own]
        alike = np.array([1 / emotions.count(e) for e in emotions]) / len(set(emotions))
        nobody = material.heard(own, UNLIKE)
        for surrounding, share in SHARES.items():
            heard = material.heard(own, surrounding)
            speaker = _conversations(heard, emotions, recipe, rng)
            weight = share * alike / of_corpus.count(corpus) / len(set(of_corpus))
            for values, part, speech in (
                (heard.values, 1 - recipe.unlike_share, True),
                (nobody.values, recipe.unlike_share, False),
            ):
                rows.append(_embedded(net, values, *speaker))
                weights.append(weight * part)
                which.append(own)
                spoken.append(speech)
    is_speech = np.repeat(spoken, [len(own) for own in which])
    targets = _targets([material.clips[i].emotion for own in which for i in own], is_speech)
    counted = np.concatenate(weights)
    counted = (counted / counted.sum()).astype(np.float32)
    return WeightedClips(np.concatenate(rows), *targets, is_speech.astype(np.float32), counted)


def _conversations(
    heard: Impressions, emotions: Sequence[str], recipe: NetworkRecipe, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """The speaker's mean impression (n, 3072) and seconds (n, 1) in a conversation around each of n clips."""
    count = np.zeros((len(emotions), len(emotions)), np.float32)  # of each clip (columns) in each baseline (rows)
    trust = np.zeros(len(emotions), np.float32)  # seconds of speech that each baseline stands for
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


@torch.no_grad()
def _embedded(net: EmotionNet, values: FloatArray, speaker: FloatArray, seconds: FloatArray) -> FloatArray:
    difference = net.baseline(*(torch.from_numpy(part) for part in (values, speaker, seconds)))
    out: FloatArray = net.embed(difference).numpy()
    return out


def _talk(names: Sequence[str], rng: np.random.Generator) -> np.ndarray:
    """Shares of emotions in everyday talk, which is mostly neutral."""
    shares = rng.dirichlet(np.full(len(names), _FEW))
    if "neutral" in names and len(names) > 1:
        at, neutral = names.index("neutral"), rng.uniform(_NEUTRAL, 1)
        shares *= (1 - neutral) / max(1e-9, 1 - shares[at])
        shares[at] = neutral
    out: np.ndarray = shares / shares.sum()
    return out


def _targets(names: Sequence[str], speech: np.ndarray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Targets: emotions (n, 8), classes (n, 5), valence and arousal (n, 2)."""
    emotions = np.eye(len(corpora.EMOTIONS), dtype=np.float32)[[corpora.EMOTIONS.index(name) for name in names]]
    none = np.zeros(5, np.float32)
    rows = {name: np.eye(5, dtype=np.float32)[k] for name, k in corpora.CLASS_OF.items()}
    classes = np.array([rows.get(name, none) for name in names])
    emotions[~speech], classes[~speech] = 1 / emotions.shape[1], 1 / classes.shape[1]
    return emotions, classes, np.array([corpora.VALENCE_AROUSAL[name] for name in names], np.float32)
