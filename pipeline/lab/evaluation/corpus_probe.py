"""How well a linear classifier identifies the corpus from a network's outputs: what it learned besides emotion.

Room, codec, microphone, language and sentences all reveal a corpus, and this probe cannot separate them. At chance, the
network passes on none of them; above chance, some. Emotions are balanced within every speaker, so they cannot be the
cue. No speaker is in both training and test, and corpora have equal weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ressenti.pipeline.audio import RATE_HZ
from ressenti.pipeline.audio.mel import mel_power
from ressenti.pipeline.emotion.interface import EmotionModel, Excerpt
from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.lab.evaluation import metrics
from ressenti.pipeline.lab.evaluation.emotion import Cut
from ressenti.pipeline.lab.evaluation.metrics import FloatArray, IntArray, Interval
from ressenti.pipeline.lab.evaluation.outputs import outputs_of
from ressenti.pipeline.lab.labelled_speech.corpora import Clip

MOST = 8  # clips per emotion and speaker, at most
FOLDS = 4  # at most; fewer if a corpus has fewer speakers
SEED = 0
_BANDS, _HZ = 64, (60.0, 7_600.0)
_FLOOR = 1e-7  # noise floor relative to the speaker's mean power: 70 dB below it
Who = tuple[str, str]


@dataclass(frozen=True)
class TraceFigures:
    """Unweighted recall of corpora, with its interval over speakers; `values` is the classifier's input.

    `embedding`: the input of the network's last layers; `outputs`: all outputs, if it shows no embedding; `scores`: the
    class scores, if it shows neither; `sound`: mean and spread of the log-mel bands without the level, for comparison.
    Rows of `confusion` are the true corpora.
    """

    values: str
    corpora: tuple[str, ...]
    emotions: tuple[str, ...]
    speakers: int
    clips: int
    chance: float
    recall: float
    recall_interval: Interval | None
    confusion: tuple[tuple[int, ...], ...]


def trace_figures(cuts: Sequence[Cut], model: EmotionModel) -> list[TraceFigures]:
    """Figures for a model's outputs and for the sound itself; raises `ConfigError` if there are too few corpora."""
    clips, emotions = balanced([cut.clip for cut in cuts])
    cut_of = {cut.clip: cut for cut in cuts}
    chosen = [cut_of[clip] for clip in clips]
    names = sorted({cut.clip.corpus for cut in chosen})
    truth = np.array([names.index(cut.clip.corpus) for cut in chosen], dtype=np.int64)
    speakers = [cut.clip.who for cut in chosen]
    told, values = _values(chosen, model)
    out = []
    for what, rows in ((told, values), ("sound", _sound(chosen))):
        guess = told_apart(rows, truth, folds_of(speakers))

        def recall(drawn: IntArray, guess: IntArray = guess) -> float:
            return metrics.unweighted_recall(metrics.confusion(truth[drawn], guess[drawn], size=len(names)))

        matrix = metrics.confusion(truth, guess, size=len(names))
        out.append(
            TraceFigures(
                values=what,
                corpora=tuple(names),
                emotions=emotions,
                speakers=len(set(speakers)),
                clips=len(chosen),
                chance=1 / len(names),
                recall=metrics.unweighted_recall(matrix),
                recall_interval=metrics.bootstrap(speakers, recall),
                confusion=tuple(tuple(int(n) for n in row) for row in matrix),
            )
        )
    return out


def balanced(clips: Sequence[Clip]) -> tuple[list[Clip], tuple[str, ...]]:
    """The same number of clips per emotion and speaker, and the emotions: those that all corpora have.

    Speakers who lack one of them are left out. Raises `ConfigError` unless two corpora have two speakers each.
    """
    corpora = sorted({clip.corpus for clip in clips})
    shared = [{c.emotion for c in clips if c.corpus == name} for name in corpora]
    emotions = tuple(sorted(set.intersection(*shared) - {""})) if shared else ()
    groups: dict[Who, dict[str, list[Clip]]] = {}
    for clip in clips:
        if clip.emotion in emotions:
            groups.setdefault(clip.who, {}).setdefault(clip.emotion, []).append(clip)
    whole = {who: own for who, own in groups.items() if len(own) == len(emotions)}
    speakers = [sum(corpus == name for corpus, _ in whole) for name in corpora]
    if len(corpora) < 2 or min(speakers) < 2:
        counts = ", ".join(f"{name} {n}" for name, n in zip(corpora, speakers, strict=True))
        raise ConfigError(
            f"too few corpora to compare; speakers with every emotion that all corpora share: {counts}; expected at "
            "least two corpora, each with two speakers that the model was not trained on."
        )
    each = min(MOST, *(len(items) for own in whole.values() for items in own.values()))
    rng = np.random.default_rng(SEED)
    return [
        own[emotion][i]
        for _, own in sorted(whole.items())
        for emotion in emotions
        for i in sorted(rng.permutation(len(own[emotion]))[:each].tolist())
    ], emotions


def folds_of(speakers: Sequence[Who]) -> IntArray:
    """Test fold (n,) of each clip; a speaker's clips share a fold, and each fold has clips of every corpus."""
    by_corpus: dict[str, list[Who]] = {}
    for who in sorted(set(speakers)):
        by_corpus.setdefault(who[0], []).append(who)
    count = min(FOLDS, *(len(own) for own in by_corpus.values()))
    fold = {who: i % count for own in by_corpus.values() for i, who in enumerate(own)}
    return np.array([fold[who] for who in speakers], dtype=np.int64)


def told_apart(values: FloatArray, truth: IntArray, folds: IntArray) -> IntArray:
    """Cross-validated guesses (n,) of a logistic regression on values (n, d)."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    guess = np.zeros(len(truth), dtype=np.int64)
    for k in range(int(folds.max()) + 1):
        learn, test = folds != k, folds == k
        classifier = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=2_000))
        guess[test] = classifier.fit(values[learn], truth[learn]).predict(values[test])
    return guess


def _values(cuts: Sequence[Cut], model: EmotionModel) -> tuple[str, FloatArray]:
    """A model's outputs for clips (n, d), each speaker's scored together, and the kind of output."""
    parts = [
        (i, Excerpt(cut.samples[round(start * RATE_HZ) : round(end * RATE_HZ)], "/".join(cut.clip.who)), weight)
        for i, cut in enumerate(cuts)
        for start, end, weight in cut.plan
    ]
    excerpts = [excerpt for _, excerpt, _ in parts]
    shown = outputs_of(model, excerpts)
    if "embedding" in shown:
        name, rows = "embedding", shown["embedding"]
    elif shown:
        name, rows = "outputs", np.concatenate([shown[key] for key in sorted(shown)], axis=1)
    else:
        name, rows = "scores", np.array([scores.scores for scores in model.score(excerpts)])
    weights = np.array([weight for _, _, weight in parts])
    sums = np.zeros((len(cuts), rows.shape[1]))
    np.add.at(sums, [i for i, _, _ in parts], rows * weights[:, None])
    seconds = np.bincount([i for i, _, _ in parts], weights)
    return name, sums / seconds[:, None]


def _sound(cuts: Sequence[Cut]) -> FloatArray:
    """Mean and spread of log-mel power in each band (n, 128), relative to the speaker's level."""
    heard = [mel_power(cut.samples, _BANDS, *_HZ) for cut in cuts]
    level = {
        who: np.concatenate([h for h, cut in zip(heard, cuts, strict=True) if cut.clip.who == who]).mean()
        for who in {cut.clip.who for cut in cuts}
    }
    logs = [np.log(mel / level[cut.clip.who] + _FLOOR) for mel, cut in zip(heard, cuts, strict=True)]
    return np.array([np.concatenate([log.mean(axis=0), log.std(axis=0)]) for log in logs], dtype=np.float64)
