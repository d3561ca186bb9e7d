import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from scipy.special import softmax

from ressenti.pipeline import audio, emotion
from ressenti.pipeline.config import AudioOptions, EmotionOptions
from ressenti.pipeline.emotion import builtin, expectation, features
from ressenti.pipeline.emotion.builtin import BuiltinEmotion
from ressenti.pipeline.emotion.interface import Excerpt
from ressenti.pipeline.errors import ConfigError, ModelError
from ressenti.pipeline.lab.evaluation.heard_once import heard_once


@pytest.fixture(scope="module")
def voice(sample: tuple[Path, Path]) -> np.ndarray:
    return audio.load(sample[0], AudioOptions())[1].samples[0]


@pytest.fixture(scope="module")
def excerpts(voice: np.ndarray) -> list[Excerpt]:
    spans = [(7.6, 8.9), (10.0, 12.4), (14.5, 17.9), (18.1, 21.4), (22.0, 28.4), (28.0, 29.9)]
    return [Excerpt(voice[int(a * 16_000) : int(b * 16_000)], f"S{i % 2 + 1}") for i, (a, b) in enumerate(spans)]


def test_scores_are_probabilities_in_order(excerpts: list[Excerpt]) -> None:
    model = BuiltinEmotion()
    scores = model.score(excerpts)
    assert len(scores) == len(excerpts)
    assert all(sum(s.scores) == pytest.approx(1) for s in scores)
    assert all(s.valence is not None and -1 <= s.valence <= 1 for s in scores)
    swapped = model.score(excerpts[::-1])[::-1]
    assert [s.scores for s in swapped] == [pytest.approx(s.scores, abs=1e-5) for s in scores]


def heard_of(samples: np.ndarray, pieces: int) -> features.Impressions:
    return features.impressions([features.mel_of(piece) for piece in np.array_split(samples, pieces)])


def test_batches_equal_one_by_one(excerpts: list[Excerpt], monkeypatch: pytest.MonkeyPatch) -> None:
    mels = [features.mel_of(e.samples) for e in excerpts]
    together = features.impressions(mels)
    monkeypatch.setattr(features, "_BATCH", 1)
    assert features.impressions(mels).values == pytest.approx(together.values, abs=1e-4)
    monkeypatch.setattr(features, "_GRID", 1)
    assert features.impressions(mels).values == pytest.approx(together.values, abs=1e-4)
    scores = [s.scores for s in BuiltinEmotion().score(excerpts)]
    monkeypatch.setattr(builtin, "_AT_ONCE", 4)
    told: list[float] = []
    some = BuiltinEmotion().score(excerpts, lambda _, done, __: told.append(done))
    assert [s.scores for s in some] == [pytest.approx(own, abs=1e-4) for own in scores]
    assert told == sorted(told)
    assert {4, 6} <= set(told)
    assert told[-1] == 6


def test_the_networks_outputs_are_those_that_the_scores_come_from(excerpts: list[Excerpt]) -> None:
    model = BuiltinEmotion()
    outputs = model.outputs(excerpts)
    for name, width in (("classes", 5), ("emotions", 8), ("valence_arousal", 2)):
        assert outputs[name].shape == (6, width)
    heard = {n: [features.mel_of(e.samples) for e in excerpts if e.speaker == n] for n in ("S1", "S2")}
    seconds = {name: model.logits(features.impressions(mels))[2] for name, mels in heard.items()}
    told = zip(excerpts, model.score(excerpts), outputs["classes"], outputs["valence_arousal"], strict=True)
    for excerpt, found, logits, plane in told:
        temperature = model.temperature_at(seconds[excerpt.speaker])
        assert found.scores == pytest.approx(softmax(logits / temperature), abs=1e-3)
        assert (found.valence, found.arousal) == pytest.approx(tuple(plane.clip(-1, 1)), abs=1e-5)
    backwards = model.outputs(excerpts[::-1])["emotions"][::-1]
    assert backwards == pytest.approx(outputs["emotions"], abs=1e-4)
    assert model.outputs([]) == {}


def test_a_recording_made_louder_scores_the_same(voice: np.ndarray) -> None:
    pieces = [voice[a * 16_000 : (a + 3) * 16_000] // 2 for a in (8, 15, 23)]
    model = BuiltinEmotion()
    soft = model.score([Excerpt(p, "S1") for p in pieces])
    loud = model.score([Excerpt((p * 2).astype(np.int16), "S1") for p in pieces])
    for a, b in zip(soft, loud, strict=True):
        assert a.scores == pytest.approx(b.scores, abs=0.02)


def test_speakers_do_not_influence_one_another(excerpts: list[Excerpt]) -> None:
    model = BuiltinEmotion()
    everybody = model.score(excerpts)
    first = model.score([e for e in excerpts if e.speaker == "S1"])
    assert [s.scores for s in everybody[::2]] == [pytest.approx(s.scores, abs=1e-5) for s in first]


def test_what_is_heard_of_a_speaker_is_the_mean_by_seconds() -> None:
    values = np.zeros((2, 3072), np.float32)
    values[1] = 1
    mean, seconds = features.of_speaker(features.Impressions(values, np.array([1.0, 3.0], np.float32)))
    assert (mean.shape, seconds.tolist()) == ((1, 3072), [[4.0]])
    assert mean == pytest.approx(np.full((1, 3072), 0.75))


def test_what_is_soft_beside_the_rest_counts_little(voice: np.ndarray) -> None:
    spoken = voice[14 * 16_000 : 17 * 16_000].astype(np.float32)
    hiss = np.random.default_rng(0).normal(0, 0.01 * spoken.std(), 2 * 16_000)
    plain, longer = (features.mel_of(s.astype(np.int16)) for s in (spoken, np.concatenate([spoken, hiss])))
    alone, with_hiss = features.impressions([plain]).values[0], features.impressions([longer]).values[0]
    assert np.abs(with_hiss - alone)[:1536].mean() < 0.1 * np.abs(alone[:1536]).mean()


def test_the_less_is_heard_of_a_speaker_the_less_sure_are_scores() -> None:
    model = BuiltinEmotion()
    alone, known = model.temperatures
    assert alone > known
    assert model.temperature_at(0) == alone
    assert model.temperature_at(builtin.KNOWN_S) == pytest.approx((alone + known) / 2)
    assert model.temperature_at(1e6) == pytest.approx(known, abs=1e-3)


def test_speech_that_varies_is_trusted_wholly_and_a_lasting_mood_hardly() -> None:
    seconds = np.full(20, 5.0, np.float32)
    varied, alike = (np.random.default_rng(0).normal(0.3, sd, 20).astype(np.float32) for sd in (0.4, 0.05))
    assert builtin._trusted(varied, seconds, 3.0) == pytest.approx(100, rel=0.02)
    assert builtin._trusted(varied + 0.5, seconds, 3.0) == pytest.approx(100, rel=0.02)  # its level does not matter
    assert builtin._trusted(alike, seconds, 3.0) == pytest.approx(3, rel=0.1)
    assert builtin._trusted(varied[:1], seconds[:1], 3.0) == 3
    assert builtin._trusted(varied[:1], np.array([1.0], np.float32), 3.0) == 1
    middle = [builtin._trusted(varied * share, seconds, 3.0) for share in np.linspace(0.1, 1, 10)]
    assert middle == sorted(middle)
    expected = (BuiltinEmotion(prior=prior)._least_s for prior in ("balanced", {"Neutral": 0.5}, "conversation"))
    assert list(expected) == pytest.approx([3, 12, 28])  # the likelier neutral is, the more what lasts is the voice


def test_a_stretch_too_long_for_the_encoder_passes_it_in_parts(voice: np.ndarray) -> None:
    spoken = voice[8 * 16_000 : 20 * 16_000]
    mel = features.mel_of(np.tile(spoken, 6))  # 72 s
    parts = [part for part, _ in features._parts(mel)]
    assert [len(part) for part in parts] == [2400, 2400, 2400]
    assert np.concatenate(parts) == pytest.approx(mel[:7200])
    once, long = features.impressions([features.mel_of(spoken), mel]).values
    assert np.abs(long - once).mean() < 0.05
    assert np.corrcoef(long, once)[0, 1] > 0.95


def test_expected_shares_decide_where_a_voice_does_not_and_minutes_of_it_correct_them() -> None:
    prior = expectation.shares_of("conversation")
    even = np.full((4, 5), 0.2)
    assert expectation.expecting(even, np.full(4, 5.0), prior)[0] == pytest.approx(prior)
    assert expectation.expecting(even, np.full(4, 5.0), expectation.shares_of("balanced")) == pytest.approx(even)
    tense = np.array([[0.02, 0.02, 0.24, 0.02, 0.7]])
    once, ten, minutes = (
        expectation.expecting(np.repeat(tense, n, axis=0), np.full(n, 4.0), prior)[0] for n in (1, 10, 150)
    )
    assert once.argmax() == ten.argmax() == 2  # ten turns do not swing it
    assert once[4] < ten[4] < minutes[4]
    assert minutes.argmax() == 4


def test_a_prior_that_names_some_classes_leaves_the_rest_to_the_others() -> None:
    assert expectation.shares_of({"Neutral": 0.6}) == pytest.approx([0.1, 0.1, 0.6, 0.1, 0.1])
    assert EmotionOptions(prior={"Neutral": 0.6}).prior == {"Neutral": 0.6}
    every = {"Pleased": 0.2, "Relaxed": 0.2, "Neutral": 0.2, "Sad": 0.2, "Tension": 0.2}
    assert EmotionOptions(prior=every).prior == every
    for wrong in ({"Neutral": 1.0}, every | {"Sad": 0.5}, {"Neutral": 0.6, "Sad": 0.5}, {"Angry": 0.5}, {}, "acted"):
        with pytest.raises(ValueError, match="prior"):
            EmotionOptions(prior=wrong)  # type: ignore[arg-type]


def test_what_the_model_expects_is_told(excerpts: list[Excerpt]) -> None:
    model = emotion.choose(EmotionOptions(model="builtin"))
    assert model is not None
    (note,) = (note for note in model.info.notes if note.key == "expected")
    assert note.values == {"Pleased": 10, "Relaxed": 8, "Neutral": 70, "Sad": 4, "Tension": 8}
    assert not [note for note in BuiltinEmotion().info.notes if note.key == "expected"]
    found = [s.scores[2] for s in model.score(excerpts)]
    even = [s.scores[2] for s in BuiltinEmotion().score(excerpts)]
    assert all(a > b for a, b in zip(found, even, strict=True))


def test_silence_and_the_shortest_stretch_are_heard() -> None:
    heard = features.impressions([features.mel_of(np.zeros(n, np.int16)) for n in (0, 1, 16_000)])
    assert heard.values.shape == (3, 3072)
    assert np.isfinite(heard.values).all()


def test_a_model_that_hears_once_gives_the_same_and_computes_less(
    excerpts: list[Excerpt], monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[int] = []
    model, compute = BuiltinEmotion(), features.impressions

    def counted(mels: Sequence[np.ndarray], report: Callable[[int], None]) -> features.Impressions:
        heard.append(len(mels))
        return compute(mels, report)

    monkeypatch.setattr(features, "impressions", counted)
    once = heard_once(model)
    assert [s.scores for s in once.score(excerpts)] == [s.scores for s in model.score(excerpts)]
    assert heard == [6, 6]
    alone = once.score(excerpts[2:3])
    assert heard == [6, 6]
    assert alone[0].scores == pytest.approx(model.score(excerpts[2:3])[0].scores, abs=1e-5)
    assert once.score([]) == []


def test_nothing_in_nothing_out() -> None:
    assert BuiltinEmotion().score([]) == []


def test_an_absent_or_changed_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no emotion model in it"):
        BuiltinEmotion(tmp_path)
    for name in ("emotion.onnx", "emotion.json"):
        shutil.copy(builtin.WEIGHTS / name, tmp_path / name)
    about = json.loads((tmp_path / "emotion.json").read_text(encoding="utf-8"))
    (tmp_path / "emotion.json").write_text(json.dumps(about | {"sha256": "0" * 64}), encoding="utf-8")
    with pytest.raises(ModelError, match="SHA-256"):
        BuiltinEmotion(tmp_path)
    (tmp_path / "emotion.json").write_text(json.dumps(about | {"encoder": "0" * 64}), encoding="utf-8")
    with pytest.raises(ModelError, match="another voice encoder"):
        BuiltinEmotion(tmp_path)
    del about["encoder"]  # as of earlier versions
    (tmp_path / "emotion.json").write_text(json.dumps(about), encoding="utf-8")
    with pytest.raises(ModelError, match="not from Ressenti"):
        BuiltinEmotion(tmp_path)


def test_the_licence_is_told() -> None:
    info = BuiltinEmotion().info
    assert (info.licence, info.commercial) == ("CC BY-NC-SA 4.0", False)


def test_unknown_models_are_refused() -> None:
    with pytest.raises(ConfigError, match="unknown emotion model"):
        emotion.choose(EmotionOptions(model="nobody-knows"))
