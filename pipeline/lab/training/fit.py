"""Fine-tuning by lightning's trainer: each epoch is kept, so that a training goes on where it was killed."""

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
    """Checkpoints that are there whole or not at all, written beside their place."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write aside, then rename."""
        target = Path(path)
        aside = target.with_name(f"{target.name}.partial")
        with writing(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            with aside.open("wb") as file:  # by a path, torch says nothing of a full disk
                torch.save(checkpoint, file)
            aside.replace(target)


class _Telling(Callback):
    """Tells the product's own hooks how far it is."""

    def __init__(self, progress: Progress, tell: Callable[[Epoch], None]) -> None:
        self.progress, self.tell = progress, tell

    def on_train_batch_end(self, trainer: lightning.Trainer, pl_module: Any, *_: Any) -> None:
        """One step is done."""
        self.progress("training", trainer.global_step, len(pl_module.lessons) * pl_module.recipe.epochs)

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: Any) -> None:
        """One epoch is done, and judged."""
        self.tell(pl_module.curve[-1])


def is_done(curve: Sequence[Epoch], recipe: Recipe) -> bool:
    """Whether a training with this curve has ended: no epoch is left, or none of the last ones was better."""
    best = best_of(curve)
    return len(curve) >= recipe.epochs or (best is not None and len(curve) - best.number >= recipe.patience)


def best_of(curve: Sequence[Epoch]) -> Epoch | None:
    """The epoch with the highest macro F1, the first of several."""
    return max(curve, key=lambda epoch: epoch.macro_f1, default=None)


def fit(
    learner: Learner,
    place: tuple[str, str],
    work: Path,
    progress: Progress = ignore_progress,
    tell: Callable[[Epoch], None] = lambda _: None,
) -> tuple[Epoch, ...]:
    """Train the learner's model in place, up to its best epoch, from the last one that `work` keeps; gives the curve.

    `place` is a device (cpu or cuda) and a number format (fp32 or bf16). The convolutional encoder is left as it is.
    Raises `DiskFullError` or `OutputError` where an epoch cannot be kept, `KeyboardInterrupt` at Ctrl-C.
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
    """The epochs that an interrupted training in this folder has behind it."""
    if not is_file(work / LAST):
        return ()
    kept = torch.load(work / LAST, map_location="cpu", weights_only=True, mmap=True)["curve"]
    return tuple(Epoch(**epoch) for epoch in kept)


def _trainer(recipe: Recipe, place: tuple[str, str], work: Path, telling: Callback) -> lightning.Trainer:
    device, dtype = place
    # two keepers: weights alone of the best epoch, all that is needed to go on of the last one
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
    """Ctrl-C as Python has it: lightning ends the process instead, and no longer heeds a second one."""
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit as exc:
        signal.signal(signal.SIGINT, before or signal.default_int_handler)
        raise KeyboardInterrupt from exc


@contextmanager
def _quiet() -> Iterator[None]:
    """No advice of lightning's; what it sets for all of torch is put back."""
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
