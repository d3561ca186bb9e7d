"""The built-in diarizer: speech detection, voices within ten seconds, speaker embeddings, clustering."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ressenti.pipeline.audio import Audio, Samples
from ressenti.pipeline.audio.mel import FloatArray
from ressenti.pipeline.config import DiarizationOptions
from ressenti.pipeline.diarization import assignment, clustering, embedding, local_voices, stretches, vad
from ressenti.pipeline.diarization.interface import Count
from ressenti.pipeline.diarization.local_voices import LocalVoices
from ressenti.pipeline.diarization.stretches import Links, Stretch
from ressenti.pipeline.files.hashes import digest_of
from ressenti.pipeline.models import campplus, segmentation
from ressenti.pipeline.progress import Progress, ignore_progress
from ressenti.pipeline.records import Diarization, ModelInfo, Note, Segment

_SHORTEST_S, _LONGEST_S = 0.5, 3.0  # of a piece that gets an embedding


def vad_info() -> ModelInfo:
    """Describe the speech activity model, with the hash of the installed file."""
    return ModelInfo("speech activity", "silero-vad", "MIT", digest_of(vad.model_path()), commercial=True)


@dataclass(frozen=True)
class VoiceFeatures:
    """What is heard before anybody asks how many people there are: speech, voices by window, and embedded pieces.

    Pieces are compared by `embeddings` (n, 64), where mood and line say little; `whole` (n, 192) is what CAM++ made.
    """

    spans: tuple[tuple[float, float], ...]
    voices: LocalVoices
    pieces: tuple[Stretch, ...]
    links: Links
    embeddings: FloatArray
    whole: FloatArray


class BuiltinDiarizer:
    """Silero VAD says where speech is, segmentation-3.0 tells voices apart for ten seconds, CAM++ knows them again.

    It hears overlap of two speakers.
    """

    def __init__(self, options: DiarizationOptions) -> None:
        self._options = options
        self.models = (vad_info(), segmentation.info(), campplus.info())

    def diarize(self, audio: Audio, count: Count, progress: Progress = ignore_progress) -> Diarization:
        """Find the segments of the first channel; none if there is no speech."""
        return self.name(self.hear(audio, progress), audio.duration_s, count, progress)

    def hear(self, audio: Audio, progress: Progress = ignore_progress) -> VoiceFeatures:
        """The slow part of `diarize`, which does not depend on the number of speakers."""
        samples = audio.samples[0]
        return self.listen(samples, vad.detect_speech(samples, self._options, progress), progress)

    def listen(
        self, samples: Samples, spans: Sequence[tuple[float, float]], progress: Progress = ignore_progress
    ) -> VoiceFeatures:
        """Hear 16 kHz samples (n,) in which it is known where speech is (s)."""
        voices = local_voices.listen(samples, self._options.step_s, progress)
        pieces = _pieces(voices, spans)
        whole = embedding.embed(samples, pieces, progress)
        links = stretches.links_of(voices, pieces)
        return VoiceFeatures(tuple(spans), voices, tuple(pieces), links, campplus.in_space(whole), whole)

    def name(
        self, heard: VoiceFeatures, duration_s: float, count: Count, progress: Progress = ignore_progress
    ) -> Diarization:
        """The quick part of `diarize`: whose speech each piece is."""
        if not heard.pieces:
            return self._nobody(count)
        options, voices = self._options, heard.voices
        seconds = np.array([piece.duration_s for piece in heard.pieces])
        found = clustering.find_speakers(heard.embeddings, seconds, heard.links, count, options, progress)
        spoken = assignment.assign(
            voices,
            stretches.audible(heard.spans, voices.frames),
            stretches.speech_frames(heard.spans, voices.frames),
            heard.pieces,
            heard.links,
            heard.embeddings,
            found.centres,
        )
        segments = assignment.segments_of(spoken.speaking, spoken.confidence, options)
        exclusive = assignment.segments_of(spoken.alone, spoken.confidence, options)
        labels = {speaker: f"S{k + 1}" for k, speaker in enumerate(dict.fromkeys(row[2] for row in segments))}
        given = count.exactly is not None
        notes = []
        if count.exactly is not None and len(labels) < count.exactly:
            notes.append(Note("fewer_speakers", {"asked": count.exactly, "found": len(labels)}))
        own = clustering.nearest_to(heard.embeddings, found.centres)
        voiceprints = clustering.centres_of(heard.whole, seconds, own, len(found.centres))
        enough = bool(seconds.sum() >= options.sure_from_s)
        sure = given or (found.margin >= options.sure_margin and enough)
        return Diarization(
            segments=_named(segments, labels, duration_s),
            count="given" if given else "estimated",
            count_confidence="high" if sure else "low",
            models=self.models,
            hears_overlap=True,
            embeddings=tuple((labels[k], _rounded(voiceprints[k])) for k in labels),
            notes=tuple(notes),
            count_probability=_probability(found.margin) if enough and not given else None,
            exclusive=_named(exclusive, labels, duration_s),
        )

    def _nobody(self, count: Count) -> Diarization:
        asked = count.exactly
        if asked is None:
            return Diarization((), "estimated", "low", self.models, hears_overlap=True)
        note = Note("fewer_speakers", {"asked": asked, "found": 0})
        return Diarization((), "given", "high", self.models, hears_overlap=True, notes=(note,))


def _named(
    rows: Sequence[tuple[float, float, int, float]], labels: dict[int, str], duration_s: float
) -> tuple[Segment, ...]:
    """Segments with labels, within the recording; a speaker who is only ever the second one has none in `exclusive`."""
    return tuple(
        Segment(start, min(end, duration_s), labels[speaker], round(min(1.0, sure), 3))
        for start, end, speaker, sure in rows
    )


def _probability(margin: float) -> float:
    """Probability that an estimated number of speakers is right, by the nearest decision's distance to its limit.

    A logistic curve, drawn by hand through the development suite: near a limit two of three were right, from .1 on all.
    """
    return round(min(0.99, 1 / (1 + math.exp(-(0.7 + 22 * margin)))), 2)


def _rounded(centre: FloatArray) -> tuple[float, ...]:
    return tuple(round(float(value), 5) for value in centre)


def _pieces(voices: LocalVoices, spans: Sequence[tuple[float, float]]) -> list[Stretch]:
    """Pieces of speech that get an embedding: of the least length or, if all speech is shorter, whatever there is."""
    alone = stretches.stretches_of(voices, spans)
    pieces = stretches.pieces_of(alone, _SHORTEST_S, _LONGEST_S)
    return pieces or stretches.pieces_of(alone, 0.0, _LONGEST_S)
