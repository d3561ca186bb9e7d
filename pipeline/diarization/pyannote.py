"""pyannote's diarization pipelines (community-1, 3.1, others in a folder), from local files alone.

The pipeline is made of models that are loaded here, never of paths or ids. pyannote.audio chooses the loader of an
embedding by what its path looks like (one with "wespeaker" and without "pyannote" is taken for ONNX,
`PretrainedSpeakerEmbedding`), and fetches what it is not given: with objects, neither can happen.
"""

from __future__ import annotations

import io
import logging
import pickle
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.audio import RATE_HZ, Audio
from pipeline.config import DiarizationOptions
from pipeline.diarization.interface import Count
from pipeline.diarization.pyannote_count import WatchedClustering, bounds_of, notes_of
from pipeline.diarization.pyannote_folder import (
    PLDA_FILES,
    VBX,
    Checkpoint,
    Others,
    PipelineFolder,
    read_checkpoint,
    read_folder,
)
from pipeline.errors import ModelError
from pipeline.records import Diarization, ModelInfo, Progress, Segment, ignore_progress
from pipeline.torchaudio_import import import_pyannote_audio

_WINDOWS = 32  # windows at once through the segmentation; the class has 1
_VOICES = 24  # voices at once through the embedding, of about 8 windows: on a CPU, more takes memory and no less time
_STAGES = {"segmentation": "speech", "embeddings": "voices"}


def load(
    folder: Path,
    options: DiarizationOptions,
    *,
    name: str | None = None,
    commit: str | None = None,
    licence: str | None = None,
    trusted: Mapping[str, str] | None = None,
    others: Others = lambda _: None,
) -> PyannoteDiarizer:
    """A diarizer of the pipeline in `folder` (one with a `config.yaml`); opens no connection.

    `trusted` are the SHA-256 (by path) of checkpoints that may be unpickled; `others` knows the folders of further
    repositories that the config names. Raises `UntrustedModelError` for any other checkpoint, unless
    `options.trust_model`, before torch is imported, and `ModelError` where something is missing or does not fit.
    """
    parts = read_folder(folder, others)
    segmentation, embedding = (
        read_checkpoint(path, trusted or {}, options.trust_model) for path in (parts.segmentation, parts.embedding)
    )
    with _quietly():
        import_pyannote_audio()
        pipeline = _build(parts, _model(segmentation), _model(embedding))
    name, licence = name or folder.resolve().name, licence or "?"
    note = f"commit {commit}" if commit else ""
    models = (
        ModelInfo("diarization", name, licence, parts.sha256, note=note),
        ModelInfo("speech activity", _part_name(parts.segmentation, folder, name), licence, segmentation.sha256),
        ModelInfo("speaker embedding", _part_name(parts.embedding, folder, name), licence, embedding.sha256),
    )
    return PyannoteDiarizer(pipeline, parts.clustering == VBX, models, options)


class PyannoteDiarizer:
    """A pyannote pipeline behind the interface; `pipeline` is an instance of its `SpeakerDiarization`."""

    def __init__(
        self, pipeline: Any, k_means: bool, models: tuple[ModelInfo, ...], options: DiarizationOptions
    ) -> None:
        self._pipeline = pipeline
        self._clustering = pipeline.clustering
        self._k_means = k_means
        self._options = options
        self.models = models

    def diarize(self, audio: Audio, count: Count, progress: Progress = ignore_progress) -> Diarization:
        """Segments of the first channel, with overlap, and the same without, which cuts the turns."""
        bounds = bounds_of(count, self._k_means)
        clustering = WatchedClustering(self._clustering, bounds, self._k_means, progress)
        self._pipeline.clustering = clustering
        with _quietly():
            output = self._pipeline(
                {"waveform": _waveform(audio), "sample_rate": RATE_HZ, "uri": "recording"},
                min_speakers=bounds.at_least,
                max_speakers=bounds.at_most,
                hook=_hook(progress),
            )
        progress("clustering", 1, 1)
        heard = _tracks(output.speaker_diarization, audio.duration_s)
        labels = {label: f"S{i + 1}" for i, label in enumerate(dict.fromkeys(label for _, _, label in heard))}
        exact = bounds.at_least == bounds.at_most or bounds.loosened
        speech_s = sum(end - start for start, end, _ in heard)
        given = exact and len(labels) == bounds.at_most
        sure = given or (not exact and len(labels) <= 1 and speech_s >= self._options.sure_single_s)
        return Diarization(
            segments=_named(heard, labels),
            count="given" if given else "estimated",
            count_confidence="high" if sure else "low",
            models=self.models,
            hears_overlap=True,
            embeddings=_embeddings(output, labels),
            notes=notes_of(count, bounds, clustering, len(labels)) if heard else (),
            exclusive=_named(_tracks(output.exclusive_speaker_diarization, audio.duration_s), labels),
        )


def _model(checkpoint: Checkpoint) -> Any:
    """A pyannote model from the bytes of its checkpoint; `ModelError` where weights are missing or not of the model."""
    import torch
    from pyannote.audio import Model

    try:
        held = torch.load(io.BytesIO(checkpoint.data), map_location="cpu", weights_only=False)
        keys = {key for key in held["state_dict"] if not key.startswith("loss_func.")}  # a training's own weights
        model: Any = Model.from_pretrained(io.BytesIO(checkpoint.data), strict=False)
    except (pickle.UnpicklingError, EOFError, RuntimeError, KeyError, TypeError, AttributeError, ImportError) as exc:
        raise ModelError(
            f"{checkpoint.path}: cannot be loaded as a checkpoint of pyannote.audio ({type(exc).__name__}: {exc}). "
            "Expected one that its Model saved; download it again."
        ) from exc
    expected = set(model.state_dict())
    if keys != expected:
        raise ModelError(
            f"{checkpoint.path}: weights do not fit {type(model).__name__}: missing {sorted(expected - keys)[:5]}, "
            f"unexpected {sorted(keys - expected)[:5]}. Download it again."
        )
    return model


def _build(parts: PipelineFolder, segmentation: Any, embedding: Any) -> Any:
    """The pipeline of its parts, with the hyper-parameters of its config; `ModelError` where they do not fit."""
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
    except (TypeError, ValueError, AttributeError) as exc:
        raise ModelError(
            f"{parts.folder}: config.yaml does not fit its pipeline ({exc}). Compare it with the original."
        ) from exc
    if not pipeline.instantiated:
        raise ModelError(
            f"{parts.folder}: config.yaml lacks `params` of {parts.clustering}. Compare it with the original."
        )
    return pipeline


def _once_per_window(model: Any) -> Any:
    """The embedding model, which now looks at each window once.

    The pipeline asks for a window's voices one after the other, the same samples with another mask, and a ResNet works
    on the samples alone until it pools: nearly all the time goes there.
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
    """The PLDA in a folder; where the clustering uses none, an empty one, or the constructor would fetch it."""
    from pyannote.audio.core.plda import PLDA

    if folder is None:
        return PLDA.__new__(PLDA)
    try:
        with np.load(folder / PLDA_FILES[0]) as transform:
            fits = transform["lda"].shape[0] == dimension
        plda = PLDA(folder / PLDA_FILES[0], folder / PLDA_FILES[1])
    except (OSError, ValueError, KeyError, IndexError, np.linalg.LinAlgError) as exc:
        raise ModelError(f"{folder}: no PLDA ({exc}); expected {' and '.join(PLDA_FILES)}. Download it again.") from exc
    if not fits:
        raise ModelError(f"{folder}: the PLDA is not for embeddings of {dimension} values. Download it again.")
    return plda


def _part_name(path: Path, folder: Path, name: str) -> str:
    """Of a part in the pipeline's folder, the folder's name and its own; of another, the name of its repository."""
    if path.is_relative_to(folder):
        return (
            "/".join([name, *path.relative_to(folder).parts[:-1]]) if path.parent != folder else f"{name}/{path.name}"
        )
    return path.parent.name


def _waveform(audio: Audio) -> Any:
    """The first channel as float32 in [-1, 1), tensor of shape (1, samples)."""
    import torch

    samples = audio.samples[0].astype(np.float32)
    samples /= 32768
    return torch.from_numpy(samples)[None]


def _hook(progress: Progress) -> Any:
    def hook(step: str, *_: Any, total: int | None = None, completed: int | None = None, **__: Any) -> None:
        if step in _STAGES and completed is not None:
            progress(_STAGES[step], float(min(completed, total or completed)), total)  # the last batch counts as full

    return hook


def _tracks(annotation: Any, duration_s: float) -> list[tuple[float, float, str]]:
    """(start_s, end_s, label) of an annotation, in order of time, within the recording."""
    tracks = ((t.start, t.end, label) for t, _, label in annotation.itertracks(yield_label=True))
    clipped = ((max(0.0, float(a)), min(float(b), duration_s), str(label)) for a, b, label in tracks)
    return sorted(track for track in clipped if track[0] < track[1])


def _named(tracks: list[tuple[float, float, str]], labels: Mapping[str, str]) -> tuple[Segment, ...]:
    return tuple(Segment(start, end, labels[label]) for start, end, label in tracks if label in labels)


def _embeddings(output: Any, labels: Mapping[str, str]) -> tuple[tuple[str, tuple[float, ...]], ...]:
    """Direction of each speaker's centroid (rows are in `labels()` order); none where pyannote pads or has no voice."""
    rows = (
        {}
        if output.speaker_embeddings is None
        else dict(zip(output.speaker_diarization.labels(), output.speaker_embeddings, strict=False))
    )
    out = []
    for label, name in labels.items():
        vector = rows.get(label)
        if vector is not None and np.isfinite(vector).all() and np.any(vector):
            out.append((name, tuple(round(float(v), 5) for v in vector / np.linalg.norm(vector))))
    return tuple(out)


@contextmanager
def _quietly() -> Iterator[None]:
    """Without the warnings and log lines of libraries, which are about decoding and training, not for our users."""
    logger = logging.getLogger("lightning")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)
