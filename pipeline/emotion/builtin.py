"""The built-in emotion model: a small network on voice encoder states, relative to each speaker's own baseline."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.special import expit, softmax

from ressenti.pipeline.audio.mel import FloatArray
from ressenti.pipeline.emotion import features
from ressenti.pipeline.emotion.expectation import Prior, expecting, shares_of
from ressenti.pipeline.emotion.features import Impressions
from ressenti.pipeline.emotion.interface import Excerpt
from ressenti.pipeline.errors import ModelError
from ressenti.pipeline.files.hashes import digest_of
from ressenti.pipeline.files.untrusted import parse_json, read_text
from ressenti.pipeline.models import onnx_session, parallel, voice_encoder
from ressenti.pipeline.models.onnx_file import check_onnx
from ressenti.pipeline.progress import Progress, ignore_progress
from ressenti.pipeline.records import CLASSES, EmotionScores, ModelInfo, Note

WEIGHTS = Path(__file__).resolve().parent.parent / "models"
_LARGEST_ABOUT = 1 << 22  # bytes of emotion.json
_AT_ONCE = 64  # excerpts
KNOWN_S = 10.0  # trusted seconds of a speaker's speech at which the temperature is halfway between the two
_TRUSTED_S = 12.0  # of speech that varies little, if neutral is as likely as all else together; else by the odds
_VARIED, _VARIED_BY = 0.22, 0.02  # standard deviation of arousal at which half of more speech is trusted, and slope
LICENCE = "CC BY-NC-SA 4.0"  # of the weights that come installed, and of others that learned from one of these:
_NON_COMMERCIAL = ("ravdess", "nemo", "emodb")


class BuiltinEmotion:
    """Five classes, valence and arousal from how a stretch differs from the speaker's own baseline.

    Loads `emotion.onnx` and `emotion.json` from a folder; raises `ModelError` if they are missing, do not match the
    recorded hash, or were trained with another voice encoder. `prior` is what to expect
    (`emotion.expectation`); balanced, classes are equally likely, whatever a speaker shows.
    """

    def __init__(self, folder: Path = WEIGHTS, prior: Prior = "balanced") -> None:
        path = folder / "emotion.onnx"
        try:
            about = parse_json(read_text(folder / "emotion.json", _LARGEST_ABOUT))
            if folder != WEIGHTS:
                check_onnx(path)
            digest = digest_of(path)
        except OSError as exc:
            raise ModelError(
                f"{folder}: no emotion model in it ({exc}); expected emotion.onnx and emotion.json. "
                "If it is the built-in model, install Ressenti again."
            ) from exc
        except ValueError as exc:
            raise ModelError(f"{folder}: emotion.json is damaged ({exc}). Install or train it again.") from exc
        try:
            if digest != about["sha256"]:
                raise ModelError(f"{path.name}: SHA-256 {digest[:12]}, expected {about['sha256'][:12]}. Install again.")
            if about["encoder"] != voice_encoder.hashes()["voice.onnx"]:
                raise ModelError(f"{path}: was trained with another voice encoder. Train it again.")
            self.temperatures = (float(about["temperature_alone"]), float(about["temperature"]))
            known = about.get("learned", {}).items()
            self.learned = frozenset((corpus, name) for corpus, names in known for name in names)
        except (KeyError, TypeError, ValueError, AttributeError) as exc:
            raise ModelError(
                f"{folder}: emotion.json is not from Ressenti ({exc!r}). Install or train it again."
            ) from exc
        self._session = onnx_session(path, digest)
        # the licence of weights depends on their training data; for other corpora it is unknown
        bound = folder == WEIGHTS or any(corpus in _NON_COMMERCIAL for corpus, _ in self.learned)
        self.parts = (voice_encoder.info(),)
        self.info = ModelInfo(
            task="emotion",
            name="ressenti-builtin-emotion" if folder == WEIGHTS else folder.name,
            licence=LICENCE if bound else None,
            sha256=digest,
            commercial=False if bound else None,
            notes=((Note("trained_bound"),) if bound else ()) + self._expectation(prior),
        )

    def _expectation(self, prior: Prior) -> tuple[Note, ...]:
        self._prior = None if prior == "balanced" else shares_of(prior)
        neutral = float(shares_of(prior)[CLASSES.index("Neutral")])
        self._least_s = _TRUSTED_S * neutral / (1 - neutral)
        if self._prior is None:
            return ()
        return (
            Note("expected", {name: round(100 * float(x), 1) for name, x in zip(CLASSES, self._prior, strict=True)}),
        )

    def score(self, excerpts: Sequence[Excerpt], progress: Progress = ignore_progress) -> list[EmotionScores]:
        """Score each excerpt, in order; all excerpts of a speaker together are their baseline."""
        impressions = self.impressions(excerpts, progress)
        out: list[EmotionScores | None] = [None] * len(excerpts)
        for rows in _by_speaker(excerpts):
            logits, plane, seconds = self.logits(impressions.of(rows))
            scores = softmax(logits.astype(np.float64) / self.temperature_at(seconds), axis=1)
            if self._prior is not None:
                scores = expecting(scores, impressions.seconds[rows].astype(np.float64), self._prior)
            for i, values, (valence, arousal) in zip(rows, scores.tolist(), plane.tolist(), strict=True):
                out[i] = EmotionScores(tuple(values), "softmax", valence, arousal)
        return [scores for scores in out if scores is not None]

    def impressions(self, excerpts: Sequence[Excerpt], progress: Progress = ignore_progress) -> Impressions:
        """Impressions of all excerpts, in order, computed in batches to save memory."""
        parts = []
        for start in range(0, len(excerpts), _AT_ONCE):
            batch = excerpts[start : start + _AT_ONCE]

            def report(count: int, start: int = start) -> None:
                progress("emotion", start + count, len(excerpts))

            report(0)
            mels = list(parallel.each(features.mel_of, [excerpt.samples for excerpt in batch]))
            parts.append(features.impressions(mels, report))
        return features.together(parts)

    def temperature_at(self, seconds: float) -> float:
        """Temperature for the logits of a speaker with this many seconds of speech: less speech, more doubt."""
        alone, known = self.temperatures
        share = seconds / (seconds + KNOWN_S)
        return share * known + (1 - share) * alone

    def logits(self, impressions: Impressions) -> tuple[FloatArray, FloatArray, float]:
        """Class logits (n, 5) before the temperature, valence and arousal (n, 2), and trusted seconds, of a speaker."""
        found, seconds = self._run(impressions)
        return found["classes"], found["valence_arousal"].clip(-1, 1), seconds

    def outputs(self, excerpts: Sequence[Excerpt]) -> dict[str, FloatArray]:
        """All outputs of the network for excerpts, by name, each (n, width), with the same baseline as in `score`.

        `emotions` are logits of the eight in the order of `labelled_speech.corpora.EMOTIONS`, only for evaluation.
        """
        impressions = self.impressions(excerpts)
        out: dict[str, FloatArray] = {}
        for rows in _by_speaker(excerpts):
            found, _ = self._run(impressions.of(rows))
            for name, values in found.items():
                out.setdefault(name, np.zeros((len(excerpts), values.shape[1]), np.float32))[rows] = values
        return out

    def _run(self, impressions: Impressions) -> tuple[dict[str, FloatArray], float]:
        """The network's outputs by name, each (n, width), for one speaker's impressions, and their trusted seconds."""
        speaker, seconds = features.of_speaker(impressions)
        given = {"values": impressions.values, "speaker": speaker, "seconds": seconds}
        (plane,) = self._session.run(["valence_arousal"], given)
        trusted = _trusted(plane[:, 1], impressions.seconds, self._least_s)
        given["seconds"] = np.full((1, 1), trusted, np.float32)
        names = [output.name for output in self._session.get_outputs()]
        return dict(zip(names, self._session.run(names, given), strict=True)), trusted


def _trusted(arousal: FloatArray, seconds: FloatArray, least_s: float) -> float:
    """Seconds of a speaker's speech that say how the speaker usually sounds, from arousal (n,) and seconds (n,).

    All of it if arousal varies, whatever its level. Speech that hardly varies may be a voice's usual sound or a mood
    that lasts: `least_s` of it are trusted, and the rest is not.
    """
    total = float(seconds.sum())
    count = total**2 / float((seconds**2).sum())  # of equally long stretches
    least = min(total, least_s)
    if count <= 1.5:
        return least
    mean = np.average(arousal, weights=seconds)
    spread = float(np.sqrt(np.average((arousal - mean) ** 2, weights=seconds) * count / (count - 1)))
    return least + (total - least) * float(expit((spread - _VARIED) / _VARIED_BY))


def _by_speaker(excerpts: Sequence[Excerpt]) -> list[list[int]]:
    """Indices of the excerpts of each speaker."""
    rows: dict[str, list[int]] = defaultdict(list)
    for i, excerpt in enumerate(excerpts):
        rows[excerpt.speaker].append(i)
    return list(rows.values())
