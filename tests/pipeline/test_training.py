import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from conftest import noise, write_wav
from pipeline.emotion.builtin import WEIGHTS, BuiltinEmotion
from pipeline.emotion.features import frames_of
from pipeline.errors import NotFoundError
from pipeline.training import corpora
from pipeline.training.batches import Batches, Recipe, population
from pipeline.training.corpora import EMOTIONS, Clip
from pipeline.training.material import Material, gather
from pipeline.training.surroundings import SHARES


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


def test_a_training_is_handed_no_clip_that_is_held_out(
    shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.training import emotion

    handed: list[Sequence[Clip]] = []

    def remember(parts: Sequence[Sequence[Clip]], outs: Sequence[Path], *_: object) -> list[float]:
        handed.extend(parts)
        assert list(outs) == [tmp_path]
        return [0.5]

    monkeypatch.setattr(emotion, "train_models", remember)
    monkeypatch.setattr(emotion, "BuiltinEmotion", lambda _: BuiltinEmotion())
    emotion.main(shared_data / "emotion", tmp_path)
    (clips,) = handed
    speakers = {clip.who for clip in clips}
    assert len(clips) > 3000
    assert not [clip for clip in clips if corpora.is_held_out(clip)]
    assert not speakers & corpora.held_out()
    assert {corpus for corpus, _ in speakers} == {"ravdess", "nemo", "emodb"}
    assert not speakers & {("ravdess", f"actor{n}") for n in range(17, 25)}


def test_the_shipped_model_learned_from_nobody_who_is_held_out(shared_data: Path) -> None:
    learned = BuiltinEmotion().learned
    about = json.loads((WEIGHTS / "emotion.json").read_text(encoding="utf-8"))
    assert learned == {(corpus, name) for corpus, names in about["learned"].items() for name in names}
    assert not learned & corpora.held_out()
    learn, _ = corpora.split(corpora.read_clips(shared_data / "emotion"))
    assert learned == {clip.who for clip in learn}


def test_a_training_runs_from_end_to_end(shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline.training import emotion

    clips = corpora.read_clips(shared_data / "emotion")
    speakers = sorted({c.who for c in clips})
    some = [[who for who in speakers if who[0] == name] for name in ("ravdess", "nemo", "emodb")]
    few = [c for own in some for who in [*own[:2], own[-1]] for c in [c for c in clips if c.who == who][:2]]
    assert [c for c in few if corpora.is_held_out(c)]
    monkeypatch.setattr(corpora, "read_clips", lambda _: few)
    emotion.main(shared_data / "emotion", tmp_path, steps=2, members=1)
    model = BuiltinEmotion(tmp_path)
    assert model.temperature > 0
    assert model.logits([frames_of((noise(1) * 32767).astype(np.int16))])[0].shape == (1, 5)
    assert model.learned == {c.who for c in few if not corpora.is_held_out(c)}
    assert not model.learned & corpora.held_out()


def test_the_frozen_split(shared_data: Path) -> None:
    by_corpus: dict[str, set[str]] = {}
    for corpus, speaker in corpora.held_out():
        by_corpus.setdefault(corpus, set()).add(speaker)
    assert by_corpus["ravdess"] == {f"actor{n}" for n in range(17, 25)}
    emotional = {clip.who for clip in corpora.read_clips(shared_data / "emotion")}
    for corpus in ("nemo", "emodb"):
        assert by_corpus[corpus]
        assert {(corpus, name) for name in by_corpus[corpus]} < emotional
    read_aloud = {clip.speaker for clip in corpora.read_clips(shared_data / "speech", labelled=False)}
    assert len(by_corpus["librispeech"]) >= 60
    assert by_corpus["librispeech"] < read_aloud
    assert all(by_corpus[folder] == {"*"} for folder in ("ami", "calls", "misc", "french"))
    assert set(by_corpus) == {"ravdess", "nemo", "emodb", "librispeech", "ami", "calls", "misc", "french"}


def test_speakers_of_a_whole_corpus_that_is_held_out_are() -> None:
    clip = Clip(Path("x.wav"), "ami", "anybody", "angry")
    assert corpora.is_held_out(clip)
    assert corpora.split([clip]) == ([], [clip])


def _some_clips(folder: Path, names: str = "abcd", *, of: int = 2) -> list[Clip]:
    clips = []
    for k, name in enumerate(names):
        write_wav(folder / f"{name}.wav", noise(1 + k / 4, seed=k))
        clips.append(Clip(folder / f"{name}.wav", "ours", f"s{k % of}", "sad"))
    return clips


def test_a_corpus_without_a_share_in_the_recipe_is_learned_from(tmp_path: Path) -> None:
    material = gather(_some_clips(tmp_path), [], tmp_path / "frames")
    base = population(material, range(4))
    batch = Batches(material, range(4), base, Recipe(), 0).batch()
    assert batch.bands.shape == (48, 256, 64)
    assert batch.contours.shape == (48, 256, 4)
    assert (batch.emotions[:, EMOTIONS.index("sad")] == 1).all()
    again = Batches(material, range(4), base, Recipe(), 0).batch()
    assert torch.equal(batch.bands, again.bands)


def test_material_is_every_clip_in_every_surrounding_and_is_kept(tmp_path: Path) -> None:
    clips = _some_clips(tmp_path)
    material = gather(clips, clips, tmp_path / "frames")
    assert [material.offsets[i + 1] - material.offsets[i] for i in range(4)] == [101, 126, 151, 176]
    whole = material.frames(3)
    exact = frames_of((noise(1.75, seed=3) * 32767).astype(np.int16))
    assert whole.mel == pytest.approx(exact.mel, abs=0.02)
    assert whole.prosody == pytest.approx(exact.prosody, abs=0.02)
    narrow = material.frames(3, "mulaw")
    assert narrow.mel[:, -8:].mean() < whole.mel[:, -8:].mean() - 3  # what is above a telephone's band is gone
    assert all(np.isfinite(material.frames(i, name).mel).all() for i in range(4) for name in SHARES)
    written = (tmp_path / "frames" / "room.mel").stat().st_mtime_ns
    assert gather(clips, clips, tmp_path / "frames") == material
    assert (tmp_path / "frames" / "room.mel").stat().st_mtime_ns == written
    other = gather(clips[::-1], clips, tmp_path / "frames")
    assert isinstance(other, Material)
    assert other.frames(0).mel == pytest.approx(whole.mel)


def test_nobody_babbles_behind_himself(tmp_path: Path) -> None:
    alone = _some_clips(tmp_path, of=1)
    silent = gather(alone, [], tmp_path / "nobody")
    own = gather(alone, alone, tmp_path / "own")
    assert own.frames(1, "babble").mel == pytest.approx(silent.frames(1, "babble").mel)


def test_voices_behind_clips_are_of_speakers_that_every_part_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.training import emotion

    clips = _some_clips(tmp_path, "abcdef", of=3)
    asked: list[list[Clip]] = []

    def remember(clips: Sequence[Clip], background: Sequence[Clip], folder: Path) -> Material:
        asked.append(list(background))
        raise KeyboardInterrupt

    monkeypatch.setattr(emotion, "gather", remember)
    parts = [[c for c in clips if c.speaker != left] for left in ("s0", "s1")]
    with pytest.raises(KeyboardInterrupt):
        emotion.train_models(parts, [tmp_path / "1", tmp_path / "2"], Recipe(members=1, steps=1))
    assert {clip.speaker for clip in asked[0]} == {"s2"}


def test_every_emotion_has_coordinates_and_the_five_have_classes() -> None:
    assert set(corpora.VALENCE_AROUSAL) == set(corpora.EMOTIONS)
    assert corpora.CLASS_OF == {"happy": 0, "calm": 1, "neutral": 2, "sad": 3, "angry": 4}


def test_a_folder_without_corpora_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"labels\.csv"):
        corpora.read_clips(tmp_path)
