from collections.abc import Callable
from dataclasses import replace

import pytest

from ressenti import People, with_corrections
from ressenti.pipeline.records import Conversation, Corrections, TurnCorrection
from ressenti.reports import methods
from ressenti.reports.methods import methods_of
from ressenti.reports.speech_time import unjudged_s
from ressenti.reports.wording import Wording

Make = Callable[..., Conversation]


def test_seconds_not_judged_are_told_by_reason_and_add_up(make_conversation: Make) -> None:
    made = make_conversation()
    found = unjudged_s(made)
    assert found == pytest.approx({"overlap": 2.0, "short": 0.4})  # 19 to 20 s twice, within turns that were judged
    talk_s = sum(s.talk.talk_s for s in made.speakers if s.talk)
    assert sum(found.values()) == pytest.approx(talk_s - sum(t.judged_s for t in made.turns))
    told = "Speech not judged: 2.4\u00a0s; 2.0\u00a0s (overlapped) and 0.4\u00a0s (too short to judge)."
    assert any(text.startswith(told) for text in methods_of(made, Wording("en")).limits)


def test_what_was_moved_from_a_speaker_who_is_not_scored_is_a_reason(make_conversation: Make) -> None:
    made = make_conversation("call-center", people=People(roles=("S1=agent", "S2=client")))
    moved = with_corrections(made, Corrections(turns=(TurnCorrection(0, speaker="S2"),)))
    assert unjudged_s(moved)["moved"] == pytest.approx(3.5)
    limits = " ".join(methods_of(moved, Wording("en")).limits)
    assert "3.5\u00a0s (moved from a speaker who is not scored)" in limits
    assert "moved from" not in " ".join(methods_of(made, Wording("en")).limits)


def test_one_reason_is_told_with_its_seconds_once(make_conversation: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(methods, "unjudged_s", lambda _: {"short": 2.4})
    for lang, told in (
        ("en", "Speech not judged: 2.4\u00a0s (too short to judge). Not"),
        ("es", "Habla sin evaluar: 2,4"),
    ):
        (limit,) = (text for text in methods_of(make_conversation(), Wording(lang)).limits if text.startswith(told))
        assert limit.count("2") == 1


def test_without_speech_left_out_nothing_is_said(make_conversation: Make) -> None:
    made = make_conversation()
    alone = replace(
        made,
        turns=made.turns[:1],
        diarization=replace(made.diarization, segments=made.diarization.segments[:1]),
    )
    assert unjudged_s(alone) == {}
