"""Levels and channels as users really have them: the cases, and more of their kinds made from the same call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from scipy import signal

from conftest import absent, mostly_slow
from ressenti.pipeline.audio import Audio, load
from ressenti.pipeline.audio.channels import Layout, lay_out
from ressenti.pipeline.audio.hum import remove_hum
from ressenti.pipeline.config import AudioOptions, DiarizationOptions
from ressenti.pipeline.diarization.builtin import BuiltinDiarizer
from ressenti.pipeline.diarization.channels import ChannelDiarizer
from ressenti.pipeline.diarization.interface import Count
from ressenti.pipeline.lab.evaluation.diarization import compare, read_rttm
from ressenti.pipeline.records import Segment

RATE_HZ = 16_000
SECONDS = 40
TOLERANCE_S = 0.3
# the first 20 s of the call, by its silver reference
TALK = [("A", 0.38, 5.81), ("C", 6.84, 9.47), ("C", 10.14, 13.25), ("C", 14.12, 18.45), ("C", 19.30, 19.87)]


@dataclass(frozen=True)
class Case:
    """A file, how it has to be laid out, when its talk begins, and which turns are told in its row of the table."""

    name: str
    mode: str
    reason: str
    shift_s: float = 0.0


CASES = [
    Case("09_stereo_dc_ch2.flac", "split", "channels_differ"),
    Case("11_hold_music_quiet_talk.flac", "mono", "one_channel", 20.0),
    Case("12_beeps.flac", "mono", "one_channel"),
    Case("13_51_centre.m4a", "mono", "many_channels"),
    Case("13_51_centre_lfe.m4a", "mono", "many_channels"),
    Case("14_mono_dc_quiet.flac", "mono", "one_channel"),
    Case("14_mono_dc.flac", "mono", "one_channel"),
]


@pytest.fixture(scope="module")
def cases(shared_data: Path) -> Path:
    folder = shared_data.parent / "cases" / "media"
    if not folder.is_dir():
        absent("../shared/cases/media")
    return folder


def heard(audio: Audio, speakers: int | None = 2) -> tuple[Layout, tuple[Segment, ...]]:
    layout = lay_out(audio, "auto", AudioOptions())
    diarizer = (ChannelDiarizer if layout.mode == "split" else BuiltinDiarizer)(DiarizationOptions())
    return layout, diarizer.diarize(layout.audio, Count(speakers)).segments


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_turn_of_a_case_is_found_whole_and_of_one_speaker(cases: Path, case: Case) -> None:
    recording, sound = load(cases / case.name, AudioOptions())
    layout, segments = heard(sound)
    assert (layout.mode, layout.reason.key) == (case.mode, case.reason)
    assert recording.duration_s == pytest.approx(20 + case.shift_s, abs=0.1)
    names = {"A": segments[0].speaker}
    names["C"] = next(s.speaker for s in segments if s.speaker != names["A"])
    wanted = [(names[who], start + case.shift_s, end + case.shift_s) for who, start, end in TALK]
    assert len(segments) == len(wanted), segments
    for segment, (speaker, start, end) in zip(segments, wanted, strict=True):
        assert segment.speaker == speaker
        assert segment.start_s == pytest.approx(start, abs=TOLERANCE_S)
        assert segment.end_s == pytest.approx(end, abs=TOLERANCE_S)


def test_turns_that_overlap_are_both_kept(cases: Path) -> None:
    layout, segments = heard(load(cases / "15_overlap.flac", AudioOptions())[1])
    assert layout.mode == "split"
    assert (segments[0].speaker, segments[1].speaker) == ("S1", "S2")
    assert segments[0].start_s == pytest.approx(0.38, abs=TOLERANCE_S)
    assert segments[0].end_s == pytest.approx(5.80, abs=TOLERANCE_S)
    assert segments[1].start_s == pytest.approx(4.38, abs=TOLERANCE_S)


@dataclass(frozen=True)
class Call:
    """The first seconds of a call, full scale 1, on one channel and on two, with its reference."""

    mono: np.ndarray
    stereo: np.ndarray
    truth: tuple[Segment, ...]

    def at(self, level_dbfs: float, *, stereo: bool = False) -> np.ndarray:
        """Samples (channels, n) whose talk has a level."""
        sound = self.stereo if stereo else self.mono
        talk = np.zeros(sound.shape[1], bool)
        for s in self.truth:
            talk[int(s.start_s * RATE_HZ) : int(s.end_s * RATE_HZ)] = True
        return sound * 10 ** (level_dbfs / 20) / np.sqrt(np.mean(sound.sum(axis=0)[talk] ** 2))


@pytest.fixture(scope="module")
def call(shared_data: Path) -> Call:
    folder = shared_data / "conversations" / "calls"
    names = ("auto_repairs_40.flac", "auto_repairs_40_stereo8k.flac")
    mono, stereo = (load(folder / n, AudioOptions())[1].samples[:, : SECONDS * RATE_HZ] / 32768 for n in names)
    said = [s for s in read_rttm(folder / "auto_repairs_40.rttm") if s.start_s < SECONDS]
    return Call(mono, stereo, tuple(Segment(s.start_s, min(s.end_s, SECONDS), s.speaker) for s in said))


def as_loaded(sound: np.ndarray) -> Audio:
    samples = np.clip(np.round(sound * 32768), -32768, 32767).astype(np.int16)
    remove_hum(samples)
    return Audio(samples)


def level(sound: np.ndarray, dbfs: float) -> np.ndarray:
    return sound * 10 ** (dbfs / 20) / np.sqrt(np.mean(sound**2))


def time(seconds: float = SECONDS) -> np.ndarray:
    return np.arange(int(seconds * RATE_HZ)) / RATE_HZ


def hum(hz: float, dbfs: float) -> np.ndarray:
    lines = (np.sin(2 * np.pi * hz * (k + 1) * time() + k) * a for k, a in enumerate((1, 0.5, 0.3, 0.2, 0.1, 0.05)))
    return level(np.sum(list(lines), axis=0), dbfs)


def rumble(dbfs: float, seed: int = 0) -> np.ndarray:
    brown = np.cumsum(np.random.default_rng(seed).normal(size=SECONDS * RATE_HZ))
    deep = signal.sosfilt(signal.butter(2, 5, "highpass", fs=RATE_HZ, output="sos"), brown)
    return level(signal.sosfilt(signal.butter(6, 60, fs=RATE_HZ, output="sos"), deep), dbfs)


def music(seconds: float, dbfs: float) -> np.ndarray:
    """Chords and an arpeggio with vibrato, and a drum, each half second."""
    rng, beat = np.random.default_rng(0), time(0.5)
    chords = [(220, 277.2, 329.6), (196, 246.9, 293.7), (174.6, 220, 261.6), (164.8, 207.7, 246.9)]
    out = []
    for step in range(int(seconds * 2)):
        chord = chords[step // 4 % 4]
        notes = [(hz, 1.0, 1.0) for hz in chord] + [(2 * chord[step % 3], 1.2, 2.0)]
        sound = 2 * np.exp(-40 * beat) * rng.normal(size=len(beat))
        for hz, loud, decay in notes:
            for k in range(1, 6):
                vibrato = 0.3 * k * np.sin(2 * np.pi * 5 * beat)
                sound += loud * np.exp(-decay * beat) / k * np.sin(2 * np.pi * hz * k * beat + vibrato)
        out.append(sound)
    return level(np.concatenate(out), dbfs)


def beeps(hz: tuple[float, ...], dbfs: float, each_s: float, length_s: float, start_s: float = 1.0) -> np.ndarray:
    phase = (time() - start_s) % each_s
    ramp = np.clip(np.minimum(phase, length_s - phase) / 0.004, 0, 1) * (time() >= start_s)
    return 10 ** (dbfs / 20) * np.sqrt(2) * ramp * np.mean([np.sin(2 * np.pi * f * time()) for f in hz], axis=0)


def both(first: np.ndarray | float, second: np.ndarray | float) -> np.ndarray:
    return np.stack([np.broadcast_to(first, SECONDS * RATE_HZ), np.broadcast_to(second, SECONDS * RATE_HZ)])


def turned_down(call: Call, who: int, decibel: float) -> np.ndarray:
    """The call on one channel with one speaker, and the pauses, softer than the other."""
    loud = sorted({s.speaker for s in call.truth})[1 - who]
    gains = np.full(SECONDS * RATE_HZ, 10 ** (-decibel / 20))
    for s in call.truth:
        if s.speaker == loud:
            gains[max(0, int((s.start_s - 0.1) * RATE_HZ)) : int((s.end_s + 0.1) * RATE_HZ)] = 1
    return call.at(-20) * gains


STEADY: dict[str, Callable[[Call], np.ndarray]] = {
    "offset 0.3 under talk at -50": lambda c: c.at(-50) + 0.3,
    "offset on channel 1": lambda c: c.at(-38, stereo=True) + both(-0.1, 0),
    "offset on channel 2": lambda c: c.at(-50, stereo=True) + both(0, 0.3),
    "hum of 50 Hz": lambda c: c.at(-38) + hum(50, -20),
    "hum of 60 Hz": lambda c: c.at(-38) + hum(60, -20),
    "hum of 100 Hz on channel 2": lambda c: c.at(-38, stereo=True) + both(0, hum(100, -25)),
    "rumble": lambda c: c.at(-38) + rumble(-12),
    "rumble on channel 2": lambda c: c.at(-38, stereo=True) + both(0, rumble(-20)),
    "a channel of offset alone": lambda c: np.concatenate([c.at(-30), both(0.1, 0)[:1]]),
    "a channel of hum alone": lambda c: np.concatenate([c.at(-30), hum(50, -25)[None]]),
    "channel 2 softer by 40 dB": lambda c: c.at(-25, stereo=True) * np.array([[1], [0.01]]),
    "one party softer by 30 dB": lambda c: turned_down(c, 1, 30),
    "the other party softer by 30 dB": lambda c: turned_down(c, 0, 30),
    "recorder beeps": lambda c: c.at(-38) + beeps((1400,), -18, 2.0, 0.5),
    "ringing": lambda c: c.at(-35) + beeps((425,), -18, 4.0, 1.0, 2.0),
    "a keypad": lambda c: c.at(-45) + beeps((770, 1336), -20, 1.3, 0.12),
}
SPLIT = {"offset on channel 1", "offset on channel 2", "hum of 100 Hz on channel 2", "rumble on channel 2"}
SPLIT |= {"channel 2 softer by 40 dB"}


def confused(segments: tuple[Segment, ...], truth: tuple[Segment, ...], seconds: float) -> float:
    return compare(segments, truth, [(0, seconds)]).errors[1].rate


@pytest.mark.parametrize("kind", mostly_slow("analyses real recordings", STEADY, 3))
@pytest.mark.slow("analyses real recordings")
def test_what_lies_under_or_over_the_talk_changes_little(call: Call, kind: str) -> None:
    sound = as_loaded(STEADY[kind](call))
    layout, segments = heard(sound)
    assert layout.mode == ("split" if kind in SPLIT else "mono")
    # the call itself: 0.00; a few keys that are pressed amid much softer talk are not told from it, and were 0.44
    assert confused(segments, call.truth, SECONDS) <= (0.1 if kind == "a keypad" else 0.03)


@pytest.mark.parametrize(
    ("loud", "soft", "at_s"),
    [
        (-18, -38, 20),
        *(
            pytest.param(*case, marks=pytest.mark.slow("analyses real recordings"))
            for case in ((-18, -38, 0), (-12, -48, SECONDS), (-18, -58, 20))
        ),
    ],
)
def test_soft_talk_beside_loud_music_is_found(call: Call, at_s: int, loud: float, soft: float) -> None:
    cut = at_s * RATE_HZ
    talk = call.at(soft)[0]
    sound = as_loaded(np.concatenate([talk[:cut], music(20, loud), talk[cut:]])[None])
    truth = []
    for s in call.truth:
        pieces = [(s.start_s, min(s.end_s, at_s)), (max(s.start_s, at_s) + 20, s.end_s + 20)]
        truth += [Segment(start, end, s.speaker) for start, end in pieces if end > start]
    assert confused(heard(sound)[1], tuple(truth), sound.duration_s) <= 0.06  # 0.25 to 0.58 by one gain for the whole


@pytest.mark.parametrize(
    "sound",
    [
        level(np.random.default_rng(0).normal(size=30 * RATE_HZ), -30),
        level(np.random.default_rng(1).normal(size=30 * RATE_HZ), -75),
        np.concatenate([music(20, -18), level(np.random.default_rng(2).normal(size=30 * RATE_HZ), -60)]),
        music(30, -20),
        beeps((425,), -20, 4.0, 1.0) + 10**-3.3 * np.random.default_rng(3).normal(size=SECONDS * RATE_HZ),
    ],
    ids=["noise", "faint noise", "music, then faint noise", "music", "ringing"],
)
def test_nothing_is_raised_into_speech(sound: np.ndarray) -> None:
    assert heard(as_loaded(sound[None]), None)[1] == ()
