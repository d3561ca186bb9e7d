"""The three layouts of a wav2vec2 classifier, and their checked loading."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import torch
from torch import nn

from ressenti.pipeline.emotion.checkpoint import Checkpoint, check_keys, read_weights, weight_shapes
from ressenti.pipeline.errors import ModelError
from ressenti.pipeline.models.torchaudio_import import import_torchaudio
from ressenti.pipeline.records import NoteKey

if TYPE_CHECKING:
    from collections.abc import Collection

    from torch import Tensor
    from transformers import Wav2Vec2Config

HEADS: dict[str, NoteKey] = {  # with the notes that describe them
    "stock": "head_stock",  # transformers' Wav2Vec2ForSequenceClassification
    "ehcalabres": "head_ehcalabres",
    "audeering": "head_audeering",  # also classifiers from the same source
}
_LAST = {"ehcalabres": "output", "audeering": "out_proj"}
_IGNORED = ("quantization_config", "torch_dtype", "dtype", "attn_implementation")


class DenseHead(nn.Module):
    """Dense layer, tanh, and a last layer named as in the checkpoint; (n, hidden) -> (n, labels).

    The tanh is from audeering's own code. For ehcalabres it is an assumption, and the page says so: that checkpoint has
    no code, and public programs that load it use tanh or nothing between the layers. It hardly matters: on 480 clips of
    RAVDESS, one of them got .925 right with nothing, .923 with tanh, .921 with ReLU.
    """

    def __init__(self, hidden: int, labels: int, last: str) -> None:
        super().__init__()
        self.dense = nn.Linear(hidden, hidden)
        self.last = last
        self.add_module(last, nn.Linear(hidden, labels))

    def forward(self, pooled: Tensor) -> Tensor:
        """Compute the logits of pooled frames."""
        return cast("Tensor", self.get_submodule(self.last)(torch.tanh(self.dense(pooled))))


class Classifier(nn.Module):
    """A wav2vec2 encoder with one of the `HEADS`; modules are named as in the checkpoint."""

    def __init__(self, config: Wav2Vec2Config, head: str, labels: int) -> None:
        super().__init__()
        from transformers import Wav2Vec2Model

        self.config = config
        self.wav2vec2 = Wav2Vec2Model(config)
        if config.use_weighted_layer_sum:
            self.layer_weights = nn.Parameter(torch.ones(config.num_hidden_layers + 1))
        if head == "stock":
            self.projector = nn.Linear(config.hidden_size, config.classifier_proj_size)
            self.classifier: nn.Module = nn.Linear(config.classifier_proj_size, labels)
        else:
            self.classifier = DenseHead(config.hidden_size, labels, _LAST[head])
        self.head = head

    def forward(self, values: Tensor, mask: Tensor | None = None) -> Tensor:
        """Logits (n, labels) of waveforms (n, samples), float32; `mask` (n, samples) is 1 where there is sound."""
        weighted = self.config.use_weighted_layer_sum
        found = self.wav2vec2(values, attention_mask=mask, output_hidden_states=weighted)
        frames = found.last_hidden_state
        if weighted:
            shares = self.layer_weights.softmax(-1).view(-1, 1, 1)
            frames = (torch.stack(found.hidden_states, dim=1) * shares).sum(dim=1)
        if self.head == "stock":
            frames = self.projector(frames)
        return cast("Tensor", self.classifier(self._pool(frames, mask)).float())

    def _pool(self, frames: Tensor, mask: Tensor | None) -> Tensor:
        """Mean (n, hidden) of the frames (n, t, hidden) without padding."""
        if mask is None:
            return frames.mean(dim=1)
        counts = frame_counts(mask.sum(dim=1), self.config)
        real = torch.arange(frames.shape[1], device=frames.device)[None] < counts[:, None]
        return (frames * real[..., None]).sum(dim=1) / counts[:, None].to(frames.dtype)


def frame_counts(samples: Tensor, config: Wav2Vec2Config) -> Tensor:
    """Number of frames that the convolutions make from `samples` samples."""
    for kernel, stride in zip(config.conv_kernel, config.conv_stride, strict=True):
        samples = (samples - kernel) // stride + 1
    return samples


def load_classifier(checkpoint: Checkpoint, head: str | None, *, empty: bool = False) -> Classifier:
    """Load a checkpoint's model in float32, with every weight from the file; raises `ModelError` if that fails.

    Without `head`, the head is recognised by the names of the weights. An `empty` model is checked by names and shapes,
    but its weights are not read.
    """
    labels, config = len(checkpoint.labels), architecture(checkpoint)
    shapes = weight_shapes(checkpoint)
    if config.num_hidden_layers > len(shapes):
        raise ModelError(
            f"{checkpoint.folder}: config.json has num_hidden_layers {config.num_hidden_layers}, but the weights have "
            f"only {len(shapes)} tensors. Get the model again."
        )
    with torch.device("meta"):  # use no memory until the weights are known to fit
        model = build(checkpoint, config, head or recognise(shapes), labels)
    names = check_keys(checkpoint, {name: tuple(weight.shape) for name, weight in model.state_dict().items()}, shapes)
    if empty:
        weights = {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}
    else:
        weights = read_weights(checkpoint)
    model.load_state_dict({name: weights[name].float() for name in names}, strict=True, assign=True)
    return model.eval().requires_grad_(requires_grad=False)


def build(checkpoint: Checkpoint, config: Wav2Vec2Config, head: str, labels: int) -> Classifier:
    """Build a checkpoint's model without its weights; `ModelError` if config.json is impossible."""
    try:
        return Classifier(config, head, labels)
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as exc:
        raise _unfit(checkpoint, exc) from exc


def recognise(names: Collection[str]) -> str:
    """Recognise the head by the names of weights; stock if none fits, so that its weights are reported missing."""
    return next((head for head, last in _LAST.items() if f"classifier.{last}.weight" in names), "stock")


def architecture(checkpoint: Checkpoint, *, masking: bool = False) -> Wav2Vec2Config:
    """Configured architecture without settings for storage or code, and without `masking`, which only training uses.

    Raises `ModelError` if config.json is invalid.
    """
    import_torchaudio()  # transformers' audio models import it
    from transformers import Wav2Vec2Config

    settings: dict[str, Any] = {
        key: value for key, value in checkpoint.config.items() if key not in _IGNORED and not key.startswith("_")
    }
    settings |= {"attn_implementation": "sdpa"}
    if not masking:
        settings |= {"mask_time_prob": 0.0, "mask_feature_prob": 0.0}
    try:
        config = Wav2Vec2Config(**settings)
        if min(*config.conv_kernel, *config.conv_stride) < 1:
            raise ValueError(f"conv_kernel {config.conv_kernel}, conv_stride {config.conv_stride}")
    except Exception as exc:  # huggingface_hub's validation has its own errors
        raise _unfit(checkpoint, exc) from exc
    return config


def _unfit(checkpoint: Checkpoint, exc: Exception) -> ModelError:
    why = f"unknown {exc}" if isinstance(exc, KeyError) else str(exc)
    return ModelError(f"{checkpoint.folder}: config.json is invalid ({why}). Get the model again.")
