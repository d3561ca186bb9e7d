from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from conftest import SEGMENTS
from ressenti import analyze, load_config, report_html
from ressenti.pipeline import export, store
from ressenti.pipeline.audio import Audio
from ressenti.pipeline.diarization.fake import FakeDiarizer
from ressenti.pipeline.edits.redaction import AFTER_S, PADDING_S, with_redaction
from ressenti.pipeline.edits.words import with_words
from ressenti.pipeline.emotion.fake import FakeEmotion
from ressenti.pipeline.progress import Progress, ignore_progress
from ressenti.pipeline.records import Conversation, Word
from ressenti.pipeline.transcript.cues import Spoken
from ressenti.pipeline.transcription.fake import FakeTranscriber
from ressenti.pipeline.transcription.interface import Speech, Transcript

Make = Callable[..., Conversation]
CARD = "4242 4242 4242 4242"


def said(make: Make, *lines: tuple[float, str], confidence: float | None = None) -> Conversation:
    """Words from these times on; turns are S1 .5-4, S2 5-9, S1 9.5-20, S2 19-24, S1 26-29."""
    words = [
        Spoken(start_s + 0.4 * k, start_s + 0.4 * k + 0.3, text)
        for start_s, line in lines
        for k, text in enumerate(line.split())
    ]
    made = with_words(make(), words)
    return replace(made, words=tuple(replace(w, confidence=confidence) for w in made.words), transcription=None)


def test_personal_data_is_silenced_with_its_surroundings_and_its_words_are_gone(make_conversation: Make) -> None:
    before = said(make_conversation, (0.5, "your card number please"), (5.0, f"yes {CARD} thanks"))
    after = with_redaction(before)
    assert [(p.kind, p.start_s, p.end_s) for p in after.personal_data] == [
        ("card", pytest.approx(5.4), pytest.approx(6.9))
    ]
    assert [(b.start_s, b.end_s) for b in after.bleeps] == [
        (pytest.approx(5.4 - PADDING_S), pytest.approx(6.9 + AFTER_S))
    ]
    assert '"4242' not in store.dumps(after)
    assert after.kind_omitted(after.omissions[0]) == "card"


def test_nothing_that_is_written_holds_it(make_conversation: Make) -> None:
    lines = (0.5, "your card number please"), (5.0, f"yes {CARD} thanks"), (9.5, "call me on 06 12 34 56 78 soon")
    after = with_redaction(said(make_conversation, *lines))
    written = [report_html(after), store.dumps(after), export.textgrid(after), export.srt(after), export.vtt(after),
               export.aws(after), export.quotes_md(after), export.turns_csv(after), export.said_csv(after)]  # fmt: skip
    for text in written:
        assert "4242 " not in text
        assert '"4242' not in text
        assert "34 56" not in text
    assert "[card number]" in export.srt(after)
    assert "telephone number" in export.quotes_md(after)
    assert "personal_data,card" in export.said_csv(after)


def test_it_can_be_done_twice_and_adds_nothing(make_conversation: Make) -> None:
    once = with_redaction(said(make_conversation, (5.0, f"yes {CARD} thanks")))
    assert with_redaction(once) == once


def test_without_personal_data_nothing_changes(make_conversation: Make) -> None:
    conversation = said(make_conversation, (5.0, "yes it costs 300 dollars thanks"))
    assert with_redaction(conversation) is conversation


def test_what_the_guards_dropped_is_searched_too(make_conversation: Make) -> None:
    conversation = said(make_conversation, (5.0, "yes thanks"))
    turn = conversation.words[0].turn
    dropped = [Word(6.0 + 0.4 * k, 6.3 + 0.4 * k, text, turn) for k, text in enumerate(CARD.split())]
    after = with_redaction(conversation, dropped)
    assert [b.start_s for b in after.bleeps] == [pytest.approx(5.7)]
    assert '"4242' not in store.dumps(after)


def test_an_unsure_answer_to_a_request_is_silenced_whole(make_conversation: Make) -> None:
    lines = (0.5, "and your date of birth"), (5.0, "the something of what ever")
    unsure = with_redaction(said(make_conversation, *lines, confidence=0.2))
    assert [(p.start_s, p.end_s) for p in unsure.personal_data] == [(5.0, pytest.approx(9.0))]  # to the turn's end
    assert with_redaction(said(make_conversation, *lines, confidence=0.9)).personal_data == ()
    assert with_redaction(said(make_conversation, *lines)).personal_data == ()  # a transcript's words are sure


@pytest.mark.parametrize("asked", ["could you spell that for me please", "vous pouvez l'épeler"])
def test_an_answer_that_spells_is_silenced_whole_also_where_nothing_was_recognised(
    make_conversation: Make, asked: str
) -> None:
    spelled = with_redaction(said(make_conversation, (0.5, asked), (7.0, "S-I-T-I"), confidence=0.9))
    assert [(p.kind, p.start_s, p.end_s) for p in spelled.personal_data] == [("number", 5.0, pytest.approx(9.0))]
    told = with_redaction(said(make_conversation, (0.5, asked), (7.0, "no I cannot"), confidence=0.9))
    assert told.personal_data == ()


def test_it_stays_silenced_after_a_round_trip(make_conversation: Make) -> None:
    after = with_redaction(said(make_conversation, (5.0, f"yes {CARD} thanks")))
    assert store.dumps(store.loads(store.dumps(after))) == store.dumps(after)


class Unbelieved(FakeTranscriber):
    """Says its words, and drops all of them."""

    def transcribe(self, audio: Audio, speech: Sequence[Speech], progress: Progress = ignore_progress) -> Transcript:
        said = super().transcribe(audio, speech, progress)
        return replace(said, words=(), dropped=said.words)


@pytest.mark.parametrize("transcriber", [FakeTranscriber, Unbelieved])
def test_an_analysis_redacts_what_it_recognises_and_what_it_drops(
    recording: Path, transcriber: type[FakeTranscriber]
) -> None:
    config = load_config("default", {"content": {"redact": True}})
    heard = transcriber("so call 06 12 34 56 78 now")
    made = analyze(recording, config, diarizer=FakeDiarizer(SEGMENTS), emotion_model=FakeEmotion(), transcriber=heard)
    assert {p.kind for p in made.personal_data} == {"phone", "number"}  # a turn ends in the middle of some
    assert '"34"' not in store.dumps(made)
    assert made.bleeps
