from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import NotFoundError
from pipeline.training import corpora
from pipeline.training.table import calibration_error, f1_scores, interval_over_speakers


def test_no_training_touches_the_held_out_speakers(shared_data: Path) -> None:
    clips = corpora.read_clips(shared_data / "emotion")
    learn, held = corpora.split(clips)
    speakers = [{(c.corpus, c.speaker) for c in part} for part in (learn, held)]
    assert not speakers[0] & speakers[1]
    assert len(learn) + len(held) == len(clips)
    assert {("ravdess", f"actor{n}") for n in range(17, 21)} <= speakers[1]
    assert not speakers[0] & corpora.held_out()


def test_every_network_leaves_out_others_of_every_corpus(shared_data: Path) -> None:
    learn, _ = corpora.split(corpora.read_clips(shared_data / "emotion"))
    parts = [corpora.left_out(learn, i, 3) for i in range(3)]
    assert all({corpus for corpus, _ in part} == {"ravdess", "nemo", "emodb"} for part in parts)
    assert len(frozenset.union(*parts)) == sum(map(len, parts))


def test_only_the_training_reads_corpora_and_it_splits_first() -> None:
    source = (Path(corpora.__file__).parent / "emotion.py").read_text(encoding="utf-8")
    assert source.count("corpora.read_clips(") == source.count("corpora.split(corpora.read_clips(") == 2
    assert "learn, _ = corpora.split" in source


def test_a_training_runs_from_end_to_end(shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline.emotion.builtin import BuiltinEmotion
    from pipeline.training import emotion

    clips = corpora.read_clips(shared_data / "emotion")
    speakers = sorted({(c.corpus, c.speaker) for c in clips})
    few = [c for key in speakers for c in [c for c in clips if (c.corpus, c.speaker) == key][::40]]
    monkeypatch.setattr(corpora, "read_clips", lambda _: few)
    emotion.train(shared_data / "emotion", tmp_path, steps=2, members=1)
    model = BuiltinEmotion(tmp_path)
    assert model.temperature > 0
    assert model.logits([np.ones((90, 64), np.float32)])[0].shape == (1, 5)


def test_every_emotion_has_coordinates_and_the_five_have_classes() -> None:
    assert set(corpora.VALENCE_AROUSAL) == set(corpora.EMOTIONS)
    assert corpora.CLASS_OF == {"happy": 0, "calm": 1, "neutral": 2, "sad": 3, "angry": 4}


def test_a_folder_without_corpora_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"labels\.csv"):
        corpora.read_clips(tmp_path)


def test_figures_by_hand() -> None:
    truth = np.array([0, 0, 4, 4, 4])
    guess = np.array([0, 4, 4, 4, 0])
    assert f1_scores(truth, guess) == pytest.approx([0.5, 0, 0, 0, 2 / 3])
    sure = np.array([[0.9, 0.1], [0.9, 0.1], [0.2, 0.8], [0.4, 0.6]])
    assert calibration_error(sure, np.array([0, 1, 1, 1])) == pytest.approx(0.5 * 0.4 + 0.25 * 0.2 + 0.25 * 0.4)


def test_f1_agrees_with_scikit_learn() -> None:
    from sklearn.metrics import f1_score

    rng = np.random.default_rng(0)
    truth, guess = rng.integers(0, 5, 300), rng.integers(0, 5, 300)
    assert f1_scores(truth, guess) == pytest.approx(f1_score(truth, guess, average=None, labels=range(5)))


def test_the_interval_knows_only_speakers() -> None:
    truth = np.array([0, 4] * 10)
    perfect = interval_over_speakers(truth, truth, ["a", "b"] * 10)
    assert perfect == (1.0, 1.0)
    guess = np.where(np.arange(20) < 10, truth, 4 - truth)
    low, high = interval_over_speakers(truth, guess, ["a"] * 10 + ["b"] * 10)
    assert low == 0.0
    assert high == 1.0
