"""The built-in emotion model: a small network on log-mel and prosody that hears each speaker against himself."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.special import softmax

from pipeline.audio import file_sha256
from pipeline.emotion import features
from pipeline.emotion.features import Frames
from pipeline.emotion.interface import Excerpt
from pipeline.errors import ModelError
from pipeline.mel import FloatArray
from pipeline.models import onnx_session
from pipeline.records import EmotionScores, ModelInfo, Note, Progress, ignore_progress

WEIGHTS = Path(__file__).resolve().parent.parent / "models"
_GRID = 32  # frames: excerpts are padded to a multiple of this and batched with their like, so batching changes nothing
_BATCH = 32
_NON_COMMERCIAL = ("ravdess", "nemo", "emodb")


class BuiltinEmotion:
    """Five classes, valence and arousal from log-mel and prosody normalised by the speaker's own baseline.

    Loads `emotion.onnx` and `emotion.json` from a folder; raises `ModelError` where they are absent or differ from
    the hash that was noted when they were made.
    """

    def __init__(self, folder: Path = WEIGHTS) -> None:
        path = folder / "emotion.onnx"
        try:
            about = json.loads((folder / "emotion.json").read_text(encoding="utf-8"))
            digest = file_sha256(path)
        except OSError as exc:
            raise ModelError(
                f"{folder}: no emotion model there ({exc}); expected emotion.onnx and emotion.json. "
                "If it is the built-in one, install Ressenti again."
            ) from exc
        except ValueError as exc:
            raise ModelError(f"{folder}: emotion.json is damaged ({exc}); install or train it again.") from exc
        try:
            if digest != about["sha256"]:
                raise ModelError(f"{path.name}: SHA-256 {digest[:12]}, expected {about['sha256'][:12]}. Install again.")
            self.temperature = float(about["temperature"])
            self._population = features.Baseline(
                np.array(about["population_mean"], np.float32),
                np.array(about["population_sd"], np.float32),
                float(about["population_pitch"]),
                float(about["population_tilt"]),
            )
            known = about.get("learned", {}).items()
            self.learned = frozenset((corpus, name) for corpus, names in known for name in names)
        except (KeyError, TypeError, ValueError, AttributeError) as exc:
            raise ModelError(
                f"{folder}: emotion.json is not one of ours ({exc!r}); install or train it again."
            ) from exc
        self._session = onnx_session(path)
        # what weights allow depends on the data that they learned from; of any other, nobody has said it here
        bound = folder == WEIGHTS or any(corpus in _NON_COMMERCIAL for corpus, _ in self.learned)
        self.info = ModelInfo(
            task="emotion",
            name="ressenti-builtin-emotion" if folder == WEIGHTS else folder.name,
            licence="CC BY-NC-SA 4.0" if bound else None,
            sha256=digest,
            commercial=False if bound else None,
            notes=(Note("trained_bound"),) if bound else (),
        )

    def score(self, excerpts: Sequence[Excerpt], progress: Progress = ignore_progress) -> list[EmotionScores]:
        """Scores of each excerpt, in order; a speaker's excerpts together are his or her baseline."""
        out: list[EmotionScores | None] = [None] * len(excerpts)
        done = 0
        for rows in _by_speaker(excerpts):
            logits, plane = self.logits([features.frames_of(excerpts[i].samples) for i in rows])
            for i, scores, (valence, arousal) in zip(rows, self._scores(logits), plane.tolist(), strict=True):
                out[i] = EmotionScores(scores, "softmax", valence, arousal)
            done += len(rows)
            progress("emotion", done, len(excerpts))
        return [scores for scores in out if scores is not None]

    def logits(self, heard: Sequence[Frames]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Class logits (n, 5) before the temperature, and valence and arousal (n, 2), of one speaker's excerpts."""
        found = self._run(heard)
        return found["classes"], found["valence_arousal"]

    def outputs(self, excerpts: Sequence[Excerpt]) -> dict[str, FloatArray]:
        """All that the network says of excerpts, by the name of the output, each (n, width), heard as by `score`.

        `emotions` are logits of the eight in the order of `pipeline.training.corpora.EMOTIONS`; for evaluation alone.
        """
        out: dict[str, FloatArray] = {}
        for rows in _by_speaker(excerpts):
            for name, values in self._run([features.frames_of(excerpts[i].samples) for i in rows]).items():
                out.setdefault(name, np.zeros((len(excerpts), values.shape[1]), np.float32))[rows] = values
        return out

    def _run(self, heard: Sequence[Frames]) -> dict[str, FloatArray]:
        """The network's outputs by name, each (n, width), of one speaker's excerpts."""
        base = features.speaker_baseline(features.joined(heard), self._population)
        by_length: dict[int, list[int]] = defaultdict(list)
        for i, frames in enumerate(heard):
            by_length[-(-len(frames) // _GRID) * _GRID].append(i)
        names = [output.name for output in self._session.get_outputs()]
        out: dict[str, FloatArray] = {}
        for length, rows in by_length.items():
            for start in range(0, len(rows), _BATCH):
                part = rows[start : start + _BATCH]
                bands = np.zeros((len(part), length, features.BANDS), np.float32)
                contours = np.zeros((len(part), length, features.CONTOURS), np.float32)
                mask = np.zeros((len(part), length), np.float32)
                for k, i in enumerate(part):
                    own = slice(len(heard[i]))
                    bands[k, own], contours[k, own] = features.normalise(heard[i], base)
                    mask[k, own] = 1
                found = self._session.run(None, {"bands": bands, "contours": contours, "mask": mask})
                for name, values in zip(names, found, strict=True):
                    out.setdefault(name, np.zeros((len(heard), values.shape[1]), np.float32))[part] = values
        return out

    def _scores(self, logits: npt.NDArray[np.float32]) -> list[tuple[float, ...]]:
        scores = softmax(logits.astype(np.float64) / self.temperature, axis=1)
        return [tuple(float(s) for s in row) for row in scores]


def _by_speaker(excerpts: Sequence[Excerpt]) -> list[list[int]]:
    """Indices of the excerpts of each speaker."""
    rows: dict[str, list[int]] = defaultdict(list)
    for i, excerpt in enumerate(excerpts):
        rows[excerpt.speaker].append(i)
    return list(rows.values())
