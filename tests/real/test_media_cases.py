"""Recordings as users really have them: each input of ../shared/cases/media with its right value.

Truth of the 20 s that all are made of: agent 0.38-5.81; caller 6.84-9.47, 10.14-13.25, 14.12-18.45, 19.30-19.87.
"""

from functools import cache
from pathlib import Path

import pytest

from conftest import CHECKOUT, absent, mostly_slow
from ressenti import analyze, load_config
from ressenti.pipeline.audio import load
from ressenti.pipeline.config import AudioOptions
from ressenti.pipeline.records import Conversation

MUTED = ("gaps_filled", 9.5)
QUICK = 6  # cases in the quick run
MANY = pytest.mark.slow("analyses real recordings")
SOUND = [  # file, seconds, what is told of it, and its value
    ("01_gap_webm.webm", 30.0, MUTED),
    ("01_gap_mp4.mp4", 30.0, MUTED),
    ("01_gap_live_webm.webm", 30.0, MUTED),
    ("01_nogap_control.webm", 30.0, None),
    ("02_late_audio_mp4.mp4", 23.0, ("late_start", 2.9)),
    ("02_control_ts_from_3600s.ts", 20.0, None),
    ("02_control_editlist_trim.m4a", 13.9, None),
    ("03_track1_silent.mp4", 20.0, ("tracks_silent", "1")),
    ("2024-01-01T10:30:05.wav", 20.0, None),
    ("05_raw_mulaw.ul", 20.0, ("raw_guessed", "mulaw")),
    ("06_early_header.wav", 20.0, ("early_header", 6.0)),
    ("07_byterate.wav", 20.0, None),
    ("08_vbr_info_tag.mp3", 30.0, None),
    ("08_vbr_control.mp3", 30.0, None),
    ("09_stereo_dc_ch2.flac", 20.0, None),
    ("11_hold_music_quiet_talk.flac", 40.0, None),
    ("12_beeps.flac", 20.0, None),
    ("13_51_centre.m4a", 20.0, None),
    ("13_51_centre_lfe.m4a", 20.0, None),
    ("14_mono_dc.flac", 20.0, None),
    ("14_mono_dc_quiet.flac", 20.0, None),
    ("15_overlap.flac", 20.0, None),
    ("17_control_gsm.wav", 20.0, None),
    ("17_control_rf64.wav", 20.0, None),
]
TURNS = {  # file: when the agent begins, and the caller
    "01_gap_webm.webm": (0.4, 16.84),
    "01_gap_mp4.mp4": (0.4, 16.84),
    "01_gap_live_webm.webm": (0.4, 16.84),
    "01_nogap_control.webm": (0.4, 16.84),
    "02_late_audio_mp4.mp4": (3.4, 9.84),
    "02_control_ts_from_3600s.ts": (0.4, 6.84),
    "03_track1_silent.mp4": (0.4, 6.84),
    "05_raw_mulaw.ul": (0.4, 6.84),
    "06_early_header.wav": (0.4, 6.84),
    "07_byterate.wav": (0.4, 6.84),
    "08_vbr_info_tag.mp3": (10.4, 16.84),
}


@cache
def media() -> Path:
    folder = CHECKOUT.parent / "shared" / "cases" / "media"
    if not folder.is_dir():
        absent("../shared/cases/media")
    return folder


@pytest.mark.parametrize(
    ("name", "seconds", "told"),
    [pytest.param(*row, id=row[0], marks=[] if k < QUICK else MANY) for k, row in enumerate(SOUND)],
)
def test_all_sound_is_read_and_what_was_done_is_told(
    name: str, seconds: float, told: tuple[str, object] | None
) -> None:
    recording, sound = load(media() / name, AudioOptions())
    assert recording.duration_s == pytest.approx(seconds, abs=0.15)
    assert sound.duration_s == recording.duration_s
    found = [(note.key, next(iter(note.values.values()))) for note in recording.notes]
    assert told in found if told else found == []


@cache
def heard(name: str) -> Conversation:
    return analyze(media() / name, load_config("default", {"diarization": {"speakers": 2}}))


@pytest.mark.parametrize("name", mostly_slow("analyses real recordings", TURNS, 2))
def test_turns_are_at_the_times_of_a_player(name: str) -> None:
    conversation = heard(name)
    agent, caller = TURNS[name]
    assert conversation.turns[0].start_s == pytest.approx(agent, abs=0.3)
    first = conversation.turns[0].speaker
    other = next(turn for turn in conversation.turns if turn.speaker != first)
    assert other.start_s == pytest.approx(caller, abs=0.3)
    assert {turn.speaker for turn in conversation.turns} == {"S1", "S2"}


def test_a_gap_leaves_every_later_turn_in_its_place() -> None:
    starts = [segment.start_s for segment in heard("01_gap_live_webm.webm").diarization.segments]
    for start in (16.84, 20.14, 24.12, 29.30):
        assert min(abs(start - found) for found in starts) < 0.3
