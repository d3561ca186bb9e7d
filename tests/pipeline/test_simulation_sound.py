"""Simulated conversations: what is heard is what the truth says."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from simulated_talk import CLEAN, HZ, RATE, digest, one, said, suite

from conftest import write_wav
from ressenti.pipeline.lab.evaluation.diarization import read_rttm
from ressenti.pipeline.lab.labelled_speech import acoustics
from ressenti.pipeline.lab.labelled_speech.corpora import Clip
from ressenti.pipeline.lab.simulation.options import Sounding
from ressenti.pipeline.lab.simulation.plan import Placed
from ressenti.pipeline.lab.simulation.render import render, truth_of
from ressenti.pipeline.lab.simulation.suite import Simulated
from ressenti.pipeline.lab.simulation.voices import Voice, make_voice, speech_stretches
from ressenti.pipeline.records import CLASSES


def test_truth_is_what_the_sound_shows(clips: Sequence[Clip], tmp_path: Path) -> None:
    made = one(clips, suite(minutes=1, sound=CLEAN, talk={"turn_s": 3}))
    files = made.files()
    (tmp_path / "a.rttm").write_text(str(files[".rttm"]), encoding="utf-8")
    true = read_rttm(tmp_path / "a.rttm", made.name)
    length = made.samples.shape[1] // 160
    loud = (made.samples[0, : length * 160].astype(float).reshape(length, 160) ** 2).mean(axis=1) > 1e-5 * 2**30
    talk = np.zeros(length, bool)
    for s in true:
        talk[round(100 * s.start_s) : round(100 * s.end_s)] = True
    edges = np.convolve(np.diff(talk.astype(int), prepend=0) != 0, np.ones(9), "same") > 0  # 40 ms around each
    assert not (loud ^ talk)[~edges].any()
    assert talk.mean() > 0.3
    assert max(s.end_s for s in true) <= made.samples.shape[1] / RATE


def tones_of(samples: np.ndarray, hz: float, at: float, seconds: float = 0.2) -> float:
    """Level in dB of a tone in a stretch of samples (n,)."""
    part = samples[int(at * RATE) : int((at + seconds) * RATE)].astype(float) / 32768
    t = np.arange(len(part)) / RATE
    window = np.hanning(len(part))
    return float(20 * np.log10(2 * abs((part * window * np.exp(-2j * np.pi * hz * t)).sum()) / window.sum() + 1e-9))


def alone(made: Simulated, shortest_s: float = 0.4) -> Iterator[tuple[Any, float]]:
    """Stretches of turns in which one speaker alone talks, and a time well inside."""
    for s in made.truth:
        middle = (s.start_s + s.end_s) / 2
        near = [o for o in made.truth if o is not s and o.start_s < middle + 0.2 and o.end_s > middle - 0.2]
        if s.duration_s >= shortest_s and not near and s.kind == "turn":
            yield s, middle - 0.1


def test_who_talks_and_how_is_as_the_truth_says(clips: Sequence[Clip]) -> None:
    made = one(clips, suite(minutes=1.5, speakers=(3, 3), sound=CLEAN))
    by_source = {f"tones/{c.path.name}": c for c in clips}
    seen = 0
    for s, at in alone(made):
        levels = [tones_of(made.samples[0], hz, at) for hz in HZ]
        assert f"tones-s{int(np.argmax(levels))}" == s.speaker
        clip = by_source[s.source.split("#")[0]]
        assert (f"tones-{clip.speaker}", CLASSES[clip.label or 0]) == (s.speaker, s.label)
        assert (s.valence, s.arousal) == {"Neutral": (0, 0), "Pleased": (0.8, 0.15), "Sad": (-0.65, -0.3)}.get(
            s.label, (-0.5, 0.4)
        )
        seen += 1
    assert seen > 10


SOUNDS: dict[str, dict[str, Any]] = {
    "level_dbfs": {"level_dbfs": -40},
    "level_spread_db": {"level_spread_db": 12},
    "effort_db": {"effort_db": 6},
    "tilt_db": {"tilt_db": 6},
    "telephone": {"telephone": True},
    "codecs": {"codecs": ["gsm"]},
    "noise": {"noise": "pink"},
    "noise, babble": {"noise": "babble"},
    "snr_db": {"noise": "pink", "snr_db": (0, 0)},
    "t60_s": {"t60_s": (0.3, 0.3)},
    "direct_db": {"t60_s": (0.3, 0.3), "direct_db": -3},
    "channels": {"channels": "split"},
    "bleed_db": {"channels": "split", "bleed_db": (-10, -10)},
}


@pytest.mark.slow("judges hundreds of clips")
def test_every_option_of_sound_changes_it_and_nothing_of_the_truth(clips: Sequence[Clip]) -> None:
    assert {name.split(",")[0] for name in SOUNDS} == set(Sounding.model_fields)
    plain = one(clips, suite(minutes=0.15))
    digests = {"": digest(plain)[".flac"]}
    for name, sound in SOUNDS.items():
        made = one(clips, suite(minutes=0.15, sound=sound))
        digests[name] = digest(made)[".flac"]
        assert made.samples.shape[1] == plain.samples.shape[1]
        assert [replace(s, channel=1) for s in made.truth] == list(plain.truth)
    assert len(set(digests.values())) == len(digests)


def test_the_level_is_as_asked(clips: Sequence[Clip]) -> None:
    for level in (-40.0, -26.0):
        made = one(clips, suite(sound={"level_dbfs": level}))
        found = 10 * np.log10(acoustics.active_power(acoustics.to_float(made.samples[0])))
        assert found == pytest.approx(level, abs=3.5)  # speakers differ by 3 dB


def test_each_channel_carries_its_speaker_and_the_other_at_the_bleed(clips: Sequence[Clip]) -> None:
    made = one(clips, suite(minutes=1, sound={**CLEAN, "channels": "split", "bleed_db": (-20, -20)}))
    assert made.samples.shape[0] == 2
    own = {s.channel: s.speaker for s in made.truth}
    assert len(own) == len(set(own.values())) == 2
    ratios: dict[int, list[float]] = {1: [], 2: []}
    for s, at in alone(made):
        hz = HZ[int(s.speaker.removeprefix("tones-s"))]
        levels = [tones_of(made.samples[k], hz, at) for k in range(2)]
        ratios[s.channel].append(levels[s.channel - 1] - levels[2 - s.channel])
    assert min(map(len, ratios.values())) > 2
    for own_ratios in ratios.values():
        assert np.median(own_ratios) == pytest.approx(20, abs=0.5)


@pytest.mark.parametrize("third", ["transfer", "room"])
def test_a_third_person_is_on_the_second_channel(clips: Sequence[Clip], third: str) -> None:
    sound = {**CLEAN, "channels": "split", "bleed_db": (-60, -60)}
    made = one(clips, suite(minutes=2, speakers=(3, 3), third=third, sound=sound))
    assert made.samples.shape[0] == 2
    said = {(s.channel, s.speaker): [t for t in made.truth if t.speaker == s.speaker] for s in made.truth}
    assert sorted(channel for channel, _ in said) == [1, 2, 2]
    second, later = sorted((own for (channel, _), own in said.items() if channel == 2), key=lambda own: own[0].start_s)
    assert (max(s.end_s for s in second) < min(s.start_s for s in later)) == (third == "transfer")
    for channel, speaker in said:
        hz = HZ[int(speaker.removeprefix("tones-s"))]
        where = [at for s, at in alone(made) if s.speaker == speaker]
        levels = [[tones_of(made.samples[k], hz, at) for k in range(2)] for at in where]
        assert np.median([own[channel - 1] - own[2 - channel] for own in levels]) > 20


def test_breaths_and_clicks_are_no_speech() -> None:
    rng = np.random.default_rng(0)
    sound = rng.normal(0, 1e-5, 6 * RATE)
    t = np.arange(RATE) / RATE
    sound[RATE : 2 * RATE] += 0.3 * np.sin(2 * np.pi * 300 * t)
    sound[int(2.2 * RATE) : int(2.7 * RATE)] += 0.3 * np.sin(2 * np.pi * 300 * t[: RATE // 2])  # gap filled
    sound[4 * RATE : 4 * RATE + 1600] += 0.3 * np.sin(2 * np.pi * 300 * t[:1600])  # a click of 0.1 s
    sound[5 * RATE : int(5.5 * RATE)] += 0.3 * 10 ** (-28 / 20) * np.sin(2 * np.pi * 300 * t[: RATE // 2])  # a breath
    (stretch,) = speech_stretches(sound.astype(np.float32))
    assert stretch == pytest.approx((1.0, 2.7), abs=0.04)
    assert speech_stretches(np.zeros(100, np.float32)) == []
    assert speech_stretches(np.zeros(0, np.float32)) == []


def test_voices_are_at_one_level_and_shouting_stays_louder(tmp_path: Path) -> None:
    t = np.arange(RATE) / RATE
    loud, soft = (
        [
            Clip(write_wav(tmp_path / f"{name}{k}.wav", level * np.sin(2 * np.pi * 300 * t)), "x", name, "sad")
            for k, level in enumerate((base, base / 10, base))
        ]
        for name, base in (("loud", 0.8), ("soft", 0.02))
    )
    levels = [
        [10 * np.log10(float((u.sound[1600:-1600] ** 2).mean())) for u in make_voice(own).utterances]
        for own in (loud, soft)
    ]
    assert levels[0] == pytest.approx([-26, -32, -26], abs=0.1)
    assert levels[1] == pytest.approx(levels[0], abs=0.1)


def test_effort_changes_level_and_tilt_of_each_utterance() -> None:
    voice = Voice("v", said(*[1.0] * 12))
    plan = [Placed(1.5 * k + 0.5, 0, u) for k, u in enumerate(voice.utterances)]

    def levels(**options: float) -> np.ndarray:
        sound = Sounding(level_spread_db=0, **options)
        made = render(plan, 1, 20.0, sound, None, np.random.default_rng(0))[0].astype(float)
        parts = [made[int(p.start_s * RATE) + 4000 : int(p.start_s * RATE) + 12_000] for p in plan]
        return np.array([10 * np.log10((part**2).mean()) for part in parts])

    assert np.ptp(levels()) < 0.01
    assert 4 < np.ptp(levels(effort_db=3)) < 12
    assert np.ptp(levels(tilt_db=3)) < 0.1  # of a constant, which has no upper frequencies


def test_backchannels_are_cut_and_soft() -> None:
    voice = Voice("v", said(3.0))
    plan = [Placed(0.5, 0, voice.utterances[0]), Placed(1.0, 1, voice.utterances[0], 0.5)]
    truth = truth_of(plan, [voice, Voice("w", voice.utterances)], Sounding())
    assert [(s.kind, s.start_s, s.end_s) for s in truth] == [("turn", 0.5, 3.5), ("backchannel", 1.0, 1.5)]
    samples = render(plan, 2, 4.0, Sounding(level_spread_db=0), None, np.random.default_rng(0))[0].astype(float)
    assert samples.shape == (4 * RATE,)
    first, both, after = samples[10_000], samples[18_000], samples[30_000]
    assert (first, after) == (pytest.approx(after), pytest.approx(first))
    assert both / first == pytest.approx(1 + 10 ** (-6 / 20), rel=0.01)
    assert samples[int(3.5 * RATE) + 1] == 0
