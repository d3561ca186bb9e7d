"""Fine-tuning with lightning's trainer; every epoch is saved, so an interrupted run can resume."""

from __future__ import annotations

import logging
import signal
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import lightning
import torch
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.fabric.plugins.io import TorchCheckpointIO
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint

from ressenti.pipeline.files.disk import writing
from ressenti.pipeline.files.paths import is_file
from ressenti.pipeline.lab.training.learner import Epoch, Learner
from ressenti.pipeline.lab.training.recipe import Recipe
from ressenti.pipeline.progress import Progress, ignore_progress

BEST, LAST = "best.ckpt", "last.ckpt"


class _Whole(TorchCheckpointIO):
    """Checkpoint files that appear complete or not at all."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write to a temporary file, then rename."""
        target = Path(path)
        aside = target.with_name(f"{target.name}.partial")
        with writing(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            with aside.open("wb") as file:  # given a path, torch does not report a full disk
                torch.save(checkpoint, file)
            aside.replace(target)


class _Telling(Callback):
    """Reports progress to the product's hooks."""

    def __init__(self, progress: Progress, tell: Callable[[Epoch], None]) -> None:
        self.progress, self.tell = progress, tell

    def on_train_batch_end(self, trainer: lightning.Trainer, pl_module: Any, *_: Any) -> None:
        """Report one step."""
        self.progress("training", trainer.global_step, len(pl_module.lessons) * pl_module.recipe.epochs)

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        """Report one validated epoch."""
        self.tell(pl_module.curve[-1])


def is_done(curve: Sequence[Epoch], recipe: Recipe) -> bool:
    """Whether a run with this curve has ended: no epochs are left, or the last ones brought no improvement."""
    best = best_of(curve)
    return len(curve) >= recipe.epochs or (best is not None and len(curve) - best.number >= recipe.patience)


def best_of(curve: Sequence[Epoch]) -> Epoch | None:
    """The epoch with the highest macro F1, the first if several are equal."""
    return max(curve, key=lambda epoch: epoch.macro_f1, default=None)


def fit(
    learner: Learner,
    place: tuple[str, str],
    work: Path,
    progress: Progress = ignore_progress,
    tell: Callable[[Epoch], None] = lambda _: None,
) -> tuple[Epoch, ...]:
    """Train the learner's model in place from the last epoch saved in `work`, load its best epoch and return the curve.

    `place` is a device (cpu or cuda) and a number format (fp32 or bf16). The convolutional encoder is frozen.
    Raises `DiskFullError` or `OutputError` if an epoch cannot be saved, `KeyboardInterrupt` on Ctrl-C.
    """
    recipe, model = learner.recipe, learner.model
    model.train().requires_grad_(requires_grad=True)
    model.wav2vec2.feature_extractor.requires_grad_(requires_grad=False)
    curve = kept_curve(work)
    if not is_done(curve, recipe):
        with _quiet():
            trainer = _trainer(recipe, place, work, _Telling(progress, tell))
            with _interruptible():
                trainer.fit(learner, ckpt_path=str(work / LAST) if curve else None)
        curve = tuple(learner.curve)
    learner.load_state_dict(torch.load(work / BEST, map_location="cpu", weights_only=True)["state_dict"])
    learner.cpu()
    model.eval()
    return curve


def kept_curve(work: Path) -> tuple[Epoch, ...]:
    """Epochs that an interrupted run in this folder has completed."""
    if not is_file(work / LAST):
        return ()
    kept = torch.load(work / LAST, map_location="cpu", weights_only=True, mmap=True)["curve"]
    return tuple(Epoch(**epoch) for epoch in kept)


def _trainer(recipe: Recipe, place: tuple[str, str], work: Path, telling: Callback) -> lightning.Trainer:
    device, dtype = place
    # two checkpoints: only the weights of the best epoch, and everything needed to resume from the last one
    every = {"dirpath": str(work), "enable_version_counter": False, "save_on_train_epoch_end": True}
    best = ModelCheckpoint(
        filename="best", monitor="macro_f1", mode="max", save_weights_only=True, **cast("Any", every)
    )
    last = ModelCheckpoint(filename="last", **cast("Any", every))
    return lightning.Trainer(
        accelerator="gpu" if device == "cuda" else "cpu",
        devices=1,
        precision="bf16-mixed" if dtype == "bf16" else "32-true",
        max_epochs=recipe.epochs,
        gradient_clip_val=recipe.clip_norm,
        callbacks=[telling, EarlyStopping("macro_f1", mode="max", patience=recipe.patience, min_delta=0.0), best, last],
        plugins=[_Whole(), LightningEnvironment()],
        deterministic="warn" if device == "cuda" else None,
        default_root_dir=str(work),
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
    )


@contextmanager
def _interruptible() -> Iterator[None]:
    """Turn Ctrl-C into `KeyboardInterrupt`: lightning would exit the process, and ignore a second Ctrl-C."""
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit as exc:
        signal.signal(signal.SIGINT, before or signal.default_int_handler)
        raise KeyboardInterrupt from exc


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence lightning's advice, and restore the torch settings that it changes."""
    logger = logging.getLogger("lightning.pytorch")
    level, deterministic = logger.level, torch.are_deterministic_algorithms_enabled()
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
        torch.use_deterministic_algorithms(deterministic)
