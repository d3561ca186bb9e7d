"""Read settings and weights of a folder in transformers' format, without running code; pickles only as tensors."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any
from zipfile import is_zipfile

from ressenti.pipeline.audio import RATE_HZ
from ressenti.pipeline.emotion.device import out_of_memory, within_memory
from ressenti.pipeline.emotion.dimensions import check_dimensions
from ressenti.pipeline.emotion.shards import Weights, find_weights
from ressenti.pipeline.errors import ModelError
from ressenti.pipeline.files.hashes import digest_of, together
from ressenti.pipeline.files.untrusted import short
from ressenti.pipeline.models.pickles import check_packing
from ressenti.pipeline.models.settings import read_settings

if TYPE_CHECKING:
    from torch import Tensor

LEGACY = {  # as renamed by transformers (conversion_mapping.py, "legacy"), since torch's weight_norm changed its names
    ".weight_g": ".parametrizations.weight.original0",
    ".weight_v": ".parametrizations.weight.original1",
}
HARMLESS = {  # extra weights a checkpoint may have, and why they can be left out
    "wav2vec2.masked_spec_embed": "replaces masked frames, only in training",
    "quantizer.": "targets of pre-training",
    "project_q.": "targets of pre-training",
    "project_hid.": "compared with the targets in pre-training",
}
_EXTRACTOR: dict[str, tuple[Callable[[object], bool], str]] = {
    "feature_size": (lambda value: value == 1, "1, one channel"),
    "padding_value": (lambda value: isinstance(value, int | float), "a number"),
    "do_normalize": (lambda value: isinstance(value, bool), "true or false"),
    "return_attention_mask": (lambda value: isinstance(value, bool), "true or false"),
}
_LONGEST_HEADER = 1 << 23  # bytes of safetensors' names and shapes; the published ones have 50 kB
_LONGEST_LABEL = 100  # characters


@dataclass(frozen=True)
class Checkpoint:
    """Content of a model folder: `config.json`, `preprocessor_config.json`, and the weights with their SHA-256."""

    folder: Path
    config: dict[str, Any]
    extractor: dict[str, Any]
    weights: Weights
    sha256: str

    @property
    def labels(self) -> tuple[str, ...]:
        """The model's own labels, in the order of its outputs."""
        names, count = self.config.get("id2label"), self.config.get("num_labels", 2)
        try:
            if not names:  # transformers omits default names
                found = tuple(f"LABEL_{i}" for i in range(count))
            else:
                found = tuple(str(names[key])[:_LONGEST_LABEL] for key in sorted(names, key=int))
            if not found or isinstance(count, bool):
                raise ValueError
        except (LookupError, TypeError, ValueError, AttributeError) as exc:
            raise ModelError(
                f"{self.folder}: config.json has id2label {short(repr(names), 200)} and num_labels "
                f"{short(repr(count), 50)}; expected numbers as keys, and at least one label."
            ) from exc
        return found


def open_checkpoint(folder: Path, sha256: str | None = None) -> Checkpoint:
    """Read settings and hash the weights, unless given; `ModelError` for missing, damaged or unsuitable files."""
    config, extractor = read_settings(folder / "config.json"), read_settings(folder / "preprocessor_config.json")
    if config.get("model_type") != "wav2vec2":
        raise ModelError(f"{folder}: model_type {config.get('model_type')!r} in config.json; expected wav2vec2.")
    check_dimensions(folder, config)
    if config.get("add_adapter"):
        raise ModelError(f"{folder}: add_adapter is set in config.json; expected a classifier without adapter.")
    if (mode := config.get("pooling_mode", "mean")) != "mean":
        raise ModelError(f"{folder}: pooling_mode {mode!r} in config.json; expected mean, the only one supported.")
    if (rate := extractor.get("sampling_rate", RATE_HZ)) != RATE_HZ:
        raise ModelError(
            f"{folder}: sampling_rate {rate} in preprocessor_config.json; expected {RATE_HZ}. Use a model with that "
            "rate."
        )
    kind = extractor.get("feature_extractor_type", "Wav2Vec2FeatureExtractor")
    if kind != "Wav2Vec2FeatureExtractor":
        raise ModelError(f"{folder}: feature extractor {kind!r}; expected Wav2Vec2FeatureExtractor.")
    for name, (fits, expected) in _EXTRACTOR.items():
        if name in extractor and not fits(extractor[name]):
            raise ModelError(f"{folder}: {name} {extractor[name]!r} in preprocessor_config.json; expected {expected}.")
    weights = find_weights(folder)
    sha256 = sha256 or together({path.name: digest_of(path) for path in weights.files})
    return Checkpoint(folder, config, extractor, weights, sha256)


def read_weights(checkpoint: Checkpoint) -> dict[str, Tensor]:
    """Read all tensors by their current names; `ModelError` if a file is damaged or not plain weights."""
    with within_memory(str(checkpoint.weights.name)):
        parts = {path.name: _read(path) for path in checkpoint.weights.files}
    checkpoint.weights.check({name: tensors.keys() for name, tensors in parts.items()})
    return {_today(name): value for tensors in parts.values() for name, value in tensors.items()}


def _read(path: Path) -> dict[str, Tensor]:
    """Read the tensors of one file, by their names in it."""
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            tensors = load_file(path)
        else:
            import torch

            check_packing(path, path.stat().st_size)
            tensors = torch.load(path, map_location="cpu", weights_only=True, mmap=is_zipfile(path))
    except Exception as exc:  # what safetensors and torch raise shares no base class
        if out_of_memory(exc):
            raise
        why = f"{type(exc).__name__}: {str(exc).splitlines()[0][:200]}"
        if isinstance(exc, UnpicklingError) or "weights_only" in why:  # torch's own message advises to run the code
            why = "damaged, or contains more than tensors, which could run code"
        raise ModelError(
            f"{path}: cannot be read as plain weights ({why}). Get the model again, as safetensors if possible."
        ) from exc
    if not isinstance(tensors, dict) or not all(hasattr(value, "shape") for value in tensors.values()):
        raise ModelError(f"{path}: contains more than named tensors; expected only the weights of one model.")
    _check_tensors(path, tensors)
    return {str(name): value for name, value in tensors.items()}


def _check_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Raise `ModelError` for anything but plain numeric tensors, and for tensors larger than the file."""
    import torch

    length = path.stat().st_size
    for name, value in tensors.items():
        plain = value.layout == torch.strided and not value.is_quantized and not value.is_complex()
        if not plain or value.numel() * value.element_size() > length:
            raise ModelError(f"{path}: {short(str(name))!r} is not a plain tensor. Get the model again.")


def weight_shapes(checkpoint: Checkpoint) -> dict[str, tuple[int, ...]]:
    """Names and shapes of all tensors, without reading the values if the format allows it."""
    weights = checkpoint.weights
    if weights.files[0].suffix != ".safetensors":
        return {name: tuple(tensor.shape) for name, tensor in read_weights(checkpoint).items()}
    from safetensors import SafetensorError, safe_open

    found: dict[str, dict[str, tuple[int, ...]]] = {}
    for path in weights.files:
        _check_header(path)
        try:
            with safe_open(path, "pt") as file:
                found[path.name] = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
        except (OSError, SafetensorError) as exc:
            raise ModelError(f"{path}: cannot be read ({exc}). Get the model again.") from exc
    weights.check(found)
    return {_today(name): shape for shapes in found.values() for name, shape in shapes.items()}


def check_keys(
    checkpoint: Checkpoint, expected: dict[str, tuple[int, ...]], found: dict[str, tuple[int, ...]]
) -> Collection[str]:
    """Names of the model's weights to load; `ModelError` for missing or unexpected weights, or wrong shapes."""
    missing = sorted(set(expected) - set(found))
    extra = sorted(name for name in set(found) - set(expected) if not name.startswith(tuple(HARMLESS)))
    shapes = [
        f"{name} {found[name]} instead of {shape}"
        for name, shape in expected.items()
        if name in found and found[name] != shape
    ]
    if missing or extra or shapes:
        problems = [("missing", missing), ("unexpected", extra), ("wrong shape", shapes)]
        listed = "; ".join(f"{what}: {_shortened(names)}" for what, names in problems if names)
        raise ModelError(
            f"{checkpoint.weights.name}: the weights do not fit the model ({listed}). Parts of it would stay random. "
            "Get the model again, or one with a head that Ressenti knows."
        )
    return expected.keys()


def _check_header(path: Path) -> None:
    """Raise `ModelError` if the header with names and shapes is longer than any model's, before reading it."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
    if length > min(_LONGEST_HEADER, path.stat().st_size):
        raise ModelError(f"{path}: cannot be read (a header of {length} bytes). Get the model again.")


def _today(name: str) -> str:
    for old, new in LEGACY.items():
        if name.endswith(old):
            return name.removesuffix(old) + new
    return name


def _shortened(names: list[str]) -> str:
    shown = ", ".join(names[:8])
    return shown if len(names) <= 8 else f"{shown} and {len(names) - 8} more"
