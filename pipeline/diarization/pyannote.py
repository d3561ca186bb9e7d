"""pyannote's diarization pipelines (community-1, 3.1, others in a folder), from local files only.

The pipeline is built from models loaded here, never from paths or ids. Given a path, pyannote.audio guesses the
embedding's loader from it (`PretrainedSpeakerEmbedding` takes one with "wespeaker" and without "pyannote" for ONNX),
and it downloads what it is not given. With loaded models, neither can happen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ressenti.pipeline.audio import RATE_HZ, Audio
from ressenti.pipeline.config import DiarizationOptions
from ressenti.pipeline.diarization.interface import Count
from ressenti.pipeline.diarization.pyannote_count import WatchedClustering, bounds_of, notes_of
from ressenti.pipeline.diarization.pyannote_folder import VBX, Checkpoint, PipelineFolder, read_checkpoints, read_folder
from ressenti.pipeline.diarization.pyannote_models import build_pipeline, load_model, quietly
from ressenti.pipeline.errors import ModelError
from ressenti.pipeline.models.cards import stated_in
from ressenti.pipeline.models.installed import Installed
from ressenti.pipeline.models.torchaudio_import import import_pyannote_audio
from ressenti.pipeline.models.user_choices import trusted_hashes
from ressenti.pipeline.progress import Progress, ignore_progress
from ressenti.pipeline.records import Diarization, ModelInfo, Segment

_STAGES = {"segmentation": "speech", "embeddings": "voices"}


def load(
    folder: Path,
    options: DiarizationOptions,
    *,
    installed: Installed | None = None,
    further: Mapping[str, Installed] | None = None,
) -> PyannoteDiarizer:
    """Load the pipeline in `folder` (with a `config.yaml`) as a diarizer; opens no connection.

    `installed` is the folder's installed model, if it is one; `further` are installed repositories that the config may
    refer to, by id. Only checkpoints whose SHA-256 is pinned by the registry or trusted by the user are loaded, as
    tensors and plain settings. Raises `UntrustedModelError` for any other before torch is imported, unless
    `options.trust_model` is set, and `ModelError` for missing or invalid parts.
    """
    others = further or {}
    parts, segmentation, embedding = read_parts(folder, options, installed, others)
    with quietly():
        import_pyannote_audio()
        pipeline = build_pipeline(parts, *(load_model(one, options.trust_model) for one in (segmentation, embedding)))
    told = stated_in(folder)
    own = ModelInfo("diarization", folder.resolve().name, told.licence, parts.sha256, told.commercial)
    whole = replace(installed.info("diarization"), sha256=parts.sha256) if installed else own

    def info_of(task: Literal["speech activity", "speaker embedding"], part: Checkpoint) -> ModelInfo:
        if part.path.is_relative_to(folder):
            base = replace(whole, name=_part_name(part.path.relative_to(folder), whole.name), notes=())
        else:
            model = next((m for m in others.values() if part.path.is_relative_to(m.folder)), None)
            base = model.info("diarization") if model else ModelInfo("diarization", part.path.parent.name, None)
        return replace(base, task=task, sha256=part.sha256)

    models = (whole, info_of("speech activity", segmentation), info_of("speaker embedding", embedding))
    return PyannoteDiarizer(pipeline, parts.clustering == VBX, models, options)


def read_parts(
    folder: Path, options: DiarizationOptions, installed: Installed | None, further: Mapping[str, Installed]
) -> tuple[PipelineFolder, Checkpoint, Checkpoint]:
    """Read and check the config, segmentation and embedding for `load`, without unpickling anything."""
    parts = read_folder(folder, lambda name: further[name].folder if name in further else None)
    if installed is not None:
        _refuse_elsewhere(parts, (installed, *further.values()))
    weights = (parts.segmentation, parts.embedding)
    segmentation, embedding = read_checkpoints(weights, trusted_hashes(), options.trust_model)
    return parts, segmentation, embedding


def _refuse_elsewhere(parts: PipelineFolder, known: Sequence[Installed]) -> None:
    """Raise `ModelError` if an installed pipeline refers to a file that was not installed."""
    for path in (parts.segmentation, parts.embedding, parts.plda):
        if path is not None and not any(path.is_relative_to(model.folder) for model in known):
            raise ModelError(
                f"{parts.folder}: its config.yaml refers to {path}, which was not installed with it. Do not trust its "
                "source."
            )


class PyannoteDiarizer:
    """A pyannote pipeline as a diarizer; `pipeline` is an instance of its `SpeakerDiarization`."""

    def __init__(
        self, pipeline: Any, k_means: bool, models: tuple[ModelInfo, ...], options: DiarizationOptions
    ) -> None:
        self._pipeline = pipeline
        self._clustering = pipeline.clustering
        self._k_means = k_means
        self._options = options
        self.models = models

    def diarize(self, audio: Audio, count: Count, progress: Progress = ignore_progress) -> Diarization:
        """Find the segments of the first channel, both with overlap and without (`exclusive`, which cuts the turns)."""
        bounds = bounds_of(count, self._k_means)
        clustering = WatchedClustering(self._clustering, bounds, self._k_means, progress)
        with quietly():  # one thread at a time: the pipeline has one clustering
            self._pipeline.clustering = clustering
            output = self._pipeline(
                {"waveform": _waveform(audio), "sample_rate": RATE_HZ, "uri": "recording"},
                min_speakers=bounds.at_least,
                max_speakers=bounds.at_most,
                hook=_hook(progress),
            )
        progress("clustering", 1, 1)
        tracks = _tracks(output.speaker_diarization, audio.duration_s)
        labels = {label: f"S{i + 1}" for i, label in enumerate(dict.fromkeys(label for _, _, label in tracks))}
        exact = bounds.at_least == bounds.at_most or bounds.loosened
        speech_s = sum(end - start for start, end, _ in tracks)
        given = exact and len(labels) == bounds.at_most
        sure = given or (not exact and len(labels) <= 1 and speech_s >= self._options.sure_from_s)
        return Diarization(
            segments=_named(tracks, labels),
            count="given" if given else "estimated",
            count_confidence="high" if sure else "low",
            models=self.models,
            hears_overlap=True,
            embeddings=_embeddings(output, labels),
            notes=notes_of(count, bounds, clustering, len(labels)) if tracks else (),
            exclusive=_named(_tracks(output.exclusive_speaker_diarization, audio.duration_s), labels),
        )


def _part_name(path: Path, name: str) -> str:
    """The pipeline's name followed by the part's folder, or by its file if it is next to the config."""
    return "/".join([name, *(path.parts[:-1] or path.parts)])


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
        elif step == "discrete_diarization":
            progress("clustering", 0, None)

    return hook


def _tracks(annotation: Any, duration_s: float) -> list[tuple[float, float, str]]:
    """(start_s, end_s, label) of an annotation, in time order, clipped to the recording."""
    tracks = ((t.start, t.end, label) for t, _, label in annotation.itertracks(yield_label=True))
    clipped = ((max(0.0, float(a)), min(float(b), duration_s), str(label)) for a, b, label in tracks)
    return sorted(track for track in clipped if track[0] < track[1])


def _named(tracks: list[tuple[float, float, str]], labels: Mapping[str, str]) -> tuple[Segment, ...]:
    return tuple(Segment(start, end, labels[label]) for start, end, label in tracks if label in labels)


def _embeddings(output: Any, labels: Mapping[str, str]) -> tuple[tuple[str, tuple[float, ...]], ...]:
    """Direction of each speaker's centroid (rows in `labels()` order); padding and empty rows are left out."""
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
