"""Token classifiers in transformers' format that mark people's names; no code of a model runs, no pickle is read."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ressenti.pipeline.errors import ModelError
from ressenti.pipeline.files.paths import is_file
from ressenti.pipeline.files.untrusted import short
from ressenti.pipeline.models import forbid_network
from ressenti.pipeline.models.settings import read_settings
from ressenti.pipeline.models.torchaudio_import import import_torchaudio
from ressenti.pipeline.records import ModelInfo

if TYPE_CHECKING:
    import torch

WEIGHTS = "model.safetensors"
SURE = 0.5  # a piece of text is a name if the labels of persons together reach this probability
_TYPES = ("bert", "camembert", "distilbert", "electra", "roberta", "xlm-roberta")
_PERSON = re.compile(r"([BIESLU][-_])?(PER|PERSON)", re.IGNORECASE)
_CODE = ("auto_map", "custom_pipelines", "trust_remote_code", "_target_", "code_revision", "use_kernels")
_TOKENIZERS = ("tokenizer.json", "vocab.txt", "vocab.json")
_HARMLESS = ("position_ids", "pooler.dense.weight", "pooler.dense.bias")  # in checkpoints, and of no use here
_LONGEST_HEADER = 1 << 23  # bytes of names and shapes; published ones have 30 kB
_MOST = {  # above all known models, far below what exhausts memory or time
    "hidden_size": 8192, "dim": 8192, "embedding_size": 8192, "num_hidden_layers": 128, "n_layers": 128,
    "num_attention_heads": 256, "n_heads": 256, "intermediate_size": 65_536, "hidden_dim": 65_536,
    "vocab_size": 2_000_000, "max_position_embeddings": 65_536, "type_vocab_size": 100,
}  # fmt: skip
_MOST_LABELS = 1000
_MOST_PIECES = 510  # that a model reads at once, whatever it could


class NameModel:
    """A model in a folder. It is loaded for the texts of one conversation, and released afterwards."""

    def __init__(self, folder: Path, info: ModelInfo) -> None:
        self._folder, self.info = folder, info

    def find(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        """For each text, the characters [start, end) of each piece of it that is part of a person's name.

        A text that is longer than the model reads at once is read in parts that overlap.
        """
        import torch

        settings = _settings(self._folder)
        people = [k for k, label in _labels(self._folder, settings).items() if _PERSON.fullmatch(label)]
        tokenizer = _tokenizer(self._folder, settings)
        model = _model(self._folder, settings)
        most = min(_MOST_PIECES, settings.get("max_position_embeddings", _MOST_PIECES + 2) - 2)
        split = {"truncation": True, "max_length": most, "stride": most // 8, "return_overflowing_tokens": True}
        out: list[list[tuple[int, int]]] = []
        for text in texts:
            parts = tokenizer(text, return_offsets_mapping=True, **split)
            found: list[tuple[int, int]] = []
            for pieces, places in zip(parts["input_ids"], parts["offset_mapping"], strict=True):
                with torch.inference_mode():
                    scores = model(input_ids=torch.tensor([pieces])).logits[0].softmax(-1)
                if not torch.isfinite(scores).all():
                    raise ModelError(f"{self.info.name}: gave NaN or infinity. Its weights may be damaged.")
                shares = scores[:, people].sum(-1).tolist()
                found += [(a, b) for (a, b), share in zip(places, shares, strict=True) if b > a and share >= SURE]
            out.append(sorted(set(found)))
        return out


def check(folder: Path) -> None:
    """Raise `ModelError` for a folder that holds no token classifier with a label for persons, without loading it."""
    settings = _settings(folder)
    labels = _labels(folder, settings)
    if not any(map(_PERSON.fullmatch, labels.values())):
        raise ModelError(
            f"{folder}: labels {short(', '.join(labels.values()), 200)}; expected one for persons (PER, B-PER, I-PER "
            "or PERSON). Use a model that finds names."
        )
    if not any(is_file(folder / name) for name in _TOKENIZERS):
        raise ModelError(f"{folder}: has none of {', '.join(_TOKENIZERS)}; expected the model's own. Get it again.")
    if not is_file(folder / WEIGHTS):
        there = ", ".join(sorted(path.name for path in folder.iterdir() if path.suffix in (".bin", ".pt"))) or "none"
        raise ModelError(
            f"{folder}: has no {WEIGHTS} (pickled weights: {there}, which are not read, as they can run code). "
            "Use a model with safetensors, in one file."
        )
    found = _shapes(folder / WEIGHTS).get("classifier.weight")
    if found is None or found[0] != len(labels):
        raise ModelError(
            f"{folder / WEIGHTS}: classifier.weight {found or 'is missing'}; expected a row for each of "
            f"{len(labels)} labels. Get the model again."
        )


def _settings(folder: Path) -> dict[str, Any]:
    path = folder / "config.json"
    found = read_settings(path)
    if code := [key for key in _CODE if found.get(key)]:
        raise ModelError(f"{path}: {code[0]} refers to the model's own code, which is never run. Use another model.")
    kinds = found.get("architectures") or ["none"]
    if found.get("model_type") not in _TYPES or not str(kinds[0]).endswith("ForTokenClassification"):
        raise ModelError(
            f"{path}: model_type {short(repr(found.get('model_type')))}, architecture {short(str(kinds[0]))}; expected "
            f"a token classifier (...ForTokenClassification) of type {', '.join(_TYPES)}."
        )
    for key, most in _MOST.items():
        if key in found and not (type(found[key]) is int and 0 < found[key] <= most):
            raise ModelError(
                f"{path}: {key} {short(repr(found[key]))}; expected 1 to {most:,}. Get the model again, or use another."
            )
    return found


def _labels(folder: Path, settings: Mapping[str, Any]) -> dict[int, str]:
    names = settings.get("id2label")
    try:
        found = {int(key): str(name)[:100] for key, name in (names or {}).items()}
    except (AttributeError, ValueError):
        found = {}
    if not 0 < len(found) <= _MOST_LABELS or sorted(found) != list(range(len(found))):
        raise ModelError(f"{folder / 'config.json'}: id2label {short(repr(names), 200)}; expected labels from 0 on.")
    return found


def _shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Shapes of the tensors by name, without reading them."""
    from safetensors import SafetensorError, safe_open

    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
    if length > min(_LONGEST_HEADER, path.stat().st_size):
        raise ModelError(f"{path}: cannot be read (a header of {length} bytes). Get the model again.")
    try:
        with safe_open(path, "np") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as exc:
        raise ModelError(f"{path}: cannot be read ({exc}). Get the model again.") from exc


def _tokenizer(folder: Path, settings: Mapping[str, Any]) -> Any:
    forbid_network()
    import_torchaudio()  # transformers imports it
    from transformers import AutoTokenizer

    try:
        found = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False, use_fast=True)
    except Exception as exc:  # what transformers raises shares no base class
        raise _unusable(folder, exc) from exc
    if not found.is_fast:
        raise ModelError(f"{folder}: its tokenizer does not tell the places of its pieces; expected tokenizer.json.")
    if len(found) > settings.get("vocab_size", len(found)):
        raise _unusable(folder, ValueError(f"the tokenizer knows {len(found):,} pieces, more than the model"))
    return found


def _model(folder: Path, settings: Mapping[str, Any]) -> torch.nn.Module:
    """The model in float32, with every weight from the file."""
    forbid_network()
    import_torchaudio()
    import torch
    from safetensors.torch import load_file
    from transformers import AutoConfig, AutoModelForTokenClassification

    build: Callable[[Any], torch.nn.Module] = AutoModelForTokenClassification.from_config
    ignored = ("model_type", "quantization_config", "torch_dtype", "dtype", "attn_implementation")
    own = {k: value for k, value in settings.items() if k not in ignored and not k.startswith("_")}
    shapes = {name: shape for name, shape in _shapes(folder / WEIGHTS).items() if not name.endswith(_HARMLESS)}
    try:
        config = AutoConfig.for_model(settings["model_type"], **own)
        with torch.device("meta"):  # no memory is used until the weights are known to fit
            empty = build(config)
        expected = {name: tuple(value.shape) for name, value in empty.state_dict().items()}
        unlike = sorted(name for name in expected.keys() | shapes.keys() if expected.get(name) != shapes.get(name))
        if unlike:
            raise ValueError(f"weights do not fit config.json: {short(', '.join(unlike), 200)}")
        model = build(config)
        weights = load_file(folder / WEIGHTS)
        model.load_state_dict({name: weights[name].float() for name in expected}, strict=True, assign=True)
    except Exception as exc:  # what transformers, torch and safetensors raise shares no base class
        raise _unusable(folder, exc) from exc
    return model.eval().requires_grad_(requires_grad=False)


def _unusable(folder: Path, exc: Exception) -> ModelError:
    why = f"{type(exc).__name__}: {(str(exc) or 'no message').splitlines()[0][:300]}"
    return ModelError(f"{folder}: cannot be used to find names ({why}). Get the model again, or use another.")
