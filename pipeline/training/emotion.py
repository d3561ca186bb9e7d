"""How the built-in emotion model was made: `python -m pipeline.training.emotion --data DIR`.

DIR holds labelled corpora (`ravdess/labels.csv`, ...). Seeded; two cores need about half an hour.
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
from typing import Annotated, cast

import numpy as np
import torch
import typer
from torch import Tensor, nn

from pipeline.audio import file_sha256
from pipeline.emotion import features
from pipeline.emotion.builtin import BuiltinEmotion
from pipeline.emotion.placement import computes_bf16
from pipeline.errors import ConfigError
from pipeline.evaluation.metrics import confusion, macro_f1
from pipeline.training import corpora
from pipeline.training.batches import Batches, Recipe, population
from pipeline.training.material import Material, gather
from pipeline.training.network import EmotionNet
from pipeline.training.optimiser import Optimiser
from pipeline.training.surroundings import SHARES

MODELS = Path(__file__).resolve().parent.parent / "models"


@dataclass(frozen=True)
class Job:
    """One network to be trained: from which clips of the material, against which population, by which recipe, seed."""

    material: Material
    clips: tuple[int, ...]
    base: features.Baseline
    recipe: Recipe
    seed: int


def train_member(job: Job) -> EmotionNet:
    """Train one network; returns the exponential moving average of its weights."""
    recipe = job.recipe
    torch.manual_seed(job.seed)
    half = computes_bf16()
    batches = Batches(job.material, job.clips, job.base, recipe, job.seed)
    net = EmotionNet()
    optimiser = Optimiser(net, recipe.learning_rate, recipe.matrix_rate, recipe.weight_decay, recipe.steps)
    decay = min(
        recipe.average_decay, max(0.0, 1 - 5 / recipe.steps)
    )  # a short training must not average its own beginning
    average = torch.optim.swa_utils.AveragedModel(
        net,
        multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(decay),  # type: ignore[no-untyped-call]
        use_buffers=True,
    )
    net.train()
    for step in range(recipe.steps):
        batch = batches.batch()
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            class_logits, emotion_logits, plane, _ = net(batch.bands, batch.contours, batch.mask)
        loss = cross_entropy(emotion_logits.float(), batch.emotions, recipe.smoothing)
        loss = loss + cross_entropy(class_logits.float(), batch.classes, recipe.smoothing)
        missed = ((plane.float() - batch.plane) ** 2).mean(1)
        loss = loss + 2 * (missed * batch.speech).sum() / batch.speech.sum().clamp(min=1)
        optimiser.step(loss)
        average.update_parameters(net)
        if step % 100 == 99:
            typer.echo(f"seed {job.seed}  step {step + 1}/{recipe.steps}  loss {loss.item():.3f}", err=True)
    return cast(EmotionNet, average.module.eval())


def train_networks(jobs: Sequence[Job]) -> list[EmotionNet]:
    """Train networks side by side; the cores are shared out among them."""
    cores = os.cpu_count() or 1
    count = min(len(jobs), cores)
    with ProcessPoolExecutor(count, get_context("spawn"), torch.set_num_threads, (cores // count,)) as pool:
        states = list(pool.map(_trained_state, jobs))
    nets = []
    for state in states:
        net = EmotionNet()
        net.load_state_dict({name: torch.from_numpy(value) for name, value in state.items()})
        nets.append(net.eval())
    return nets


def _trained_state(job: Job) -> dict[str, np.ndarray]:
    net = train_member(job)
    return {name: value.contiguous().numpy() for name, value in net.state_dict().items()}


def cross_entropy(logits: Tensor, targets: Tensor, smoothing: float) -> Tensor:
    """Mean cross entropy of logits (n, k) with targets (n, k) whose rows sum to the row's weight."""
    weights = targets.sum(1)
    smoothed = targets * (1 - smoothing) + weights.unsqueeze(1) * smoothing / targets.shape[1]
    losses = -(smoothed * torch.log_softmax(logits, dim=1)).sum(1)
    return losses.sum() / weights.sum().clamp(min=1e-3)


def export(net: nn.Module, path: Path) -> None:
    """Write the network as ONNX with free batch and frame axes."""
    inputs, outputs = ("bands", "contours", "mask"), ("classes", "emotions", "valence_arousal", "embedding")
    example = (torch.zeros(2, 128, features.BANDS), torch.zeros(2, 128, features.CONTOURS), torch.ones(2, 128))
    torch.onnx.export(
        net,
        example,
        str(path),
        input_names=inputs,
        output_names=outputs,
        dynamic_axes={name: {0: "batch", 1: "frames"} for name in inputs} | {name: {0: "batch"} for name in outputs},
        opset_version=17,
        dynamo=False,
    )


def write_model(
    net: nn.Module,
    base: features.Baseline,
    recipe: Recipe,
    temperature: float,
    out: Path,
    learned: Iterable[tuple[str, str]] = (),
) -> None:
    """Write `emotion.onnx` and `emotion.json`: all that inference needs, how it was made and from which speakers."""
    export(net.eval(), out / "emotion.onnx")
    about = {
        "sha256": file_sha256(out / "emotion.onnx"),
        "temperature": round(temperature, 4),
        "recipe": asdict(recipe),
        "learned": by_corpus(learned),
        "population_mean": [round(float(v), 5) for v in base.mean],
        "population_sd": [round(float(v), 5) for v in base.sd],
        "population_pitch": round(base.pitch, 5),
        "population_tilt": round(base.tilt, 5),
    }
    (out / "emotion.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


def by_corpus(speakers: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Names of (corpus, speaker) pairs by corpus, sorted."""
    out: dict[str, list[str]] = {}
    for corpus, name in sorted(set(speakers)):
        out.setdefault(corpus, []).append(name)
    return out


def temperature_of(logits: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None) -> float:
    """The temperature that makes softmax scores (n, 5) most likely for the labels (n,) (Guo et al. 2017).

    `weights` (n,) say how much each counts, alike if not given.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    rows = np.arange(len(labels))
    found = minimize_scalar(
        lambda t: -np.average(log_softmax(logits / t, axis=1)[rows, labels], weights=weights),
        bounds=(0.2, 5),
        method="bounded",
    )
    return float(found.x)


def truth_and_logits(
    model: BuiltinEmotion, material: Material, clips: Sequence[int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Class labels (n,) and logits (n, 5), before the temperature, of those clips that have a class, and weights (n,).

    Each speaker is heard in every surrounding, without what is around the speech, so that a temperature that is fitted
    on them fits all of these; by the weights each counts alike, however many clips there are of him or her.
    """
    truth: list[int | None] = []
    weights: list[float] = []
    found = []
    for who in sorted({material.clips[i].who for i in clips}):
        rows = [i for i in clips if material.clips[i].who == who and material.clips[i].label is not None]
        for surrounding in SHARES if rows else ():
            found.append(model.logits([material.frames(i, surrounding) for i in rows])[0])
            truth += [material.clips[i].label for i in rows]
            weights += [1 / len(rows)] * len(rows)
    return np.array(truth), np.concatenate(found), np.array(weights)


def voices_of(parts: Sequence[Sequence[corpora.Clip]], recipe: Recipe) -> list[corpora.Clip]:
    """Clips that may babble behind others: those that each part has, of the corpora that the recipe names or of any.

    Where the parts share none, noise stands for babble.
    """
    every = set(parts[0]).intersection(*parts[1:])
    shared = [clip for clip in dict.fromkeys(parts[0]) if clip in every]
    return [clip for clip in shared if clip.corpus in recipe.voices] or shared


def train_models(
    parts: Sequence[Sequence[corpora.Clip]],
    outs: Sequence[Path],
    recipe: Recipe,
    voices: Sequence[corpora.Clip],
    cache: Path | None = None,
) -> list[float]:
    """Train a model from each part of the clips and write it into its folder, all side by side.

    Each is trained twice: without an eighth of the speakers, to fit the temperature on these, and with all of them,
    which is kept. Returns the macro F1 of the first on whom it left out. `voices` may babble behind others; `cache`
    keeps the frames of the clips from run to run. Raises `ConfigError` where there are too few speakers.
    """
    clips = list(dict.fromkeys(clip for part in parts for clip in part))
    missing = [corpora.left_out(part) for part in parts]
    if not all(missing):
        raise ConfigError("no corpus of three speakers or more; expected one, to fit the temperature on one of them.")
    with tempfile.TemporaryDirectory() as folder:
        material = gather(clips, voices, cache or Path(folder))
        place = {clip: i for i, clip in enumerate(clips)}
        jobs = []
        for part, without in zip(parts, missing, strict=True):
            rows = [place[clip] for clip in part]
            base = population(material, rows)
            kept = [i for i in rows if clips[i].who not in without]
            jobs += [Job(material, tuple(own), base, recipe, recipe.seed) for own in (kept, rows)]
        nets = train_networks(jobs)
        pairs = zip(nets[::2], nets[1::2], jobs[1::2], missing, outs, strict=True)
        return [_calibrated(first, net, job, without, out) for first, net, job, without, out in pairs]


def _calibrated(first: EmotionNet, net: EmotionNet, job: Job, without: frozenset[tuple[str, str]], out: Path) -> float:
    """Write a network with the temperature of another that left speakers out, fitted on these; its macro F1 there."""
    out.mkdir(parents=True, exist_ok=True)
    write_model(first, job.base, job.recipe, 1.0, out)
    unseen = [i for i in job.clips if job.material.clips[i].who in without]
    truth, logits, weights = truth_and_logits(BuiltinEmotion(out), job.material, unseen)
    learned = {job.material.clips[i].who for i in job.clips}
    write_model(net, job.base, job.recipe, temperature_of(logits, truth, weights), out, learned)
    return macro_f1(confusion(truth, logits.argmax(axis=1)))


def main(
    data: Annotated[Path, typer.Option(help="folder of labelled corpora")],
    out: Annotated[Path, typer.Option(help="where the weights go")] = MODELS,
    cache: Annotated[Path | None, typer.Option(help="keep prepared clips here: about 1.6 GB")] = None,
    seed: int = Recipe.seed,
    steps: int = Recipe.steps,
) -> None:
    """Train, calibrate and write `emotion.onnx` and `emotion.json`; held-out speakers are not read."""
    recipe = Recipe(seed=seed, steps=steps)
    learn, _ = corpora.split([clip for clip in corpora.read_clips(data) if clip.emotion])
    (unseen_f1,) = train_models([learn], [out], recipe, voices_of([learn], recipe), cache)
    typer.echo(f"temperature {BuiltinEmotion(out).temperature:.3f}")
    typer.echo(f"left-out speakers, all surroundings: macro F1 {unseen_f1:.3f}")


if __name__ == "__main__":
    typer.run(main)
