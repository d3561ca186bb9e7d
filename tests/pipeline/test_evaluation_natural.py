"""Emotions in mostly neutral talk: what is drawn, and what the figures count."""

from __future__ import annotations

import json
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


@pytest.mark.parametrize(("protocol", "folds"), [("zero-shot", 1), ("speaker-independent", 4)])
def test_retrained_models_are_measured_in_natural_talk_too(
    protocol: str, folds: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ressenti.pipeline.lab.evaluation import heard_once  # noqa: F401  # before what it builds on is replaced

    (tmp_path / "ours").mkdir()
    lines = ["path,speaker,label", *(f"{who}-{name}.wav,{who},{name}" for who in "abcd" for name in LEVELS)]
    (tmp_path / "ours" / "labels.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (tmp_path / "theirs").mkdir()  # lacks anger and calm; no clip is decoded
    told = [f"{k}.wav,{k},{name}" for k, name in enumerate(("happy", "neutral", "sad"))]
    (tmp_path / "theirs" / "labels.csv").write_text("\n".join(["path,speaker,label", *told]) + "\n", encoding="utf-8")
    trained: list[list[str]] = []
    priors: list[object] = []

    def loaded(_: Path, prior: object) -> Knowing:
        priors.append(prior)
        return Knowing()

    def train(parts: Sequence[Sequence[Clip]], outs: Sequence[Path], *_: object) -> None:
        trained.extend(sorted({clip.corpus for clip in part}) for part in parts)
        for out in outs:
            out.mkdir(parents=True, exist_ok=True)

    def decoded(clip: Clip, *_: object) -> np.ndarray:
        return np.full(RATE_HZ, LEVELS[clip.emotion], np.int16)

    for name, stand_in in (("in_condition", decoded), ("speech_of", lambda samples, _: samples)):
        monkeypatch.setattr(f"ressenti.pipeline.lab.evaluation.emotion.{name}", stand_in)
    monkeypatch.setattr("ressenti.pipeline.lab.training.emotion.train_models", train)
    monkeypatch.setattr("ressenti.pipeline.emotion.builtin.BuiltinEmotion", loaded)
    asked = ["evaluate", "emotion", str(tmp_path / "ours"), "--data", str(tmp_path), "--natural"]
    done = CliRunner().invoke(app, [*asked, "--protocol", protocol, "--json", str(tmp_path / "out.json")])
    assert done.exit_code == 0, done.output
    assert trained == [["theirs"] if protocol == "zero-shot" else ["ours", "theirs"]] * folds  # once each
    assert priors == ["balanced"] * folds + [CONFIG.emotion.prior] * folds
    found = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    (talk,) = found["natural"]
    assert (talk["corpus"], talk["speakers"]) == ("ours", 4)  # all folds in one row
    row = found["results"][0]
    f1 = dict(zip(CLASSES, row["f1"], strict=True))
    if protocol == "zero-shot":
        assert row["lacks"] == ["Relaxed", "Tension"]
        kept = [f1["Pleased"], f1["Neutral"], f1["Sad"]]
        assert row["macro_f1_learned"] == pytest.approx(np.mean(kept), abs=1e-3)
        assert row["macro_f1"] == pytest.approx(np.mean([*kept, f1["Tension"]]), abs=1e-3)
        assert "without Relaxed, Tension, which the training lacks" in " ".join(done.output.split())
    else:
        assert row["lacks"] == ["Relaxed"]
