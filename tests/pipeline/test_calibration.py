"""Scores of others' models corrected by labels of the user's own calls, and labels beyond the five classes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from commands import ressenti
from conftest import SEGMENTS
from ressenti import analyze, load_config, report_html
from ressenti.pipeline import store
from ressenti.pipeline.cli.edits import Additions
from ressenti.pipeline.cli.made_from import made_from
from ressenti.pipeline.diarization.fake import FakeDiarizer
from ressenti.pipeline.emotion.calibration import calibrated, corrected, with_priors
from ressenti.pipeline.emotion.fake import FakeEmotion
from ressenti.pipeline.emotion.labels import map_labels
from ressenti.pipeline.emotion.model_outputs import Reading
from ressenti.pipeline.errors import ConfigError, LabelsError
from ressenti.pipeline.lab.evaluation.calibration import LEAST_TURNS, calibration_of
from ressenti.pipeline.lab.evaluation.labelling import Item, Sample, draw
from ressenti.pipeline.lab.evaluation.labels import Answer
from ressenti.pipeline.records import (
    CLASSES,
    Calibration,
    ClassFigure,
    Conversation,
    EmotionScores,
    ModelInfo,
    Turn,
    Validation,
    Window,
    mean_scores,
)
from ressenti.pipeline.roles import People
from ressenti.pipeline.sounds.fake import FakeSounds
from ressenti.pipeline.store.validation import dump_validation, read_validation

Make = Callable[..., Conversation]
EVEN = dict.fromkeys(CLASSES, 0.2)
TALK = {"Pleased": 0.1, "Relaxed": 0.05, "Neutral": 0.7, "Sad": 0.05, "Tension": 0.1}
SURE = Calibration(2.0, TALK, EVEN, 60)
MODEL = ModelInfo("emotion", "somebody's", "MIT", "ab" * 32, commercial=True)


def a_validation(calibration: Calibration | None = SURE, model: ModelInfo = MODEL) -> Validation:
    figures = tuple(ClassFigure(name, 0.5, 10.0) for name in CLASSES)  # type: ignore[arg-type]
    known = {"alpha_class": None, "alpha_valence": None, "alpha_arousal": None, "macro_f1_low": None}
    return Validation(
        model=model.name, model_sha256=model.sha256, recordings=2, speakers=4, turns=50, drawn=60, raters=1,
        abstentions=0, seed=1, macro_f1=0.5, macro_f1_high=None, classes=figures, right=0.5, right_sure=0.6,
        sure_turns=20, concordance_valence=None, concordance_arousal=None, calibration=calibration, **known,
    )  # type: ignore[arg-type]  # fmt: skip


# the correction


def test_a_temperature_takes_certainty_off_and_priors_expect_what_is_usual() -> None:
    shy = corrected(EmotionScores((0.5, 0.1, 0.1, 0.1, 0.2)), Calibration(2.0, EVEN, EVEN))
    roots = np.sqrt([0.5, 0.1, 0.1, 0.1, 0.2])
    assert shy.scores == pytest.approx(roots / roots.sum())
    usual = corrected(EmotionScores((0.3, 0.1, 0.3, 0.1, 0.2)), Calibration(1.0, TALK, EVEN))
    expected = np.array([0.3 * 0.1, 0.1 * 0.05, 0.3 * 0.7, 0.1 * 0.05, 0.2 * 0.1])
    assert usual.scores == pytest.approx(expected / expected.sum())
    assert usual.top == "Neutral"
    same = EmotionScores((0.3, 0.1, 0.3, 0.1, 0.2), own=(("happy", 0.3),))
    assert corrected(same, Calibration(1.0, TALK, TALK)).scores == pytest.approx(same.scores)
    assert corrected(same, Calibration(3.0, TALK, EVEN)).own == same.own


def test_scores_on_their_own_are_corrected_on_their_own() -> None:
    alone = EmotionScores((0.8, 0.0, 0.5, 0.2, 0.1), "sigmoid")
    found = corrected(alone, Calibration(2.0, EVEN, EVEN))
    odds = np.sqrt(np.array([0.8, 0.5, 0.2, 0.1]) / np.array([0.2, 0.5, 0.8, 0.9]))
    assert [found.scores[k] for k in (0, 2, 3, 4)] == pytest.approx(list(odds / (1 + odds)))
    assert found.scores[1] == 0.0  # a class that the model never gives
    rare = corrected(alone, Calibration(1.0, {**TALK}, EVEN))
    assert rare.scores[0] < 0.8
    assert rare.scores[2] > 0.5


def test_what_is_no_score_of_a_model_stays() -> None:
    human = EmotionScores((0.0, 0.0, 0.0, 1.0, 0.0), "human")
    regression = EmotionScores((0.2, 0.2, 0.2, 0.2, 0.2), "regression", 0.1, 0.2)
    assert corrected(human, SURE) == human
    assert corrected(regression, SURE) == regression
    never = with_priors(np.array([[0.0, 0.5, 0.5, 0.0, 0.0]]), 0.5, np.zeros(5), "softmax")
    assert list(never[0]) == pytest.approx([0, 0.5, 0.5, 0, 0])


def test_it_is_used_for_the_model_that_it_is_of_alone() -> None:
    other = FakeEmotion()
    assert calibrated(None, a_validation()) is None
    assert calibrated(other, None) is other
    assert calibrated(other, a_validation()) is other
    assert calibrated(other, a_validation(None, other.info)) is other
    own = calibrated(other, a_validation(SURE, other.info))
    assert own is not None
    assert (own.info.name, own.learned, own.parts) == (other.info.name, other.learned, other.parts)
    assert [note.key for note in own.info.notes] == ["calibrated"]


def test_an_analysis_corrects_scores_and_says_so(recording: Path, tmp_path: Path) -> None:
    fake = FakeEmotion(lambda _: EmotionScores((0.02, 0.02, 0.12, 0.02, 0.82)))
    path = tmp_path / "validation.json"
    path.write_text(dump_validation(a_validation(SURE, fake.info)), encoding="utf-8")
    given: dict[str, Any] = {"diarizer": FakeDiarizer(SEGMENTS), "emotion_model": fake, "sound_detector": FakeSounds()}
    config = load_config("default", {"report": {"validation": str(path)}})
    found, plain = analyze(recording, config, **given), analyze(recording, **given)
    assert {t.emotion.top for t in plain.turns if t.emotion} == {"Tension"}
    assert {t.emotion.top for t in found.turns if t.emotion} == {"Neutral"}
    assert {round(t.emotion.confidence, 2) for t in found.turns if t.emotion} == {0.67}
    assert store.dumps(store.loads(store.dumps(found))) == store.dumps(found)
    for lang, told in (("en", "corrected by 60 turns"), ("fr", "corrigés par 60 tours")):
        assert told in report_html(found, lang=lang)  # type: ignore[arg-type]
        assert told not in report_html(plain, lang=lang)  # type: ignore[arg-type]
    before = made_from(config, People(), Additions(), "call")
    path.write_text(dump_validation(a_validation(None, fake.info)), encoding="utf-8")
    assert made_from(config, People(), Additions(), "call") != before


# how it is found


def a_sample(turns: int, temperature: float, seed: int = 1, activation: Any = "softmax") -> tuple[Sample, list[int]]:
    """Turns whose scores are too sure by a temperature, and which a prior of talk rules; and the true classes."""
    rng = np.random.default_rng(seed)
    priors = np.array([TALK[name] for name in CLASSES])
    truth = rng.choice(5, size=turns, p=priors)
    evidence = rng.normal(0, 1.0, (turns, 5)) + 1.5 * np.eye(5)[truth]  # log likelihoods but for a constant: N(1.5, 1)
    likely = np.exp(1.5 * evidence - 1.5**2 / 2)
    scores = (likely / likely.sum(axis=1, keepdims=True)) ** temperature
    scores /= scores.sum(axis=1, keepdims=True)
    items = []
    for k in range(turns):
        windows = tuple(
            Window(10.0 * k + at, 10.0 * k + at + 4, 4.0, EmotionScores(tuple(map(float, scores[k])), activation))
            for at in (0.0, 4.0)
        )
        emotion = mean_scores(windows)
        turn = Turn(k, f"S{k % 7 + 1}", 10.0 * k, 10.0 * k + 8, windows=windows, emotion=emotion)
        items.append(Item(f"{k % 3}" * 64, turn, int(scores[k].argmax()), None, None))
    sizes = {name: sum(item.stratum == name for item in items) for name in (*CLASSES, "unsure")}
    return Sample(tuple(items), sizes, seed, turns, MODEL), list(map(int, truth))


def answers(sample: Sample, truth: list[int], keep: int | None = None) -> list[dict[str, Answer]]:
    pairs = list(zip(sample.items, truth, strict=True))[:keep]
    return [{item.id: Answer(item.id, CLASSES[k]) for item, k in pairs}]  # type: ignore[arg-type]


def log_loss(sample: Sample, truth: list[int], found: Calibration | None) -> float:
    right = []
    for item, k in zip(sample.items, truth, strict=True):
        scores = item.turn.windows[0].emotion
        assert scores is not None
        right.append((corrected(scores, found) if found else scores).scores[k])
    return float(-np.mean(np.log(right)))


@pytest.mark.parametrize("turns", [60, 100, 400])
def test_labels_find_the_temperature_and_the_priors(turns: int) -> None:
    """On other turns than those labelled, corrected scores are better, and nearly as good as scores can be."""
    sample, truth = a_sample(turns, 3.0)
    found, why = calibration_of(sample, answers(sample, truth))
    assert found is not None, why
    other, others = a_sample(2000, 3.0, seed=9)
    perfect = Calibration(3.0, TALK, EVEN)
    ours, best, published = (log_loss(other, others, c) for c in (found, perfect, None))
    assert best < ours < published
    assert ours - best < {60: 0.25, 100: 0.2, 400: 0.05}[turns] * (published - best)
    assert found.turns == turns
    assert found.priors["Neutral"] > 0.5
    assert found.temperature > 1.5
    assert found.log_loss is not None
    assert found.log_loss_unseen is not None
    assert found.log_loss_unseen < found.log_loss


def test_scores_that_are_right_are_left_alone_or_hardly_changed() -> None:
    """A model that knows the priors and how sure it may be: whatever is found does no harm on other turns."""
    sample, truth = a_sample(300, 1.0)
    priors = Calibration(1.0, TALK, EVEN)

    def right(item: Item) -> Item:
        windows = tuple(replace(w, emotion=corrected(w.emotion, priors)) for w in item.turn.windows if w.emotion)
        return replace(item, turn=replace(item.turn, windows=windows))

    known = replace(sample, items=tuple(map(right, sample.items)))
    found, why = calibration_of(known, answers(known, truth))
    other, others = a_sample(2000, 1.0, seed=9)
    known = replace(other, items=tuple(map(right, other.items)))
    assert log_loss(known, others, found) < log_loss(known, others, None) + 0.02, why


def test_too_few_labels_correct_nothing() -> None:
    sample, truth = a_sample(100, 3.0)
    found, why = calibration_of(sample, answers(sample, truth, LEAST_TURNS - 1))
    assert found is None
    assert f"at least {LEAST_TURNS} are needed" in why
    assert calibration_of(sample, answers(sample, truth, LEAST_TURNS))[1]


def test_labels_by_chance_correct_no_more_than_shares() -> None:
    """Scores that say nothing of the truth: the correction answers with the shares, and never surely."""
    sample, truth = a_sample(200, 3.0)
    shuffled = list(map(int, np.random.default_rng(5).permutation(truth)))
    found, _ = calibration_of(sample, answers(sample, shuffled))
    assert found is not None
    assert found.temperature > 4
    tops = [corrected(item.turn.windows[0].emotion or EmotionScores((0.2,) * 5), found).top for item in sample.items]
    assert set(tops) == {"Neutral"}


def test_a_model_that_scores_each_class_on_its_own_is_corrected_too() -> None:
    sample, truth = a_sample(200, 3.0, activation="sigmoid")
    found, why = calibration_of(sample, answers(sample, truth))
    assert found is not None, why
    assert found.temperature > 1.2


def test_a_class_that_a_model_never_gives_says_nothing_of_how_sure_it_is() -> None:
    sample, truth = a_sample(200, 2.0)

    def without(item: Item) -> Item:
        windows = []
        for w in item.turn.windows:
            assert w.emotion is not None
            rest = np.array(w.emotion.scores) * [1, 0, 1, 1, 1]
            windows.append(replace(w, emotion=EmotionScores(tuple(map(float, rest / rest.sum())))))
        return replace(item, turn=replace(item.turn, windows=tuple(windows)))

    found, why = calibration_of(replace(sample, items=tuple(map(without, sample.items))), answers(sample, truth))
    assert found is not None, why
    assert found.temperature < 6


def test_a_regression_has_nothing_to_correct() -> None:
    sample, truth = a_sample(60, 2.0)

    def placed(item: Item) -> Item:
        scores = EmotionScores((0.2,) * 5, "regression", 0.1, 0.1)
        return replace(
            item, turn=replace(item.turn, windows=tuple(replace(w, emotion=scores) for w in item.turn.windows))
        )

    found, why = calibration_of(replace(sample, items=tuple(map(placed, sample.items))), answers(sample, truth))
    assert found is None
    assert "valence and arousal" in why


# its file and the command


def test_the_file_carries_it_and_earlier_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / "validation.json"
    path.write_text(dump_validation(a_validation()), encoding="utf-8")
    read = read_validation(str(path))
    assert read is not None
    assert read.calibration == SURE
    data = json.loads(path.read_text(encoding="utf-8"))
    assert data["calibration"]["priors"]["Neutral"] == 0.7
    by_hand = {**data, "calibration": {"temperature": 1.5, "priors": TALK, "assumed": EVEN}}
    path.write_text(json.dumps(by_hand), encoding="utf-8")
    written = read_validation(str(path))
    assert written is not None
    assert written.calibration == Calibration(1.5, TALK, EVEN)
    del data["calibration"]
    path.write_text(json.dumps({**data, "version": 1}), encoding="utf-8")
    earlier = read_validation(str(path))
    assert earlier is not None
    assert earlier.calibration is None
    for broken in ({"temperature": 0}, {"priors": {"Neutral": 1.0}}, {"priors": {**TALK, "Neutral": 0.1}}):
        path.write_text(json.dumps({**by_hand, "calibration": {**by_hand["calibration"], **broken}}), encoding="utf-8")
        with pytest.raises(ConfigError, match=r"report\.validation: .* is invalid; calibration"):
            read_validation(str(path))


def test_the_command_writes_it_and_keeps_one_that_was_used(calls: Path, tmp_path: Path) -> None:
    conversations = [store.load(path) for path in sorted(calls.glob("*.json"))]
    sample = draw(conversations, 100, 1)
    heard = [{"item": i.id, "label": "Neutral", "valence": None, "arousal": None} for i in sample.items]
    rating = {"format": "ressenti-labels", "version": 1, "sample": sample.key, "seed": 1, "count": 100, "rater": "Anna"}
    labels = tmp_path / "Anna.labels.json"
    labels.write_text(json.dumps({**rating, "labels": heard}), encoding="utf-8")
    done = ressenti("evaluate", "label", calls, "--read", labels, "--out", tmp_path / "few.json")
    assert done.returncode == 0, done.stderr
    assert f"{len(sample.items)} turns have a class from a rater, at least {LEAST_TURNS}" in " ".join(
        done.stdout.split()
    )
    for k, made in enumerate(conversations):
        models = tuple(
            replace(m, notes=calibrated(Named(m), a_validation(SURE, m)).info.notes) if m.task == "emotion" else m  # type: ignore[union-attr]
            for m in made.models
        )
        (info,) = (m for m in models if m.task == "emotion")
        used = replace(made, models=models, validation=a_validation(SURE, info))
        (calls / f"call-{k}.json").write_text(store.dumps(used), encoding="utf-8")
    done = ressenti("evaluate", "label", calls, "--read", labels, "--out", tmp_path / "used.json")
    assert done.returncode == 0, done.stderr
    assert "as used for these conversations" in " ".join(done.stdout.split())
    kept = read_validation(str(tmp_path / "used.json"))
    assert kept is not None
    assert kept.calibration == SURE
    (calls / "call-0.json").write_text(store.dumps(conversations[0]), encoding="utf-8")
    with pytest.raises(LabelsError, match="some of these conversations were analysed with scores corrected"):
        draw([store.load(path) for path in sorted(calls.glob("*.json"))], 100, 1)


class Named(FakeEmotion):
    """A model of this name."""

    def __init__(self, info: ModelInfo) -> None:
        super().__init__()
        self.info = info


# labels beyond the five


def test_a_models_own_labels_are_kept_and_shown(recording: Path) -> None:
    labels = ("angry", "calm", "disgust", "fearful", "happy", "neutral", "sad", "surprised")
    reading = Reading("softmax", map_labels(labels, None, "test"))
    outputs = np.log(np.array([0.05, 0.05, 0.05, 0.6, 0.05, 0.1, 0.05, 0.05]))
    fake = FakeEmotion(lambda _: reading.scores(outputs))
    given: dict[str, Any] = {"diarizer": FakeDiarizer(SEGMENTS), "emotion_model": fake, "sound_detector": FakeSounds()}
    made = analyze(recording, **given)
    turn = next(t for t in made.turns if len(t.windows) > 1)
    assert turn.emotion is not None
    assert turn.emotion.top == "Tension"
    assert dict(turn.emotion.own)["fearful"] == pytest.approx(0.6)
    assert [label for label, _ in turn.emotion.own] == list(labels)
    assert store.dumps(store.loads(store.dumps(made))) == store.dumps(made)
    page = report_html(made)
    assert "<small>fearful 60%</small>" in page
    assert "The model has labels of its own" in page
    five = Reading("softmax", map_labels(CLASSES, None, "test")).scores(np.zeros(5))
    assert five.own == ()


def test_a_mean_of_different_labels_has_none() -> None:
    one, two = (EmotionScores((0.2,) * 5, own=((label, 0.5),)) for label in ("angry", "fearful"))
    assert mean_scores([Window(0, 1, 1.0, one), Window(1, 2, 3.0, two)]).own == ()  # type: ignore[union-attr]
    mixed = mean_scores([Window(0, 1, 1.0, one), Window(1, 2, 3.0, replace(one, own=(("angry", 0.9),)))])
    assert mixed is not None
    assert mixed.own == (("angry", pytest.approx(0.8)),)
