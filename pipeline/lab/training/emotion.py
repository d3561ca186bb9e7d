"""Trains the built-in emotion model: `python -m ressenti.pipeline.lab.training.emotion --data DIR`.

DIR contains labelled corpora (`ravdess/labels.csv`, ...). Seeded; takes half an hour on two cores, nearly all of it to
hear the clips (`--cache` keeps these).
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Literal, get_args

import numpy as np
import torch
import typer
from torch import Tensor, nn

from ressenti.pipeline.audio.mel import FloatArray
from ressenti.pipeline.emotion import features
from ressenti.pipeline.emotion.builtin import KNOWN_S, BuiltinEmotion
from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.files.hashes import digest_of
from ressenti.pipeline.lab.evaluation.metrics import confusion, macro_f1
from ressenti.pipeline.lab.labelled_speech import corpora
from ressenti.pipeline.lab.labelled_speech.augmentation import SHARES
from ressenti.pipeline.lab.training.baseline import Baseline, fit_baseline
from ressenti.pipeline.lab.training.clip_features import ClipFeatures, clip_features_of
from ressenti.pipeline.lab.training.network import COMPONENTS, EmotionNet
from ressenti.pipeline.lab.training.weighted_clips import NetworkRecipe, weighted_clips_of
from ressenti.pipeline.models import voice_encoder

Who = tuple[str, str]
MODELS = Path(__file__).resolve().parents[2] / "models"


_TALK_CLIPS, _TALK_NEUTRAL = 10, 0.7  # clips beside one that is judged in talk, and the share of these that is neutral


@dataclass(frozen=True)
class Job:
    """One network to train: the clips of the material, the recipe and the seed."""

    material: ClipFeatures
    clips: tuple[int, ...]
    recipe: NetworkRecipe
    seed: int


def train_network(job: Job) -> EmotionNet:
    """Fit one network: baseline, principal components of clean clips, then its heads, each to all examples at once.

    Classes and emotions by L-BFGS with a penalty on their weights, each as heavy as any other; valence and arousal by
    ridge regression.
    """
    recipe, net = job.recipe, headless(job)
    examples = weighted_clips_of(job.material, job.clips, net, recipe, job.seed)
    data = {name: torch.from_numpy(value) for name, value in vars(examples).items()}
    for head, targets in ((net.classes, data["classes"]), (net.emotions, data["emotions"])):
        _fit_logistic(head, data["embeddings"], targets, _balanced(targets, data), recipe)
    _fit_ridge(net.plane, data, recipe.ridge)
    return net.eval().requires_grad_(requires_grad=False)


def headless(job: Job) -> EmotionNet:
    """A network with baseline and components, and heads that know nothing yet."""
    net = EmotionNet(fit_baseline(job.material, job.clips))
    values = net.baseline.scaled(torch.from_numpy(job.material.heard(job.clips).values)).numpy()
    of_corpus = [job.material.clips[i].corpus for i in job.clips]
    weights = np.array([1 / of_corpus.count(name) for name in of_corpus], np.float32)
    weights /= weights.sum()
    centre = weights @ values
    net.centre = torch.from_numpy(centre)
    net.components = torch.from_numpy(_principal_components((values - centre) * np.sqrt(weights)[:, None]))
    return net


def _principal_components(rows: FloatArray) -> FloatArray:
    """Up to 256 directions, (3072, 256), in which centred rows (n, 3072) vary most; zeros where there are fewer."""
    if len(rows) <= rows.shape[1]:
        directions = np.linalg.svd(rows, full_matrices=False)[2].T
    else:
        directions = np.linalg.eigh(rows.T @ rows)[1][:, ::-1]
    out = np.zeros((rows.shape[1], COMPONENTS), np.float32)
    kept = directions[:, :COMPONENTS]
    out[:, : kept.shape[1]] = kept
    return out


def _balanced(targets: Tensor, data: dict[str, Tensor]) -> Tensor:
    """Weights (n,) by which each class counts as much as any other, and non-speech keeps its share; they sum to 1."""
    speech, weights = data["speech"], data["weights"]
    out = torch.zeros_like(weights)
    for k in range(targets.shape[1]):
        own = weights * speech * (targets[:, k] == 1)
        if (total := own.sum()) > 0:
            out += own / total
    out /= out.sum()
    nobody = weights * (1 - speech)
    return out * (1 - nobody.sum()) + nobody


def _fit_logistic(head: nn.Linear, embeddings: Tensor, targets: Tensor, weights: Tensor, recipe: NetworkRecipe) -> None:
    """Fit a head to weighted cross entropy; the problem is convex, so it starts anywhere."""
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    optimiser = torch.optim.LBFGS(
        head.parameters(),
        max_iter=recipe.steps,
        max_eval=2 * recipe.steps,
        history_size=20,
        line_search_fn="strong_wolfe",
    )

    def loss() -> Tensor:
        optimiser.zero_grad()
        missed = (cross_entropy(head(embeddings), targets) * weights).sum()
        total: Tensor = missed + recipe.penalty * (head.weight**2).sum()
        total.backward()  # type: ignore[no-untyped-call]
        return total

    optimiser.step(loss)  # type: ignore[no-untyped-call]


@torch.no_grad()
def _fit_ridge(head: nn.Linear, data: dict[str, Tensor], ridge: float) -> None:
    weights = data["weights"] * data["speech"]
    weights = (weights / weights.sum()).double()
    rows, plane = data["embeddings"].double(), data["plane"].double()
    centre, mean = weights @ rows, weights @ plane
    away = rows - centre
    weighted = away * weights[:, None]
    found = torch.linalg.solve(weighted.T @ away + ridge * torch.eye(COMPONENTS), weighted.T @ (plane - mean))
    head.weight.copy_(found.T)
    head.bias.copy_(mean - centre @ found)


def train_networks(jobs: Sequence[Job]) -> list[EmotionNet]:
    """Train networks in parallel; they share the cores."""
    cores = os.cpu_count() or 1
    count = min(len(jobs), cores)
    with ProcessPoolExecutor(count, get_context("spawn"), torch.set_num_threads, (cores // count,)) as pool:
        return [_net_of(state) for state in pool.map(_trained_state, jobs)]


def _trained_state(job: Job) -> dict[str, np.ndarray]:
    return {name: value.numpy() for name, value in train_network(job).state_dict().items()}


def _net_of(state: dict[str, np.ndarray]) -> EmotionNet:
    net = EmotionNet(Baseline(len(state["baseline.ratio"])))
    net.load_state_dict({name: torch.from_numpy(value) for name, value in state.items()})
    return net.eval()


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Cross entropy (n,) of logits (n, k) with targets (n, k)."""
    return -(targets * torch.log_softmax(logits, dim=1)).sum(1)


def export(net: nn.Module, path: Path) -> None:
    """Write the network as ONNX; it takes any number of impressions of one speaker."""
    outputs = ["classes", "emotions", "valence_arousal", "embedding"]
    torch.onnx.export(
        net,
        (torch.zeros(2, features.WIDTH), torch.zeros(1, features.WIDTH), torch.ones(1, 1)),
        str(path),
        input_names=["values", "speaker", "seconds"],
        output_names=outputs,
        dynamic_axes={name: {0: "n"} for name in ("values", *outputs)},
        opset_version=17,
        dynamo=False,
    )


def write_model(
    net: nn.Module,
    recipe: NetworkRecipe,
    temperatures: tuple[float, float],
    out: Path,
    learned: Iterable[Who] = (),
) -> None:
    """Write `emotion.onnx` and `emotion.json`: all that inference needs, the recipe and the training speakers.

    `temperatures` are for a single clip and for a well-known speaker.
    """
    export(net.eval(), out / "emotion.onnx")
    about = {
        "sha256": digest_of(out / "emotion.onnx"),
        "encoder": voice_encoder.hashes()["voice.onnx"],
        "temperature": round(temperatures[1], 4),
        "temperature_alone": round(temperatures[0], 4),
        "recipe": asdict(recipe),
        "learned": by_corpus(learned),
    }
    (out / "emotion.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


def by_corpus(speakers: Iterable[Who]) -> dict[str, list[str]]:
    """Names of (corpus, speaker) pairs by corpus, sorted."""
    out: dict[str, list[str]] = {}
    for corpus, name in sorted(set(speakers)):
        out.setdefault(corpus, []).append(name)
    return out


@dataclass(frozen=True)
class Judged:
    """Class labels (n,), logits (n, 5) before the temperature, seconds of the speaker's speech (n,), weights (n,)."""

    truth: np.ndarray
    logits: np.ndarray
    seconds: np.ndarray
    weights: np.ndarray


def temperatures_of(judged: Judged) -> tuple[float, float]:
    """Maximum-likelihood softmax temperatures (Guo et al. 2017): for a single clip and for a well-known speaker."""
    from scipy.optimize import minimize
    from scipy.special import log_softmax

    rows = np.arange(len(judged.truth))
    own = judged.seconds / (judged.seconds + KNOWN_S)

    def missed(logs: np.ndarray) -> float:
        alone, known = np.exp(logs)
        scaled = judged.logits / (own * known + (1 - own) * alone)[:, None]
        return float(-np.average(log_softmax(scaled, axis=1)[rows, judged.truth], weights=judged.weights))

    alone, known = np.exp(minimize(missed, np.zeros(2), method="Nelder-Mead", bounds=[(-1.6, 1.6)] * 2).x)
    return float(alone), float(known)


Way = Literal["own", "alone", "talk"]


def judged_by(model: BuiltinEmotion, material: ClipFeatures, clips: Sequence[int], way: Way = "own") -> Judged:
    """Logits of a model for the clips that have a class.

    `own`: the speaker's other clips are the baseline; `alone`: nothing is; `talk`: ten other clips are, seven of them
    neutral, as in conversation (seeded). Every speaker occurs in every surrounding, so that temperatures fit all of
    them, and has equal weight, whatever the number of clips.
    """
    rng = np.random.default_rng(0)
    truth: list[int | None] = []
    parts = []
    for who in sorted({material.clips[i].who for i in clips}):
        rows = [i for i in clips if material.clips[i].who == who and material.clips[i].label is not None]
        for surrounding in SHARES if rows else ():
            for judged, beside in _heard_together(rows, material, way, rng):
                logits, _, seconds = model.logits(material.heard([*judged, *beside], surrounding))
                count = len(judged)
                parts.append((logits[:count], np.full(count, seconds), np.full(count, 1 / len(rows))))
                truth += [material.clips[i].label for i in judged]
    return Judged(np.array(truth), *(np.concatenate(values) for values in zip(*parts, strict=True)))


def _heard_together(
    rows: list[int], material: ClipFeatures, way: Way, rng: np.random.Generator
) -> Iterator[tuple[list[int], list[int]]]:
    """Clips of a speaker to judge, and those heard beside them."""
    if way == "own":
        yield rows, []
        return
    neutral = [i for i in rows if material.clips[i].emotion in ("neutral", "calm")]
    others = [i for i in rows if i not in neutral]
    for i in rows:
        if way == "alone":
            yield [i], []
            continue
        pick = [neutral if others and rng.random() < _TALK_NEUTRAL else others or neutral for _ in range(_TALK_CLIPS)]
        yield [i], [int(rng.choice(some or rows)) for some in pick]


def both(*parts: Judged) -> Judged:
    """Concatenate several sets."""
    return Judged(*(np.concatenate(values) for values in zip(*(vars(part).values() for part in parts), strict=True)))


def voices_of(parts: Sequence[Sequence[corpora.Clip]], recipe: NetworkRecipe) -> list[corpora.Clip]:
    """Clips for babble: those in every part, from the recipe's corpora or else from any.

    If the parts share no clips, noise replaces babble.
    """
    every = set(parts[0]).intersection(*parts[1:])
    shared = [clip for clip in dict.fromkeys(parts[0]) if clip in every]
    return [clip for clip in shared if clip.corpus in recipe.voices] or shared


def train_models(
    parts: Sequence[Sequence[corpora.Clip]],
    outs: Sequence[Path],
    recipe: NetworkRecipe,
    voices: Sequence[corpora.Clip],
    cache: Path | None = None,
) -> list[float]:
    """Train a model on each part of the clips and write it into its folder, all in parallel.

    Temperatures are those that an unknown corpus needs: of several corpora, each in turn is judged by a network of the
    others, and the one that needs most doubt decides; of a single one, a third of its speakers is judged by a network
    of the rest. The network written is trained on all.
    Returns the macro F1 of the others where they judge. `voices` are used for babble; `cache` keeps the impressions of
    the clips between runs. Raises `ConfigError` if there are too few speakers.
    """
    clips = list(dict.fromkeys(clip for part in parts for clip in part))
    missing = [_left_out(part) for part in parts]
    with tempfile.TemporaryDirectory() as folder:
        material = clip_features_of(clips, voices, cache or Path(folder))
        place = {clip: i for i, clip in enumerate(clips)}
        jobs = []
        for part, without in zip(parts, missing, strict=True):
            rows = [place[clip] for clip in part]
            kept = [[i for i in rows if clips[i].who not in out] for out in (*without, frozenset())]
            jobs += [Job(material, tuple(own), recipe, recipe.seed) for own in kept]
        trained = iter(zip(train_networks(jobs), jobs, strict=True))
        return [
            _calibrated([next(trained) for _ in without], next(trained), without, out)
            for without, out in zip(missing, outs, strict=True)
        ]


def _left_out(part: Sequence[corpora.Clip]) -> tuple[frozenset[Who], ...]:
    """Sets of speakers whose clips are judged by networks that are trained on the others."""
    labelled = {clip.who for clip in part if clip.label is not None}
    of_corpora = [frozenset(who for who in labelled if who[0] == name) for name in sorted({who[0] for who in labelled})]
    if len(of_corpora) > 1:
        return tuple(of_corpora)
    without = corpora.left_out(part)
    if not without:
        raise ConfigError("no corpus has three speakers or more; temperatures are fitted on one of them. Add speakers.")
    if not without & labelled:
        names = ", ".join("/".join(who) for who in sorted(without))
        raise ConfigError(f"{names}: no clip has a class; temperatures are fitted on these speakers. Add clips.")
    return (without,)


_Trained = tuple[EmotionNet, Job]


def _calibrated(others: Sequence[_Trained], last: _Trained, without: Sequence[frozenset[Who]], out: Path) -> float:
    """Write the last network with the temperatures that `others` need for the speakers that they were trained without.

    Clips of a class that such a network has not learned do not count. Returns the macro F1 of the others.
    """
    net, job = last
    clips = job.material.clips
    found = []
    for (other, rest), speakers in zip(others, without, strict=True):
        known = {clips[i].label for i in rest.clips}
        unseen = [i for i in job.clips if clips[i].who in speakers and clips[i].label in known - {None}]
        if not unseen:
            continue
        with tempfile.TemporaryDirectory() as folder:
            write_model(other, rest.recipe, (1.0, 1.0), Path(folder))
            model = BuiltinEmotion(Path(folder))
            found.append([judged_by(model, job.material, unseen, way) for way in get_args(Way)])
    if not found:
        raise ConfigError(
            "no clip has a class that other speakers or corpora teach; temperatures need some. Add clips."
        )
    out.mkdir(parents=True, exist_ok=True)
    learned = {clips[i].who for i in job.clips}
    needed = [temperatures_of(both(*parts)) for parts in found]
    write_model(net, job.recipe, (max(alone for alone, _ in needed), max(known for _, known in needed)), out, learned)
    own = both(*(parts[0] for parts in found))
    return macro_f1(confusion(own.truth, own.logits.argmax(axis=1)))


def main(
    data: Annotated[Path, typer.Option(help="folder of labelled corpora")],
    out: Annotated[Path, typer.Option(help="folder for the weights")] = MODELS,
    cache: Annotated[Path | None, typer.Option(help="keep prepared clips here: about 380 MB")] = None,
    seed: int = NetworkRecipe.seed,
    steps: int = NetworkRecipe.steps,
) -> None:
    """Train, calibrate and write `emotion.onnx` and `emotion.json`; held-out speakers are not used."""
    recipe = NetworkRecipe(seed=seed, steps=steps)
    learn, _ = corpora.split([clip for clip in corpora.read_clips(data) if clip.emotion])
    (unseen_f1,) = train_models([learn], [out], recipe, voices_of([learn], recipe), cache)
    alone, known = BuiltinEmotion(out).temperatures
    typer.echo(f"temperature {known:.3f}, for a single clip {alone:.3f}")
    typer.echo(f"left-out corpora, all surroundings: macro F1 {unseen_f1:.3f}")


if __name__ == "__main__":
    typer.run(main)
