"""Trains the built-in emotion model: `python -m ressenti.pipeline.lab.training.emotion --data DIR`.

DIR contains labelled corpora (`ravdess/labels.csv`, ...). Seeded; takes about ten minutes on two cores.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from torch import Tensor, nn

from ressenti.pipeline.emotion import features
from ressenti.pipeline.emotion.builtin import KNOWN_S, BuiltinEmotion
from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.files.hashes import digest_of
from ressenti.pipeline.lab.evaluation.metrics import confusion, macro_f1
from ressenti.pipeline.lab.labelled_speech import corpora
from ressenti.pipeline.lab.labelled_speech.augmentation import SHARES
from ressenti.pipeline.lab.training.baseline import Baseline, fit_baseline
from ressenti.pipeline.lab.training.clip_features import ClipFeatures, clip_features_of
from ressenti.pipeline.lab.training.network import EmotionNet
from ressenti.pipeline.lab.training.weighted_clips import NetworkRecipe, weighted_clips_of
from ressenti.pipeline.models import voice_encoder

MODELS = Path(__file__).resolve().parents[2] / "models"
_PART = 8_192  # examples per pass through the network, to save memory


@dataclass(frozen=True)
class Job:
    """One network to train: the clips of the material, the recipe and the seed."""

    material: ClipFeatures
    clips: tuple[int, ...]
    recipe: NetworkRecipe
    seed: int


def train_network(job: Job) -> EmotionNet:
    """Fit one network to all its examples at once (L-BFGS), with a penalty on its weights."""
    recipe = job.recipe
    torch.manual_seed(job.seed)
    net = EmotionNet(fit_baseline(job.material, job.clips))
    examples = weighted_clips_of(job.material, job.clips, net.baseline, recipe, job.seed)
    data = {name: torch.from_numpy(value) for name, value in vars(examples).items()}
    matrices = [p for p in net.parameters() if p.ndim == 2]
    optimiser = torch.optim.LBFGS(
        net.parameters(),
        max_iter=recipe.steps,
        max_eval=2 * recipe.steps,
        history_size=20,
        line_search_fn="strong_wolfe",
    )
    tried = 0

    def loss() -> Tensor:
        nonlocal tried
        optimiser.zero_grad()
        total = torch.zeros(())
        for start in range(0, len(data["weights"]), _PART):
            part = {name: value[start : start + _PART] for name, value in data.items()}
            of_part = _loss_of(net, part) / len(data["weights"])
            of_part.backward()  # type: ignore[no-untyped-call]
            total = total + of_part.detach()
        small = recipe.penalty * torch.stack([(m**2).sum() for m in matrices]).sum()
        small.backward()  # type: ignore[no-untyped-call]
        tried += 1
        if tried % 25 == 0:
            typer.echo(f"seed {job.seed}  {tried} tried  loss {total.item() + small.item():.4f}", err=True)
        return total + small.detach()

    optimiser.step(loss)  # type: ignore[no-untyped-call]
    return net.eval()


def _loss_of(net: EmotionNet, part: dict[str, Tensor]) -> Tensor:
    """Summed loss over examples: emotions, classes and the valence-arousal plane."""
    classes, emotions, plane, _ = net.judge(part["differences"])
    missed = cross_entropy(emotions, part["emotions"]) + cross_entropy(classes, part["classes"])
    missed = missed + 2 * ((plane - part["plane"]) ** 2).mean(1) * part["speech"]
    total: Tensor = (missed * part["weights"]).sum()
    return total


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
    learned: Iterable[tuple[str, str]] = (),
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


def by_corpus(speakers: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
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


def judged_by(model: BuiltinEmotion, material: ClipFeatures, clips: Sequence[int], *, alone: bool = False) -> Judged:
    """Logits of a model for the clips that have a class.

    Every speaker occurs in every surrounding, so that temperatures fit all of them, and has equal weight, whatever the
    number of clips. With `alone`, each clip is scored without the speaker's other clips.
    """
    truth: list[int | None] = []
    parts = []
    for who in sorted({material.clips[i].who for i in clips}):
        rows = [i for i in clips if material.clips[i].who == who and material.clips[i].label is not None]
        for surrounding in SHARES if rows else ():
            for own in [[i] for i in rows] if alone else [rows]:
                logits, _, seconds = model.logits(material.heard(own, surrounding))
                parts.append((logits, np.full(len(own), seconds), np.full(len(own), 1 / len(rows))))
                truth += [material.clips[i].label for i in own]
    return Judged(np.array(truth), *(np.concatenate(values) for values in zip(*parts, strict=True)))


def both(one: Judged, other: Judged) -> Judged:
    """Concatenate two sets."""
    return Judged(*(np.concatenate(pair) for pair in zip(vars(one).values(), vars(other).values(), strict=True)))


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

    Each model is trained twice: without a third of the speakers, to fit the temperatures on these, and with all
    speakers, which is the one written. Returns the first one's macro F1 on the speakers left out. `voices` are used for
    babble; `cache` keeps the impressions of the clips between runs. Raises `ConfigError` if there are too few speakers.
    """
    clips = list(dict.fromkeys(clip for part in parts for clip in part))
    missing = [corpora.left_out(part) for part in parts]
    if not all(missing):
        raise ConfigError("no corpus has three speakers or more; temperatures are fitted on one of them. Add speakers.")
    for part, without in zip(parts, missing, strict=True):
        if not any(clip.who in without and clip.label is not None for clip in part):
            names = ", ".join("/".join(who) for who in sorted(without))
            raise ConfigError(f"{names}: no clip has a class; temperatures are fitted on these speakers. Add clips.")
    with tempfile.TemporaryDirectory() as folder:
        material = clip_features_of(clips, voices, cache or Path(folder))
        place = {clip: i for i, clip in enumerate(clips)}
        jobs = []
        for part, without in zip(parts, missing, strict=True):
            rows = [place[clip] for clip in part]
            kept = [i for i in rows if clips[i].who not in without]
            jobs += [Job(material, tuple(own), recipe, recipe.seed) for own in (kept, rows)]
        nets = train_networks(jobs)
        pairs = zip(nets[::2], nets[1::2], jobs[1::2], missing, outs, strict=True)
        return [_calibrated(first, net, job, without, out) for first, net, job, without, out in pairs]


def _calibrated(first: EmotionNet, net: EmotionNet, job: Job, without: frozenset[tuple[str, str]], out: Path) -> float:
    """Write `net` with temperatures fitted on the speakers that `first` left out; returns `first`'s macro F1 there."""
    unseen = [i for i in job.clips if job.material.clips[i].who in without]
    with tempfile.TemporaryDirectory() as folder:
        write_model(first, job.recipe, (1.0, 1.0), Path(folder))
        model = BuiltinEmotion(Path(folder))
        own, alone = (judged_by(model, job.material, unseen, alone=alone) for alone in (False, True))
    out.mkdir(parents=True, exist_ok=True)
    learned = {job.material.clips[i].who for i in job.clips}
    write_model(net, job.recipe, temperatures_of(both(own, alone)), out, learned)
    return macro_f1(confusion(own.truth, own.logits.argmax(axis=1)))


def main(
    data: Annotated[Path, typer.Option(help="folder of labelled corpora")],
    out: Annotated[Path, typer.Option(help="folder for the weights")] = MODELS,
    cache: Annotated[Path | None, typer.Option(help="keep prepared clips here: about 80 MB")] = None,
    seed: int = NetworkRecipe.seed,
    steps: int = NetworkRecipe.steps,
) -> None:
    """Train, calibrate and write `emotion.onnx` and `emotion.json`; held-out speakers are not used."""
    recipe = NetworkRecipe(seed=seed, steps=steps)
    learn, _ = corpora.split([clip for clip in corpora.read_clips(data) if clip.emotion])
    (unseen_f1,) = train_models([learn], [out], recipe, voices_of([learn], recipe), cache)
    alone, known = BuiltinEmotion(out).temperatures
    typer.echo(f"temperature {known:.3f}, for a single clip {alone:.3f}")
    typer.echo(f"left-out speakers, all surroundings: macro F1 {unseen_f1:.3f}")


if __name__ == "__main__":
    typer.run(main)
