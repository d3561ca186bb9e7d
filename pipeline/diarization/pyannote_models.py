"""Build pyannote's models and pipeline from files that were already read and hashed."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from itertools import pairwise
from pathlib import Path
from threading import RLock
from typing import Any

import numpy as np

from ressenti.pipeline.diarization.pyannote_checkpoint import check_dependencies, class_of, read_held, settings_of
from ressenti.pipeline.diarization.pyannote_folder import PLDA_FILES, Checkpoint, PipelineFolder
from ressenti.pipeline.errors import ModelError
from ressenti.pipeline.models.registry import pinned_hashes

_ALONE = RLock()
_WINDOWS = 32  # segmentation batch; the class has 1
_VOICES = 24  # embedding batch, of about 8 windows: on a CPU, larger ones need more memory and are not faster


def load_model(checkpoint: Checkpoint, run_code: bool = False) -> Any:
    """Build a pyannote model from its checkpoint; `ModelError` if weights are missing or do not fit.

    pyannote.audio unpickles checkpoints with `weights_only=False` and imports the module they name. Here only tensors
    and plain settings are read, and the class is one of pyannote.audio's, so no code of the file runs. Anything else is
    unpickled only if `run_code` is set or the registry pins the bytes; otherwise raises `UntrustedModelError`.
    """
    held = read_held(checkpoint, run_code or checkpoint.sha256 in pinned_hashes())
    try:
        state = held["state_dict"]
        keys = {str(key) for key in state if not str(key).startswith("loss_func.")}  # weights used only in training
        made_with = settings_of(checkpoint, held)
        check_dependencies(held)
        architecture = class_of(checkpoint, held)
        outline = _built(architecture, made_with, held, empty=True)
        wanted = {name: tuple(value.shape) for name, value in outline.state_dict().items()}
        shapes = {str(name): tuple(value.shape) for name, value in state.items()}
    except ModelError:
        raise
    except Exception as exc:  # untrusted settings can raise anything
        raise _unreadable(checkpoint, exc) from exc
    if keys != set(wanted):
        raise ModelError(
            f"{checkpoint.path}: weights do not fit {architecture.__name__}: missing {sorted(set(wanted) - keys)[:5]}, "
            f"unexpected {sorted(keys - set(wanted))[:5]}. Download it again."
        )
    if other := [
        f"{name}: {shapes[name]} instead of {shape}" for name, shape in wanted.items() if shapes[name] != shape
    ]:
        raise ModelError(
            f"{checkpoint.path}: weights do not fit {architecture.__name__}: size mismatch of {'; '.join(other[:5])}. "
            "Download it again."
        )
    try:
        model = _built(architecture, made_with, held)
        model.load_state_dict({name: state[name] for name in wanted}, strict=True)
    except Exception as exc:  # as above
        raise _unreadable(checkpoint, exc) from exc
    return model.eval()


def _built(architecture: Any, made_with: dict[str, Any], held: dict[str, Any], *, empty: bool = False) -> Any:
    """Build the model without weights, like lightning's `load_from_checkpoint`; `empty` takes no memory."""
    import torch

    with torch.device("meta") if empty else nullcontext():
        model = architecture(**made_with)
        model.on_load_checkpoint(held)
    return model


def _unreadable(checkpoint: Checkpoint, exc: Exception) -> ModelError:
    return ModelError(
        f"{checkpoint.path}: cannot be loaded as a checkpoint of pyannote.audio ({type(exc).__name__}: "
        f"{str(exc)[:300]}). Expected one saved by its Model. Download it again."
    )


def build_pipeline(parts: PipelineFolder, segmentation: Any, embedding: Any) -> Any:
    """Build the pipeline from its parts and hyper-parameters; `ModelError` if they do not fit."""
    from pyannote.audio.pipelines import SpeakerDiarization

    make: Any = SpeakerDiarization
    sizes = {"segmentation_batch_size": _WINDOWS, "embedding_batch_size": _VOICES}
    try:
        pipeline = make(
            **{**parts.options, **sizes},
            clustering=parts.clustering,
            segmentation=segmentation,
            embedding=_once_per_window(embedding),
            plda=_plda(parts.plda, embedding.dimension),
        )
        pipeline.freeze(parts.freeze)
        pipeline.instantiate(parts.params or pipeline.default_parameters())
    except (TypeError, ValueError, AttributeError, KeyError, ArithmeticError) as exc:
        raise ModelError(
            f"{parts.folder}: config.yaml does not fit its pipeline ({exc}). Compare it with the original."
        ) from exc
    if not pipeline.instantiated:
        raise ModelError(
            f"{parts.folder}: config.yaml lacks `params` of {parts.clustering}. Compare it with the original."
        )
    return pipeline


def _once_per_window(model: Any) -> Any:
    """Make the embedding model process each window only once.

    The pipeline passes the same samples once per voice, each time with a different mask. A ResNet uses the mask only
    when it pools, and spends nearly all its time before that.
    """
    import torch

    if not hasattr(model, "forward_frames"):
        return model

    def forward(waveforms: Any, weights: Any = None) -> Any:
        if weights is None:
            return type(model).forward(model, waveforms)
        new = torch.tensor([True, *(not torch.equal(a, b) for a, b in pairwise(waveforms))])
        frames = model.forward_frames(waveforms[new])
        return model.forward_embedding(frames[new.cumsum(0) - 1], weights=weights)

    model.forward = forward
    return model


def _plda(folder: Path | None, dimension: int) -> Any:
    """Load the PLDA in a folder; without one, return an empty PLDA, as the constructor would download it."""
    from pyannote.audio.core.plda import PLDA

    if folder is None:
        return PLDA.__new__(PLDA)
    try:
        with np.load(folder / PLDA_FILES[0]) as transform:
            fits = transform["lda"].shape[0] == dimension
        plda = PLDA(folder / PLDA_FILES[0], folder / PLDA_FILES[1])
    except (OSError, ValueError, KeyError, IndexError, np.linalg.LinAlgError) as exc:
        raise ModelError(
            f"{folder}: not a PLDA ({exc}); expected {' and '.join(PLDA_FILES)}. Download it again."
        ) from exc
    if not fits:
        raise ModelError(f"{folder}: the PLDA is not for embeddings of {dimension} values. Download it again.")
    return plda


@contextmanager
def quietly() -> Iterator[None]:
    """Silence the libraries' warnings and logs about decoding and training, which do not concern our users.

    This affects all threads, so only one thread may be inside at a time.
    """
    logger = logging.getLogger("lightning")
    with _ALONE:
        before = logger.level
        logger.setLevel(logging.ERROR)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield
        finally:
            logger.setLevel(before)
