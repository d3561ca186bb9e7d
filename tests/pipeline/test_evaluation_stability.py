"""Answers on talk without labels, with models whose answers are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ressenti.pipeline.config import Config
from ressenti.pipeline.emotion.fake import FakeEmotion
from ressenti.pipeline.emotion.interface import Excerpt
from ressenti.pipeline.lab.evaluation.stability import LATER, SAME, Answers, answers_of, changed_excerpt, stability_of
from ressenti.pipeline.loaded_models import Models
from ressenti.pipeline.records import EmotionScores


def by_length(excerpt: Excerpt) -> EmotionScores:
    """Sure of Neutral, of Tension from ten seconds on, and unsure below three."""
    seconds = len(excerpt.samples) / 16_000
    if seconds < 3:
        return EmotionScores((0.1, 0.1, 0.4, 0.3, 0.1))
    return EmotionScores((0.0, 0.0, 0.1, 0.0, 0.9) if seconds >= 10 else (0.0, 0.05, 0.9, 0.05, 0.0))


def noise(seconds: float) -> Excerpt:
    samples = np.random.default_rng(0).normal(0, 3000, round(seconds * 16_000)).astype(np.int16)
    return Excerpt(samples, "S1")


def test_the_same_speech_is_changed_as_little_as_is_said() -> None:
    excerpt = noise(2)
    later = changed_excerpt(excerpt, LATER)
    assert len(later.samples) == len(excerpt.samples) - 4_800
    assert np.array_equal(later.samples, excerpt.samples[4_800:])
    for change in ("phone", "mp3"):
        other = changed_excerpt(excerpt, change)
        assert other.speaker == "S1"
        assert abs(len(other.samples) - len(excerpt.samples)) < 1_600
        assert not np.array_equal(other.samples, excerpt.samples)
        assert np.array_equal(other.samples, changed_excerpt(excerpt, change).samples)


def test_shares_are_of_seconds_and_kept_of_sure_excerpts() -> None:
    model, config = FakeEmotion(by_length), Config()
    excerpts = tuple(noise(seconds) for seconds in (10.1, 12, 5, 4, 3.1, 1))
    answers = Answers(excerpts, tuple(len(e.samples) / 16_000 for e in excerpts), tuple(model.score(excerpts)))
    found = stability_of([answers, Answers((), (), ())], model, config)
    assert found.scored_s == pytest.approx(35.2)
    assert found.sure == pytest.approx(34.2 / 35.2)
    assert found.sure_not_neutral == pytest.approx(22.1 / 35.2)
    assert found.asked == 5
    assert found.kept[LATER] == pytest.approx(4 / 5)  # 10.1 s becomes neutral
    assert found.still_sure[LATER] == pytest.approx(3 / 5)  # and of 3.1 s nothing is sure any more
    nothing = stability_of([], model, config)
    assert (nothing.scored_s, nothing.asked, nothing.kept) == (0, 0, dict.fromkeys(SAME))


@pytest.mark.slow("analyses real recordings")
def test_a_recording_is_analysed_as_usual(sample: tuple[Path, Path]) -> None:
    model = FakeEmotion()
    answers = answers_of(sample[0], model, Models(), Config())
    assert len(answers.excerpts) == len(answers.scores) == len(answers.seconds) > 3
    assert {excerpt.speaker for excerpt in answers.excerpts} == {"S1", "S2"}
    assert stability_of([answers], model, Config()).scored_s == pytest.approx(sum(answers.seconds))
