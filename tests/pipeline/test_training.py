import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from conftest import noise, write_wav
from pipeline.audio import load
from pipeline.config import AudioOptions, DiarizationOptions
from pipeline.diarization.vad import detect_speech
from pipeline.emotion.builtin import WEIGHTS, BuiltinEmotion
from pipeline.emotion.features import Frames, frames_of, speaker_baseline
from pipeline.errors import ConfigError, NotFoundError
from pipeline.training import corpora
from pipeline.training.batches import Batches, Recipe, population
from pipeline.training.corpora import EMOTIONS, Clip
from pipeline.training.effort import vocal_effort
from pipeline.training.emotion import temperature_of, truth_and_logits
from pipeline.training.material import Material, gather
from pipeline.training.network import EmotionNet
from pipeline.training.optimiser import Optimiser
from pipeline.training.prepare import read, speech_of
from pipeline.training.surroundings import SHARES
from pipeline.training.unlike import _KINDS


def test_no_training_touches_the_held_out_speakers(shared_data: Path) -> None:
    clips = corpora.read_clips(shared_data / "emotion")
    learn, held = corpora.split(clips)
    speakers = [{(c.corpus, c.speaker) for c in part} for part in (learn, held)]
    assert not speakers[0] & speakers[1]
    assert len(learn) + len(held) == len(clips)
    assert {("ravdess", f"actor{n}") for n in range(17, 21)} <= speakers[1]
    assert not speakers[0] & corpora.held_out()


def test_a_network_leaves_out_some_of_every_corpus_to_be_calibrated_on(shared_data: Path) -> None:
    learn, _ = corpora.split(corpora.read_clips(shared_data / "emotion"))
    out = corpora.left_out(learn)
    assert {corpus for corpus, _ in out} == {"ravdess", "nemo", "emodb"}
    assert len(out) < len({clip.who for clip in learn}) / 5


def test_nobody_is_left_out_of_a_corpus_of_two(tmp_path: Path) -> None:
    from pipeline.training import emotion

    clips = _some_clips(tmp_path)
    assert not corpora.left_out(clips)
    with pytest.raises(ConfigError, match="three speakers"):
        emotion.train_models([clips], [tmp_path / "out"], Recipe(steps=1), clips)


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
    few = [c for own in some for who in [*own[:3], own[-1]] for c in [c for c in clips if c.who == who][:2]]
    assert [c for c in few if corpora.is_held_out(c)]
    monkeypatch.setattr(corpora, "read_clips", lambda _: few)
    emotion.main(shared_data / "emotion", tmp_path, steps=2)
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
    recipe = Recipe(unlike_share=0.0)
    batch = Batches(material, range(4), base, recipe, 0).batch()
    assert batch.bands.shape == (48, 256, 64)
    assert batch.contours.shape == (48, 256, 4)
    assert (batch.emotions[:, EMOTIONS.index("sad")] == 1).all()
    again = Batches(material, range(4), base, recipe, 0).batch()
    assert torch.equal(batch.bands, again.bands)


def test_material_is_every_clip_in_every_surrounding_and_is_kept(tmp_path: Path) -> None:
    clips = _some_clips(tmp_path)
    material = gather(clips, clips, tmp_path / "frames")
    assert [own.end - own.start for own in material.rows] == [101, 126, 151, 176]
    whole = material.frames(3)
    exact = frames_of((noise(1.75, seed=3) * 32767).astype(np.int16))
    assert whole.mel == pytest.approx(exact.mel, abs=0.02)
    assert whole.prosody == pytest.approx(exact.prosody, abs=0.02)
    narrow = material.frames(3, "mulaw")
    assert narrow.mel[:, -8:].mean() < whole.mel[:, -8:].mean() - 3  # what is above a telephone's band is gone
    assert all(np.isfinite(material.frames(i, name).mel).all() for i in range(4) for name in SHARES)
    written = (material.folder / "room.mel").stat().st_mtime_ns
    assert gather(clips, clips, tmp_path / "frames") == material
    assert (material.folder / "room.mel").stat().st_mtime_ns == written
    other = gather(clips[::-1], clips, tmp_path / "frames")
    assert isinstance(other, Material)
    assert other.frames(0).mel == pytest.approx(whole.mel)


def test_what_is_around_speech_is_kept_and_heard_in_noise(tmp_path: Path, sample: tuple[Path, Path]) -> None:
    _, sound = load(sample[0], AudioOptions())
    spoken = sound.cut(8.4, 9.9) / 32768  # one sentence
    write_wav(tmp_path / "a.wav", np.concatenate([np.zeros(24_000), spoken, np.zeros(4_800)]))
    clips = [Clip(tmp_path / "a.wav", "ours", "s", "neutral")]
    material = gather(clips, [], tmp_path / "frames")
    (own,) = material.rows
    assert own.start - own.first == pytest.approx(100, abs=2)  # a second at most
    assert 10 < own.last - own.end < 60
    speech, more = material.frames(0, "noise"), material.frames(0, "noise", around=(30, 10))
    assert len(more) == len(speech) + 40
    np.testing.assert_array_equal(more.mel[30:-10], speech.mel)
    assert len(material.frames(0, around=(999, 999))) == own.last - own.first
    batches = Batches(material, [0], population(material, [0]), Recipe(), 0)
    longer = {name: [len(batches._frames(0, name)) - len(speech) for _ in range(60)] for name in ("noise", "clean")}
    assert max(longer["noise"]) > 60
    assert 0 < max(longer["clean"]) <= 30
    assert min(longer["noise"]) == min(longer["clean"]) == 0


class Counting(Batches):
    """Remembers whose frames were taken."""

    drawn: list[int]

    def _frames(self, clip: int, surrounding: str) -> Frames:
        self.drawn.append(clip)
        return super()._frames(clip, surrounding)


def test_most_baselines_are_of_talk_that_is_neutral(tmp_path: Path) -> None:
    clips = [replace(c, emotion=e, speaker="s") for c, e in zip(_some_clips(tmp_path), EMOTIONS[:4], strict=True)]
    material = gather(clips, [], tmp_path / "frames")
    base = population(material, range(4))
    share = {}
    for even in (0.0, 1.0):
        batches = Counting(material, range(4), base, Recipe(even_share=even), 0)
        batches.drawn = []
        for _ in range(40):
            batches._some_frames({clip.emotion: [i] for i, clip in enumerate(clips)}, "clean")
        share[even] = batches.drawn.count(0) / len(batches.drawn)
    assert share[0.0] == pytest.approx(0.65, abs=0.1)  # from 0.3 to 1 of each
    assert share[1.0] == pytest.approx(0.25, abs=0.1)


def test_each_speaker_weighs_alike_in_the_temperature() -> None:
    logits = np.array([[4.0, 0, 0, 0, 0]] * 9 + [[4.0, 0, 0, 0, 0]])
    labels = np.array([0] * 9 + [1])  # one speaker of nine clips, all right, and one of one, wrong
    alike, by_clip = temperature_of(logits, labels, np.array([1 / 9] * 9 + [1.0])), temperature_of(logits, labels)
    assert alike == pytest.approx(4 / np.log(0.5 / 0.125), rel=1e-3)  # half is right, the rest shared by four classes
    assert by_clip == pytest.approx(4 / np.log(0.9 / 0.025), rel=1e-3)


def test_clips_are_added_to_what_is_there(tmp_path: Path) -> None:
    clips = _some_clips(tmp_path)
    first = gather(clips[:2], clips[3:], tmp_path / "frames")
    before = first.frames(1, "babble").mel
    with (first.folder / "babble.mel").open("ab") as file:
        file.write(b"what an interrupted run left behind")
    more = gather([clips[2], clips[1]], clips[3:], tmp_path / "frames")
    assert more.frames(1, "babble").mel == pytest.approx(before)
    alone = gather(clips[2:3], clips[3:], tmp_path / "alone")
    assert more.frames(0, "babble").mel == pytest.approx(alone.frames(0, "babble").mel)
    others = gather(clips[:2], clips[2:3], tmp_path / "frames")  # other voices behind them: made anew, elsewhere
    assert others.folder != first.folder
    assert others.frames(1, "babble").mel != pytest.approx(before)
    assert first.frames(1, "babble").mel == pytest.approx(before)


def test_prepared_clips_that_are_damaged_or_of_another_file_are_made_anew(tmp_path: Path) -> None:
    clips = _some_clips(tmp_path)
    material = gather(clips, [], tmp_path / "frames")
    room = material.frames(2, "room").mel
    (material.folder / "room.mel").unlink()
    assert gather(clips[1:], [], tmp_path / "frames").frames(1, "room").mel == pytest.approx(room)
    (material.folder / "index.json").write_text('{"a": [0, 1]}', encoding="utf-8")
    assert gather(clips[1:], [], tmp_path / "frames").frames(1, "room").mel == pytest.approx(room)
    write_wav(clips[3].path, noise(2.5, seed=9))
    assert len(gather(clips, [], tmp_path / "frames").frames(3)) == 251


def test_clips_that_were_levelled_regain_a_level_by_arousal_and_tilt(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    flat = rng.standard_normal(16_000)
    steep = np.cumsum(flat - flat.mean())
    sounds = {"angry": (flat, 0.02), "sad": (flat, 0.3), "happy": (steep, 0.1), "neutral": (steep, 0.1)}
    clips = []
    for emotion, (sound, level) in sounds.items():
        write_wav(tmp_path / f"{emotion}.wav", np.clip(sound / np.abs(sound).max() * level, -1, 1))
        clips.append(Clip(tmp_path / f"{emotion}.wav", "nemo", "X", emotion))
    material = gather(clips, [], tmp_path / "frames")
    level = [speaker_baseline(material.frames(i), None).level for i in range(4)]
    assert level[1] > level[0] + 4  # as recorded, the sad one is far louder
    louder = vocal_effort(material, range(4), 1.0, 6.0)
    angry, sad, happy, neutral = (level[i] + louder[i] for i in range(4))
    db = np.log(10) / 10
    assert angry - sad == pytest.approx(6 * db * (0.70 + 0.30), abs=0.15)  # of one tilt, by arousal alone
    assert happy - neutral == pytest.approx(6 * db * 0.45, abs=0.15)
    assert angry - happy > 6 * db * 0.25 + 1  # flat is louder than steep
    none = Batches(material, range(4), population(material, range(4)), Recipe(levelled=()), 0)
    assert none._frames(0, "clean").mel == pytest.approx(material.frames(0).mel)


def test_conversations_without_speech_teach_doubt(tmp_path: Path) -> None:
    material = gather(_some_clips(tmp_path), [], tmp_path / "frames")
    base = population(material, range(4))
    batch = Batches(material, range(4), base, Recipe(unlike_share=1.0), 0).batch()
    assert (batch.speech == 0).all()
    assert batch.classes == pytest.approx(torch.full((48, 5), 0.2))
    assert batch.emotions == pytest.approx(torch.full((48, 8), 0.125))
    assert torch.isfinite(batch.bands).all()
    speech = Batches(material, range(4), base, Recipe(unlike_share=0.0), 0).batch()
    assert (speech.speech == 1).all()
    assert (speech.emotions.max(dim=1).values == 1).all()


def test_every_kind_of_no_speech_has_as_many_frames_and_is_none_of_those_given(tmp_path: Path) -> None:
    given = gather(_some_clips(tmp_path), [], tmp_path / "frames").frames(2)
    for kind in _KINDS:
        made = kind(given, np.random.default_rng(3))
        assert made.mel.shape == given.mel.shape
        assert made.prosody.shape == given.prosody.shape
        assert np.isfinite(made.mel).all()
        assert not np.allclose(made.mel, given.mel)


def test_matrices_of_the_network_are_fitted_in_place_and_all_else_is_too() -> None:
    torch.manual_seed(0)
    net = EmotionNet()
    optimiser = Optimiser(net, 1e-3, 0.03, 0.0, 10)
    before = {name: p.detach().clone() for name, p in net.named_parameters()}
    classes, emotions, plane, _ = net(torch.randn(4, 64, 64), torch.randn(4, 64, 4), torch.ones(4, 64))
    optimiser.step((classes**2).sum() + (emotions**2).sum() + (plane**2).sum())
    moved = {name: p.detach() - before[name] for name, p in net.named_parameters()}
    assert all(step.abs().max() > 0 for step in moved.values())
    # all directions of a matrix are given about the same step
    strengths = torch.linalg.svdvals(moved["body.7.0.weight"].permute(0, 2, 3, 1).flatten(1))
    assert strengths.max() < 3 * strengths.median()
    assert strengths.min() > strengths.median() / 3


def test_nobody_babbles_behind_himself(tmp_path: Path) -> None:
    alone = _some_clips(tmp_path, of=1)
    silent = gather(alone, [], tmp_path / "nobody")
    own = gather(alone, alone, tmp_path / "own")
    assert own.frames(1, "babble").mel == pytest.approx(silent.frames(1, "babble").mel)


def test_voices_behind_clips_are_of_speakers_that_every_part_has(tmp_path: Path) -> None:
    from pipeline.training.emotion import voices_of

    clips = _some_clips(tmp_path, "abcdef", of=3)
    parts = [[c for c in clips if c.speaker != left] for left in ("s0", "s1")]
    assert {clip.speaker for clip in voices_of(parts, Recipe())} == {"s2"}
    named = [replace(clip, corpus="nemo") if clip.path.stem < "d" else clip for clip in clips]
    assert {clip.corpus for clip in voices_of([named], Recipe())} == {"nemo"}
    assert voices_of([parts[0][:1], parts[1][-1:]], Recipe()) == []


def test_every_emotion_has_coordinates_and_the_five_have_classes() -> None:
    assert set(corpora.VALENCE_AROUSAL) == set(corpora.EMOTIONS)
    assert corpora.CLASS_OF == {"happy": 0, "calm": 1, "neutral": 2, "sad": 3, "angry": 4}


def test_a_folder_without_corpora_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"labels\.csv"):
        corpora.read_clips(tmp_path)


def _with_a_pause(path: Path, sample: tuple[Path, Path]) -> Clip:
    """Two stretches of speech with 0.8 s of silence between them."""
    _, sound = load(sample[0], AudioOptions())
    spoken = [sound.cut(10.8, 13.8) / 32768, np.zeros(12_800), sound.cut(22.5, 25.5) / 32768]
    return Clip(write_wav(path, np.concatenate(spoken)), "ours", "s", "neutral")


def test_clips_are_learned_and_tested_without_their_pauses(tmp_path: Path, sample: tuple[Path, Path]) -> None:
    clip = _with_a_pause(tmp_path / "a.wav", sample)
    samples, options = read(clip), DiarizationOptions()
    spans = detect_speech(samples, options)
    assert len(spans) >= 2
    spoken_s = sum(end - start for start, end in spans)
    assert spans[-1][1] - spans[0][0] - spoken_s > 0.5
    assert len(speech_of(samples, options)) / 16_000 == pytest.approx(spoken_s, abs=0.01)
    (rows,) = gather([clip], [], tmp_path / "frames").rows
    assert (rows.end - rows.start) / 100 == pytest.approx(spoken_s, abs=0.05)


def test_each_speaker_weighs_alike_however_many_the_clips(tmp_path: Path) -> None:
    clips = _some_clips(tmp_path)
    clips = [replace(clip, speaker="one" if i else "other") for i, clip in enumerate(clips)]
    material = gather(clips, [], tmp_path / "frames")
    truth, logits, weights = truth_and_logits(BuiltinEmotion(), material, range(4))
    assert truth.shape == weights.shape == (4 * len(SHARES),)
    assert logits.shape == (4 * len(SHARES), 5)
    assert sorted(set(weights.round(6))) == pytest.approx([1 / 3, 1])
    assert weights.sum() == pytest.approx(2 * len(SHARES))
