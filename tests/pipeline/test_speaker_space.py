"""The space of voices: which directions are kept, and that what is shipped is what was fitted."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from conftest import CHECKOUT
from ressenti.pipeline.errors import ModelError
from ressenti.pipeline.lab.labelled_speech.corpora import read_clips, seen
from ressenti.pipeline.lab.training import speaker_space
from ressenti.pipeline.lab.training.speaker_space import Pieces
from ressenti.pipeline.models import campplus, hashes


def made_up(speakers: int, each: int, rng: np.random.Generator) -> Pieces:
    """Embeddings in which value 0 tells speakers apart, value 1 is their mood, and the rest is little noise."""
    values = rng.normal(0, 0.05, (speakers * each, 6))
    who = np.repeat(np.arange(speakers), each)
    values[:, 0] += rng.normal(0, 1, speakers)[who]
    values[:, 1] += rng.normal(0, 3, len(values))
    return Pieces(values.astype(np.float32), who.astype(str), rng.uniform(0.5, 3, len(values)))


def test_what_tells_voices_apart_is_kept_and_their_mood_is_not() -> None:
    mean, directions = speaker_space.fit(made_up(30, 12, np.random.default_rng(1)), directions=1, shrinkage=0.01)
    assert directions.shape == (6, 1)
    weights = np.abs(directions[:, 0]) / np.abs(directions[:, 0]).max()
    assert weights[0] == 1
    assert weights[1] < 0.05
    assert mean == pytest.approx(made_up(30, 12, np.random.default_rng(1)).embeddings.mean(axis=0), abs=1e-5)


def test_a_longer_piece_counts_more() -> None:
    """Speakers differ in value 0; short pieces hide that behind noise, long ones do not."""
    rng = np.random.default_rng(2)
    clean, noisy = made_up(30, 6, rng), made_up(30, 6, rng)
    values = np.concatenate([clean.embeddings, noisy.embeddings[rng.permutation(len(noisy.embeddings))]])
    who = np.concatenate([clean.speakers, noisy.speakers])
    quality = []
    for short in (0.01, 3.0):
        seconds = np.r_[np.full(len(clean.seconds), 3.0), np.full(len(noisy.seconds), short)]
        _, directions = speaker_space.fit(Pieces(values, who, seconds), directions=1, shrinkage=0.01)
        quality.append(abs(directions[0, 0]) / np.linalg.norm(directions[:, 0]))
    assert quality[0] > quality[1]


def test_it_learns_from_nobody_who_is_held_out(shared_data: Path) -> None:
    clips = read_clips(shared_data / "speech", labelled=False)
    learned = speaker_space.one_each(clips)
    assert {clip.speaker for clip in learned} == {clip.speaker for clip in seen(clips)}
    assert len({clip.speaker for clip in learned}) == len(learned)
    noted = json.loads((hashes.WEIGHTS / "campplus_space.json").read_text(encoding="utf-8"))
    assert noted["speakers"] == len(learned)
    assert (noted["directions"], noted["shrinkage"]) == (speaker_space.DIRECTIONS, speaker_space.SHRINKAGE)


def test_embeddings_in_the_space_have_unit_length() -> None:
    vectors = np.random.default_rng(3).normal(size=(5, campplus.WIDTH)).astype(np.float32)
    placed = campplus.in_space(vectors)
    assert placed.shape == (5, speaker_space.DIRECTIONS)
    assert np.linalg.norm(placed, axis=1) == pytest.approx(np.ones(5), abs=1e-5)
    assert campplus.in_space(vectors[:2]) == pytest.approx(placed[:2], abs=1e-6)


def test_a_changed_space_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for end in ("npz", "json"):
        shutil.copy(hashes.WEIGHTS / f"campplus_space.{end}", tmp_path)
    with (tmp_path / "campplus_space.npz").open("ab") as file:
        file.write(b"\0")
    monkeypatch.setattr(hashes, "WEIGHTS", tmp_path)
    campplus._space.cache_clear()
    try:
        with pytest.raises(ModelError, match="SHA-256"):
            campplus.in_space(np.zeros((1, campplus.WIDTH), np.float32))
    finally:
        campplus._space.cache_clear()


def test_the_card_and_the_notice_name_it() -> None:
    noted = json.loads((hashes.WEIGHTS / "campplus_space.json").read_text(encoding="utf-8"))
    assert noted["sha256"]["campplus_space.npz"] in (hashes.WEIGHTS / "campplus.md").read_text(encoding="utf-8")
    assert "campplus_space.npz" in (CHECKOUT / "NOTICE").read_text(encoding="utf-8")
