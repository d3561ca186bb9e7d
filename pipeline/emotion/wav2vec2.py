"""Wav2vec2 classifiers and valence-arousal regressors in transformers' format."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ressenti.pipeline.audio import RATE_HZ
from ressenti.pipeline.config import EmotionOptions
from ressenti.pipeline.emotion.batches import Limits, batches
from ressenti.pipeline.emotion.checkpoint import Checkpoint, open_checkpoint
from ressenti.pipeline.emotion.device import (
    out_of_memory,
    place,
    torch_dtype,
    use_all_cores,
    within_memory,
)
from ressenti.pipeline.emotion.interface import Excerpt
from ressenti.pipeline.emotion.model_outputs import Known, Reading, reading_of
from ressenti.pipeline.emotion.trained import Trained, read_trained
from ressenti.pipeline.emotion.waveforms import Waveforms
from ressenti.pipeline.errors import ConfigError, ModelError
from ressenti.pipeline.models import forbid_network, parallel
from ressenti.pipeline.models.cards import Stated, stated_in
from ressenti.pipeline.models.parallel import one_core_each
from ressenti.pipeline.progress import Progress, ignore_progress
from ressenti.pipeline.records import CLASSES, EmotionScores, ModelInfo, Note, NoteKey

if TYPE_CHECKING:
    import torch

    from ressenti.pipeline.emotion.heads import Classifier

_CPU = Limits(8 * RATE_HZ, 0.1)  # batches of several short excerpts; longer ones gain nothing by batching
_GPU = Limits(240 * RATE_HZ, 0.25)
_ACTIVATIONS: dict[str, NoteKey] = {
    "sigmoid": "activation_sigmoid",
    "softmax": "activation_softmax",
    "regression": "activation_regression",
}


class Wav2Vec2Emotion:
    """A loaded model, made by `load`."""

    def __init__(
        self,
        model: Classifier,
        waveforms: Waveforms,
        reading: Reading,
        info: ModelInfo,
        place: tuple[str, torch.dtype],
        learned: frozenset[tuple[str, str]] = frozenset(),
    ) -> None:
        self._model, self._waveforms, self._reading, self.info = model, waveforms, reading, info
        self.parts: tuple[ModelInfo, ...] = ()
        self._device, self._dtype = place
        self.learned = learned

    def score(self, excerpts: Sequence[Excerpt], progress: Progress = ignore_progress) -> list[EmotionScores]:
        """Score each excerpt, in order; excerpts do not influence each other."""
        logits = self.logits([excerpt.samples for excerpt in excerpts], progress)
        return [self._reading.scores(row) for row in logits.astype(np.float64)]

    def logits(
        self, sounds: Sequence[npt.NDArray[np.int16]], progress: Progress = ignore_progress
    ) -> npt.NDArray[np.float32]:
        """The model's outputs (n, labels) before any activation, for n sounds of int16 samples at 16 kHz."""
        limits = _CPU if self._device == "cpu" else _GPU
        if not self._waveforms.pads:
            limits = Limits(limits.samples, 0.0)
        rows: dict[int, npt.NDArray[np.float32]] = {}
        plan = batches([len(sound) for sound in sounds], limits)
        several: Callable[..., Iterable[npt.NDArray[np.float32]]] = parallel.each if self._device == "cpu" else map
        with one_core_each():
            for batch, found in zip(plan, several(lambda b: self._batch([sounds[i] for i in b]), plan), strict=True):
                rows |= zip(batch, found, strict=True)
                progress("emotion", len(rows), len(sounds))
        return np.stack([rows[i] for i in range(len(sounds))]) if rows else np.zeros((0, 0), np.float32)

    def _batch(self, sounds: list[npt.NDArray[np.int16]]) -> npt.NDArray[np.float32]:
        """Outputs of one batch; it is halved if there is not enough memory."""
        import torch

        try:
            return self._forward(sounds)
        except (MemoryError, RuntimeError) as exc:
            if not out_of_memory(exc):
                raise
            if len(sounds) == 1:
                raise ModelError(
                    f"{self.info.name}: not enough memory for {len(sounds[0]) / RATE_HZ:.1f} s of sound on "
                    f"{self._device} ({str(exc).splitlines()[0]}). Use --device cpu, or a smaller emotion.window_s."
                ) from exc
        if self._device != "cpu":
            torch.cuda.empty_cache()
        middle = len(sounds) // 2
        return np.concatenate([self._batch(sounds[:middle]), self._batch(sounds[middle:])])

    def _forward(self, sounds: list[npt.NDArray[np.int16]]) -> npt.NDArray[np.float32]:
        import torch

        values, mask = self._waveforms.batch(sounds)
        with torch.inference_mode():
            mask = mask.to(self._device) if mask is not None else None
            outputs = self._model(values.to(self._device, self._dtype), mask)
            found: npt.NDArray[np.float32] = outputs.cpu().numpy()
        if not np.isfinite(found).all():
            plain = Note("computed", {"dtype": "fp32", "device": self._device}) in self.info.notes
            advice = "Its weights may be damaged; use another model." if plain else "Set emotion.dtype to fp32."
            raise ModelError(f"{self.info.name}: the model gave NaN or infinity. {advice}")
        return found


def load(
    folder: Path,
    options: EmotionOptions,
    known: Known | None = None,
    commit: str | None = None,
    *,
    name: str | None = None,
    sha256: str | None = None,
) -> Wav2Vec2Emotion:
    """Load and check the model in a folder; nothing is downloaded, and no code of the checkpoint runs.

    The head comes from `known`, or is recognised by the names of the weights. The activation is the configured one,
    else that of `known`, else the config's problem_type, else the usual one for these labels, else softmax. A model
    with the outputs arousal, dominance, valence (about 0 to 1) is a regression: valence and arousal are 2x - 1, clipped
    to [-1, 1], and class scores are the posterior over the anchors with Gaussian error `affect.error_sd`, so that a
    point between two anchors is unsure.

    Its name is `name`, else that of the registry or the folder; `sha256` is the hash of the weights, if already known.
    Training speakers and licence are taken from training.json, if `ressenti train` wrote one. Raises `ModelError` for a
    damaged or unsuitable checkpoint, `ConfigError` for options that do not fit the model.
    """
    forbid_network()
    checkpoint = open_checkpoint(folder, sha256)
    reading = reading_of(checkpoint, options, known)
    trained = read_trained(folder, checkpoint.sha256)
    device, dtype = place(options)
    import torch

    from ressenti.pipeline.emotion import wav2vec2_cpu
    from ressenti.pipeline.emotion.heads import HEADS, load_classifier

    if device == "cpu":
        use_all_cores()
    name = name or getattr(known, "id", None) or checkpoint.folder.resolve().name
    head = known.head if known is not None else None
    if head is not None and head not in HEADS:
        raise ConfigError(f"{name}: unknown head {head!r}; expected one of {', '.join(HEADS)}.")
    stored = torch_dtype(dtype)
    with within_memory(name):
        model = load_classifier(checkpoint, head)
        wav2vec2_cpu.hasten(model, cpu=device == "cpu", transforms=stored == torch.float32)
        if dtype == "int8":
            wav2vec2_cpu.quantize(model)
        model.to(device=device, dtype=stored)
    info = _info(
        checkpoint, reading, known or trained or stated_in(folder), name, (HEADS[model.head], dtype, device), commit
    )
    if trained:
        info = replace(info, cannot=tuple(c for c in CLASSES if c in {*info.cannot, *trained.without_examples}))
    learned = trained.speakers if trained else frozenset()
    return Wav2Vec2Emotion(
        model, Waveforms(checkpoint.extractor, model.config), reading, info, (device, stored), learned
    )


def check(folder: Path, options: EmotionOptions, known: Known | None = None, *, sha256: str | None = None) -> str:
    """Raise the errors of `load` for settings, labels and weights, without reading these; return their SHA-256."""
    checkpoint = open_checkpoint(folder, sha256)
    reading_of(checkpoint, options, known)
    read_trained(folder, checkpoint.sha256)
    from ressenti.pipeline.emotion.heads import load_classifier

    load_classifier(checkpoint, known.head if known is not None else None, empty=True)
    return checkpoint.sha256


def _info(
    checkpoint: Checkpoint,
    reading: Reading,
    known: Known | Trained | Stated,
    name: str,
    how: tuple[NoteKey, str, str],
    commit: str | None,
) -> ModelInfo:
    labels = reading.labels
    head, dtype, device = how
    notes = (
        Note(head),
        Note("computed", {"dtype": dtype, "device": device}),
        Note(_ACTIVATIONS[reading.meaning]),
        Note("labels", labels.pairs) if labels else Note("labels_none"),
    )
    return ModelInfo(
        task="emotion",
        name=name,
        licence=known.licence,
        sha256=checkpoint.sha256,
        commercial=known.commercial,
        notes=(*notes, Note("installed", {"commit": commit[:12]})) if commit else notes,
        cannot=labels.cannot if labels else (),
    )
