"""Wav2vec2 classifiers and valence-arousal regressors in transformers' format, behind the one interface."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pipeline.audio import RATE_HZ
from pipeline.config import EmotionOptions
from pipeline.emotion.batches import Limits, batches
from pipeline.emotion.checkpoint import Checkpoint, open_checkpoint
from pipeline.emotion.interface import Excerpt
from pipeline.emotion.placement import out_of_memory, place, torch_dtype, use_all_cores
from pipeline.emotion.reading import Known, Reading, reading_of
from pipeline.errors import ConfigError, ModelError
from pipeline.models import forbid_network
from pipeline.records import EmotionScores, ModelInfo, Note, NoteKey, Progress, ignore_progress

if TYPE_CHECKING:
    import torch
    from transformers import Wav2Vec2FeatureExtractor

    from pipeline.emotion.heads import Classifier

_CPU = Limits(8 * RATE_HZ, 0.1)  # several short excerpts in one product; longer ones gain nothing by company
_GPU = Limits(240 * RATE_HZ, 0.25)
_ACTIVATIONS: dict[str, NoteKey] = {
    "sigmoid": "activation_sigmoid",
    "softmax": "activation_softmax",
    "regression": "activation_regression",
}


class Wav2Vec2Emotion:
    """A loaded model; `load` makes it."""

    learned: frozenset[tuple[str, str]] = frozenset()

    def __init__(
        self,
        model: Classifier,
        extractor: Wav2Vec2FeatureExtractor,
        reading: Reading,
        info: ModelInfo,
        place: tuple[str, torch.dtype],
    ) -> None:
        self._model, self._extractor, self._reading, self.info = model, extractor, reading, info
        self._device, self._dtype = place
        # where the first convolution is normed over time, or no mask was learned, padding would change the result
        self._pads = extractor.return_attention_mask and model.config.feat_extract_norm == "layer"

    def score(self, excerpts: Sequence[Excerpt], progress: Progress = ignore_progress) -> list[EmotionScores]:
        """Scores of each excerpt, in order; excerpts do not influence one another."""
        logits = self.logits([excerpt.samples for excerpt in excerpts], progress)
        return [self._reading.scores(row) for row in logits.astype(np.float64)]

    def logits(
        self, sounds: Sequence[npt.NDArray[np.int16]], progress: Progress = ignore_progress
    ) -> npt.NDArray[np.float32]:
        """The model's outputs (n, labels) before any activation, of int16 samples (n,) at 16 kHz each."""
        limits = _CPU if self._device == "cpu" else _GPU
        if not self._pads:
            limits = Limits(limits.samples, 0.0)
        rows: dict[int, npt.NDArray[np.float32]] = {}
        for batch in batches([len(sound) for sound in sounds], limits):
            rows |= zip(batch, self._batch([sounds[i] for i in batch]), strict=True)
            progress("emotion", len(rows), len(sounds))
        return np.stack([rows[i] for i in range(len(sounds))]) if rows else np.zeros((0, 0), np.float32)

    def _batch(self, sounds: list[npt.NDArray[np.int16]]) -> npt.NDArray[np.float32]:
        """Outputs of one batch; it is halved where memory does not suffice for it."""
        import torch

        try:
            return self._forward(sounds)
        except (MemoryError, RuntimeError) as exc:
            if not out_of_memory(exc):
                raise
            if len(sounds) == 1:
                raise ModelError(
                    f"{self.info.name}: memory does not suffice for {len(sounds[0]) / RATE_HZ:.1f} s of sound on "
                    f"{self._device} ({str(exc).splitlines()[0]}). Use --device cpu, or a smaller emotion.window_s."
                ) from exc
        if self._device != "cpu":
            torch.cuda.empty_cache()
        middle = len(sounds) // 2
        return np.concatenate([self._batch(sounds[:middle]), self._batch(sounds[middle:])])

    def _forward(self, sounds: list[npt.NDArray[np.int16]]) -> npt.NDArray[np.float32]:
        import torch

        uneven = len({len(sound) for sound in sounds}) > 1
        features = self._extractor(
            [self._long_enough(sound.astype(np.float32) / np.float32(32768)) for sound in sounds],
            sampling_rate=RATE_HZ,
            padding=True,
            return_attention_mask=uneven,
            return_tensors="pt",
        )
        with torch.inference_mode():
            values = features["input_values"].to(self._device, self._dtype)
            mask = features["attention_mask"].to(self._device) if uneven else None
            found: npt.NDArray[np.float32] = self._model(values, mask).cpu().numpy()
        if not np.isfinite(found).all():
            raise ModelError(f"{self.info.name}: the model gave NaN or infinity. Set emotion.dtype to fp32.")
        return found

    def _long_enough(self, sound: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """At least as many samples as one frame is made of."""
        config = self._model.config
        need = 1
        for kernel, stride in zip(config.conv_kernel[::-1], config.conv_stride[::-1], strict=True):
            need = (need - 1) * stride + kernel
        return np.pad(sound, (0, max(0, need - len(sound))))


def load(
    folder: Path,
    options: EmotionOptions,
    known: Known | None = None,
    commit: str | None = None,
    *,
    name: str | None = None,
    sha256: str | None = None,
) -> Wav2Vec2Emotion:
    """The model in a folder, checked; nothing is fetched, and no code of the checkpoint runs.

    The head is recognised by the names of the weights unless `known` says it; the activation is the configured one,
    else that of `known`, else by the config's problem_type, else what models with these labels are known for, else
    softmax. A model with the outputs arousal, dominance, valence (about 0 to 1) is a regression: valence and
    arousal are 2x - 1, cut to [-1, 1], and the class scores say how near the anchors are, as probabilities under a
    normal error of `affect.error_sd`: the nearest anchor has the highest, and between two of them both are unsure.

    It is called `name`, else as the registry or the folder calls it; `sha256` is that of the weights, where it is known
    already. Raises `ModelError` for a damaged or unfit checkpoint,
    `ConfigError` for options that do not fit the model.
    """
    forbid_network()
    checkpoint = open_checkpoint(folder, sha256)
    reading = reading_of(checkpoint, options, known)
    device, dtype = place(options)
    from pipeline.emotion import faster
    from pipeline.emotion.heads import HEADS, load_classifier

    if device == "cpu":
        use_all_cores()
    name = name or getattr(known, "id", None) or checkpoint.folder.resolve().name
    head = known.head if known is not None else None
    if head is not None and head not in HEADS:
        raise ConfigError(f"{name}: unknown head {head!r}; expected one of {', '.join(HEADS)}.")
    model = load_classifier(checkpoint, head)
    faster.hasten(model, rearranged=device == "cpu" and dtype in ("fp32", "int8"))
    if dtype == "int8":
        faster.quantize(model)
    kept = torch_dtype(dtype)
    model.to(device=device, dtype=kept)
    extractor = _extractor(checkpoint)
    info = _info(checkpoint, reading, known, name, (HEADS[model.head], dtype, device), commit)
    return Wav2Vec2Emotion(model, extractor, reading, info, (device, kept))


def _extractor(checkpoint: Checkpoint) -> Wav2Vec2FeatureExtractor:
    from transformers import Wav2Vec2FeatureExtractor

    names = ("feature_size", "padding_value", "return_attention_mask", "do_normalize")
    settings = {name: checkpoint.extractor[name] for name in names if name in checkpoint.extractor}
    return Wav2Vec2FeatureExtractor(sampling_rate=RATE_HZ, **settings)  # type: ignore[no-untyped-call]


def _info(
    checkpoint: Checkpoint,
    reading: Reading,
    known: Known | None,
    name: str,
    how: tuple[NoteKey, str, str],
    commit: str | None,
) -> ModelInfo:
    labels = reading.labels
    head, dtype, device = how
    said = (
        Note(head),
        Note("computed", {"dtype": dtype, "device": device}),
        Note(_ACTIVATIONS[reading.meaning]),
        Note("labels", labels.pairs) if labels else Note("labels_none"),
    )
    return ModelInfo(
        task="emotion",
        name=name,
        licence=known.licence if known is not None else None,
        sha256=checkpoint.sha256,
        commercial=known.commercial if known is not None else None,
        notes=(*said, Note("installed", {"commit": commit[:12]})) if commit else said,
        cannot=labels.cannot if labels else (),
    )
