"""Emotions in mostly neutral talk: what is drawn, and what the figures count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from ressenti.pipeline.audio import RATE_HZ
from ressenti.pipeline.cli.app import app
from ressenti.pipeline.config import load_config
from ressenti.pipeline.emotion.fake import FakeEmotion
from ressenti.pipeline.emotion.interface import Excerpt
from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.lab.evaluation.emotion import Cut
from ressenti.pipeline.lab.evaluation.natural import InTalk, hear_naturally, natural_figures
from ressenti.pipeline.lab.labelled_speech.corpora import Clip
from ressenti.pipeline.records import CLASSES, EmotionScores

CONFIG = load_config()
LEVELS = {"happy": 100, "neutral": 200, "sad": 300, "angry": 400}
LABELS = {"happy": 0, "neutral": 2, "sad": 3, "angry": 4}
pytestmark = pytest.mark.usefixtures("fewer_draws")


class Knowing(FakeEmotion):
    """Hears each emotion by its level, but calls sadness neutral, and never surely."""

    def score(self, excerpts: Sequence[Excerpt], *_: object) -> list[EmotionScores]:
        found = {level: LABELS[name] for name, level in LEVELS.items()}
        return [self._told(found[int(excerpt.samples[0])]) for excerpt in excerpts]

    def _told(self, label: int) -> EmotionScores:
        top, share = (2, 0.4) if label == 3 else (label, 0.9)
        return EmotionScores(tuple(share if k == top else (1 - share) / 4 for k in range(5)))


def cuts(who: str, names: Sequence[str] = tuple(LEVELS), seconds: float = 2.0) -> list[Cut]:
    count = round(seconds * RATE_HZ)
    return [
        Cut(Clip(Path(f"{who}-{name}-{k}.wav"), "ours", who, name), np.full(count, LEVELS[name], np.int16),
            ((0.0, seconds, seconds),))
        for name in names for k in range(3)
    ]  # fmt: skip


def test_talk_is_mostly_neutral_and_has_all_other_classes_of_the_speaker() -> None:
    heard = hear_naturally([*cuts("a"), *cuts("b")], Knowing(), CONFIG)
    labels = [one.heard.clip.label for one in heard]
    assert sum(one.seconds for one in heard) == pytest.approx(2 * 3 * 120, abs=12)
    assert np.mean(np.array(labels) == 2) == pytest.approx(0.7, abs=0.08)
    assert set(labels) == set(LABELS.values())
    alone = hear_naturally(cuts("a"), Knowing(), CONFIG)
    assert [one.heard.clip.path for one in alone] == [one.heard.clip.path for one in heard[: len(alone)]]
    assert hear_naturally([*cuts("c", ["neutral"]), *cuts("d", ["sad", "angry"])], Knowing(), CONFIG) == []
    with pytest.raises(ValueError, match="neutral clips and others"):
        natural_figures([], CONFIG)


def test_figures_count_what_they_say() -> None:
    heard = hear_naturally([one for who in "abcde" for one in cuts(who)], Knowing(), CONFIG)
    found = natural_figures(heard, CONFIG)
    sad = np.mean([one.heard.clip.label == 3 for one in heard])
    assert (found.speakers, found.clips) == (5, len(heard))
    assert found.accuracy == pytest.approx(1 - sad)
    assert found.always_neutral == pytest.approx(np.mean([one.heard.clip.label == 2 for one in heard]))
    assert found.accuracy > found.always_neutral
    assert found.accuracy_interval is not None
    assert 0 < found.brier_skill < 1
    assert (found.sure_right, found.sure_other_right) == (1.0, 1.0)
    assert found.sure_share == pytest.approx(1 - sad)
    assert (found.tension_recall, found.tension_sure, found.false_tension_per_h) == (1.0, 1.0, 0.0)


def test_a_model_that_gives_the_shares_has_no_skill_and_false_alarms_are_counted_by_the_hour() -> None:
    heard = hear_naturally(cuts("a"), Knowing(), CONFIG)
    truth = [one.heard.clip.label or 0 for one in heard]
    shares = tuple(float(np.mean(np.array(truth) == k)) for k in range(5))
    constant = [InTalk(replace(one.heard, scores=EmotionScores(shares)), one.seconds) for one in heard]
    assert natural_figures(constant, CONFIG).brier_skill == pytest.approx(0.0, abs=1e-9)
    tense = EmotionScores(tuple(0.9 if name == "Tension" else 0.025 for name in CLASSES))
    alarmed = [InTalk(replace(one.heard, scores=tense), one.seconds) for one in heard]
    found = natural_figures(alarmed, CONFIG)
    assert found.false_tension_per_h == pytest.approx(3600 / 2.0)  # every neutral clip of two seconds
    assert found.brier_skill < 0
    calm = natural_figures([one for one in heard if one.heard.clip.label != 4], CONFIG)
    assert calm.tension_recall is None


def test_a_protocol_that_retrains_has_no_natural_talk(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["evaluate", "emotion", str(tmp_path), "--natural", "--protocol", "zero-shot"])
    assert isinstance(done.exception, ConfigError)
    assert "--natural tests models as they are" in str(done.exception)
