"""Corrections of roles, words, spans to ignore and notes, and what follows from them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from ressenti import People
from ressenti.pipeline import export, store
from ressenti.pipeline.config import build_config
from ressenti.pipeline.content.said import utterances_of
from ressenti.pipeline.derive import derive
from ressenti.pipeline.edits.bleeps import with_bleeps
from ressenti.pipeline.edits.corrections import is_corrected
from ressenti.pipeline.edits.pseudonyms import pseudonymised
from ressenti.pipeline.edits.redaction import with_redaction
from ressenti.pipeline.edits.words import with_words
from ressenti.pipeline.edits.written_words import placed_words, written
from ressenti.pipeline.errors import CorrectionsError, NotAConversationError
from ressenti.pipeline.records import (
    CallNote,
    Conversation,
    Corrections,
    Ignored,
    Sentiment,
    Sound,
    Span,
    SpeakerKind,
    SpeakerName,
    SpeakerRole,
    TurnCorrection,
    Word,
)
from ressenti.pipeline.transcript.cues import Spoken

Make = Callable[..., Conversation]
WHO = {"by": "KM", "at": "2026-11-30T20:15:00Z"}


def again(conversation: Conversation) -> Conversation:
    """Derived and stored, as commands do it."""
    stored = store.loads(store.dumps(conversation))
    return store.loads(store.dumps(derive(stored, build_config(stored.config))))


def correct(conversation: Conversation, **given: object) -> Conversation:
    return again(replace(conversation, corrections=Corrections(**given)))  # type: ignore[arg-type]


def said(conversation: Conversation, turn: int) -> list[str]:
    own = sorted((w for w in conversation.words if w.turn == turn), key=lambda w: (w.start_s, w.end_s))
    return [word.text for word in own]


@pytest.fixture
def spoken(make_conversation: Make) -> Conversation:
    """Turn 0 says hello, turn 2 counts a word a second, from 10 to 19 s."""
    counted = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
    words = [Word(0.6 + k, 1.0 + k, text, 0, confidence=0.9) for k, text in enumerate(["Hello,", "wrold!"])]
    words += [Word(10.0 + k * 0.9, 10.5 + k * 0.9, text, 2, confidence=0.4) for k, text in enumerate(counted)]
    return again(replace(make_conversation(), words=tuple(words)))


def test_who_corrected_what_and_when_is_kept(make_conversation: Make) -> None:
    given = Corrections(
        names=(SpeakerName("S1", "Anna", **WHO),),
        turns=(TurnCorrection(1, note=" loud ", **WHO),),
        kinds=(SpeakerKind("S2", "announcement", **WHO),),
        roles=(SpeakerRole("S1", "client", **WHO),),
        ignored=(Ignored(0.0, 0.4, "before", **WHO),),
        note=CallNote(" a call ", **WHO),
    )
    after = again(replace(make_conversation(), corrections=given))
    kept = after.corrections
    assert kept == replace(given, turns=(TurnCorrection(1, note="loud", **WHO),), note=CallNote("a call", **WHO))
    assert again(after) == after
    assert is_corrected(after)
    hidden = pseudonymised(after).corrections
    assert "KM" not in repr(hidden)
    assert hidden.names == ()
    assert [r.role for r in hidden.roles] == ["client"]


@pytest.mark.parametrize("at", ["2026-11-30", "2026-11-30T20:15:00+01:00", "now", "2026-11-30T20:15:00Z\n"])
def test_a_time_that_is_none_is_refused(make_conversation: Make, at: str) -> None:
    data = json.loads(store.dumps(correct(make_conversation(), note=CallNote("x"))))
    data["corrections"]["note"]["at"] = at
    with pytest.raises(NotAConversationError, match=r"corrections\.note\.at"):
        store.loads(json.dumps(data))


def test_a_role_that_may_not_be_scored_takes_the_scores_for_good(make_conversation: Make) -> None:
    before = make_conversation()
    assert any(t.windows for t in before.turns if t.speaker == "S2")
    after = correct(before, roles=(SpeakerRole("S2", "agent"), SpeakerRole("S1", "client")))
    who = after.speaker("S2")
    assert (who.role, who.role_source, who.not_scored, who.affect) == ("agent", "named", "restricted", None)
    assert {(t.windows, t.emotion, t.unjudged) for t in after.turns if t.speaker == "S2"} == {((), None, "restricted")}
    assert [line.speaker for line in after.trajectories] == ["S1"]
    assert not any(m.speaker == "S2" for m in after.moments if m.kind in ("tension", "valence", "arousal", "activated"))
    assert after.speaker("S1").not_scored is None
    assert after.speaker("S1").talk == correct(before).speaker("S1").talk
    back = correct(after)
    assert back.speaker("S2").not_scored is None
    assert {t.unjudged for t in back.turns if t.speaker == "S2"} == {"role"}
    assert not any(t.windows for t in back.turns if t.speaker == "S2")
    assert again(back) == back


def test_whoever_has_no_role_is_not_scored_once_somebody_has_one(make_conversation: Make) -> None:
    after = correct(make_conversation(), roles=(SpeakerRole("S1", "client"),))
    assert [s.not_scored for s in after.speakers] == [None, "unconfirmed"]
    allowed = make_conversation(people=People(allow_restricted="a study with consent"))
    kept = correct(allowed, roles=(SpeakerRole("S1", "agent"),))
    assert [s.not_scored for s in kept.speakers] == [None, None]
    assert all(t.windows for t in kept.turns if t.duration_s > 1)


def test_a_role_that_may_be_scored_waits_for_another_analysis(make_conversation: Make) -> None:
    call = make_conversation("call-center")
    assert [s.not_scored for s in call.speakers] == ["restricted", "unconfirmed"]
    after = correct(call, roles=(SpeakerRole("S2", "client"),))
    who = after.speaker("S2")
    assert (who.role_source, who.not_scored, who.affect) == ("named", None, None)
    assert {t.unjudged for t in after.turns if t.speaker == "S2"} == {"role"}
    assert {t.unjudged for t in after.turns if t.speaker == "S1"} == {"restricted"}
    assert correct(after) == correct(call)
    assert correct(call, roles=(SpeakerRole("S1", None),)).speaker("S1").role is None


def test_classes_that_people_gave_go_with_the_role(make_conversation: Make) -> None:
    heard = correct(make_conversation(), turns=(TurnCorrection(1, emotion="Sad", note="hm"),))
    entries = heard.corrections.turns
    after = correct(heard, turns=entries, roles=(SpeakerRole("S2", "agent"), SpeakerRole("S1", "client")))
    assert after.corrections.turns == (TurnCorrection(1, note="hm"),)
    assert (after.turns[1].windows, after.turns[1].original) == ((), None)
    assert again(after) == after


def test_a_turn_that_somebody_else_said_keeps_its_scores(make_conversation: Make) -> None:
    roles = (SpeakerRole("S2", "agent"), SpeakerRole("S1", "client"))
    after = correct(make_conversation(), turns=(TurnCorrection(1, speaker="S1"),), roles=roles)
    assert after.turns[1].windows
    back = correct(after, roles=roles)
    assert (back.turns[1].speaker, back.turns[1].windows, back.turns[1].unjudged) == ("S2", (), "restricted")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"roles": (SpeakerRole("<b>", "client"),)}, "expected one of S1, S2"),
        ({"ignored": (Ignored(99, 100),)}, "outside the recording|30 s long"),
    ],
)
def test_what_does_not_fit_is_refused(make_conversation: Make, given: dict[str, object], words: str) -> None:
    wanted = replace(make_conversation(), corrections=Corrections(**given))  # type: ignore[arg-type]
    with pytest.raises((CorrectionsError, NotAConversationError), match="corrections"):
        store.loads(store.dumps(wanted))
    with pytest.raises(CorrectionsError, match=words):
        derive(wanted, build_config(wanted.config))


def test_two_roles_of_one_speaker_are_refused() -> None:
    with pytest.raises(ValueError, match="S1"):
        Corrections(roles=(SpeakerRole("S1", "a"), SpeakerRole("S1", "b")))


def test_words_that_were_found_keep_their_times(spoken: Conversation) -> None:
    after = correct(
        spoken, turns=(TurnCorrection(0, words="Hello,  world!"), TurnCorrection(2, words="one 2 three Four five"))
    )
    assert said(after, 0) == ["Hello,", "world!"]
    assert said(after, 2) == ["one", "2", "three", "Four", "five"]
    one, two, three, four, five = sorted((w for w in after.words if w.turn == 2), key=lambda w: w.start_s)
    assert (one, three, five) == tuple(w for w in spoken.words if w.text in ("one", "three", "five"))
    assert (four.start_s, four.confidence, four.exact) == (12.7, 0.4, True)
    assert (two.exact, two.confidence) == (False, None)
    assert one.end_s <= two.start_s <= two.end_s <= three.start_s
    assert again(after) == after
    assert store.dumps(correct(after)) == store.dumps(spoken)
    assert "Hello, world!" in export.srt(after)


def test_words_of_a_turn_without_any_lie_within_it(make_conversation: Make) -> None:
    before = again(make_conversation())
    after = correct(before, turns=(TurnCorrection(3, words="no words were found"),))
    assert [(w.start_s, w.end_s) for w in after.words][::3] == [
        (19.0, pytest.approx(19.625)),
        (pytest.approx(22.4375), 24.0),
    ]
    assert store.dumps(correct(after)) == store.dumps(before)
    assert correct(after, turns=(TurnCorrection(3, words=" "),)).corrections == Corrections()


def test_all_words_of_a_turn_may_go(spoken: Conversation) -> None:
    after = correct(spoken, turns=(TurnCorrection(2, words="", **WHO),))
    assert said(after, 2) == []
    assert after.corrections.turns == (TurnCorrection(2, words="", **WHO),)
    assert store.dumps(correct(after)) == store.dumps(spoken)


def test_words_that_are_as_found_are_no_correction(spoken: Conversation) -> None:
    after = correct(spoken, turns=(TurnCorrection(0, words="Hello, […] wrold! \n"),))
    assert after.corrections == Corrections()


def test_silenced_words_go_from_the_correction_and_from_what_was_found(spoken: Conversation) -> None:
    entry = TurnCorrection(2, words="one two secret three four five six seven eight nine ten")
    for order in ("bleep last", "bleep first"):
        if order == "bleep last":
            after = with_bleeps(correct(spoken, turns=(entry,)), [Span(11.0, 12.0)])
        else:
            after = correct(with_bleeps(spoken, [Span(11.0, 12.0)]), turns=(entry,))
        stored = store.dumps(after)
        assert "secret" not in stored
        assert '"two"' not in stored
        assert '"eight"' in stored
        assert any(place.turn == 2 for place in after.omissions)
        assert again(again(after)) == again(after)
        assert not any(word.text in ("two", "secret") for word in correct(after).words)


def test_personal_data_is_found_in_what_was_found_and_in_what_was_written(spoken: Conversation) -> None:
    number = ["4111", "1111", "1111", "1111"]
    words = tuple(Word(10.0 + k, 10.8 + k, text, 2, confidence=0.9) for k, text in enumerate(number))
    card = replace(spoken, words=words)
    hidden = with_redaction(correct(card, turns=(TurnCorrection(2, words="my card is a secret"),)))
    assert "1111" not in store.dumps(hidden)
    shown = with_redaction(correct(spoken, turns=(TurnCorrection(2, words=" ".join(["it", "is", *number])),)))
    assert "1111" not in store.dumps(shown)
    assert "1111" not in store.dumps(again(shown))


def test_what_words_say_is_forgotten_with_them_and_comes_back(spoken: Conversation) -> None:
    sad = Sentiment(0.9, 0.05, 0.05, 10)
    told = again(
        replace(spoken, turns=tuple(replace(t, sentiment=sad if t.index == 2 else None) for t in spoken.turns))
    )
    after = correct(told, turns=(TurnCorrection(2, words="one"),))
    assert after.turns[2].sentiment is None
    glad = Sentiment(0.1, 0.1, 0.8, 1)
    judged = replace(after, turns=tuple(replace(t, sentiment=glad if t.index == 2 else None) for t in after.turns))
    assert again(judged).turns[2].sentiment == glad
    assert store.dumps(correct(again(judged))) == store.dumps(told)
    gated = correct(after, turns=after.corrections.turns, roles=(SpeakerRole("S1", "agent"),))
    assert '"words": 10' not in store.dumps(gated)


def test_another_transcript_keeps_what_people_wrote(spoken: Conversation) -> None:
    after = correct(spoken, turns=(TurnCorrection(0, words="Good morning"),))
    brought = with_words(after, [Spoken(0.7, 1.2, "Good", None, True), Spoken(13.0, 14.0, "else", None, True)])
    assert (said(brought, 0), said(brought, 2)) == (["Good", "morning"], ["else"])
    assert said(correct(brought), 0) == ["Good"]


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        ("a b c", "a b c"),
        ("a x c", "a b c"),
        ("x", "a b c"),
        ("a a a a", "a a"),
        ("", "a"),
        ("a b", ""),
        ("! a", "a ?"),
    ],
)
def test_placed_words_are_in_order_and_within_reach(make_conversation: Make, texts: str, found: str) -> None:
    turn = make_conversation().turns[2]
    own = [Word(10.0 + k, 10.5 + k, text, 2) for k, text in enumerate(found.split())]
    placed = placed_words(texts.split(), own, turn)
    assert [word.text for word in placed] == texts.split()
    assert all(a.start_s <= b.start_s for a, b in itertools.pairwise(placed))
    assert all(turn.start_s <= w.start_s <= w.end_s <= turn.end_s for w in placed)


def test_very_long_texts_are_not_compared_forever(make_conversation: Make) -> None:
    turn = make_conversation().turns[2]
    own = [Word(10.0, 10.5, "b", 2)] + [Word(10.0, 10.5, "a", 2)] * 3_000 + [Word(10.0, 10.5, "c", 2)]
    assert len(placed_words(["x", *["a"] * 3_000, "y"], own, turn)) == 3_002
    assert written("a" * 12_000) == ["a" * 5_000, "a" * 5_000, "a" * 2_000]


def test_what_people_ignore_is_part_of_no_figure(spoken: Conversation) -> None:
    laugh = Sound("laughter", 6.0, 7.0, 0.9)
    before = again(replace(spoken, sounds=(laugh,)))
    after = correct(
        before, ignored=(Ignored(4.9, 9.2, "announcement"), Ignored(0, 0.5, "before"), Ignored(29, 30, "other"))
    )
    was, now = before.exchange, after.exchange
    assert was is not None
    assert now is not None
    assert now.speech_s == pytest.approx(was.speech_s - 4.0)
    talk = after.speaker("S2").talk
    assert talk is not None
    assert (talk.talk_s, talk.turns) == (pytest.approx(5.0), 1)
    assert (now.non_talk_s, now.silences) == (0, ())
    assert (after.turns[1].windows, after.turns[1].unjudged) == ((), "ignored")
    assert after.turns[1].original is not None
    assert after.turns[1].original.windows == before.turns[1].windows
    assert not any(p.turn == 1 for line in after.trajectories for p in line.points)
    assert "5.000 4.000" not in export.rttm(after)
    assert any(m.kind == "laughter" for m in before.moments)
    assert not any(m.kind == "laughter" for m in after.moments)
    assert [t.speaker for t in after.turns] == [t.speaker for t in before.turns]
    assert again(after) == after
    assert store.dumps(correct(after)) == store.dumps(before)


def test_words_and_windows_in_a_part_that_people_ignore(spoken: Conversation) -> None:
    after = correct(spoken, ignored=(Ignored(9.0, 15.0),), turns=(TurnCorrection(2, emotion="Sad"),))
    turn = after.turns[2]
    assert turn.by_person
    (one,) = [u for u in utterances_of(after) if u.turn == 2]
    assert [after.words[k].text for k in one.words] == ["seven", "eight", "nine", "ten"]
    talk = after.speaker("S1").talk
    assert talk is not None
    assert talk.talk_s == pytest.approx(3.5 + 5.0 + 0.4 + 3.0)
    whole = correct(spoken, ignored=(Ignored(9.0, 21.0),), turns=(TurnCorrection(2, emotion="Sad"),))
    assert (whole.turns[2].emotion, whole.turns[2].unjudged) == (None, "ignored")
    assert whole.corrections.turns == (TurnCorrection(2, emotion="Sad"),)


def test_ignoring_everything_leaves_no_figures(spoken: Conversation) -> None:
    after = correct(spoken, ignored=(Ignored(0, 31, "other"), Ignored(0, 31, "other")))
    assert after.corrections.ignored == (Ignored(0, 30.0, "other"),)
    assert after.exchange is not None
    assert (after.exchange.speech_s, after.exchange.silences, after.moments) == (0, (), ())
    assert {s.affect for s in after.speakers} == {None}
    for write in (export.turns_csv, export.rttm, export.srt, export.aws, export.quotes_md, export.said_csv):
        write(after)
