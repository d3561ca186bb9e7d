from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ressenti import People, pseudonymised, with_bleeps, with_corrections
from ressenti.pipeline import store
from ressenti.pipeline.edits.bleeps import parse_spans
from ressenti.pipeline.edits.words import with_words
from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.records import Conversation, Corrections, Omission, Span, SpeakerName, TurnCorrection, Word

Make = Callable[..., Conversation]


def test_spans_as_people_write_them() -> None:
    assert parse_spans("63.2-71.0, 90–92,1:03.5-1:11,1:00:00 - 1:00:01,") == (
        Span(63.2, 71.0), Span(90, 92), Span(63.5, 71), Span(3600, 3601),
    )  # fmt: skip


@pytest.mark.parametrize("text", ["", ",", "5", "5-", "a-b", "7-5", "5-5", "1-2-3", "-5-7", "1:2:3:4-5", "inf-nan"])
def test_bad_spans_are_named(text: str) -> None:
    with pytest.raises(ConfigError, match="--bleep: got"):
        parse_spans(text)


@given(st.lists(st.tuples(st.integers(0, 9000), st.integers(1, 9000)), min_size=1, max_size=6))
def test_what_is_written_is_read(spans: list[tuple[int, int]]) -> None:
    text = ",".join(f"{a // 60}:{a % 60}-{a + b}.25" for a, b in spans)
    assert parse_spans(text) == tuple(Span(a, a + b + 0.25) for a, b in spans)


def test_silenced_spans_are_joined_and_their_words_gone(make_conversation: Make) -> None:
    words = (Word(1, 2, "keep"), Word(4.9, 5.1, "Anna"), Word(9, 9.5, "gone"), Word(10.5, 11, "maybe", exact=False))
    conversation = replace(make_conversation(), words=words)
    silenced = with_bleeps(conversation, (Span(5, 7), Span(7, 8), Span(7.5, 9.2)))
    assert silenced.bleeps == (Span(5, 9.2),)
    assert [word.text for word in silenced.words] == ["keep"]
    again = with_bleeps(silenced, (Span(29, 30.5),))
    assert again.bleeps == (Span(5, 9.2), Span(29, 30))
    assert store.loads(store.dumps(again)).bleeps == again.bleeps
    assert "Anna" not in store.dumps(again)


def test_where_words_were_left_out_is_noted_without_them(make_conversation: Make) -> None:
    said = [(1, "keep"), (2, "Anna"), (3, "Maria"), (4, "keep"), (4.5, "Berg"), (10, "Berg"), (19, "keep")]
    words = tuple(Word(at, at + 0.4, text, 0 if at < 5 else 2) for at, text in said)
    nowhere = (Word(25, 25.2, "Anna"), Word(25.3, 25.5, "Maria"), Word(29, 29.5, "Anna"))
    conversation = replace(make_conversation(), words=(*words, *nowhere))
    silenced = with_bleeps(conversation, (Span(2, 3.5), Span(4.45, 5), Span(10, 11), Span(25, 30)))
    places = (Omission(2, 3.4, 0), Omission(4.5, 4.9, 0), Omission(10, 10.4, 2), Omission(25, 25.5), Omission(29, 29.5))
    assert silenced.omissions == places
    assert [w.text for w in silenced.words] == ["keep"] * 3
    again = with_bleeps(silenced, (Span(3.9, 4.1),))
    assert again.omissions[0] == Omission(2, 4.9, 0)  # nothing is left between
    assert store.loads(store.dumps(again)).omissions == again.omissions
    assert with_words(again, ()).omissions == ()


@pytest.mark.parametrize("span", [Span(30, 31), Span(29, 32), Span(100, 101)])
def test_a_span_outside_the_recording_is_refused(make_conversation: Make, span: Span) -> None:
    with pytest.raises(ConfigError, match="outside the recording, which is 30 s long"):
        with_bleeps(make_conversation(), (span,))


def test_a_span_of_a_file_is_checked_too(make_conversation: Make) -> None:
    with pytest.raises(ConfigError, match="outside the recording"):
        with_bleeps(replace(make_conversation(), bleeps=(Span(31, 32),)), ())


def test_pseudonyms_leave_no_name(make_conversation: Make) -> None:
    made = make_conversation(people=People(names=("Anna Secret", "Ben Secret")))
    asked = Corrections((SpeakerName("S2", "Max Secret"),), (TurnCorrection(1, "S3"),))
    renamed = with_corrections(replace(made, corrections=asked), asked)
    assert renamed.speaker("S2").name == "Max Secret"
    hidden = pseudonymised(replace(renamed, config={**renamed.config, "emotion": {"model": "/home/secret/model"}}))
    text = store.dumps(hidden)
    assert "secret" not in text.casefold()
    assert "call.wav" not in text
    assert hidden.recording.name == f"conversation-{hidden.recording.sha256[:6]}"
    assert (hidden.turns, hidden.corrections.turns) == (renamed.turns, renamed.corrections.turns)
    assert [s.label for s in hidden.speakers] == ["S1", "S2", "S3"]
    assert with_corrections(pseudonymised(renamed), hidden.corrections).speaker("S2").name == ""
