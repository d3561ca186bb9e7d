"""How the built-in emotion model was made: `python -m pipeline.training.emotion train|evaluate --data DIR`.

DIR holds labelled corpora (`ravdess/labels.csv`, ...). `train` writes the weights and `evaluate` prints the table of
the model card, on speakers that no training touches. Both are seeded; two cores need about half an hour.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, cast

import numpy as np
import torch
import typer
from torch import Tensor, nn

from pipeline.audio import file_sha256
from pipeline.emotion import features
from pipeline.emotion.builtin import BuiltinEmotion
from pipeline.training import corpora
from pipeline.training.network import EmotionNet, Ensemble, augment_group, random_masks
from pipeline.training.prepare import Prepared, prepare

MODELS = Path(__file__).resolve().parent.parent / "models"
app = typer.Typer(add_completion=False, help=__doc__)


@dataclass(frozen=True)
class Recipe:
    """Everything that the training depends on besides the data."""

    seed: int = 7
    members: int = 2  # networks, alike but for their seeds, whose outputs are averaged
    steps: int = 3500
    groups: int = 8  # simulated conversations in a batch: one speaker, one channel each
    clips: int = 8  # of each
    frames: int = 320
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    average_decay: float = 0.999
    corpus_share: tuple[tuple[str, float], ...] = (("ravdess", 0.5), ("nemo", 0.35), ("emodb", 0.15))


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

    def group(self) -> tuple[list[np.ndarray], list[Prepared]]:
        """Normalised features and clips of one simulated conversation."""
        rng, recipe = self.rng, self.recipe
        names, shares = zip(*[(n, s) for n, s in recipe.corpus_share if n in self.speakers], strict=True)
        corpus = self.speakers[str(rng.choice(names, p=np.array(shares) / sum(shares)))]
        speaker = corpus[str(rng.choice(sorted(corpus)))]
        emotions = sorted(speaker)
        drawn = rng.choice(emotions, size=recipe.clips, p=rng.dirichlet(np.full(len(emotions), 1.5)))
        items = [speaker[e][rng.integers(len(speaker[e]))] for e in drawn]
        mels = augment_group([item.mel for item in items], rng)
        heard = int(rng.integers(1, recipe.clips + 1))
        trust = float(rng.uniform(1, 6)) if heard > recipe.clips // 2 else 1.0
        baseline = features.speaker_baseline(mels[:heard], self.base, trust)
        return [features.normalise(mel, baseline) for mel in mels], items

    def batch(self) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Features (b, frames, bands), mask (b, frames), emotion (b,), class or -1 (b,), valence and arousal (b, 2)."""
        recipe, rows, clips = self.recipe, [], []
        for _ in range(recipe.groups):
            normalised, items = self.group()
            rows += normalised
            clips += items
        x = np.zeros((len(rows), recipe.frames, features.BANDS), np.float32)
        mask = np.zeros((len(rows), recipe.frames), np.float32)
        for i, row in enumerate(rows):
            start = int(self.rng.integers(0, max(1, len(row) - recipe.frames + 1)))
            piece = random_masks(row[start : start + recipe.frames], self.rng)
            x[i, : len(piece)] = piece
            mask[i, : len(piece)] = 1
        emotion = [corpora.EMOTIONS.index(item.clip.emotion) for item in clips]
        five = [corpora.CLASS_OF.get(item.clip.emotion, -1) for item in clips]
        plane = [corpora.VALENCE_AROUSAL[item.clip.emotion] for item in clips]
        return (
            torch.from_numpy(x),
            torch.from_numpy(mask),
            torch.tensor(emotion),
            torch.tensor(five),
            torch.tensor(plane, dtype=torch.float32),
        )


def train_member(prepared: list[Prepared], base: features.Baseline, recipe: Recipe, seed: int) -> EmotionNet:
    """Train one network; returns the exponential moving average of its weights."""
    torch.manual_seed(seed)
    batches = Batches(prepared, base, recipe, seed)
    net = EmotionNet(features.BANDS)
    net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs lack the keyword
    average = torch.optim.swa_utils.AveragedModel(
        net,
        multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(recipe.average_decay),  # type: ignore[no-untyped-call]
        use_buffers=True,
    )
    optimizer = torch.optim.AdamW(net.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.learning_rate, recipe.steps, pct_start=0.15)
    smooth = nn.CrossEntropyLoss(label_smoothing=0.1)
    masked = nn.CrossEntropyLoss(label_smoothing=0.1, ignore_index=-1)
    net.train()
    for step in range(recipe.steps):
        x, mask, emotion, five, plane = batches.batch()
        with torch.autocast("cpu", torch.bfloat16):
            classes, emotions, valence_arousal = (head.float() for head in net(x, mask))
        loss = smooth(emotions, emotion) + 2 * nn.functional.mse_loss(valence_arousal, plane)
        if (five >= 0).any():
            loss = loss + masked(classes, five)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimizer.step()
        schedule.step()
        average.update_parameters(net)
        if step % 100 == 99:
            typer.echo(f"seed {seed}  step {step + 1}/{recipe.steps}  loss {loss.item():.3f}", err=True)
    return cast(EmotionNet, average.module.eval())


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


def temperature_of(logits: np.ndarray, labels: np.ndarray) -> float:
    """The temperature that makes softmax scores (n, 5) most likely for the labels (n,) (Guo et al. 2017)."""
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    rows = np.arange(len(labels))
    found = minimize_scalar(
        lambda t: -log_softmax(logits / t, axis=1)[rows, labels].mean(), bounds=(0.2, 5), method="bounded"
    )
    return float(found.x)


def truth_and_logits(
    model: BuiltinEmotion, prepared: Sequence[Prepared], *, baseline: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Class labels (n,) and logits (n, 5), before the temperature, of clips that have a class.

    Each speaker is normalised by all of his or her own clips (`baseline`), or by the population alone.
    """
    truth = np.array([corpora.CLASS_OF[p.clip.emotion] for p in prepared])
    logits = np.zeros((len(prepared), 5), np.float32)
    for key in sorted({(p.clip.corpus, p.clip.speaker) for p in prepared}):
        rows = [i for i, p in enumerate(prepared) if (p.clip.corpus, p.clip.speaker) == key]
        logits[rows] = model.logits([prepared[i].mel for i in rows], own_baseline=baseline)[0]
    return truth, logits


@app.command()
def train(
    data: Annotated[Path, typer.Option(help="folder of labelled corpora")],
    out: Annotated[Path, typer.Option(help="where the weights go")] = MODELS,
    cache: Annotated[Path | None, typer.Option(help="keep prepared features here")] = None,
    seed: int = Recipe.seed,
    steps: int = Recipe.steps,
    members: int = Recipe.members,
) -> None:
    """Train, calibrate and write `emotion.onnx` and `emotion.json`."""
    recipe = Recipe(seed=seed, steps=steps, members=members)
    learn, calibrate, _ = corpora.split(corpora.read_clips(data))
    prepared = prepare(learn, cache)
    base = population(prepared)
    net = Ensemble([train_member(prepared, base, recipe, recipe.seed + i) for i in range(recipe.members)])
    net.eval()
    out.mkdir(parents=True, exist_ok=True)
    export(net, out / "emotion.onnx")
    about = {
        "sha256": file_sha256(out / "emotion.onnx"),
        "temperature": 1.0,
        "recipe": asdict(recipe),
        "population_mean": [round(float(v), 5) for v in base.mean],
        "population_sd": [round(float(v), 5) for v in base.sd],
    }
    (out / "emotion.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    watched = [p for p in prepare(calibrate, cache) if p.clip.emotion in corpora.CLASS_OF]
    truth, logits = truth_and_logits(BuiltinEmotion(out), watched, baseline=True)
    about["temperature"] = round(temperature_of(logits, truth), 4)
    (out / "emotion.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    typer.echo(f"{sum(p.numel() for p in net.parameters()):,} parameters, temperature {about['temperature']}")


@app.command()
def evaluate(
    data: Annotated[Path, typer.Option(help="folder of labelled corpora")],
    models: Annotated[Path, typer.Option(help="where the weights are")] = MODELS,
    cache: Annotated[Path | None, typer.Option(help="keep prepared features here")] = None,
) -> None:
    """Print the table of the model card: five classes on the held-out speakers, with and without their baseline."""
    from pipeline.training.table import print_table

    _, _, test = corpora.split(corpora.read_clips(data))
    prepared = [p for p in prepare(test, cache) if p.clip.emotion in corpora.CLASS_OF]
    model = BuiltinEmotion(models)
    for baseline in (True, False):
        truth, logits = truth_and_logits(model, prepared, baseline=baseline)
        print_table(prepared, truth, logits / model.temperature, baseline=baseline)


if __name__ == "__main__":
    app()
