"""How activated a voice sounds against its own level: measured without a model, relative to the speaker."""

from dataclasses import replace

import numpy as np
import pytest

from ressenti.pipeline.affect.activation import LEAST_WINDOWS, activations, with_activation
from ressenti.pipeline.affect.moments import moments_of
from ressenti.pipeline.audio import RATE_HZ, Samples
from ressenti.pipeline.config import MomentOptions, TrajectoryOptions
from ressenti.pipeline.emotion.voice_measures import voice_measures_of
from ressenti.pipeline.lab.evaluation.activation import HeardClip, figures_of
from ressenti.pipeline.lab.labelled_speech import acoustics
from ressenti.pipeline.records import EmotionScores, Exchange, Moment, Turn, VoiceMeasures, Window

NEUTRAL = EmotionScores((0.0, 0.0, 1.0, 0.0, 0.0))
QUIET = Exchange(100, 0, 0, (), ())


def vowel(pitch_hz: float, level: float = 0.2, tilt: float = 1.0, seconds: float = 2.0) -> Samples:
    """A vowel of twenty harmonics, each `tilt` times as strong as it would be."""
    time = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    sound = sum(tilt ** (k - 1) / k * np.sin(2 * np.pi * k * pitch_hz * time) for k in range(1, 21))
    return (level * 32767 * sound / np.abs(sound).max()).astype(np.int16)


def measured(samples: Samples) -> VoiceMeasures:
    found = voice_measures_of(samples)
    assert found is not None
    return found


@pytest.mark.parametrize("pitch_hz", [80, 110, 200, 310, 450])
def test_pitch_is_heard_also_behind_a_telephone_line(pitch_hz: float) -> None:
    sound = vowel(pitch_hz)
    line = acoustics.to_int16(acoustics.telephone(acoustics.to_float(sound)))
    for samples in (sound, line):
        assert 55 * 2 ** (measured(samples).pitch_st / 12) == pytest.approx(pitch_hz, rel=0.03)


def test_louder_is_louder_and_brighter_is_brighter() -> None:
    soft, loud = measured(vowel(120, 0.1)), measured(vowel(120, 0.4))
    assert loud.level_db - soft.level_db == pytest.approx(20 * np.log10(4), abs=0.1)
    assert loud.tilt_db == pytest.approx(soft.tilt_db, abs=0.1)
    assert measured(vowel(120, tilt=1.2)).tilt_db > measured(vowel(120)).tilt_db + 3


def test_no_voice_has_no_measures() -> None:
    noise = np.random.default_rng(0).normal(0, 3000, 2 * RATE_HZ).astype(np.int16)
    for samples in (noise, np.zeros(RATE_HZ, np.int16), np.zeros(0, np.int16), vowel(120, seconds=0.03)):
        assert voice_measures_of(samples) is None


def test_a_long_stretch_is_heard_in_blocks_that_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = np.concatenate([vowel(110, seconds=1.3), vowel(220, seconds=1.9)])
    whole = measured(samples)
    monkeypatch.setattr("ressenti.pipeline.emotion.voice_measures._BLOCK", 7)
    assert measured(samples) == whole


def voice(pitch_st: float = 12.0, level_db: float = 30.0, tilt_db: float = 0.0) -> VoiceMeasures:
    return VoiceMeasures(pitch_st, level_db, tilt_db)


def test_activation_is_against_the_own_level_and_never_beyond_three() -> None:
    usual = [voice(12 + 0.1 * k) for k in range(-10, 11)]
    for away in (0.0, 10.0):  # another speaker, another microphone
        moved = [voice(v.pitch_st + away, v.level_db + away, v.tilt_db + away) for v in usual]
        assert activations(moved, np.ones(21)) == pytest.approx(activations(usual, np.ones(21)))
    excited = [*usual, voice(18, 40, 8), voice(60 - 12, 190, 190)]
    found = activations(excited, np.ones(23))
    assert abs(found[10]) < 0.1
    assert found[21] > 1.5
    assert found[22] == pytest.approx(3.0)
    assert activations([replace(v, level_db=-v.level_db) for v in usual], np.ones(21)).max() < 1


def turns_of(pitches: list[float], speaker: str = "S1", seconds: float = 4.0) -> list[Turn]:
    out = []
    for k, pitch in enumerate(pitches):
        start, end = 6.0 * k, 6.0 * k + seconds
        window = Window(start, end, seconds, NEUTRAL, voice(pitch) if pitch else None)
        out.append(Turn(k, speaker, start, end, windows=(window,), emotion=NEUTRAL))
    return out


def test_too_little_speech_has_no_activation() -> None:
    assert all(t.activation is None for t in with_activation(turns_of([12.0] * (LEAST_WINDOWS - 1))))
    assert all(t.activation is None for t in with_activation(turns_of([12.0] * 7, seconds=2.0)))
    enough = with_activation([*turns_of([12.0] * 8), Turn(9, "S2", 60, 70)])
    assert [t.activation for t in enough] == [0.0] * 8 + [None]


def test_a_window_without_a_voice_has_none_and_takes_none_from_others() -> None:
    assert [t.activation for t in with_activation(turns_of([12.0, 12.0, 0.0, 12.0, 12.0, 12.0, 12.0]))][2] is None


def test_activation_of_a_turn_given_to_somebody_else_is_against_that_speaker() -> None:
    low, high = turns_of([12.0] * 8), [replace(t, index=20 + t.index) for t in turns_of([24.0] * 8, "S2")]
    moved = replace(high[3], speaker="S1")
    told = with_activation([*low, *high[:3], moved, *high[4:]])
    assert told[8 + 3].activation is not None
    assert told[8 + 3].activation > 1
    assert {t.activation for k, t in enumerate(told) if k != 11} == {0.0}


def found(turns: list[Turn], options: MomentOptions | None = None) -> list[Moment]:
    moments = moments_of(with_activation(turns), (), QUIET, TrajectoryOptions(), options or MomentOptions())
    return [m for m in moments if m.kind == "activated"]


def test_the_most_activated_stretch_is_found_and_is_certain_only_if_it_stands_out() -> None:
    rng = np.random.default_rng(3)
    plain = (12 + rng.normal(0, 0.5, 100)).tolist()
    assert not found(turns_of(plain))
    raised = [p + (8 if 50 <= k < 62 else 0) for k, p in enumerate(plain)]
    (most,) = found(turns_of(raised))
    assert most.certain
    assert 300 < (most.start_s + most.end_s) / 2 < 372
    assert float(most.values["low"]) <= float(most.values["activation"]) <= float(most.values["high"])
    assert float(most.values["activation"]) > 0.5
    (once,) = found(turns_of([*plain[:49], 20.0, *plain[50:]]), MomentOptions(activated_sd=0.05))
    assert not once.certain
    assert not found(turns_of(raised), MomentOptions(activated=0))
    assert not found(turns_of(raised), MomentOptions(activated_sd=3.0))


def test_evaluation_ranks_each_clip_against_its_own_speaker() -> None:
    heard = [
        HeardClip(("corpus", name), emotion, voice(base + up), 3.0)
        for name, base in (("a", 10.0), ("b", 22.0))
        for emotion, up in (("neutral", 0.0), ("sad", -1.0), ("angry", 4.0), ("happy", 3.0))
    ]
    figures = figures_of(heard)
    assert (figures.auc, figures.auc_calm, figures.within) == (1.0, 1.0, 1.0)
    assert figures.by_emotion["angry"] > figures.by_emotion["happy"] > figures.by_emotion["neutral"]
    turned = figures_of([replace(clip, voice=voice(30 - clip.voice.pitch_st)) for clip in heard])
    assert turned.auc == 0.0
    alone = figures_of(heard[:1])
    assert (alone.auc, alone.within, alone.interval) == (None, None, None)
