"""Labelled clips -> their scores with little or much other speech of the speaker, and with only one emotion.

It simulates conversations of one speaker. Emotions are unbalanced: their shares are drawn from a symmetric Dirichlet
distribution, given that the conversation contains its first clip. If a speaker has too little speech of an emotion,
clips are repeated, which adds speech but nothing new. All clips count equally often.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ressenti.pipeline.audio import RATE_HZ
from ressenti.pipeline.config import Config
from ressenti.pipeline.emotion.interface import EmotionModel
from ressenti.pipeline.lab.evaluation import metrics
from ressenti.pipeline.lab.evaluation.emotion import ClipScores, Cut, hear_as
from ressenti.pipeline.lab.evaluation.metrics import FloatArray, IntArray, Interval
from ressenti.pipeline.progress import Progress, ignore_progress
from ressenti.pipeline.records import CLASSES

CONCENTRATION = 0.5  # of the Dirichlet distribution: one or two emotions make up most of a conversation
TIMES = 3  # conversations in which each clip is scored
SEED = 0


@dataclass(frozen=True)
class Talks:
    """Clips scored in simulated conversations of one speaker, each clip in the same number of conversations.

    `seconds` is their mean length, `different_s` the part of it that is not repeated.
    """

    heard: tuple[ClipScores, ...]
    conversations: int
    seconds: float
    different_s: float


@dataclass(frozen=True)
class OneEmotion:
    """Mean figures of one class for speakers who show no other emotion; intervals over speakers.

    `recall_change` and `arousal_change` compare with the same clips scored alone; they are None in that row itself.
    """

    label: str
    clips: int
    speakers: int
    recall: float
    recall_interval: Interval | None
    arousal: float | None
    arousal_interval: Interval | None
    valence: float | None
    valence_interval: Interval | None
    recall_change: float | None
    recall_change_interval: Interval | None
    arousal_change: float | None
    arousal_change_interval: Interval | None


def hear_talks(
    cuts: Sequence[Cut],
    seconds_s: float,
    model: EmotionModel,
    config: Config,
    *,
    one_emotion: bool = False,
    times: int = TIMES,
    progress: Progress = ignore_progress,
) -> Talks:
    """Score every clip in `times` conversations of about `seconds_s`.

    With `one_emotion`, each conversation has a single emotion, and clips of emotions without a class are left out.

    The speaker's name seeds the draw, so a speaker's conversations do not depend on the other speakers.
    """
    groups: dict[tuple[tuple[str, str], str], list[Cut]] = {}
    for cut in cuts:
        if cut.clip.label is not None or not one_emotion:
            groups.setdefault((cut.clip.who, cut.clip.emotion if one_emotion else ""), []).append(cut)
    heard: list[ClipScores] = []
    lengths: list[tuple[float, float]] = []
    for done, ((who, emotion), own) in enumerate(sorted(groups.items(), key=lambda item: item[0]), start=1):
        seconds = [len(cut.samples) / RATE_HZ for cut in own]
        digest = hashlib.sha256("/".join((*who, emotion)).encode()).digest()
        rng = np.random.default_rng([SEED, int.from_bytes(digest[:4], "big")])
        talks = talks_of(seconds, [cut.clip.emotion for cut in own], seconds_s, rng, times)
        scored: Counter[int] = Counter()
        for talk in talks:
            answers = hear_as([own[i] for i in talk], [who[1]] * len(talk), model, config, emotions=not one_emotion)
            for i, answer in dict(zip(talk, answers, strict=True)).items():
                if scored[i] < times:
                    heard.append(answer)
                    scored[i] += 1
            lengths.append((sum(seconds[i] for i in talk), sum(seconds[i] for i in set(talk))))
        progress("talks", done, len(groups))
    mean = np.mean(lengths, axis=0).tolist()
    return Talks(tuple(heard), len(lengths), mean[0], mean[1])


def together(talks: Sequence[Talks]) -> Talks:
    """Merge the talks of several sets of speakers."""
    count = sum(t.conversations for t in talks)
    mean = np.average([(t.seconds, t.different_s) for t in talks], axis=0, weights=[t.conversations for t in talks])
    return Talks(tuple(h for t in talks for h in t.heard), count, float(mean[0]), float(mean[1]))


def talks_of(
    lengths_s: Sequence[float], emotions: Sequence[str], seconds_s: float, rng: np.random.Generator, times: int = TIMES
) -> list[list[int]]:
    """Conversations of one speaker as clip indices, about `seconds_s` long, each clip in at least `times` of them.

    Each starts with one of the clips used least so far. The Dirichlet distribution counts that clip's emotion as seen
    once, so the conversations are like those in which such a clip would occur.
    """
    names = sorted(set(emotions))
    members = {name: [i for i, emotion in enumerate(emotions) if emotion == name] for name in names}
    count: Counter[int] = Counter()
    talks: list[list[int]] = []
    while any(count[i] < times for i in range(len(lengths_s))):
        order = rng.permutation(len(lengths_s)).tolist()
        talk = [min(order, key=lambda i: count[i])]
        shares = rng.dirichlet([CONCENTRATION + (name == emotions[talk[0]]) for name in names])
        used, total = Counter(talk), lengths_s[talk[0]]
        while True:
            own = members[names[int(rng.choice(len(names), p=shares))]]
            i = min(own, key=lambda i: (used[i], count[i], order[i]))
            if total + lengths_s[i] / 2 > seconds_s:
                break
            talk.append(i)
            used[i] += 1
            total += lengths_s[i]
        count.update(set(talk))
        talks.append(talk)
    return talks


def one_emotion_figures(heard: Sequence[ClipScores], alone: Sequence[ClipScores]) -> list[OneEmotion]:
    """Recall, arousal and valence of each class present, compared with the same clips scored alone."""
    clips, reference = _by_clip(heard), _by_clip(alone)
    out = []
    for label, name in enumerate(CLASSES):
        paths = [path for path, items in clips.items() if items[0].clip.label == label]
        if not paths:
            continue
        speakers = [clips[path][0].clip.who for path in paths]
        found, before = (np.array([_means(of[path]) for path in paths]) for of in (clips, reference))
        values = [_estimate(column, speakers) for column in found.T]
        changes = [_estimate(column, speakers) for column in (found - before).T]
        same = heard is alone
        out.append(
            OneEmotion(
                label=name,
                clips=len(paths),
                speakers=len(set(speakers)),
                recall=values[0][0] or 0.0,
                recall_interval=values[0][1],
                arousal=values[1][0],
                arousal_interval=values[1][1],
                valence=values[2][0],
                valence_interval=values[2][1],
                recall_change=None if same else changes[0][0],
                recall_change_interval=None if same else changes[0][1],
                arousal_change=None if same else changes[1][0],
                arousal_change_interval=None if same else changes[1][1],
            )
        )
    return out


def _by_clip(heard: Sequence[ClipScores]) -> dict[str, list[ClipScores]]:
    out: dict[str, list[ClipScores]] = {}
    for one in heard:
        out.setdefault(str(one.clip.path), []).append(one)
    return out


def _means(items: Sequence[ClipScores]) -> tuple[float, float, float]:
    """Share of correct answers for a clip, and its mean arousal and valence, NaN if it has no point."""
    right = float(np.mean([int(np.argmax(h.scores.scores)) == h.clip.label for h in items]))
    points = [h.point for h in items if h.point is not None]
    valence, arousal = np.mean(points, axis=0).tolist() if points else (float("nan"), float("nan"))
    return right, arousal, valence


def _estimate(values: FloatArray, speakers: Sequence[tuple[str, str]]) -> tuple[float | None, Interval | None]:
    """Mean of the values that are not NaN, with its interval over speakers."""
    rows = np.flatnonzero(~np.isnan(values))
    if not len(rows):
        return None, None
    known = values[rows]

    def mean(drawn: IntArray) -> float:
        return float(known[drawn].mean())

    return mean(np.arange(len(rows))), metrics.bootstrap([speakers[i] for i in rows.tolist()], mean)
