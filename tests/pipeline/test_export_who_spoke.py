"""Each export tells how sure the speaker is, where its format has a place for it."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import webvtt

from conftest import told
from ressenti.pipeline import export, store
from ressenti.pipeline.derive import with_corrections
from ressenti.pipeline.edits.corrections import corrected_segments
from ressenti.pipeline.lab.evaluation.diarization import read_rttm
from ressenti.pipeline.records import Conversation, Corrections, TurnCorrection

Make = Callable[..., Conversation]
CONFIDENCES = (0.95, 0.52, 0.9, 0.69, 0.3, 0.7)
SPOKEN = (0.95, 0.52, 0.9, 0.69, 0.3, 0.2, 0.8, 0.6)  # a person gave the sixth turn to somebody else


@pytest.fixture
def conversation(make_conversation: Make) -> Conversation:
    """One turn is set by a person, one confirmed; turns 1 and 4 are unsure."""
    wanted = Corrections(turns=(TurnCorrection(0, speaker="S2"), TurnCorrection(3, speaker="S2")))
    return with_corrections(told(make_conversation(), *CONFIDENCES), wanted)


def test_rttm_has_the_confidence_in_its_ninth_field(conversation: Conversation, tmp_path: Path) -> None:
    from pyannote.database.util import load_rttm

    path = tmp_path / "call.rttm"
    path.write_text(export.rttm(conversation), encoding="utf-8")
    fields = [line.split() for line in path.read_text(encoding="utf-8").splitlines()]
    assert {len(line) for line in fields} == {10}
    assert [line[8] for line in fields] == ["<NA>", "0.520", "0.900", "<NA>", "0.300", "0.700"]
    segments = corrected_segments(conversation)
    read = load_rttm(str(path))["call"]
    assert [(s.start, s.end, who) for s, _, who in read.itertracks(yield_label=True)] == [
        (pytest.approx(s.start_s), pytest.approx(s.end_s), s.speaker) for s in segments
    ]
    assert [(s.speaker, s.start_s) for s in read_rttm(path)] == [(s.speaker, s.start_s) for s in segments]


def test_the_table_of_turns_has_two_columns_after_the_role(conversation: Conversation) -> None:
    rows = list(csv.DictReader(export.turns_csv(conversation).splitlines()))
    names = list(rows[0])
    assert names[names.index("role") :][:3] == ["role", "speaker_confidence", "speaker_unsure"]
    assert [row["speaker_confidence"] for row in rows] == ["", "0.520", "0.900", "", "0.300", "0.700"]
    assert [row["speaker_unsure"] for row in rows] == ["False", "True", "False", "False", "True", "False"]


def test_what_is_not_known_is_missing_in_the_table(make_conversation: Make) -> None:
    frame = store.turns_frame(make_conversation())
    assert frame[["speaker_confidence", "speaker_unsure"]].isna().all(axis=None)
    assert [str(frame[name].dtype) for name in ("speaker_confidence", "speaker_unsure")] == ["float64", "boolean"]


def test_a_textgrid_has_a_tier_for_it_if_the_diarizer_tells(
    conversation: Conversation, make_conversation: Make
) -> None:
    grid = export.textgrid(conversation)
    tier = grid[grid.index('name = "S2: speaker confidence"') :]
    marks = [line.split('"')[1] for line in tier.split("item [")[0].splitlines() if "text = " in line]
    assert [mark for mark in marks if mark] == ["0.520?"]
    assert "speaker confidence" not in export.textgrid(make_conversation())


def test_subtitles_ask_for_people_and_keep_the_voice_for_programs(make_spoken: Make) -> None:
    made = told(make_spoken(), *SPOKEN)
    assert [turn.index for turn in made.turns if turn.speaker_unsure] == [1, 3, 4, 7]
    written = export.srt(made)
    assert 'Zoé "LA Voix" (S2)?: ' in written
    assert "Speaker 4?: [speech]" in written
    assert 'Zoé "la Voix" (S1)?' not in written
    assert "Locuteur 4\u202f?: [parole]" in export.srt(told(make_spoken(lang="fr"), *SPOKEN))
    voices = {cue.voice for cue in webvtt.from_string(export.vtt(made))}
    assert voices == {cue.voice for cue in webvtt.from_string(export.vtt(make_spoken()))}


def test_quotes_ask_and_say_what_that_means(make_spoken: Make) -> None:
    made = told(make_spoken(), *SPOKEN)
    text = export.quotes_md(made)
    assert "Speaker 4?" in text
    assert "A name with a question mark is unsure" in text
    assert "A name with a question mark" not in export.quotes_md(make_spoken())
    confirmed = with_corrections(made, Corrections(turns=(TurnCorrection(7, speaker="S4"),)))
    text = export.quotes_md(confirmed)
    assert "Speaker 4?" not in text
    assert "speaker Speaker 4, model: the same but unsure" in text


def test_call_analytics_has_it_below_its_own_key(conversation: Conversation) -> None:
    likely = replace(conversation, diarization=replace(conversation.diarization, count_probability=0.8))
    data = json.loads(export.aws(likely))
    tones = [entry["Ressenti"] for entry in data["Transcript"]]
    assert [tone["SpeakerConfidence"] for tone in tones] == [None, 0.52, 0.9, None, 0.3, 0.7]
    assert [tone["SpeakerUnsure"] for tone in tones] == [False, True, False, False, True, False]
    assert tones[0]["Original"]["SpeakerConfidence"] == 0.95
    assert tones[3]["Corrected"]
    assert data["Ressenti"]["CountProbability"] == 0.8


def test_call_analytics_says_nothing_where_the_diarizer_does_not(make_conversation: Make) -> None:
    tones = [entry["Ressenti"] for entry in json.loads(export.aws(make_conversation()))["Transcript"]]
    assert {(tone["SpeakerConfidence"], tone["SpeakerUnsure"]) for tone in tones} == {(None, None)}
