"""Transcripts of the true time line land in the turns in which their words were said, whatever the container does."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import CHECKOUT, absent
from ressenti import analyze, load_config, with_transcript
from ressenti.pipeline.records import Conversation


@pytest.fixture(scope="module")
def cases() -> Path:
    folder = CHECKOUT.parent / "shared" / "cases" / "media"
    if not folder.is_dir():
        absent("../shared/cases/media")
    return folder


def told(
    cases: Path, recording: str, transcript: str, merge_gap_s: float = 0.8
) -> tuple[Conversation, dict[str, tuple[float, str]]]:
    """The conversation with its words, and of each word the start of its turn and who speaks in it."""
    options = {"diarization": {"speakers": 2}, "turns": {"merge_gap_s": merge_gap_s}}
    analysed = analyze(cases / recording, load_config("default", options))
    spoken = with_transcript(analysed, cases / transcript)
    turns = {turn.index: turn for turn in spoken.turns}
    assert all(word.turn is not None for word in spoken.words)
    return spoken, {w.text: (turns[w.turn].start_s, turns[w.turn].speaker) for w in spoken.words if w.turn is not None}


def test_words_after_a_gap_without_packets_are_in_their_turns(cases: Path) -> None:
    # The caller pauses for .67 s at 19.47: by default, that stays inside a turn.
    spoken, words = told(cases, "01_gap_live_webm.webm", "01_gap_live_webm.srt", merge_gap_s=0.5)
    assert (len(spoken.words), spoken.words_beyond) == (20, 0)
    starts = {
        **{f"A{k}": 0.38 for k in range(1, 7)},
        **{f"C{k}": 16.84 for k in range(1, 6)},
        **{f"C{k}": 20.14 for k in range(6, 11)},
        **{f"C{k}": 24.12 for k in range(11, 15)},
    }
    assert {w: words[w][0] for w in starts} == pytest.approx(starts, abs=0.3)


def test_words_of_sound_that_starts_late_are_in_their_turns(cases: Path) -> None:
    spoken, words = told(cases, "02_late_audio_mp4.mp4", "02_late_audio_mp4.srt")
    assert spoken.words_beyond == 0
    agents, callers = ({who for word, (_, who) in words.items() if word[0] == letter} for letter in "AC")
    assert len(agents) == len(callers) == 1
    assert agents.isdisjoint(callers)
    assert words["A1"][0] == pytest.approx(3.38, abs=0.3)
    assert words["C1"][0] == pytest.approx(9.84, abs=0.3)
