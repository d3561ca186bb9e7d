import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from conftest import InThisProcess
from ressenti.pipeline.emotion.builtin import BuiltinEmotion
from ressenti.pipeline.emotion.features import Impressions
from ressenti.pipeline.errors import ConfigError, RessentiError
from ressenti.pipeline.lab.labelled_speech import corpora
from ressenti.pipeline.lab.labelled_speech.corpora import Clip
from ressenti.pipeline.lab.training import clip_features
from ressenti.pipeline.lab.training.cross_validation import FOLDS, Fold, Protocol, folds_of, lacking, retrain

RETRAINED: tuple[Protocol, ...] = ("zero-shot", "speaker-independent", "leave-one-corpus-out")


def speech(corpus: str, *speakers: str) -> list[Clip]:
    return [Clip(Path(corpus) / f"{name}-{e}.wav", corpus, name, e) for name in speakers for e in ("sad", "angry")]


RAVDESS = speech("ravdess", *(f"actor{n:02d}" for n in (1, 2, 3, 4, 17, 18)))
NEMO = speech("nemo", "EB0", "KD0", "IC0")
OURS = speech("ours", *"abcdefg")
MATERIAL = [*RAVDESS, *NEMO, *OURS]


def who(clips: Sequence[Clip]) -> set[tuple[str, str]]:
    return {clip.who for clip in clips}


@pytest.mark.parametrize("protocol", RETRAINED)
@pytest.mark.parametrize("tested", [RAVDESS, OURS, [*OURS, *NEMO]], ids=["ravdess", "ours", "two"])
def test_nobody_is_learned_from_and_tested(protocol: Protocol, tested: Sequence[Clip]) -> None:
    folds = folds_of(protocol, tested, MATERIAL)
    assert len({fold.name for fold in folds}) == len(folds)
    for fold in folds:
        assert fold.learn
        assert fold.test
        assert not who(fold.learn) & who(fold.test)
    assert sorted(str(c.path) for fold in folds for c in fold.test) == sorted(str(c.path) for c in tested)


def test_zero_shot_shares_no_corpus() -> None:
    (fold,) = folds_of("zero-shot", [*OURS, *NEMO], MATERIAL)
    assert {c.corpus for c in fold.learn} == {"ravdess"}
    assert list(fold.test) == [*OURS, *NEMO]


@pytest.mark.parametrize("left", ["nemo", "ours"])
def test_zero_shot_of_any_corpus_learns_from_the_others_and_names_what_they_lack(left: str) -> None:
    tested = [c for c in MATERIAL if c.corpus == left]
    (fold,) = folds_of("zero-shot", tested, MATERIAL)
    assert {c.corpus for c in fold.learn} == {"ravdess", "nemo", "ours"} - {left}
    assert lacking(fold) == ("Pleased", "Relaxed", "Neutral")  # all are sad or angry


def test_each_corpus_is_tested_by_a_model_of_the_others() -> None:
    folds = folds_of("leave-one-corpus-out", MATERIAL, MATERIAL)
    assert [fold.name for fold in folds] == ["without-nemo", "without-ours", "without-ravdess"]
    for fold, left in zip(folds, ("nemo", "ours", "ravdess"), strict=True):
        assert {c.corpus for c in fold.test} == {left}
        assert {c.corpus for c in fold.learn} == {"nemo", "ours", "ravdess"} - {left}


@pytest.mark.parametrize("protocol", ["zero-shot", "leave-one-corpus-out"])
def test_held_out_speakers_are_tested_but_not_learned_from(protocol: Protocol) -> None:
    for fold in folds_of(protocol, OURS, MATERIAL):
        assert not [c for c in fold.learn if corpora.is_held_out(c)]
        assert who(fold.learn) == {c.who for c in [*RAVDESS, *NEMO] if not corpora.is_held_out(c)}
    tested = [c for fold in folds_of(protocol, RAVDESS, MATERIAL) for c in fold.test]
    assert ("ravdess", "actor17") in who(tested)


def test_each_speaker_is_tested_once_and_else_learned_from() -> None:
    tested = [*RAVDESS, *OURS]
    folds = folds_of("speaker-independent", tested, [*MATERIAL, *speech("ami", "anybody")])
    assert len(folds) == FOLDS
    for speaker in who(tested):
        assert sum(speaker in who(fold.test) for fold in folds) == 1
        assert sum(speaker in who(fold.learn) for fold in folds) == FOLDS - 1
    for fold in folds:
        assert {c.corpus for c in fold.test} == {"ravdess", "ours"}
        others = {speaker for speaker in who(fold.learn) if speaker[0] not in ("ravdess", "ours")}
        assert others == {("nemo", "EB0"), ("nemo", "KD0")}  # held out: IC0, and all of ami


def test_few_speakers_make_fewer_folds() -> None:
    folds = folds_of("speaker-independent", speech("ours", "a", "b"), [*NEMO, *OURS])
    assert len(folds) == 2
    assert [who(fold.test) for fold in folds] == [{("ours", "a")}, {("ours", "b")}]


@pytest.mark.parametrize(
    ("protocol", "tested", "material"),
    [
        ("zero-shot", OURS, OURS),
        ("leave-one-corpus-out", OURS, OURS),
        ("leave-one-corpus-out", MATERIAL, RAVDESS),
        ("speaker-independent", speech("ours", "a"), speech("ours", "a")),
        ("zero-shot", OURS, [c for c in RAVDESS if corpora.is_held_out(c)]),
        ("zero-shot", OURS, [replace(c, emotion="fearful") for c in RAVDESS]),
    ],
)
def test_nothing_to_learn_from_is_an_error(
    protocol: Protocol, tested: Sequence[Clip], material: Sequence[Clip]
) -> None:
    with pytest.raises(ConfigError, match=r"no training clips in fold .* --data"):
        folds_of(protocol, tested, material)


@pytest.mark.parametrize("protocol", RETRAINED)
def test_clips_without_an_emotion_are_not_learned_from(protocol: Protocol) -> None:
    placed = [replace(c, emotion="", valence=0.5, arousal=0.1) for c in speech("nemo", "KS0")]
    for fold in folds_of(protocol, OURS, [*MATERIAL, *placed]):
        assert all(c.emotion for c in fold.learn)


class Trainings:
    """Stands in for the training; remembers what it was handed."""

    def __init__(self) -> None:
        self.seen: list[tuple[list[Sequence[Clip]], int]] = []

    def __call__(
        self, parts: Sequence[Sequence[Clip]], outs: Sequence[Path], recipe: object, voices: Sequence[Clip], _: object
    ) -> None:
        self.voices = list(voices)
        self.seen.append((list(parts), recipe.steps))  # type: ignore[attr-defined]
        for out in outs:
            out.mkdir(parents=True, exist_ok=True)


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> Trainings:
    from ressenti.pipeline.lab.training import emotion

    fake = Trainings()
    monkeypatch.setattr(emotion, "train_models", fake)
    return fake


def test_weights_are_kept_and_reused(tmp_path: Path, trainings: Trainings) -> None:
    folds = folds_of("leave-one-corpus-out", [*OURS, *NEMO], MATERIAL)
    outs = retrain(folds, tmp_path / "w", 3)
    assert outs == [tmp_path / "w" / "without-nemo", tmp_path / "w" / "without-ours"]
    assert trainings.seen == [([fold.learn for fold in folds], 3)]
    assert retrain(folds, tmp_path / "w", 3) == outs
    assert len(trainings.seen) == 1
    (outs[1] / "fold.json").unlink()  # as after a training that was interrupted
    retrain(folds, tmp_path / "w", 3)
    assert trainings.seen[1:] == [([folds[1].learn], 3)]
    assert set(trainings.voices) == set(folds[0].learn) & set(folds[1].learn)  # as in the first training


@pytest.mark.parametrize(
    "other",
    [
        lambda f: Fold(f.name, f.learn[2:], f.test),
        lambda f: Fold(f.name, f.learn[1:], f.test),  # the same speakers, other clips of them
        lambda f: Fold(f.name, (replace(f.learn[0], emotion="happy"), *f.learn[1:]), f.test),
        lambda f: Fold(f.name, f.learn, f.test[2:]),
    ],
)
def test_weights_of_another_training_are_refused(tmp_path: Path, trainings: Trainings, other) -> None:  # type: ignore[no-untyped-def]
    (fold,) = folds_of("zero-shot", OURS, MATERIAL)
    (out,) = retrain([fold], tmp_path, 3)
    for folds, steps in (([other(fold)], 3), ([fold], 4), ([fold], None)):
        with pytest.raises(ConfigError, match="weights of another training"):
            retrain(folds, tmp_path, steps)
    assert len(trainings.seen) == 1
    (out / "fold.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ConfigError, match="--weights"):
        retrain([fold], tmp_path, 3)


def test_weights_that_cannot_be_kept_are_an_error_before_the_training(tmp_path: Path, trainings: Trainings) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RessentiError, match="cannot be written"):
        retrain(folds_of("zero-shot", OURS, MATERIAL), tmp_path / "file", 3)
    assert not trainings.seen


@pytest.mark.slow("trains a network")
def test_a_fold_is_really_trained(shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(clip_features, "ProcessPoolExecutor", InThisProcess)
    clips = corpora.read_clips(shared_data / "emotion" / "nemo")
    speakers = sorted({c.speaker for c in clips if not corpora.is_held_out(c)})[:3]
    few = [c for name in speakers for c in [c for c in clips if c.speaker == name][:2]]
    folds = folds_of("zero-shot", speech("ours", "a"), few)
    (out,) = retrain(folds, tmp_path, 2)
    model = BuiltinEmotion(out)
    assert model.learned == who(few)
    before = (out / "emotion.onnx").read_bytes()
    fresh = onnxruntime.InferenceSession(str(out / "emotion.onnx"))  # what is kept is what is heard with
    values = np.random.default_rng(0).standard_normal((3, 3072)).astype(np.float32)
    heard = Impressions(values, np.ones(3, np.float32))
    given = {"values": values, "speaker": values.mean(axis=0, keepdims=True), "seconds": np.full((1, 1), 3, np.float32)}
    assert model.logits(heard)[0] == pytest.approx(fresh.run(["classes"], given)[0], abs=1e-4)
    assert retrain(folds, tmp_path, 2) == [out]
    assert (out / "emotion.onnx").read_bytes() == before
    recipe = json.loads((out / "emotion.json").read_text(encoding="utf-8"))["recipe"]
    assert recipe["steps"] == 2
    assert list((tmp_path / "heard").glob("*.npz"))
