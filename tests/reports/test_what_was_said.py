from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ressenti.pipeline import export
from ressenti.pipeline.content import read_phrases
from ressenti.pipeline.edits.redaction import with_redaction
from ressenti.pipeline.edits.words import with_words
from ressenti.pipeline.records import Conversation, Moment
from ressenti.pipeline.transcript.cues import Spoken
from ressenti.reports.page import render
from ressenti.reports.summary import summarise
from ressenti.reports.wording import Wording

Make = Callable[..., Conversation]
EN, FR = Wording("en"), Wording("fr")
LINES = (
    (0.5, "Hello, how can I help you with the clutch plate?"),
    (5.0, "Hi, the clutch plate, what is it, 300 dollars?"),
    (9.5, "The clutch plate is fine. Call me on 06 12 34 56 78 then. We guarantee that it is good"),
    (20.5, "but that is too much for me"),
    (26.2, "Thank you, goodbye!"),
)
PHRASES = """
language: en
phrases:
  - {name: help, any: [how can I help]}
  - {name: recorded, must: true, any: [this call is recorded]}
  - {name: price, any: [how much]}
"""


@pytest.fixture
def call(make_conversation: Make, tmp_path: Path) -> Conversation:
    (tmp_path / "phrases.yaml").write_text(PHRASES, encoding="utf-8")
    words = [
        Spoken(start_s + 0.35 * k, start_s + 0.35 * k + 0.3, text)
        for start_s, line in LINES
        for k, text in enumerate(line.split())
    ]
    made = make_conversation(overrides={"content": {"least_words": 5, "sure_words": 0.5}})
    made = replace(with_words(made, words), transcription=None)
    return with_redaction(replace(made, phrases=(read_phrases(tmp_path / "phrases.yaml"),)))


def test_the_page_tells_what_was_said(call: Conversation) -> None:
    said = summarise(call, EN).said
    assert [(chip.term, chip.times) for chip in said.keywords] == [("clutch plate", "3×")]
    assert [(row.name, row.key) for row in said.phrases] == [
        ("help", "said"),
        ("recorded", "missing"),
        ("price", "not_found"),
    ]
    assert [(kind, at.who) for kind, at in said.mentions] == [
        ("Greeting", "Speaker 1"), ("Greeting", "Speaker 2"), ("Price", "Speaker 2"), ("Farewell", "Speaker 1"),
    ]  # fmt: skip
    assert [at.text for at in said.personal] == ["[telephone number]"]


def test_cards_tell_how_people_speak(call: Conversation) -> None:
    card = summarise(call, EN).cards[0]
    facts: dict[str, Any] = {fact.name: fact for fact in (*card.facts, *card.more)}
    assert facts["Words per minute"].value.isdigit()
    assert (facts["Questions"].value, facts["Questions"].remark) == ("1", "of 3 sentences")
    assert (facts["Hesitations"].value, facts["Hesitations"].remark) == ("–", "none recognised")


def test_moments_quote_what_is_said_there(call: Conversation) -> None:
    assert [(row.kind, row.quote) for row in summarise(call, EN).moments.first] == [
        ("interruption", "but that is too much for me")
    ]


def test_a_silence_quotes_nothing(call: Conversation) -> None:
    word = call.words[0]
    silence = Moment("silence", word.start_s, word.start_s + 0.1, None, values={"seconds": 5.0})
    assert [row.quote for row in summarise(replace(call, moments=(silence,)), EN).moments.first] == [""]


@pytest.mark.parametrize(("lang", "heading"), [("en", "What was said"), ("fr", "Ce qui a été dit")])
def test_the_section_is_on_the_page_in_both_languages(call: Conversation, lang: Any, heading: str) -> None:
    page = render(call, lang)
    assert f'<h2 id="h-said">{heading}</h2>' in page
    assert 'data-find="clutch plate"' in page
    assert "34 56" not in page


def test_without_words_there_is_no_section(make_conversation: Make) -> None:
    assert 'id="h-said"' not in render(make_conversation())


def test_a_table_has_a_row_for_each_figure_and_place(call: Conversation) -> None:
    import csv

    rows = list(csv.DictReader(export.said_csv(call).splitlines()))
    assert {row["what"] for row in rows} == {
        "words", "pace", "questions", "sentences", "hesitations", "greeting", "farewell", "price", "keyword", "phrase",
        "personal_data",
    }  # fmt: skip
    assert [(row["name"], row["state"], row["must"]) for row in rows if row["what"] == "phrase"] == [
        ("help", "said", "0"), ("recorded", "not_found", "1"), ("price", "not_found", "0"),
    ]  # fmt: skip
    assert [row["name"] for row in rows if row["what"] == "personal_data"] == ["phone"]


def test_formulas_in_words_are_guarded(make_conversation: Make) -> None:
    words = [Spoken(0.5, 0.8, "=cmd()"), Spoken(0.9, 1.2, "$250"), Spoken(1.3, 1.5, "hello")]
    made = replace(with_words(make_conversation(), words), transcription=None)
    assert ",=" not in export.said_csv(made)
