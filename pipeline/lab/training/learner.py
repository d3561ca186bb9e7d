"""The lightning module of a training run: the classifier, its loss and optimizer, and its steps and epochs.

Step k depends only on the seed and on k (`Lessons.at`, `Learner.training_step`), so a resumed run gives the same result
as an uninterrupted one.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from ressenti.pipeline.audio import RATE_HZ
from ressenti.pipeline.emotion.batches import Limits, batches
from ressenti.pipeline.emotion.heads import Classifier
from ressenti.pipeline.emotion.waveforms import Waveforms
from ressenti.pipeline.lab.evaluation.metrics import confusion, macro_f1
from ressenti.pipeline.lab.training.clip_sounds import Lessons, Sounds
from ressenti.pipeline.lab.training.recipe import Recipe
from ressenti.pipeline.models.torchaudio_import import import_torchaudio
from ressenti.pipeline.records import CLASSES

import_torchaudio()  # lightning's metrics import it if it is installed
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import lightning

if TYPE_CHECKING:
    from lightning.pytorch.utilities.types import OptimizerLRScheduler

_LIMITS = Limits(32 * RATE_HZ, 0.1)


@dataclass(frozen=True)
class Epoch:
    """One point of the training curve: mean training loss, and loss and macro F1 on the validation clips."""

    number: int
    loss: float
    validation_loss: float
    macro_f1: float


@dataclass(frozen=True)
class Windows:
    """Windows of the validation clips: (clip, first sample, number of samples, weight); `labels` by clip."""

    sounds: Sounds
    rows: tuple[tuple[int, int, int, float], ...]
    labels: dict[int, int]

    def batches(self, *, uneven: bool) -> list[list[int]]:
        """Batches of rows with similar length, or with the same length unless `uneven`."""
        return batches([row[2] for row in self.rows], _LIMITS if uneven else Limits(_LIMITS.samples, 0.0))


def weights_of(labels: Sequence[int], heaviest: float) -> tuple[float, ...]:
    """Weight of each class's positive examples: the ratio of other examples to its own, bounded."""
    counts = np.bincount(np.asarray(labels), minlength=len(CLASSES))
    ratios = (len(labels) - counts) / np.maximum(counts, 1)
    return tuple(float(weight) for weight in np.clip(ratios, 1 / heaviest, heaviest))


def begin_at_odds(model: Classifier, labels: Sequence[int], heaviest: float) -> None:
    """Initialise the bias of a new head, in place, with the weighted log odds of each class.

    Otherwise the first steps only learn the bias, and the harm that they do to the encoder is hard to undo (Lin et al.
    2017, focal loss, 4.1). Half an example is added to both counts.
    """
    counts = np.bincount(np.asarray(labels), minlength=len(CLASSES))
    odds = np.log((counts + 0.5) / (len(labels) - counts + 0.5)) + np.log(weights_of(labels, heaviest))
    last = cast("nn.Linear", model.classifier)
    last.bias = nn.Parameter(torch.tensor(odds, dtype=torch.float32))


class Learner(lightning.LightningModule):
    """The classifier, its loss (BCE of logits; several classes may apply at once), and its optimizer."""

    def __init__(
        self,
        model: Classifier,
        waveforms: Waveforms,
        lessons: Lessons,
        labels: dict[int, int],
        windows: Windows,
        recipe: Recipe,
    ) -> None:
        super().__init__()
        self.model, self.waveforms, self.lessons, self.labels = model, waveforms, lessons, labels
        self.windows, self.recipe = windows, recipe
        self.batches = windows.batches(uneven=waveforms.pads)
        self.curve: list[Epoch] = []
        self.weights = torch.tensor(weights_of([labels[i] for i in lessons.clips], recipe.heaviest))
        self._losses: list[float] = []
        self._heard: dict[int, Tensor] = {}

    def loss(self, logits: Tensor, labels: Sequence[int]) -> Tensor:
        """Weighted binary cross entropy of logits (n, 5)."""
        truth = nn.functional.one_hot(torch.tensor(labels, device=logits.device), len(CLASSES)).float()
        return nn.functional.binary_cross_entropy_with_logits(
            logits.float(), truth, pos_weight=self.weights.to(logits.device)
        )

    def hear(self, sounds: Sequence[Any]) -> Tensor:
        """Logits (n, 5) of sounds."""
        values, mask = self.waveforms.batch(sounds)
        mask = mask.to(self.device) if mask is not None else None
        return cast("Tensor", self.model(values.to(self.device), mask))

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        """One step; the seed and the step's number determine its clips, crops, masks and dropout."""
        step = self.global_step
        drawn = np.random.SeedSequence([self.recipe.seed, 2, step]).generate_state(2)
        torch.manual_seed(int(drawn[0]))
        np.random.seed(int(drawn[1]))  # noqa: NPY002  # transformers draws masks with it
        clips, sounds = self.lessons.at(step)
        loss = self.loss(self.hear(sounds), [self.labels[i] for i in clips])
        self._losses.append(float(loss.detach()))
        return loss

    def validation_step(self, batch: Tensor, batch_idx: int) -> None:
        """Logits of one batch of windows."""
        rows = self.batches[int(batch)]
        cut = [self.windows.rows[row] for row in rows]
        logits = self.hear([self.windows.sounds.cut(clip, start, count) for clip, start, count, _ in cut])
        self._heard |= dict(zip(rows, logits.float().cpu(), strict=True))

    def on_validation_epoch_end(self) -> None:
        """Figures of an epoch; a clip's scores are the weighted mean of its windows, as for a turn."""
        rows = self.windows.rows
        logits = torch.stack([self._heard.pop(row) for row in range(len(rows))])
        by_clip: dict[int, Tensor] = {}
        for (clip, _, _, weight), own in zip(rows, torch.sigmoid(logits), strict=True):
            by_clip[clip] = by_clip.get(clip, torch.zeros(len(CLASSES))) + weight * own
        truth = np.array([self.windows.labels[clip] for clip in by_clip])
        guess = torch.stack(list(by_clip.values())).argmax(dim=1).numpy()
        loss = float(self.loss(logits, [self.windows.labels[row[0]] for row in rows]))
        figure = macro_f1(confusion(truth, guess))
        self.log("macro_f1", figure, batch_size=1)
        mean = float(np.mean(self._losses)) if self._losses else float("nan")
        self._losses.clear()
        self.curve.append(Epoch(len(self.curve) + 1, mean, loss, figure))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Save the curve."""
        checkpoint["curve"] = [asdict(epoch) for epoch in self.curve]

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Restore the curve."""
        self.curve = [Epoch(**epoch) for epoch in checkpoint["curve"]]

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """AdamW; the learning rate rises linearly during warm-up, then falls linearly to 0."""
        recipe = self.recipe
        learning = [p for p in self.model.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(learning, recipe.learning_rate, weight_decay=recipe.weight_decay)
        total = len(self.lessons) * recipe.epochs
        rising = max(1, round(total * recipe.warmup))

        def share(step: int) -> float:
            return min((step + 1) / rising, (total - step) / max(1, total - rising))

        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, share)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def train_dataloader(self) -> Any:
        """Steps of an epoch; `Lessons` has their clips."""
        return torch.utils.data.DataLoader(cast("Any", range(len(self.lessons))), batch_size=None)

    def val_dataloader(self) -> Any:
        """Batches of validation windows."""
        return torch.utils.data.DataLoader(cast("Any", range(len(self.batches))), batch_size=None)
