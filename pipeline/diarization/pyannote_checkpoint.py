"""Read a pyannote checkpoint as tensors and plain settings, without running code or importing names from it."""

from __future__ import annotations

import inspect
import io
import math
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from importlib import import_module
from numbers import Number
from typing import Any

from ressenti.pipeline.diarization.pyannote_folder import Checkpoint
from ressenti.pipeline.errors import ModelError, UntrustedModelError
from ressenti.pipeline.files.untrusted import RefusedError
from ressenti.pipeline.models.pickles import check_packing

_ARCHITECTURES = {  # allowed in a checkpoint: modules of pyannote.audio, and the classes in each
    "pyannote.audio.models.segmentation.PyanNet": ("PyanNet",),
    "pyannote.audio.models.segmentation.SSeRiouSS": ("SSeRiouSS",),
    "pyannote.audio.models.embedding.xvector": ("XVectorMFCC", "XVectorSincNet"),
    "pyannote.audio.models.embedding.wespeaker": tuple(f"WeSpeakerResNet{depth}" for depth in (34, 152, 221, 293)),
}
_PASSED_OVER = ("pytorch_lightning.callbacks.", "lightning.pytorch.callbacks.")  # left over from training
_LARGEST = 100_000  # of any number in the settings
_LEAST = {"stride": 1, "frame_shift": 1, "frame_length": 1, "sample_rate": 16_000, "num_channels": 1}
_MOST_DURATION_S = 60.0  # of a model's window
_MOST_CLASSES = 64


def read_held(checkpoint: Checkpoint, run_code: bool) -> dict[str, Any]:
    """Read a checkpoint's content; `UntrustedModelError` if that would need running code and `run_code` is False."""
    import torch
    from pyannote.audio.core.task import Problem, Resolution, Specifications
    from torch.serialization import get_unsafe_globals_in_checkpoint, safe_globals

    try:
        check_packing(io.BytesIO(checkpoint.data), len(checkpoint.data))
    except RefusedError as exc:
        raise ModelError(f"{checkpoint.path}: cannot be loaded: {exc}. Download it again.") from exc
    safe: dict[str, type] = {
        f"{kind.__module__}.{kind.__name__}": kind for kind in (Problem, Resolution, Specifications)
    }
    safe["torch.torch_version.TorchVersion"] = str
    try:
        named = set(get_unsafe_globals_in_checkpoint(io.BytesIO(checkpoint.data))) - set(safe)
        strange = sorted(name for name in named if not name.startswith(_PASSED_OVER))
        passed = [(type("PassedOver", (), {}), name) for name in named if name.startswith(_PASSED_OVER)]
        if strange and not run_code:
            raise UntrustedModelError(
                f"{checkpoint.path}: contains more than tensors and settings ({', '.join(strange)[:200]}), which can "
                f"run code. SHA-256 {checkpoint.sha256}. If you trust its source, allow it: --trust-model "
                "(diarization.trust_model: true)."
            )
        with safe_globals([*((kind, name) for name, kind in safe.items()), *passed]):
            held = torch.load(io.BytesIO(checkpoint.data), map_location="cpu", weights_only=not strange)
    except UntrustedModelError:
        raise
    except Exception as exc:  # what torch and pickles raise shares no base class
        why = str(exc).strip().splitlines() or [""]
        reason = "damaged" if "weights_only" in why[0] or "Weights only" in why[0] else why[0][:200]
        raise ModelError(
            f"{checkpoint.path}: cannot be loaded as a checkpoint of pyannote.audio ({type(exc).__name__}: {reason}). "
            "Expected one saved by its Model. Download it again."
        ) from exc
    if not isinstance(held, dict) or not isinstance(held.get("state_dict"), (dict, OrderedDict)):
        raise ModelError(f"{checkpoint.path}: cannot be loaded: it has no named weights. Download it again.")
    _check_tensors(checkpoint, held["state_dict"])
    return held


def class_of(checkpoint: Checkpoint, held: Mapping[str, Any]) -> Any:
    """Return a checkpoint's pyannote.audio class; `ModelError` for any other class, which is not imported."""
    named = held["pyannote.audio"]["architecture"]
    module, name = str(named["module"]), str(named["class"])
    if name not in _ARCHITECTURES.get(module, ()):
        raise ModelError(
            f"{checkpoint.path}: needs {module[:100]}.{name[:100]}; expected a model class of pyannote.audio. Other "
            "classes are not imported."
        )
    return getattr(import_module(module), name)


def settings_of(checkpoint: Checkpoint, held: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments for the checkpoint's class; `ModelError` for settings that refer to files or code, or out of range."""
    found = held.get("hyper_parameters") or {}
    layers = len(held["state_dict"])
    for key, value in _leaves(found):
        fits = value is None or isinstance(value, bool | str)
        if isinstance(value, Number) and not isinstance(value, bool | complex):
            number = float(value)  # type: ignore[arg-type]
            most = layers if "layers" in key else _LARGEST
            fits = math.isfinite(number) and _LEAST.get(key, -1) <= number <= most
        if not fits:
            raise ModelError(
                f"{checkpoint.path}: its settings have {key[:100]} {str(value)[:100]!r}, which no model has."
            )
    if isinstance(found.get("wav2vec"), str) or ("wav2vec_layer" in found and "wav2vec" not in found):
        raise ModelError(f"{checkpoint.path}: its settings refer to other weights. Use another model.")
    _check_specifications(checkpoint, held["pyannote.audio"]["specifications"])
    taken = inspect.signature(class_of(checkpoint, held).__init__).parameters
    return {key: value for key, value in found.items() if key in taken and key not in ("self", "task")}


def check_dependencies(held: Mapping[str, Any]) -> None:
    """Raise `ModelError` if the checkpoint was made by a later major version of pyannote.audio."""
    from pyannote.audio import __version__

    made = str(held["pyannote.audio"]["versions"]["pyannote.audio"]).split(".", maxsplit=1)[0]
    if made.isdecimal() and len(made) < 4 and int(made) > int(__version__.split(".", maxsplit=1)[0]):
        raise ModelError(f"made by pyannote.audio {made}, but {__version__} is installed. Install a newer one.")


def _check_specifications(checkpoint: Checkpoint, found: Any) -> None:
    from pyannote.audio.core.task import Problem, Resolution, Specifications

    fits = (
        isinstance(found, Specifications)
        and isinstance(found.problem, Problem)
        and isinstance(found.resolution, Resolution)
        and isinstance(found.duration, int | float)
        and 0 < found.duration <= _MOST_DURATION_S
        and (found.classes is None or (isinstance(found.classes, list) and len(found.classes) <= _MOST_CLASSES))
        and (found.powerset_max_classes is None or found.powerset_max_classes in range(1, 9))
    )
    if not fits:
        raise ModelError(f"{checkpoint.path}: invalid specifications ({str(found)[:200]}). Use another model.")


def _check_tensors(checkpoint: Checkpoint, state: Mapping[Any, Any]) -> None:
    """Raise `ModelError` for anything but tensors, and for tensors larger than the file."""
    import torch

    for name, value in state.items():
        whole = isinstance(value, torch.Tensor) and value.layout == torch.strided and not value.is_quantized
        if not whole or value.numel() * value.element_size() > len(checkpoint.data):
            raise ModelError(
                f"{checkpoint.path}: {str(name)[:100]} is not a valid tensor of this file. Download it again."
            )


def _leaves(value: Any, key: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and depth < 8:
        for name, inner in value.items():
            yield from _leaves(inner, str(name), depth + 1)
    elif isinstance(value, list | tuple) and depth < 8:
        for inner in value:
            yield from _leaves(inner, key, depth + 1)
    else:
        yield key, value
