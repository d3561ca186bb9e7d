"""Models of texts in transformers' format, checked before they are loaded; no code runs, and no pickle is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ressenti.pipeline.errors import ModelError
from ressenti.pipeline.files.paths import is_file
from ressenti.pipeline.files.untrusted import short
from ressenti.pipeline.models import forbid_network
from ressenti.pipeline.models.settings import read_settings
from ressenti.pipeline.models.torchaudio_import import import_torchaudio

if TYPE_CHECKING:
    import torch

WEIGHTS = "model.safetensors"
_TYPES = ("bert", "camembert", "distilbert", "electra", "roberta", "xlm-roberta")
_CODE = ("auto_map", "custom_pipelines", "trust_remote_code", "_target_", "code_revision", "use_kernels")
_TOKENIZERS = ("tokenizer.json", "vocab.txt", "vocab.json")
_HARMLESS = ("position_ids", "pooler.dense.weight", "pooler.dense.bias")  # in checkpoints, where no network uses them
_LONGEST_HEADER = 1 << 23  # bytes of names and shapes; published ones have 30 kB
_MOST = {  # above all known models, far below what exhausts memory or time
    "hidden_size": 8192, "dim": 8192, "embedding_size": 8192, "num_hidden_layers": 128, "n_layers": 128,
    "num_attention_heads": 256, "n_heads": 256, "intermediate_size": 65_536, "hidden_dim": 65_536,
    "vocab_size": 2_000_000, "max_position_embeddings": 65_536, "type_vocab_size": 100,
}  # fmt: skip
_MOST_LABELS = 1000
_MOST_PIECES = 510  # that a model reads at once, whatever it could


@dataclass(frozen=True)
class Kind:
    """A kind of model: the end of its class's name, the class that loads it, and what it is and does, in words."""

    ending: str
    loader: str
    what: str
    does: str


TOKENS = Kind("ForTokenClassification", "AutoModelForTokenClassification", "a token classifier", "find names")
TEXTS = Kind(
    "ForSequenceClassification",
    "AutoModelForSequenceClassification",
    "a text classifier",
    "tell the sentiment of words",
)


def read_checked(folder: Path, kind: Kind) -> tuple[dict[str, Any], dict[int, str]]:
    """Settings and labels of a model; raises `ModelError` for a folder that holds none of this kind."""
    settings = settings_of(folder, kind)
    labels = labels_of(folder, settings)
    if not any(is_file(folder / name) for name in _TOKENIZERS):
        raise ModelError(f"{folder}: has none of {', '.join(_TOKENIZERS)}; expected the model's own. Get it again.")
    if not is_file(folder / WEIGHTS):
        there = ", ".join(sorted(path.name for path in folder.iterdir() if path.suffix in (".bin", ".pt"))) or "none"
        raise ModelError(
            f"{folder}: has no {WEIGHTS} (pickled weights: {there}, which are not read, as they can run code). "
            "Use a model with safetensors, in one file."
        )
    shapes = shapes_of(folder / WEIGHTS)
    heads = [name for name in ("classifier.weight", "classifier.out_proj.weight") if name in shapes]
    found = shapes[heads[0]] if heads else None
    if found is None or found[0] != len(labels):
        raise ModelError(
            f"{folder / WEIGHTS}: {heads[0] if heads else 'classifier.weight'} {found or 'is missing'}; expected a row "
            f"for each of {len(labels)} labels. Get the model again."
        )
    return settings, labels


def settings_of(folder: Path, kind: Kind) -> dict[str, Any]:
    """The settings in config.json; raises `ModelError` for those of a model of another kind, or with code."""
    path = folder / "config.json"
    found = read_settings(path)
    if code := [key for key in _CODE if found.get(key)]:
        raise ModelError(f"{path}: {code[0]} refers to the model's own code, which is never run. Use another model.")
    kinds = found.get("architectures") or ["none"]
    if found.get("model_type") not in _TYPES or not str(kinds[0]).endswith(kind.ending):
        raise ModelError(
            f"{path}: model_type {short(repr(found.get('model_type')))}, architecture {short(str(kinds[0]))}; expected "
            f"{kind.what} (...{kind.ending}) of type {', '.join(_TYPES)}."
        )
    for key, most in _MOST.items():
        if key in found and not (type(found[key]) is int and 0 < found[key] <= most):
            raise ModelError(
                f"{path}: {key} {short(repr(found[key]))}; expected 1 to {most:,}. Get the model again, or use another."
            )
    return found


def labels_of(folder: Path, settings: Mapping[str, Any]) -> dict[int, str]:
    """The labels of a model's outputs, from 0 on; raises `ModelError` for anything else."""
    names = settings.get("id2label")
    try:
        found = {int(key): str(name)[:100] for key, name in (names or {}).items()}
    except (AttributeError, ValueError):
        found = {}
    if not 0 < len(found) <= _MOST_LABELS or sorted(found) != list(range(len(found))):
        raise ModelError(f"{folder / 'config.json'}: id2label {short(repr(names), 200)}; expected labels from 0 on.")
    return found


def shapes_of(path: Path) -> dict[str, tuple[int, ...]]:
    """Shapes of the tensors of a safetensors file by name, without reading them; raises `ModelError`."""
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


def longest(settings: Mapping[str, Any]) -> int:
    """How many pieces of text, marks at both ends included, the model reads at once."""
    return min(_MOST_PIECES, int(settings.get("max_position_embeddings", _MOST_PIECES + 2)) - 2)


def tokenizer_of(folder: Path, settings: Mapping[str, Any], kind: Kind) -> Any:
    """The model's tokenizer; raises `ModelError` for one that does not fit."""
    forbid_network()
    import_torchaudio()  # transformers imports it
    from transformers import AutoTokenizer

    try:
        found = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False, use_fast=True)
    except Exception as exc:  # what transformers raises shares no base class
        raise unusable(folder, kind, exc) from exc
    if not found.is_fast:
        raise ModelError(f"{folder}: its tokenizer does not tell the places of its pieces; expected tokenizer.json.")
    if len(found) > settings.get("vocab_size", len(found)):
        raise unusable(folder, kind, ValueError(f"the tokenizer knows {len(found):,} pieces, more than the model"))
    return found


def network_of(folder: Path, settings: Mapping[str, Any], kind: Kind) -> torch.nn.Module:
    """The model in float32, with every weight from the file; raises `ModelError` for weights that do not fit."""
    forbid_network()
    import_torchaudio()
    import torch
    import transformers
    from safetensors.torch import load_file

    build: Callable[[Any], torch.nn.Module] = getattr(transformers, kind.loader).from_config
    ignored = ("model_type", "quantization_config", "torch_dtype", "dtype", "attn_implementation")
    own = {k: value for k, value in settings.items() if k not in ignored and not k.startswith("_")}
    shapes = shapes_of(folder / WEIGHTS)
    try:
        config = transformers.AutoConfig.for_model(settings["model_type"], **own)
        with torch.device("meta"):  # no memory is used until the weights are known to fit
            empty = build(config)
        expected = {name: tuple(value.shape) for name, value in empty.state_dict().items()}
        there = {name for name in shapes if name in expected or not name.endswith(_HARMLESS)}
        unlike = sorted(name for name in expected.keys() | there if expected.get(name) != shapes.get(name))
        if unlike:
            raise ValueError(f"weights do not fit config.json: {short(', '.join(unlike), 200)}")
        model = build(config)
        weights = load_file(folder / WEIGHTS)
        model.load_state_dict({name: weights[name].float() for name in expected}, strict=True, assign=True)
    except Exception as exc:  # what transformers, torch and safetensors raise shares no base class
        raise unusable(folder, kind, exc) from exc
    return model.eval().requires_grad_(requires_grad=False)


def unusable(folder: Path, kind: Kind, exc: Exception) -> ModelError:
    """The error for a model that cannot be loaded."""
    why = f"{type(exc).__name__}: {(str(exc) or 'no message').splitlines()[0][:300]}"
    return ModelError(f"{folder}: cannot be used to {kind.does} ({why}). Get the model again, or use another.")
