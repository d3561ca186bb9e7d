from pathlib import Path

import numpy as np
import pytest

from conftest import noise, write_wav
from ressenti import load_config
from ressenti.pipeline.audio import RATE_HZ
from ressenti.pipeline.emotion.fake import FakeEmotion
from ressenti.pipeline.emotion.interface import Excerpt
from ressenti.pipeline.errors import NotFoundError, RessentiError
from ressenti.pipeline.lab.evaluation.generated import LEVEL_DBFS, SECONDS, generated
from ressenti.pipeline.lab.evaluation.out_of_domain import AnswerShares, doubt_of, samples_of, sounds_of, together
from ressenti.pipeline.lab.labelled_speech.acoustics import active_power, to_int16
from ressenti.pipeline.records import EmotionScores

CONFIG = load_config()
UNSURE = EmotionScores((0.3, 0.1, 0.3, 0.2, 0.1))
TENSE = EmotionScores((0.02, 0.02, 0.04, 0.02, 0.9))
SAD = EmotionScores((0.02, 0.02, 0.04, 0.9, 0.02))


def by_level(excerpt: Excerpt) -> EmotionScores:
    """Loud is Tension, soft is Sad, silence unsure."""
    level = float(np.abs(excerpt.samples.astype(float)).mean())
    return UNSURE if level < 1 else TENSE if level > 1_000 else SAD


def test_shares_are_of_seconds() -> None:
    samples = np.concatenate([np.full(16 * RATE_HZ, 2_000), np.full(8 * RATE_HZ, 100), np.zeros(4 * RATE_HZ)])
    doubt = doubt_of("x", samples.astype(np.int16), FakeEmotion(by_level), CONFIG)
    assert doubt.length_s == 28
    assert doubt.taken.judged_s == pytest.approx(28)  # three windows of 8 s and one of 4
    assert doubt.taken.unsure == pytest.approx(4 / 28)
    assert doubt.taken.classes == pytest.approx((0, 0, 0, 8 / 28, 16 / 28))


def test_what_is_no_speech_is_not_heard_but_may_be_taken_for_it() -> None:
    model = FakeEmotion(by_level)
    doubt = doubt_of("noise", to_int16(noise(10.0).astype(np.float32)), model, CONFIG)
    assert doubt.heard == AnswerShares(0.0, None, None)
    assert doubt.taken.judged_s == pytest.approx(10)
    assert sum(doubt.taken.classes or ()) == pytest.approx(1)


def test_speech_is_heard_as_turns_of_one_speaker(sample: tuple[Path, Path]) -> None:
    model = FakeEmotion(lambda _: TENSE)
    doubt = doubt_of("sample", samples_of(sample[0]), model, CONFIG)
    assert 15 < doubt.heard.judged_s < 30
    assert (doubt.heard.unsure, doubt.heard.classes) == (0, (0, 0, 0, 0, 1))
    assert len({e.speaker for e in model.heard}) == 1
    assert doubt.taken.judged_s == pytest.approx(30, abs=1)


def test_together_weighs_by_seconds() -> None:
    told = [AnswerShares(10, 0.5, (0.5, 0, 0, 0, 0)), AnswerShares(30, 0, (0, 0, 0, 0, 1)), AnswerShares(0, None, None)]
    found = together(told)
    assert (found.judged_s, found.unsure) == (40, pytest.approx(5 / 40))
    assert found.classes == pytest.approx((5 / 40, 0, 0, 0, 30 / 40))
    assert together([]) == together([AnswerShares(0, None, None)]) == AnswerShares(0.0, None, None)


def test_generated_sounds_are_the_same_and_as_loud_as_recordings() -> None:
    made, again = generated(), generated()
    assert {"white noise", "pink noise", "tone", "chords with a beat", "clicks", "synthetic babble"} < set(made)
    for name, sound in made.items():
        assert sound.shape == (SECONDS * RATE_HZ,), name
        assert sound.dtype == np.float32
        assert np.array_equal(sound, again[name]), name
        level = 10 * np.log10(active_power(sound))
        assert level == pytest.approx(LEVEL_DBFS, abs=0.1) if name != "silence" else level < -70, name
    assert len({sound.tobytes() for sound in made.values()}) == len(made)


def test_sounds_of_a_file_a_folder_and_a_word(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    one = write_wav(tmp_path / "b.wav", noise(1.0))
    two = write_wav(tmp_path / "in" / "a.WAV", np.stack([noise(1.0), noise(1.0, seed=1)]))
    (tmp_path / "notes.txt").write_text("no sound", encoding="utf-8")
    assert list(sounds_of(str(tmp_path))) == [("b.wav", one), ("in/a.WAV", two)]
    assert list(sounds_of(str(one))) == [("b.wav", one)]
    assert samples_of(two).shape == (RATE_HZ,)
    assert [name for name, _ in sounds_of("generated")] == list(generated())
    (tmp_path / "none").mkdir()
    for source in ("nowhere", str(tmp_path / "none")):
        with pytest.raises(NotFoundError, match="expected"):
            list(sounds_of(source))
    with pytest.raises(RessentiError):
        samples_of(tmp_path / "notes.txt")


def test_pauses_are_not_heard(sample: tuple[Path, Path]) -> None:
    spoken = samples_of(sample[0])
    first, second = spoken[int(10.8 * RATE_HZ) : int(13.8 * RATE_HZ)], spoken[int(22.5 * RATE_HZ) : int(25.5 * RATE_HZ)]
    model = FakeEmotion(lambda _: TENSE)
    doubt = doubt_of("pause", np.concatenate([first, np.zeros(int(0.8 * RATE_HZ), np.int16), second]), model, CONFIG)
    turned = [e for e in model.heard if len(e.samples) < 6.5 * RATE_HZ]  # the other call is of the whole, 6.8 s
    assert sum(len(e.samples) for e in turned) / RATE_HZ == pytest.approx(doubt.heard.judged_s, abs=0.01)
    assert doubt.heard.judged_s < 6.3
