"""The built-in diarizer: speech activity, speaker embeddings of short windows, clustering."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from ressenti.pipeline.audio import Audio
from ressenti.pipeline.audio.mel import FloatArray
from ressenti.pipeline.config import DiarizationOptions
from ressenti.pipeline.diarization import clustering, embedding, vad
from ressenti.pipeline.diarization.embedding import SpeechWindow
from ressenti.pipeline.diarization.interface import Count
from ressenti.pipeline.files.hashes import digest_of
from ressenti.pipeline.models import voice_encoder
from ressenti.pipeline.progress import Progress, ignore_progress
from ressenti.pipeline.records import Diarization, ModelInfo, Note, Segment


def vad_info() -> ModelInfo:
    """Describe the speech activity model, with the hash of the installed file."""
    return ModelInfo("speech activity", "silero-vad", "MIT", digest_of(vad.model_path()), commercial=True)


class BuiltinDiarizer:
    """Silero VAD, GE2E embeddings, k-means (count given) or average linkage (count free).

    It finds one speaker at a time; overlapping speech goes to the louder one.
    """

    def __init__(self, options: DiarizationOptions) -> None:
        self._options = options
        self.models = (vad_info(), voice_encoder.info())

    def diarize(self, audio: Audio, count: Count, progress: Progress = ignore_progress) -> Diarization:
        """Find the segments of the first channel; none if there is no speech."""
        options, samples = self._options, audio.samples[0]
        spans = vad.detect_speech(samples, options, progress)
        windows = embedding.windows_of(spans, options.window_s, options.step_s)
        vectors = embedding.embed(samples, windows, progress)
        labels = label_windows(vectors, windows, count, options.cluster_distance, progress)
        found = int(labels.max()) + 1 if len(labels) else 0
        notes = []
        if count.exactly is not None and found < count.exactly:
            notes.append(Note("fewer_speakers", {"asked": count.exactly, "found": found}))
        given = count.exactly is not None
        sure = given or (found <= 1 and sum(end - start for start, end in spans) >= options.sure_single_s)
        segments = name_in_order(segments_of(spans, windows, labels))
        return Diarization(
            segments=segments,
            count="given" if given else "estimated",
            count_confidence="high" if sure else "low",
            models=self.models,
            hears_overlap=False,
            embeddings=_speaker_embeddings(vectors, windows, segments),
            notes=tuple(notes),
        )


def label_windows(
    vectors: FloatArray,
    windows: Sequence[SpeechWindow],
    count: Count,
    distance: float,
    progress: Progress = ignore_progress,
) -> clustering.Labels:
    """Speaker index of each window: full windows are clustered, then short ones go to the nearest speaker."""
    if not windows:
        return np.zeros(0, dtype=np.int64)
    full = np.array([w.full for w in windows])
    wanted = count.exactly or count.at_least
    if full.sum() < max(1, wanted):
        return clustering.cluster(vectors, count, distance, progress)
    labels = np.zeros(len(windows), dtype=np.int64)
    labels[full] = clustering.cluster(vectors[full], count, distance, progress)
    centres = clustering.centroids_of(vectors[full], labels[full])
    labels[~full] = clustering.assign(vectors[~full], centres)
    return labels


def segments_of(
    spans: Sequence[tuple[float, float]], windows: Sequence[SpeechWindow], labels: clustering.Labels
) -> list[tuple[float, float, int]]:
    """Cut spans halfway between windows of different speakers, as (start_s, end_s, speaker index) (pure)."""
    by_span: dict[int, list[int]] = {}
    for i, window in enumerate(windows):
        by_span.setdefault(window.span, []).append(i)
    out: list[tuple[float, float, int]] = []
    for index, rows in by_span.items():
        start, end = spans[index]
        for a, b in pairwise(rows):
            if labels[a] != labels[b]:
                change = (windows[a].centre_s + windows[b].centre_s) / 2
                out.append((start, change, int(labels[a])))
                start = change
        out.append((start, end, int(labels[rows[-1]])))
    return sorted(out)


def name_in_order(stretches: Sequence[tuple[float, float, int]]) -> tuple[Segment, ...]:
    """Label segments S1, S2, ... in order of first speech."""
    names = {k: f"S{i + 1}" for i, k in enumerate(dict.fromkeys(k for _, _, k in sorted(stretches)))}
    return tuple(Segment(start, end, names[k]) for start, end, k in sorted(stretches))


def _speaker_embeddings(
    vectors: FloatArray, windows: Sequence[SpeechWindow], segments: Sequence[Segment]
) -> tuple[tuple[str, tuple[float, ...]], ...]:
    """Mean embedding direction of the windows centred in each speaker's segments."""
    if not windows:
        return ()
    centres = np.array([w.centre_s for w in windows])
    out = []
    for label in dict.fromkeys(s.speaker for s in segments):
        inside = np.zeros(len(windows), dtype=bool)
        for s in segments:
            if s.speaker == label:
                inside |= (centres >= s.start_s) & (centres < s.end_s)
        if inside.any():
            mean = vectors[inside].mean(axis=0)
            out.append((label, tuple(round(float(v), 5) for v in mean / (np.linalg.norm(mean) + 1e-9))))
    return tuple(out)
