"""Evaluation protocols: the model as shipped, or retrained without the test speakers or corpora."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.files.disk import writing
from ressenti.pipeline.files.paths import is_there
from ressenti.pipeline.lab.labelled_speech import corpora
from ressenti.pipeline.lab.labelled_speech.corpora import Clip
from ressenti.pipeline.records import CLASSES

Protocol = Literal["shipped", "zero-shot", "speaker-independent", "leave-one-corpus-out"]
FOLDS = 4


@dataclass(frozen=True)
class Fold:
    """Training and test clips; they share no speaker, and in some protocols no corpus."""

    name: str
    learn: tuple[Clip, ...]
    test: tuple[Clip, ...]


def folds_of(protocol: Protocol, tested: Sequence[Clip], material: Sequence[Clip]) -> list[Fold]:
    """The folds of a protocol; `material` are the clips that may be used for training.

    `zero-shot` trains on no tested corpus; `leave-one-corpus-out` tests each corpus with a model of all the others;
    `speaker-independent` tests each quarter of every corpus' speakers with a model of the others. Held-out speakers are
    only tested, except in `speaker-independent`, where each speaker is tested once. Raises `ConfigError` if nothing is
    left for training.
    """
    material = [clip for clip in material if clip.emotion]
    learnable, _ = corpora.split(material)
    tested_corpora = sorted({clip.corpus for clip in tested})
    if protocol == "zero-shot":
        folds = [_without("zero-shot", learnable, tested, tested_corpora)]
    elif protocol == "leave-one-corpus-out":
        folds = [
            _without(f"without-{name}", learnable, [c for c in tested if c.corpus == name], [name])
            for name in tested_corpora
        ]
    else:
        folds = [fold for k in range(FOLDS) if (fold := _fold(k, tested, material)).test]
    for fold in folds:
        if not any(clip.label is not None for clip in fold.learn):
            raise ConfigError(
                f"{protocol}: no training clips in fold {fold.name}; expected other corpora or speakers. "
                "Give a folder of several labelled corpora with --data."
            )
    return folds


def lacking(fold: Fold) -> tuple[str, ...]:
    """The classes that no training clip of a fold has."""
    held = {clip.label for clip in fold.learn}
    return tuple(name for k, name in enumerate(CLASSES) if k not in held)


def _without(name: str, learnable: Sequence[Clip], tested: Sequence[Clip], left: Sequence[str]) -> Fold:
    return Fold(name, tuple(c for c in learnable if c.corpus not in left), tuple(tested))


def _fold(k: int, tested: Sequence[Clip], material: Sequence[Clip]) -> Fold:
    """The k-th quarter of each tested corpus' speakers, in blocks of consecutive names."""
    out: set[tuple[str, str]] = set()
    for name in sorted({clip.corpus for clip in tested}):
        speakers = sorted({clip.who for clip in tested if clip.corpus == name})
        out |= {who for i, who in enumerate(speakers) if i * FOLDS // len(speakers) == k}
    names = {corpus for corpus, _ in out}
    learn = [c for c in material if c.who not in out and (c.corpus in names or not corpora.is_held_out(c))]
    return Fold(f"fold-{k + 1}", tuple(learn), tuple(c for c in tested if c.who in out))


def retrain(folds: Sequence[Fold], weights: Path, steps: int | None) -> list[Path]:
    """Train the built-in model for each fold into its own folder under `weights`; finished folds are kept.

    The impressions of the clips are cached there too, in `heard`.

    Needs `pip install '.[train]'` (PyTorch writes ONNX with it); raises `ConfigError` if that is missing.
    """
    try:
        import onnx  # noqa: F401
    except ImportError as exc:
        raise ConfigError("retraining needs the package onnx; run: pip install '.[train]'") from exc
    from ressenti.pipeline.lab.training.emotion import train_models, voices_of
    from ressenti.pipeline.lab.training.weighted_clips import NetworkRecipe

    recipe = NetworkRecipe() if steps is None else NetworkRecipe(steps=steps)
    outs = [weights / fold.name for fold in folds]
    abouts = [_about(fold, asdict(recipe)) for fold in folds]
    wanted = [i for i, out in enumerate(outs) if not _kept(out / "fold.json", abouts[i])]
    for i in wanted:
        with writing(outs[i]):
            outs[i].mkdir(parents=True, exist_ok=True)
    if wanted:
        voices = voices_of([fold.learn for fold in folds], recipe)
        train_models([folds[i].learn for i in wanted], [outs[i] for i in wanted], recipe, voices, weights / "heard")
    for i in wanted:
        with writing(outs[i]):
            (outs[i] / "fold.json").write_text(abouts[i], encoding="utf-8")
    return outs


def _about(fold: Fold, recipe: dict[str, object]) -> str:
    learned = sorted({"/".join(clip.who) for clip in fold.learn})
    tested = sorted({"/".join(clip.who) for clip in fold.test})
    clips = sorted(f"{'/'.join(clip.who)}/{clip.path.name} {clip.emotion}" for clip in fold.learn)
    digest = hashlib.sha256("\n".join(clips).encode()).hexdigest()
    about = {"learned": learned, "clips": len(clips), "sha256": digest, "tested": tested, "recipe": recipe}
    return json.dumps(about, indent=1) + "\n"


def _kept(path: Path, about: str) -> bool:
    """Whether the weights of this training exist; raises `ConfigError` if the folder has those of another."""
    if not is_there(path):
        return False
    if path.read_text(encoding="utf-8") != about:
        raise ConfigError(f"{path.parent}: has weights of another training. Choose another folder with --weights.")
    return True
