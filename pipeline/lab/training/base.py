"""The base of a training run (an encoder from its file with a stock head), and writing the trained model."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ressenti.pipeline.emotion.checkpoint import Checkpoint, check_keys, open_checkpoint, read_weights
from ressenti.pipeline.emotion.trained import read_trained
from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.files.paths import expanded, is_file
from ressenti.pipeline.models import forbid_network
from ressenti.pipeline.models.folders import is_id
from ressenti.pipeline.models.installed import need, verify
from ressenti.pipeline.records import CLASSES

if TYPE_CHECKING:
    from torch import Tensor

    from ressenti.pipeline.emotion.heads import Classifier

_ENCODER = ("feature_extractor.", "feature_projection.", "encoder.", "masked_spec_embed")  # names in a bare encoder
_HEADS = ("projector.", "classifier.", "layer_weights", "lm_head.")  # possible heads of an encoder
_NOT_KEPT = ("_name_or_path", "torch_dtype", "dtype", "transformers_version", "quantization_config")
_MASK = "wav2vec2.masked_spec_embed"


@dataclass(frozen=True)
class Base:
    """A checkpoint to start from; `learned` are the speakers that it was trained on, if known."""

    name: str
    checkpoint: Checkpoint
    licence: str | None
    commercial: bool | None
    learned: frozenset[tuple[str, str]]


def find_base(text: str) -> Base:
    """Find a base: a folder in transformers' format or an installed model's id; nothing is downloaded.

    Raises `ConfigError` for anything else, `NotInstalledError` for a model that is not installed, `ModelError` for a
    checkpoint that is damaged or not wav2vec2.
    """
    forbid_network()
    folder = expanded(text)
    if is_file(folder / "config.json"):
        checkpoint = open_checkpoint(folder)
        trained = read_trained(folder, checkpoint.sha256)
        if trained is None:
            return Base(folder.resolve().name, checkpoint, None, commercial=None, learned=frozenset())
        return Base(folder.resolve().name, checkpoint, trained.licence, trained.commercial, trained.speakers)
    if not is_id(text):
        raise ConfigError(
            f"--base: got {text!r}; expected a folder with config.json, preprocessor_config.json and weights in it, or "
            "the id of an installed model (`ressenti models list`)."
        )
    installed = need(text)
    verify(installed)
    about = installed.known
    licence, commercial = (about.licence, about.commercial) if about else (None, None)
    return Base(text, open_checkpoint(installed.folder), licence, commercial, frozenset())


def continues(checkpoint: Checkpoint, weights: dict[str, Tensor]) -> bool:
    """Whether these weights have a stock head of the five classes, in any order."""
    labels = sorted(label.casefold() for label in checkpoint.labels)
    return "projector.weight" in weights and labels == sorted(name.casefold() for name in CLASSES)


def load_base(base: Base, seed: int) -> tuple[Classifier, bool]:
    """Load the base in float32 with a stock head of the five classes, and whether the head comes from the base.

    The seed initialises a new head, and the mask embedding if the file has none. Raises `ModelError` for an encoder
    weight that is missing, unknown or of another shape.
    """
    import torch
    from torch import nn

    from ressenti.pipeline.emotion.heads import architecture, build

    checkpoint = base.checkpoint
    weights = _prefixed(read_weights(checkpoint))
    config = architecture(checkpoint, masking=True)
    own = continues(checkpoint, weights)
    config.use_weighted_layer_sum = own and config.use_weighted_layer_sum
    with torch.device("meta"):
        model = build(checkpoint, config, "stock", len(CLASSES))
    expected = model.state_dict()
    if own:
        order = [[label.casefold() for label in checkpoint.labels].index(name.casefold()) for name in CLASSES]
        weights |= {f"classifier.{kind}": weights[f"classifier.{kind}"][order] for kind in ("weight", "bias")}
    else:
        weights = {name: tensor for name, tensor in weights.items() if not name.startswith(_HEADS)}
        torch.manual_seed(seed)
        head = {
            "projector": nn.Linear(config.hidden_size, config.classifier_proj_size),
            "classifier": nn.Linear(config.classifier_proj_size, len(CLASSES)),
        }
        for part, layer in head.items():
            weights |= {f"{part}.{kind}": tensor.detach() for kind, tensor in layer.state_dict().items()}
    if _MASK in expected and _MASK not in weights:
        drawn = torch.rand(config.hidden_size, generator=torch.Generator().manual_seed(seed))
        weights[_MASK] = drawn  # as transformers does
    names = check_keys(checkpoint, _shapes(expected), _shapes(weights))
    model.load_state_dict({name: weights[name].float().clone() for name in names}, strict=True, assign=True)
    return model, own


def write_model(model: Classifier, base: Base, folder: Path) -> None:
    """Write config.json, preprocessor_config.json and model.safetensors in transformers' format."""
    from safetensors.torch import save_file

    config = {key: value for key, value in base.checkpoint.config.items() if key not in _NOT_KEPT}
    config |= {
        "architectures": ["Wav2Vec2ForSequenceClassification"],
        "id2label": {str(i): name for i, name in enumerate(CLASSES)},
        "label2id": {name: i for i, name in enumerate(CLASSES)},
        "problem_type": "multi_label_classification",
        "use_weighted_layer_sum": model.config.use_weighted_layer_sum,
        "num_labels": len(CLASSES),
    }
    own = {key: value for key, value in base.checkpoint.extractor.items() if key != "processor_class"}
    for name, data in (("config.json", config), ("preprocessor_config.json", own)):
        (folder / name).write_text(json.dumps(data, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    weights = {name: tensor.detach().contiguous() for name, tensor in model.state_dict().items()}
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    shutil.copymode(folder / "config.json", folder / "model.safetensors")  # safetensors writes files for the owner only


def _prefixed(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights with their names in a classifier; those of a bare encoder lack the prefix."""
    return {f"wav2vec2.{name}" if name.startswith(_ENCODER) else name: value for name, value in weights.items()}


def _shapes(tensors: dict[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}
