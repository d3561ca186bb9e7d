"""How sure it is who spoke: from the diarizer's segments to turns, through what is stored, and after corrections."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from conftest import SEGMENTS, by_loudness, told
from ressenti import load_config
from ressenti.pipeline import export, store
from ressenti.pipeline.audio import Audio
from ressenti.pipeline.cli.stored_conversations import load
from ressenti.pipeline.config import build_config
from ressenti.pipeline.derive import derive, uncorrected
from ressenti.pipeline.diarization.fake import FakeDiarizer
from ressenti.pipeline.diarization.interface import Count
from ressenti.pipeline.edits.corrections import corrected_segments
from ressenti.pipeline.emotion.fake import FakeEmotion
from ressenti.pipeline.errors import NotAConversationError
from ressenti.pipeline.progress import Progress, ignore_progress
from ressenti.pipeline.records import Conversation, Corrections, Diarization, Segment, TurnCorrection
from ressenti.pipeline.run import analyze

Make = Callable[..., Conversation]
CONFIDENCES = (0.95, 0.52, 0.9, 0.69, 0.3, 0.7)


def stored(conversation: Conversation) -> Conversation:
    return store.loads(store.dumps(conversation))


def correct(conversation: Conversation, *turns: TurnCorrection) -> Conversation:
    """Corrected as `report` does it: through what is stored, before and after."""
    asked = stored(replace(conversation, corrections=Corrections(turns=turns)))
    return stored(derive(asked, build_config(asked.config)))


def sure(conversation: Conversation) -> list[tuple[str, float | None, bool]]:
    return [(t.speaker, t.speaker_confidence, t.speaker_unsure) for t in conversation.turns]


class Telling(FakeDiarizer):
    """A diarizer that also tells the leading voice and how sure it is, of segments and of their number."""

    def diarize(self, audio: Audio, count: Count, progress: Progress = ignore_progress) -> Diarization:
        found = super().diarize(audio, count, progress)
        cut = tuple(replace(s, end_s=min(s.end_s, 19.0)) if s.start_s == 9.5 else s for s in found.segments)
        apart = tuple(replace(s, confidence=c) for s, c in zip(cut, CONFIDENCES, strict=True))
        return replace(found, exclusive=apart, count_probability=0.8)


def test_turns_have_the_confidence_of_the_segments_that_they_are_cut_from(recording: Path) -> None:
    made = analyze(recording, diarizer=Telling(SEGMENTS), emotion_model=FakeEmotion(by_loudness))
    expected = [(who, c, c < 0.7) for (_, _, who), c in zip(SEGMENTS, CONFIDENCES, strict=True)]
    assert sure(made) == expected  # the segments with overlap have none
    assert made.diarization.count_probability == 0.8
    assert sure(stored(made)) == expected
    assert stored(stored(made)) == stored(made)
    jsonschema.validate(json.loads(store.dumps(made)), store.json_schema())


def test_a_diarizer_that_does_not_tell_is_neither_sure_nor_unsure(make_conversation: Make) -> None:
    made = make_conversation()
    assert {(c, unsure) for _, c, unsure in sure(made)} == {(None, False)}
    assert made.diarization.count_probability is None
    assert not any(turn.speaker_told for turn in made.turns)


@pytest.mark.parametrize("place", ["segment", "turn", "count"])
@pytest.mark.parametrize("value", [-0.1, 1.1, "0.5", True])
def test_what_is_no_probability_is_refused(make_conversation: Make, place: str, value: object) -> None:
    data = json.loads(store.dumps(told(make_conversation(), *CONFIDENCES)))
    owners = {
        "segment": (data["diarization"]["segments"][0], "confidence"),
        "turn": (data["turns"][0], "speaker_confidence"),
        "count": (data["diarization"], "count_probability"),
    }
    owner, name = owners[place]
    owner[name] = value
    with pytest.raises(NotAConversationError, match=name):
        store.loads(json.dumps(data))


@pytest.mark.parametrize(("limit", "unsure"), [(0.0, []), (0.7, [1, 3, 4]), (1.0, [0, 1, 2, 3, 4, 5])])
def test_the_limit_is_an_option_also_of_a_stored_conversation(
    make_conversation: Make, tmp_path: Path, limit: float, unsure: list[int]
) -> None:
    options = {"diarization": {"unsure_below": limit}}
    made = told(make_conversation(overrides=options), *CONFIDENCES)
    assert [turn.index for turn in made.turns if turn.speaker_unsure] == unsure
    path = tmp_path / "call.json"
    path.write_text(store.dumps(told(make_conversation(), *CONFIDENCES)), encoding="utf-8")
    later = load(path, load_config("default", options))
    assert [turn.index for turn in later.turns if turn.speaker_unsure] == unsure
    assert later.config["diarization"] == made.config["diarization"]


def test_a_speaker_set_by_a_person_is_not_unsure_and_comes_back_with_the_confidence(make_conversation: Make) -> None:
    before = stored(told(make_conversation(), *CONFIDENCES))
    after = correct(before, TurnCorrection(1, speaker="S1"), TurnCorrection(2, speaker="S2"))
    assert sure(after)[1:3] == [("S1", None, False), ("S2", None, False)]
    assert [t.original and t.original.speaker_confidence for t in after.turns[1:3]] == [0.52, 0.9]
    assert [t.speaker_by_person for t in after.turns] == [False, True, True, False, False, False]
    assert sure(after)[3:] == sure(before)[3:]
    assert sure(correct(after, *after.corrections.turns)) == sure(after)
    assert sure(correct(after)) == sure(uncorrected(after)) == sure(before)


def test_a_person_confirms_an_unsure_speaker(make_conversation: Make) -> None:
    before = stored(told(make_conversation(), *CONFIDENCES))
    after = correct(before, TurnCorrection(1, speaker="S2"), TurnCorrection(0, speaker="S1"))
    assert [entry.turn for entry in after.corrections.turns] == [1]  # the diarizer was sure of the other
    turn = after.turns[1]
    assert (turn.speaker, turn.speaker_confidence, turn.speaker_unsure) == ("S2", None, False)
    assert turn.speaker_by_person
    assert turn.emotion == before.turns[1].emotion
    assert after.speakers == correct(before).speakers
    assert sure(correct(after)) == sure(before)
    assert " S2 <NA> <NA>" in export.rttm(after).splitlines()[1]


def test_a_class_by_a_person_says_nothing_of_the_speaker(make_conversation: Make) -> None:
    after = correct(told(make_conversation(), *CONFIDENCES), TurnCorrection(1, emotion="Sad", note="hm"))
    assert sure(after)[1] == ("S2", 0.52, True)
    assert not after.turns[1].speaker_by_person


def test_segments_of_a_corrected_turn_have_no_confidence(make_conversation: Make) -> None:
    made = told(make_conversation(), *CONFIDENCES)
    assert corrected_segments(made) == made.diarization.segments
    after = correct(made, TurnCorrection(3, speaker="S1"), TurnCorrection(1, speaker="S2"))
    assert [(s.speaker, s.confidence) for s in corrected_segments(after)] == [
        *(("S1", 0.95), ("S2", None), ("S1", 0.9), ("S1", None), ("S1", 0.3), ("S1", 0.7))
    ]


def test_a_segment_over_several_turns_is_cut_where_a_person_confirms_one(make_conversation: Make) -> None:
    """As happens when turns are cut from exclusive segments, and the others run on."""
    made = told(make_conversation(), *CONFIDENCES)
    long = (Segment(9.5, 29.0, "S1", 0.6), *made.diarization.segments[1:2])
    over = replace(made, diarization=replace(made.diarization, segments=long))
    after = correct(over, TurnCorrection(4, speaker="S1"))
    assert [(s.start_s, s.end_s, s.confidence) for s in corrected_segments(after) if s.speaker == "S1"] == [
        (9.5, pytest.approx(22.1), 0.6),
        (pytest.approx(22.1), pytest.approx(25.3), None),
        (pytest.approx(25.3), 29.0, 0.6),
    ]
