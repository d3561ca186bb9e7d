import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from conftest import InThisProcess, noise, write_wav
from ressenti.pipeline.audio import load
from ressenti.pipeline.config import AudioOptions, DiarizationOptions
from ressenti.pipeline.diarization.vad import detect_speech
from ressenti.pipeline.emotion.builtin import WEIGHTS, BuiltinEmotion
from ressenti.pipeline.emotion.features import Impressions, impressions, mel_of
from ressenti.pipeline.errors import ConfigError, NotFoundError
from ressenti.pipeline.lab.labelled_speech import corpora
from ressenti.pipeline.lab.labelled_speech.augmentation import SHARES
from ressenti.pipeline.lab.labelled_speech.corpora import EMOTIONS, Clip
from ressenti.pipeline.lab.labelled_speech.prepare import read, speech_of
from ressenti.pipeline.lab.training import clip_features
from ressenti.pipeline.lab.training.baseline import fit_baseline
from ressenti.pipeline.lab.training.clip_features import UNLIKE, ClipFeatures, clip_features_of
from ressenti.pipeline.lab.training.emotion import Job, Judged, headless, judged_by, temperatures_of, train_network
from ressenti.pipeline.lab.training.non_speech import _KINDS, unlike_speech
from ressenti.pipeline.lab.training.weighted_clips import NetworkRecipe, _conversations, weighted_clips_of


@pytest.fixture(autouse=True)
def _in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clips are prepared in this process."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(clip_features, "ProcessPoolExecutor", InThisProcess)


@cache
def emotional(shared_data: Path) -> list[Clip]:
    return corpora.read_clips(shared_data / "emotion")


def test_no_training_touches_the_held_out_speakers(shared_data: Path) -> None:
    clips = emotional(shared_data)
    learn, held = corpora.split(clips)
    speakers = [{(c.corpus, c.speaker) for c in part} for part in (learn, held)]
    assert not speakers[0] & speakers[1]
    assert len(learn) + len(held) == len(clips)
    assert {("ravdess", f"actor{n}") for n in range(17, 21)} <= speakers[1]
    assert not speakers[0] & corpora.held_out()


def test_a_network_leaves_out_some_of_every_corpus_to_be_calibrated_on(shared_data: Path) -> None:
    learn, _ = corpora.split(emotional(shared_data))
    out = corpora.left_out(learn)
    assert {corpus for corpus, _ in out} == {"ravdess", "nemo", "emodb"}
    assert len(out) < len({clip.who for clip in learn}) / 2
    actors = {int(name.removeprefix("actor")) % 2 for corpus, name in out if corpus == "ravdess"}
    assert actors == {0, 1}  # women and men


def test_nobody_is_left_out_of_a_corpus_of_two(tmp_path: Path) -> None:
    from ressenti.pipeline.lab.training import emotion

    clips = _some_clips(tmp_path)
    assert not corpora.left_out(clips)
    with pytest.raises(ConfigError, match="three speakers"):
        emotion.train_models([clips], [tmp_path / "out"], NetworkRecipe(steps=1), clips)


def test_a_training_is_handed_no_clip_that_is_held_out(
    shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ressenti.pipeline.lab.training import emotion

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
    learn, _ = corpora.split(emotional(shared_data))
    assert learned == {clip.who for clip in learn}


@pytest.mark.slow("trains a network")
def test_a_training_runs_from_end_to_end(shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ressenti.pipeline.lab.training import emotion

    clips = emotional(shared_data)
    speakers = sorted({c.who for c in clips})
    some = [[who for who in speakers if who[0] == name] for name in ("ravdess", "nemo", "emodb")]
    few = [c for own in some for who in [*own[:3], own[-1]] for c in [c for c in clips if c.who == who][:2]]
    assert [c for c in few if corpora.is_held_out(c)]
    monkeypatch.setattr(corpora, "read_clips", lambda _: few)
    monkeypatch.setattr(clip_features, "ProcessPoolExecutor", ProcessPoolExecutor)  # as it really is
    emotion.main(shared_data / "emotion", tmp_path, steps=2)
    model = BuiltinEmotion(tmp_path)
    assert min(model.temperatures) > 0
    heard = impressions([mel_of((noise(1) * 32767).astype(np.int16))])
    assert model.logits(heard)[0].shape == (1, 5)
    assert model.learned == {c.who for c in few if not corpora.is_held_out(c)}
    assert not model.learned & corpora.held_out()


def test_the_frozen_split(shared_data: Path) -> None:
    by_corpus: dict[str, set[str]] = {}
    for corpus, speaker in corpora.held_out():
        by_corpus.setdefault(corpus, set()).add(speaker)
    assert by_corpus["ravdess"] == {f"actor{n}" for n in range(17, 25)}
    speakers = {clip.who for clip in emotional(shared_data)}
    for corpus in ("nemo", "emodb"):
        assert by_corpus[corpus]
        assert {(corpus, name) for name in by_corpus[corpus]} < speakers
    read_aloud = {clip.speaker for clip in corpora.read_clips(shared_data / "speech", labelled=False)}
    assert len(by_corpus["librispeech"]) >= 60
    assert by_corpus["librispeech"] < read_aloud
    assert all(by_corpus[folder] == {"*"} for folder in ("ami", "calls", "misc", "french", "ased", "turev"))
    assert set(by_corpus) == {
        "ravdess",
        "nemo",
        "emodb",
        "librispeech",
        "ami",
        "calls",
        "misc",
        "french",
        "ased",
        "turev",
    }


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


@pytest.mark.slow("judges hundreds of clips")
def test_every_clip_is_learned_from_in_every_surrounding(tmp_path: Path) -> None:
    material = clip_features_of(_some_clips(tmp_path), [], tmp_path / "heard")
    recipe = NetworkRecipe(unlike_share=0.0)
    net = headless(Job(material, (0, 1, 2, 3), recipe, 0))
    found = weighted_clips_of(material, range(4), net, recipe, 0)
    spoken = found.speech == 1
    assert spoken.sum() == 4 * len(SHARES)
    assert found.embeddings.shape == (len(found.weights), 256)
    assert found.embeddings.any()
    assert (found.emotions[spoken][:, EMOTIONS.index("sad")] == 1).all()
    assert not found.weights[~spoken].any()
    again = weighted_clips_of(material, range(4), net, recipe, 0)
    assert np.array_equal(found.embeddings, again.embeddings)


@pytest.mark.slow("judges hundreds of clips")
def test_corpora_speakers_and_emotions_count_alike(tmp_path: Path) -> None:
    clips = _some_clips(tmp_path, "abcdefg", of=1)
    who = [("ravdess", "1", "sad"), ("ravdess", "1", "sad"), ("ravdess", "1", "happy"), ("ravdess", "2", "sad")]
    who += [("nemo", "1", "sad")] * 2 + [("emodb", "1", "angry")]
    clips = [replace(c, corpus=a, speaker=b, emotion=e) for c, (a, b, e) in zip(clips, who, strict=True)]
    material = clip_features_of(clips, [], tmp_path / "heard")
    recipe = NetworkRecipe(unlike_share=0.1)
    net = headless(Job(material, tuple(range(7)), recipe, 0))
    found = weighted_clips_of(material, range(7), net, recipe, 0)
    assert found.weights.sum() == pytest.approx(1, abs=1e-4)
    assert found.weights[found.speech == 0].sum() == pytest.approx(0.1, abs=1e-3)
    share = [found.weights[found.emotions[:, EMOTIONS.index(e)] == 1].sum() / 0.9 for e in ("happy", "angry")]
    assert share == pytest.approx([1 / 3 / 2 / 2, 1 / 3], abs=1e-3)


def test_material_is_every_clip_in_every_surrounding_and_is_kept(tmp_path: Path) -> None:
    clips = _some_clips(tmp_path)
    material = clip_features_of(clips, clips, tmp_path / "heard")
    whole = np.array([1.01, 1.26, 1.51, 1.76])
    heard_s = np.array([material.heard(range(4), name).seconds for name in SHARES])
    assert heard_s.max(axis=0) == pytest.approx(whole, abs=0.01)
    assert heard_s.min() >= 0.8  # of some, in some surroundings, a stretch is heard
    assert 0.1 < (heard_s < whole - 0.02).mean() < 0.5
    assert heard_s[0, 3] == pytest.approx(1.76, abs=0.01)
    exact = impressions([mel_of(read(clips[3]))]).values[0]
    assert material.heard([3]).values[0] == pytest.approx(exact, abs=0.01)
    assert material.heard([3], "mulaw").values[0] != pytest.approx(exact, abs=0.05)
    assert all(np.isfinite(material.heard(range(4), name).values).all() for name in (*SHARES, UNLIKE))
    (path,) = (tmp_path / "heard").glob("*.npz")
    written = path.stat().st_mtime_ns
    again = clip_features_of(clips, clips, tmp_path / "heard")
    assert np.array_equal(again.values, material.values)
    backwards = clip_features_of(clips[::-1], clips, tmp_path / "heard")
    assert path.stat().st_mtime_ns == written
    assert np.array_equal(backwards.values[::-1], material.values)


@pytest.mark.slow("judges hundreds of clips")
def test_in_noise_some_of_what_is_around_speech_is_heard_too(tmp_path: Path, sample: tuple[Path, Path]) -> None:
    _, sound = load(sample[0], AudioOptions())
    spoken = np.concatenate([np.zeros(32_000), sound.cut(10.8, 13.8) / 323072, np.zeros(32_000)])
    names = [f"{k}.wav" for k in range(12)]  # what is drawn depends on the name
    clips = [Clip(write_wav(tmp_path / name, spoken), "ours", "s", "neutral") for name in names]
    material = clip_features_of(clips, [], tmp_path / "heard")
    noisy, clean = (material.heard(range(12), name).seconds for name in ("noise", "clean"))
    spoken_s = sum(end - start for start, end in detect_speech(read(clips[0]), DiarizationOptions()))
    assert noisy.max() > spoken_s + 0.5
    assert spoken_s < clean.max() <= spoken_s + 0.31
    assert 0.8 <= clean.min() < spoken_s - 0.3  # a stretch of it


def test_most_of_what_is_heard_of_speakers_is_neutral_talk() -> None:
    names = [*EMOTIONS[:4], *EMOTIONS[:4]]
    values = np.zeros((8, 3072), np.float32)
    values[:, 0] = [name == "neutral" for name in names]  # the mean's first value is the share of neutral in it
    heard = Impressions(values, np.full(8, 2.0, np.float32))
    share, seconds = {}, {}
    for kind, even, talk in (("even", 1.0, 0.0), ("talk", 0.0, 1.0), ("few", 0.0, 0.0)):
        rng = np.random.default_rng(0)
        found = [_conversations(heard, names, NetworkRecipe(even_share=even, talk_share=talk), rng) for _ in range(40)]
        share[kind] = np.mean([mean for mean, _ in found], axis=0)[:, 0]
        seconds[kind] = np.concatenate([s for _, s in found])
    assert share["even"].mean() == pytest.approx(0.25, abs=0.03)
    assert share["talk"].mean() == pytest.approx(0.65, abs=0.06)  # from 0.3 to 1 of each
    assert share["few"][[0, 4]].min() > share["few"][[1, 2, 3, 5, 6, 7]].max() + 0.1  # each clip is heard itself
    assert (seconds["even"].min(), seconds["even"].max()) == pytest.approx((15, 300), rel=0.05)
    assert sorted(set(seconds["few"].ravel().tolist())) == [2.0 * n for n in range(1, 9)]


def _speakers(folder: Path, count: int = 12) -> tuple[ClipFeatures, np.ndarray]:
    """Eight impressions each of speakers who differ in the first value, and speak as differently in all others."""
    rng = np.random.default_rng(0)
    clips = [Clip(folder / "none.wav", "ours", f"s{k}", "sad") for k in range(count) for _ in range(8)]
    values = rng.standard_normal((len(clips), 1, 3072))
    own = np.repeat(rng.normal(0, 5, count), 8)
    values[:, 0, 0] += own
    return ClipFeatures(tuple(clips), values, np.full((len(clips), 1), 2.0)), own


def test_where_speakers_differ_little_speech_tells_what_is_usual_and_elsewhere_much(tmp_path: Path) -> None:
    material, own = _speakers(tmp_path)
    base = fit_baseline(material, range(len(own)))
    stranger = torch.zeros(1, 3072)
    stranger[0, :2] = torch.tensor([20.0, 20.0])

    def left(seconds: float) -> list[float]:
        found = base(stranger, stranger, torch.tensor([[seconds]])) * base.sd / stranger
        return [float(found[0, k]) for k in range(2)]

    nothing, little, much = left(1e-6), left(2.0), left(1e6)
    assert nothing[0] > 0.8
    assert little[0] < 0.35  # of it is taken for the way in which the speaker differs
    assert little[1] > 0.7
    assert much == pytest.approx([0, 0], abs=0.01)


def test_how_a_speaker_varies_is_not_told_by_one_clip(tmp_path: Path) -> None:
    material, own = _speakers(tmp_path)
    rows = [*range(len(own)), *range(len(own))[::8]]
    clips = [*material.clips, *(replace(material.clips[i], speaker=f"once{i}") for i in rows[len(own) :])]
    more = ClipFeatures(tuple(clips), material.values[rows], material.seconds[rows])
    assert fit_baseline(more, range(len(rows))).sd.numpy() == pytest.approx(
        fit_baseline(material, range(len(own))).sd.numpy(), rel=1e-5
    )
    with pytest.raises(ConfigError, match="one clip per speaker"):
        fit_baseline(more, range(len(own), len(rows)))


def test_one_mean_for_all_is_the_same_as_one_each(tmp_path: Path) -> None:
    material, own = _speakers(tmp_path)
    base = fit_baseline(material, range(len(own)))
    values, mean, seconds = torch.randn(5, 3072), torch.randn(1, 3072), torch.tensor([[7.0]])
    each = base(values, mean.expand(5, 3072), seconds.expand(5, 1))
    assert base(values, mean, seconds).numpy() == pytest.approx(each.numpy(), abs=1e-5)


def test_each_speaker_weighs_alike_in_the_temperature() -> None:
    logits = np.array([[4.0, 0, 0, 0, 0]] * 9 + [[4.0, 0, 0, 0, 0]])
    labels, much = np.array([0] * 9 + [1]), np.full(10, 1e9)  # one speaker of nine clips, all right, and one wrong
    alike = temperatures_of(Judged(labels, logits, much, np.array([1 / 9] * 9 + [1.0])))[1]
    by_clip = temperatures_of(Judged(labels, logits, much, np.ones(10)))[1]
    assert alike == pytest.approx(4 / np.log(0.5 / 0.125), rel=1e-2)  # half is right, the rest shared by four classes
    assert by_clip == pytest.approx(4 / np.log(0.9 / 0.025), rel=1e-2)


def test_a_temperature_for_those_of_whom_little_is_heard_and_one_for_others() -> None:
    right, wrong = np.array([[4.0, 0, 0, 0, 0]] * 10), np.array([0] * 9 + [1])
    seconds = np.array([0.0] * 10 + [1e9] * 10)
    half = np.array([0] * 5 + [1] * 5)
    alone, known = temperatures_of(
        Judged(np.concatenate([half, wrong]), np.concatenate([right, right]), seconds, np.ones(20))
    )
    assert alone == pytest.approx(4 / np.log(0.5 / 0.125), rel=2e-2)
    assert known == pytest.approx(4 / np.log(0.9 / 0.025), rel=2e-2)


@pytest.mark.slow("trains a network")
def test_a_network_learns_what_it_is_given_and_not_what_nobody_says(tmp_path: Path) -> None:
    clips = [replace(c, emotion=e, speaker="s") for c, e in zip(_some_clips(tmp_path), EMOTIONS[1:5], strict=True)]
    material = clip_features_of(clips, [], tmp_path / "heard")
    recipe = NetworkRecipe(steps=30, penalty=1e-4, unlike_share=0.3, even_share=1.0, talk_share=0.0)
    net = train_network(Job(material, (0, 1, 2, 3), recipe, 0))
    found = weighted_clips_of(material, range(4), net, recipe, 0)
    with torch.no_grad():
        classes = torch.softmax(net.classes(torch.from_numpy(found.embeddings)), dim=1).numpy()
    spoken = found.speech == 1
    assert (classes[spoken].argmax(axis=1) == found.classes[spoken].argmax(axis=1)).mean() > 0.9
    assert classes[~spoken].max(axis=1).mean() + 0.05 < classes[spoken].max(axis=1).mean()
    again = train_network(Job(material, (0, 1, 2, 3), recipe, 0))
    assert all(torch.equal(a, b) for a, b in zip(net.parameters(), again.parameters(), strict=True))


@pytest.mark.slow("judges hundreds of clips")
def test_clips_are_added_to_what_is_there(tmp_path: Path) -> None:
    clips = _some_clips(tmp_path)
    first = clip_features_of(clips[:2], clips[3:], tmp_path / "heard")
    more = clip_features_of([clips[2], clips[1]], clips[3:], tmp_path / "heard")
    assert np.array_equal(more.values[1], first.values[1])
    alone = clip_features_of(clips[2:3], clips[3:], tmp_path / "alone")
    assert np.array_equal(more.values[0], alone.values[0])
    others = clip_features_of(
        clips[:2], clips[2:3], tmp_path / "heard"
    )  # other voices behind them: made anew, elsewhere
    babbled = [m.heard([1], "babble").values for m in (first, others)]
    assert babbled[0] != pytest.approx(babbled[1], abs=1e-3)
    assert len(list((tmp_path / "heard").glob("*.npz"))) == 2


@pytest.mark.slow("judges hundreds of clips")
def test_prepared_clips_that_are_damaged_or_of_another_file_are_made_anew(tmp_path: Path) -> None:
    clips = _some_clips(tmp_path)
    material = clip_features_of(clips, [], tmp_path / "heard")
    (path,) = (tmp_path / "heard").glob("*.npz")
    whole = path.read_bytes()
    for damaged in (b"", whole[: len(whole) // 2], b"nothing of the kind"):
        path.write_bytes(damaged)
        assert np.array_equal(clip_features_of(clips[1:], [], tmp_path / "heard").values, material.values[1:])
    write_wav(clips[3].path, noise(2.5, seed=9))
    assert clip_features_of(clips, [], tmp_path / "heard").heard([3]).seconds == pytest.approx([2.51], abs=0.01)


def test_every_kind_of_no_speech_has_as_many_frames_and_is_none_of_those_given() -> None:
    given = mel_of((noise(1.5, seed=2) * 32767).astype(np.int16))
    for kind in _KINDS:
        made = kind(given, np.random.default_rng(3))
        assert made.shape == given.shape
        assert np.isfinite(made).all()
        assert not np.allclose(made, given)
    for seed in range(8):
        assert unlike_speech(given, np.random.default_rng(seed)).sum() == pytest.approx(given.sum(), rel=1e-3)


@pytest.mark.slow("judges hundreds of clips")
def test_nobody_babbles_behind_himself(tmp_path: Path) -> None:
    alone = _some_clips(tmp_path, of=1)
    silent = clip_features_of(alone, [], tmp_path / "nobody")
    own = clip_features_of(alone, alone, tmp_path / "own")
    assert np.array_equal(own.heard([1], "babble").values, silent.heard([1], "babble").values)


def test_voices_behind_clips_are_of_speakers_that_every_part_has(tmp_path: Path) -> None:
    from ressenti.pipeline.lab.training.emotion import voices_of

    clips = _some_clips(tmp_path, "abcdef", of=3)
    parts = [[c for c in clips if c.speaker != left] for left in ("s0", "s1")]
    assert {clip.speaker for clip in voices_of(parts, NetworkRecipe())} == {"s2"}
    named = [replace(clip, corpus="nemo") if clip.path.stem < "d" else clip for clip in clips]
    assert {clip.corpus for clip in voices_of([named], NetworkRecipe())} == {"nemo"}
    assert voices_of([parts[0][:1], parts[1][-1:]], NetworkRecipe()) == []


def test_every_emotion_has_coordinates_and_the_five_have_classes() -> None:
    assert set(corpora.VALENCE_AROUSAL) == set(corpora.EMOTIONS)
    assert corpora.CLASS_OF == {"happy": 0, "calm": 1, "neutral": 2, "sad": 3, "angry": 4}


def test_a_folder_without_corpora_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"labels\.csv"):
        corpora.read_clips(tmp_path)


def _with_a_pause(path: Path, sample: tuple[Path, Path]) -> Clip:
    """Two stretches of speech with 0.8 s of silence between them."""
    _, sound = load(sample[0], AudioOptions())
    spoken = [sound.cut(10.8, 13.8) / 323072, np.zeros(12_800), sound.cut(22.5, 25.5) / 323072]
    return Clip(write_wav(path, np.concatenate(spoken)), "ours", "s", "neutral")


def test_clips_are_learned_and_tested_without_their_pauses(tmp_path: Path, sample: tuple[Path, Path]) -> None:
    clip = _with_a_pause(tmp_path / "a.wav", sample)
    samples, options = read(clip), DiarizationOptions()
    spans = detect_speech(samples, options)
    assert len(spans) >= 2
    spoken_s = sum(end - start for start, end in spans)
    assert spans[-1][1] - spans[0][0] - spoken_s > 0.5
    assert len(speech_of(samples, options)) / 16_000 == pytest.approx(spoken_s, abs=0.01)
    heard = clip_features_of([clip], [], tmp_path / "heard")
    heard_s = np.median([heard.heard([0], name).seconds[0] for name in SHARES])
    assert spoken_s - 0.05 <= heard_s <= spoken_s + 0.35


@pytest.mark.slow("judges hundreds of clips")
def test_each_speaker_weighs_alike_however_many_the_clips(tmp_path: Path) -> None:
    clips = _some_clips(tmp_path)
    clips = [replace(clip, speaker="one" if i else "other") for i, clip in enumerate(clips)]
    material = clip_features_of(clips, [], tmp_path / "heard")
    own, alone, talk = (judged_by(BuiltinEmotion(), material, range(4), way) for way in ("own", "alone", "talk"))
    for judged in (own, alone, talk):
        assert judged.truth.shape == judged.weights.shape == judged.seconds.shape == (4 * len(SHARES),)
        assert judged.logits.shape == (4 * len(SHARES), 5)
        assert sorted(set(judged.weights.round(6))) == pytest.approx([1 / 3, 1])
        assert judged.weights.sum() == pytest.approx(2 * len(SHARES))
    assert 3 <= own.seconds.max() < 1.26 + 1.51 + 1.76 + 0.1  # what varies little is not trusted wholly
    assert alone.seconds.max() == pytest.approx(1.76, abs=0.1)
