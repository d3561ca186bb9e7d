from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from conftest import SEGMENTS, by_loudness
from ressenti import People, load_config, with_corrections
from ressenti.pipeline import export, store
from ressenti.pipeline.config import build_config
from ressenti.pipeline.derive import derive, uncorrected
from ressenti.pipeline.diarization.fake import FakeDiarizer
from ressenti.pipeline.edits.corrections import corrected_exclusive, corrected_segments, is_corrected
from ressenti.pipeline.emotion.fake import FakeEmotion
from ressenti.pipeline.errors import CorrectionsError, NotAConversationError
from ressenti.pipeline.records import CLASSES, Conversation, Corrections, Segment, SpeakerName, TurnCorrection
from ressenti.pipeline.run import analyze

Make = Callable[..., Conversation]


def correct(conversation: Conversation, *turns: TurnCorrection, names: tuple[SpeakerName, ...] = ()) -> Conversation:
    """Corrected as `report` does it: through what is stored, before and after."""
    asked = replace(conversation, corrections=Corrections(names, turns))
    stored = store.loads(store.dumps(asked))
    return store.loads(store.dumps(derive(stored, build_config(stored.config))))


def test_a_class_moves_what_follows_from_it(make_conversation: Make) -> None:
    before = make_conversation()
    after = correct(before, TurnCorrection(2, emotion="Sad"))
    turn = after.turns[2]
    assert turn.emotion is not None
    assert (turn.emotion.top, turn.emotion.activation, turn.unsure) == ("Sad", "human", False)
    assert turn.original is not None
    assert turn.original.windows == before.turns[2].windows
    assert after.place_of(turn) == pytest.approx((-0.65, -0.30))
    assert {p.valence_sd for t in after.trajectories for p in t.points if p.turn == 2} == {0.0}
    (was, now) = (c.speaker("S1").affect for c in (before, after))
    assert was is not None
    assert now is not None
    assert was.valence is not None
    assert now.valence is not None
    assert now.valence.mean < was.valence.mean
    assert now.class_shares[CLASSES.index("Sad")] > 0.5 > was.class_shares[CLASSES.index("Sad")]
    assert after.trajectories[0].valence != before.trajectories[0].valence
    assert after.speaker("S2") == correct(before).speaker("S2")


def test_a_class_where_the_model_had_none_has_one_window_over_the_turn(make_conversation: Make) -> None:
    after = correct(make_conversation(), TurnCorrection(4, emotion="Tension"))
    (window,) = after.turns[4].windows
    assert (window.start_s, window.end_s, window.weight_s) == (24.2, 24.6, pytest.approx(0.4))
    assert after.turns[4].unjudged is None
    assert after.turns[4].original is not None
    assert after.turns[4].original.unjudged == "short"


def test_a_human_class_is_sure_whatever_the_limit(make_conversation: Make) -> None:
    conversation = make_conversation(overrides={"emotion": {"unsure_below": 1.0}})
    assert all(t.unsure for t in conversation.turns if t.emotion)
    after = correct(conversation, TurnCorrection(2, emotion="Relaxed"))
    assert not after.turns[2].unsure


def test_a_turn_of_somebody_else_moves_the_talk(make_conversation: Make) -> None:
    before = make_conversation()
    after = correct(before, TurnCorrection(3, speaker="S1"))
    assert [t.speaker for t in after.turns] == ["S1", "S2", "S1", "S1", "S1", "S1"]
    assert after.turns[3].windows == before.turns[3].windows
    assert after.turns[3].loudness_dbfs == pytest.approx(before.turns[3].loudness_dbfs, abs=1e-5)
    assert (after.turns[2].overlap_s, after.turns[3].overlap_s) == (0, 0)
    assert after.exchange is not None
    assert before.exchange is not None
    assert (len(before.exchange.interruptions), len(after.exchange.interruptions)) == (1, 0)
    assert (before.exchange.overlap_s, after.exchange.overlap_s) == (pytest.approx(1.0), pytest.approx(0))
    talk = after.speaker("S2").talk
    assert talk is not None
    assert talk.talk_s == pytest.approx(4.0)
    assert after.diarization == before.diarization
    assert "19.000 5.000 <NA> <NA> S1" in export.rttm(after)
    assert "19.000 5.000 <NA> <NA> S2" in export.rttm(before)


def test_applying_twice_changes_nothing_and_taking_back_restores(make_conversation: Make) -> None:
    before = correct(make_conversation())
    once = correct(
        before,
        TurnCorrection(1, speaker="S3", emotion="Neutral", note=" loud "),
        TurnCorrection(2, emotion="Sad"),
        TurnCorrection(3, note="listen"),
        names=(SpeakerName("S3", "Zoé"), SpeakerName("S1", "Max")),
    )
    assert is_corrected(once)
    assert [s.label for s in once.speakers] == ["S1", "S2", "S3"]
    assert (once.speaker("S3").name, once.speaker("S3").added, once.speaker("S1").original_name) == ("Zoé", True, "")
    assert (once.turns[1].note, once.turns[3].note, once.turns[3].original) == ("loud", "listen", None)
    twice = correct(once, *once.corrections.turns, names=once.corrections.names)
    assert store.dumps(twice) == store.dumps(once)
    back = correct(twice)
    assert not is_corrected(back)
    assert store.dumps(back) == store.dumps(before)


def test_corrections_that_change_nothing_leave_the_record(make_conversation: Make) -> None:
    conversation = make_conversation(people=People(names=("Anna", "Ben")))
    after = correct(
        conversation,
        TurnCorrection(0, speaker="S1", emotion="Pleased"),
        TurnCorrection(5, emotion="Pleased"),  # which the model was not sure of
        TurnCorrection(1, note="  "),
        names=(SpeakerName("S1", "Anna"), SpeakerName("S2", "Bob"), SpeakerName("S9", "nobody")),
    )
    assert after.corrections == Corrections((SpeakerName("S2", "Bob"),), (TurnCorrection(5, emotion="Pleased"),))
    assert after.turns[0].original is None


@pytest.mark.parametrize(
    ("turns", "names", "said"),
    [
        ((TurnCorrection(6, note="x"),), (), "turn 6 does not exist"),
        ((TurnCorrection(-1, note="x"),), (), "turn -1 does not exist"),
        ((TurnCorrection(0, speaker="Anna"),), (), "S1, S2, or a new one such as S3"),
        ((), (SpeakerName("<b>", "x"),), "expected one of S1, S2"),
    ],
)
def test_what_does_not_fit_is_refused(
    make_conversation: Make, turns: tuple[TurnCorrection, ...], names: tuple[SpeakerName, ...], said: str
) -> None:
    wanted = Corrections(names, turns)
    with pytest.raises(CorrectionsError, match=said):
        with_corrections(make_conversation(), wanted)
    with pytest.raises((CorrectionsError, NotAConversationError), match="corrections"):
        store.loads(store.dumps(replace(make_conversation(), corrections=wanted)))


def test_two_corrections_of_one_turn_are_refused() -> None:
    with pytest.raises(ValueError, match="turn 1"):
        Corrections(turns=(TurnCorrection(1, note="a"), TurnCorrection(1, note="b")))


@pytest.fixture
def call(make_conversation: Make) -> Conversation:
    """A call in which the agent (S1) is not scored and the client (S2) is."""
    return make_conversation("call-center", people=People(roles=("S1=agent", "S2=client")))


def test_emotion_never_follows_a_turn_to_somebody_who_is_not_scored(call: Conversation) -> None:
    assert call.turns[1].emotion is not None
    after = correct(call, TurnCorrection(1, speaker="S1"))
    turn = after.turns[1]
    assert (turn.emotion, turn.windows, turn.unjudged) == (None, (), "restricted")
    assert turn.original is not None
    assert (turn.original.windows, turn.original.unjudged) == ((), "moved")
    assert not any(p.turn == 1 for t in after.trajectories for p in t.points)
    back = correct(after)
    assert (back.turns[1].speaker, back.turns[1].emotion, back.turns[1].unjudged) == ("S2", None, "moved")


def test_a_turn_of_somebody_who_is_not_scored_has_no_scores_elsewhere(call: Conversation) -> None:
    after = correct(call, TurnCorrection(0, speaker="S2"))
    assert (after.turns[0].emotion, after.turns[0].unjudged) == (None, "moved")
    heard = correct(call, TurnCorrection(0, speaker="S2", emotion="Sad"))
    assert heard.turns[0].emotion is not None
    assert heard.turns[0].emotion.top == "Sad"


@pytest.mark.parametrize(
    "entry", [TurnCorrection(0, emotion="Sad"), TurnCorrection(1, "S1", "Sad"), TurnCorrection(1, "S3", "Sad")]
)
def test_a_class_for_somebody_who_is_not_scored_is_refused(call: Conversation, entry: TurnCorrection) -> None:
    with pytest.raises(CorrectionsError, match="emotion is not computed"):
        correct(call, entry)


def test_a_new_speaker_is_scored_only_where_nobody_has_a_role(call: Conversation, make_conversation: Make) -> None:
    assert correct(call, TurnCorrection(1, "S3")).speaker("S3").not_scored == "unconfirmed"
    assert correct(make_conversation(), TurnCorrection(1, "S3")).speaker("S3").not_scored is None
    allowed = make_conversation("recruitment", people=People(allow_restricted="a study with consent"))
    assert correct(allowed, TurnCorrection(1, "S3")).speaker("S3").not_scored is None
    narrowed = make_conversation(
        "call-center", {"roles": {"emotion_for": ["client"]}}, People(roles=("agent", "client"))
    )
    assert correct(narrowed, TurnCorrection(1, "S3")).speaker("S3").not_scored == "not_asked"


def test_exclusive_speech_moves_with_its_turn(recording: Path) -> None:
    found = FakeDiarizer(SEGMENTS)
    made = analyze(recording, load_config(), diarizer=found, emotion_model=FakeEmotion(by_loudness))
    exclusive = tuple(replace(s, start_s=20.0) if s.start_s == 19.0 else s for s in made.diarization.segments)
    turns = tuple(replace(t, start_s=20.0) if t.start_s == 19.0 else t for t in made.turns)
    both = replace(made, turns=turns, diarization=replace(made.diarization, exclusive=exclusive))
    after = correct(both, TurnCorrection(3, "S3"))
    assert Segment(19.0, 24.0, "S3") in corrected_segments(after)
    assert Segment(20.0, 24.0, "S3") in corrected_exclusive(after)
    assert after.exchange is not None
    assert [i.by for i in after.exchange.interruptions] == ["S3"]
    assert (after.turns[2].overlap_s, after.turns[3].overlap_s) == (pytest.approx(1.0), 0)


def test_a_segment_over_two_turns_is_cut_between_them(make_conversation: Make) -> None:
    made = make_conversation()
    whole = (Segment(0.5, 20.0, "S1"), *(s for s in made.diarization.segments if s.start_s > 4 and s.start_s != 9.5))
    over = replace(made, diarization=replace(made.diarization, segments=whole))
    after = correct(over, TurnCorrection(2, "S2"))
    assert {(s.start_s, s.end_s, s.speaker) for s in corrected_segments(after)} >= {
        (0.5, 6.75, "S1"),
        (6.75, 20.0, "S2"),
    }


def test_models_are_judged_without_what_people_corrected(make_conversation: Make) -> None:
    before = correct(make_conversation())
    after = correct(before, TurnCorrection(2, emotion="Sad"), names=(SpeakerName("S1", "Max"),))
    assert store.dumps(store.loads(store.dumps(uncorrected(after)))) == store.dumps(before)
    assert uncorrected(before) is before
