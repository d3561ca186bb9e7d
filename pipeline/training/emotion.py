"""How the built-in emotion model was made: `python -m pipeline.training.emotion --data DIR`.

DIR holds labelled corpora (`ravdess/labels.csv`, ...). Seeded; two cores need about half an hour.
"""

from __future__ import annotations

import json
import os
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
from pipeline.training.network import EmotionNet, Ensemble, augment_group, random_masks
from pipeline.training.prepare import Prepared, prepare

MODELS = Path(__file__).resolve().parent.parent / "models"
_OTHER_SHARE = 0.2  # of a corpus that the recipe does not name


@dataclass(frozen=True)
class Recipe:
    """Everything that the training depends on besides the data."""

    seed: int = 7
    members: int = 2  # networks whose outputs are averaged; each leaves out other speakers, for the temperature
    steps: int = 6500
    groups: int = 6  # simulated conversations in a batch: one speaker, one channel each
    clips: int = 8  # of each
    frames: int = 256
    long_share: float = 0.8  # of conversations, in which the baseline is from minutes of the speaker
    mix: float = 0.1  # of the Beta distribution that clips are mixed by (Zhang et al. 2018, mixup)
    smoothing: float = 0.1  # of labels
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    average_decay: float = 0.999
    corpus_share: tuple[tuple[str, float], ...] = (("ravdess", 0.7), ("nemo", 0.2), ("emodb", 0.1))


def population(prepared: list[Prepared]) -> features.Baseline:
    """Mean and spread of log-mel power over speakers, each speaker at his or her own level and counted once."""
    by_speaker: dict[tuple[str, str], list[np.ndarray]] = {}
    for item in prepared:
        by_speaker.setdefault((item.clip.corpus, item.clip.speaker), []).append(item.mel)
    means, variances = [], []
    for mels in by_speaker.values():
        level = float(np.mean(np.concatenate([m.mean(axis=1) for m in mels])))
        frames = np.concatenate([features.log_power(m, level) for m in mels])
        means.append(frames.mean(axis=0))
        variances.append(frames.var(axis=0))
    return features.Baseline(
        np.mean(means, axis=0).astype(np.float32), np.sqrt(np.mean(variances, axis=0)).astype(np.float32)
    )


class Batches:
    """Seeded batches of simulated conversations: groups of clips of one speaker, emotions not balanced, one channel."""

    def __init__(self, prepared: list[Prepared], base: features.Baseline, recipe: Recipe, seed: int) -> None:
        self.base, self.recipe = base, recipe
        self.rng = np.random.default_rng(seed)
        self.speakers: dict[str, dict[str, dict[str, list[Prepared]]]] = {}
        for item in prepared:
            corpus = self.speakers.setdefault(item.clip.corpus, {})
            corpus.setdefault(item.clip.speaker, {}).setdefault(item.clip.emotion, []).append(item)
        self.frames_of = {
            (corpus, speaker): np.concatenate([item.mel[::4] for items in emotions.values() for item in items])
            for corpus, speakers in self.speakers.items()
            for speaker, emotions in speakers.items()
        }

    def group(self) -> tuple[list[np.ndarray], list[Prepared]]:
        """Normalised features and clips of one simulated conversation.

        The baseline is from some of the clips alone (little has been heard), or from frames of all that the speaker
        ever said (minutes have been heard), as through the same channel.
        """
        rng, recipe = self.rng, self.recipe
        known = dict(recipe.corpus_share)
        names = [n for n in known if n in self.speakers] + sorted(n for n in self.speakers if n not in known)
        shares = [known.get(n, _OTHER_SHARE) for n in names]
        corpus = str(rng.choice(names, p=np.array(shares) / sum(shares)))
        speaker = str(rng.choice(sorted(self.speakers[corpus])))
        by_emotion = self.speakers[corpus][speaker]
        emotions = sorted(by_emotion)
        drawn = rng.choice(emotions, size=recipe.clips, p=rng.dirichlet(np.full(len(emotions), 1.5)))
        items = [by_emotion[e][rng.integers(len(by_emotion[e]))] for e in drawn]
        frames = self.frames_of[corpus, speaker]
        frames = frames[rng.integers(0, len(frames), size=1200)]
        *mels, frames = augment_group([*(item.mel for item in items), frames], rng)
        if rng.random() < recipe.long_share:
            trust = float(np.exp(rng.uniform(np.log(15), np.log(300)))) / (len(frames) * features.FRAME_S)
            baseline = features.speaker_baseline([frames], self.base, trust)
        else:
            baseline = features.speaker_baseline(mels[: int(rng.integers(1, recipe.clips + 1))], self.base)
        return [features.normalise(mel, baseline) for mel in mels], items

    def batch(self) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """A batch of mixed clips.

        Features (b, frames, bands), mask (b, frames), targets: emotions (b, 8), classes (b, 5) - less than 1 in sum
        where an emotion has no class - and valence and arousal (b, 2).
        """
        recipe, rng = self.recipe, self.rng
        rows: list[np.ndarray] = []
        clips: list[Prepared] = []
        for _ in range(recipe.groups):
            normalised, items = self.group()
            rows += normalised
            clips += items
        x = np.zeros((len(rows), recipe.frames, features.BANDS), np.float32)
        mask = np.zeros((len(rows), recipe.frames), np.float32)
        for i, row in enumerate(rows):
            start = int(rng.integers(0, max(1, len(row) - recipe.frames + 1)))
            piece = random_masks(row[start : start + recipe.frames], rng)
            x[i, : len(piece)] = piece
            mask[i, : len(piece)] = 1
        emotions = np.eye(len(corpora.EMOTIONS), dtype=np.float32)[
            [corpora.EMOTIONS.index(item.clip.emotion) for item in clips]
        ]
        classes = np.zeros((len(clips), 5), np.float32)
        for i, item in enumerate(clips):
            if item.clip.emotion in corpora.CLASS_OF:
                classes[i, corpora.CLASS_OF[item.clip.emotion]] = 1
        plane = np.array([corpora.VALENCE_AROUSAL[item.clip.emotion] for item in clips], np.float32)
        share = rng.beta(recipe.mix, recipe.mix, size=len(clips)).astype(np.float32)
        share = np.maximum(share, 1 - share)
        other = rng.permutation(len(clips))

        def mixed(values: np.ndarray) -> Tensor:
            weight = share.reshape(-1, *[1] * (values.ndim - 1))
            return torch.from_numpy(weight * values + (1 - weight) * values[other])

        return mixed(x), torch.from_numpy(np.maximum(mask, mask[other])), mixed(emotions), mixed(classes), mixed(plane)


def train_member(prepared: list[Prepared], base: features.Baseline, recipe: Recipe, seed: int) -> EmotionNet:
    """Train one network; returns the exponential moving average of its weights."""
    torch.manual_seed(seed)
    half = computes_bf16()
    batches = Batches(prepared, base, recipe, seed)
    net = EmotionNet(features.BANDS)
    decay = min(
        recipe.average_decay, max(0.0, 1 - 5 / recipe.steps)
    )  # a short training must not average its own beginning
    net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs lack the keyword
    average = torch.optim.swa_utils.AveragedModel(
        net,
        multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(decay),  # type: ignore[no-untyped-call]
        use_buffers=True,
    )
    optimizer = torch.optim.AdamW(net.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.learning_rate, recipe.steps, pct_start=0.15)
    net.train()
    for step in range(recipe.steps):
        x, mask, emotions, classes, plane = batches.batch()
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            class_logits, emotion_logits, valence_arousal = (head.float() for head in net(x, mask))
        loss = cross_entropy(emotion_logits, emotions, recipe.smoothing)
        loss = loss + cross_entropy(class_logits, classes, recipe.smoothing)
        loss = loss + 2 * nn.functional.mse_loss(valence_arousal, plane)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimizer.step()
        schedule.step()
        average.update_parameters(net)
        if step % 100 == 99:
            typer.echo(f"seed {seed}  step {step + 1}/{recipe.steps}  loss {loss.item():.3f}", err=True)
    return cast(EmotionNet, average.module.eval())


@dataclass(frozen=True)
class Job:
    """One network to be trained: from what, against which population, by which recipe and seed."""

    prepared: list[Prepared]
    base: features.Baseline
    recipe: Recipe
    seed: int


def train_networks(jobs: Sequence[Job]) -> list[EmotionNet]:
    """Train networks side by side, each on one core."""
    with ProcessPoolExecutor(
        min(len(jobs), os.cpu_count() or 1), mp_context=get_context("spawn"), initializer=_one_core
    ) as pool:
        states = list(pool.map(_trained_state, jobs))
    nets = []
    for state in states:
        net = EmotionNet(features.BANDS)
        net.load_state_dict({name: torch.from_numpy(value) for name, value in state.items()})
        nets.append(net.eval())
    return nets


def _one_core() -> None:
    torch.set_num_threads(1)


def _trained_state(job: Job) -> dict[str, np.ndarray]:
    net = train_member(job.prepared, job.base, job.recipe, job.seed)
    return {name: value.contiguous().numpy() for name, value in net.state_dict().items()}


def cross_entropy(logits: Tensor, targets: Tensor, smoothing: float) -> Tensor:
    """Mean cross entropy of logits (n, k) with targets (n, k) whose rows sum to the row's weight."""
    weights = targets.sum(1)
    smoothed = targets * (1 - smoothing) + weights.unsqueeze(1) * smoothing / targets.shape[1]
    losses = -(smoothed * torch.log_softmax(logits, dim=1)).sum(1)
    return losses.sum() / weights.sum().clamp(min=1e-3)


def export(net: nn.Module, path: Path) -> None:
    """Write the network as ONNX with free batch and frame axes."""
    example = (torch.zeros(2, 128, features.BANDS), torch.ones(2, 128))
    torch.onnx.export(
        net,
        example,
        str(path),
        input_names=["features", "mask"],
        output_names=["classes", "emotions", "valence_arousal"],
        dynamic_axes={name: {0: "batch", 1: "frames"} for name in ("features", "mask")}
        | {name: {0: "batch"} for name in ("classes", "emotions", "valence_arousal")},
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
    }
    (out / "emotion.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


def by_corpus(speakers: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Names of (corpus, speaker) pairs by corpus, sorted."""
    out: dict[str, list[str]] = {}
    for corpus, name in sorted(set(speakers)):
        out.setdefault(corpus, []).append(name)
    return out


def temperature_of(logits: np.ndarray, labels: np.ndarray) -> float:
    """The temperature that makes softmax scores (n, 5) most likely for the labels (n,) (Guo et al. 2017)."""
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    rows = np.arange(len(labels))
    found = minimize_scalar(
        lambda t: -log_softmax(logits / t, axis=1)[rows, labels].mean(), bounds=(0.2, 5), method="bounded"
    )
    return float(found.x)


def truth_and_logits(model: BuiltinEmotion, prepared: Sequence[Prepared]) -> tuple[np.ndarray, np.ndarray]:
    """Class labels (n,) and logits (n, 5), before the temperature, of clips that have a class."""
    prepared = [p for p in prepared if p.clip.label is not None]
    truth = np.array([p.clip.label for p in prepared])
    logits = np.zeros((len(prepared), 5), np.float32)
    for who in sorted({p.clip.who for p in prepared}):
        rows = [i for i, p in enumerate(prepared) if p.clip.who == who]
        logits[rows] = model.logits([prepared[i].mel for i in rows])[0]
    return truth, logits


def train_models(
    parts: Sequence[Sequence[corpora.Clip]], outs: Sequence[Path], recipe: Recipe, cache: Path | None = None
) -> list[float]:
    """Train a model from each part of the clips and write it into its folder, all side by side.

    Returns the macro F1 of each on the speakers whom its networks leave out, on whom its temperature is fitted.
    """
    jobs: list[Job] = []
    missing: list[frozenset[tuple[str, str]]] = []
    for clips in parts:
        prepared = prepare(clips, cache)
        base = population(prepared)
        for member in range(recipe.members):
            missing.append(corpora.left_out(clips, member, recipe.members))
            kept = [p for p in prepared if p.clip.who not in missing[-1]]
            if not kept:
                raise ConfigError("one speaker for each corpus leaves nobody to learn from; expected two or more.")
            jobs.append(Job(kept, base, recipe, recipe.seed + member))
    nets = train_networks(jobs)
    figures = []
    for i, (clips, out) in enumerate(zip(parts, outs, strict=True)):
        own = slice(i * recipe.members, (i + 1) * recipe.members)
        unseen = [prepare([c for c in clips if c.who in group], cache) for group in missing[own]]
        job = jobs[own.start]
        truth, scores = _unseen_scores(nets[own], unseen, job, out)
        learned = {clip.who for clip in clips}
        write_model(Ensemble(nets[own]), job.base, recipe, temperature_of(scores, truth), out, learned)
        figures.append(macro_f1(confusion(truth, scores.argmax(axis=1))))
    return figures


def _unseen_scores(
    nets: Sequence[EmotionNet], unseen: Sequence[Sequence[Prepared]], job: Job, out: Path
) -> tuple[np.ndarray, np.ndarray]:
    """Labels (n,) and logits (n, 5) of the speakers unseen by each network, as the written model gives them."""
    out.mkdir(parents=True, exist_ok=True)
    truths, logits = [], []
    for net, prepared in zip(nets, unseen, strict=True):
        write_model(Ensemble([net]), job.base, job.recipe, 1.0, out)
        truth, found = truth_and_logits(BuiltinEmotion(out), prepared)
        truths.append(truth)
        logits.append(found)
    return np.concatenate(truths), np.concatenate(logits)


def main(
    data: Annotated[Path, typer.Option(help="folder of labelled corpora")],
    out: Annotated[Path, typer.Option(help="where the weights go")] = MODELS,
    cache: Annotated[Path | None, typer.Option(help="keep prepared features here")] = None,
    seed: int = Recipe.seed,
    steps: int = Recipe.steps,
    members: int = Recipe.members,
) -> None:
    """Train, calibrate and write `emotion.onnx` and `emotion.json`; held-out speakers are not read."""
    recipe = Recipe(seed=seed, steps=steps, members=members)
    learn, _ = corpora.split(corpora.read_clips(data))
    (unseen_f1,) = train_models([learn], [out], recipe, cache)
    typer.echo(f"temperature {BuiltinEmotion(out).temperature:.3f}")
    typer.echo(f"left-out speakers, single networks: macro F1 {unseen_f1:.3f}")


if __name__ == "__main__":
    typer.run(main)
