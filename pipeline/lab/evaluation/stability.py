"""Real talk without labels -> what can be known without them: whether an answer stays, and how much is not neutral.

The same speech by telephone, as MP3, or cut a little later sounds the same to a person, so a sure answer has to stay.
And in speech read aloud or a calm meeting hardly anything is other than neutral, so nearly all that is said to be is
wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ressenti.pipeline.affect.points import is_unsure
from ressenti.pipeline.audio import RATE_HZ, Samples
from ressenti.pipeline.config import Config
from ressenti.pipeline.emotion.interface import EmotionModel, Excerpt
from ressenti.pipeline.errors import NoSpeechError
from ressenti.pipeline.lab.labelled_speech.conditions import Condition, changed
from ressenti.pipeline.loaded_models import Models
from ressenti.pipeline.progress import Progress, ignore_progress
from ressenti.pipeline.records import EmotionScores, ModelInfo
from ressenti.pipeline.run import analyze

LATER = "later"
LATER_S = 0.3
SAME: tuple[Condition | str, ...] = ("phone", "mp3", LATER)


@dataclass(frozen=True)
class Answers:
    """What was scored of one recording: excerpts, their seconds (n,), and their scores."""

    excerpts: tuple[Excerpt, ...]
    seconds: tuple[float, ...]
    scores: tuple[EmotionScores, ...]


@dataclass(frozen=True)
class Stability:
    """Of all recordings together: seconds scored, shares of them, and how often a sure answer keeps its class.

    `sure` and `sure_not_neutral` are shares of the seconds. `kept` has, for each change, the share of sure excerpts
    whose likeliest class stays, `still_sure` the share that are also still sure; None where nothing is sure. `asked`
    counts these excerpts.
    """

    scored_s: float
    sure: float
    sure_not_neutral: float
    asked: int
    kept: dict[str, float | None]
    still_sure: dict[str, float | None]


class _Listening:
    """A model that keeps what it is given to score."""

    def __init__(self, model: EmotionModel) -> None:
        self._model = model
        self.info: ModelInfo = model.info
        self.parts, self.learned = model.parts, model.learned
        self.heard: list[Excerpt] = []
        self.scores: list[EmotionScores] = []

    def score(self, excerpts: Sequence[Excerpt], progress: Progress = ignore_progress) -> list[EmotionScores]:
        """Score as the model does."""
        self.heard += excerpts
        found = self._model.score(excerpts, progress)
        self.scores += found
        return found


def answers_of(path: Path, model: EmotionModel, models: Models, config: Config) -> Answers:
    """What the product scores of a recording, as speakers that it finds itself; words are not recognised.

    Raises the subclasses of `RessentiError` that `analyze` raises; a recording without speech has no answers.
    """
    listening = _Listening(model)
    silent = config.model_copy(update={"words": config.words.model_copy(update={"model": "off"})})
    try:
        analyze(path, silent, models=models, emotion_model=listening)
    except NoSpeechError:
        return Answers((), (), ())
    seconds = tuple(len(excerpt.samples) / RATE_HZ for excerpt in listening.heard)
    return Answers(tuple(listening.heard), seconds, tuple(listening.scores))


def changed_excerpt(excerpt: Excerpt, change: str) -> Excerpt:
    """The same speech by a line or codec, or without its first 0.3 s."""
    samples: Samples = excerpt.samples
    if change == LATER:
        return replace(excerpt, samples=samples[round(LATER_S * RATE_HZ) :])
    return replace(excerpt, samples=changed(samples, change, f"{excerpt.speaker} {len(samples)}"))  # type: ignore[arg-type]


def stability_of(found: Sequence[Answers], model: EmotionModel, config: Config) -> Stability:
    """Figures of several recordings; each is scored again once per change."""
    seconds = np.array([s for answers in found for s in answers.seconds])
    before = [scores for answers in found for scores in answers.scores]
    sure = np.array([not is_unsure(scores, config.emotion) for scores in before], bool)
    other = np.array([scores.top != "Neutral" for scores in before], bool)
    total = float(seconds.sum())
    kept: dict[str, float | None] = {}
    still: dict[str, float | None] = {}
    for change in SAME:
        after: list[EmotionScores] = []
        for answers in found:
            after += model.score([changed_excerpt(excerpt, change) for excerpt in answers.excerpts])
        same = [one.top == two.top for one, two in zip(before, after, strict=True)]
        again = [not is_unsure(scores, config.emotion) for scores in after]
        asked = [k for k in range(len(before)) if sure[k]]
        kept[change] = sum(same[k] for k in asked) / len(asked) if asked else None
        still[change] = sum(same[k] and again[k] for k in asked) / len(asked) if asked else None
    return Stability(
        total,
        float(seconds[sure].sum() / total) if total else 0.0,
        float(seconds[sure & other].sum() / total) if total else 0.0,
        int(sure.sum()),
        kept,
        still,
    )
