"""What the page says and draws of speakers that are unsure, and of how likely their number is right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from conftest import told
from ressenti.pipeline.derive import with_corrections
from ressenti.pipeline.language import Lang
from ressenti.pipeline.records import Conversation, Corrections, TurnCorrection
from ressenti.reports.figures import make_figures
from ressenti.reports.figures.style import bar_style
from ressenti.reports.page import render
from ressenti.reports.summary import Summary, summarise
from ressenti.reports.tables import make_tables
from ressenti.reports.wording import Wording

Make = Callable[..., Conversation]
EN, FR = Wording("en"), Wording("fr")
CONFIDENCES = (0.95, 0.52, 0.9, 0.69, 0.3, 0.7)


@pytest.fixture
def conversation(make_conversation: Make) -> Conversation:
    """Turns 1, 3 and 4 are unsure of their speaker; 4 is not judged."""
    return told(make_conversation(), *CONFIDENCES)


def likely(conversation: Conversation, confidence: str, probability: float | None, count: str = "estimated") -> Summary:
    changes = {"count": count, "count_confidence": confidence, "count_probability": probability}
    found = replace(conversation.diarization, **changes)  # type: ignore[arg-type]
    return summarise(replace(conversation, diarization=found), EN)


def test_turns_of_unsure_speakers_have_dashes_above_their_bar(conversation: Conversation) -> None:
    lanes = make_figures(conversation, EN)["timeline"]
    (dashes,) = [trace for trace in lanes.data if trace.name == "Speaker unsure"]
    assert (list(dashes.customdata), list(dashes.y), list(dashes.base)) == (
        [1, 3, 4],
        ["S2", "S2", "S1"],
        [5, 19, 24.2],
    )
    assert list(dashes.x) == pytest.approx([4, 5, 0.4])
    bars = [trace for trace in lanes.data if trace.width == 0.62]
    assert dashes.offset >= 0.62 / 2  # beside the bar, so that its class is seen as before
    assert {bar_style("Sad", True, scored=True)["pattern"]["shape"], ""} & {dashes.marker.pattern.shape} == set()
    assert sorted(turn for bar in bars for turn in bar.customdata) == list(range(6))


def test_hovering_over_the_turn_says_it_in_words(conversation: Conversation) -> None:
    texts = {
        turn: text
        for trace in make_figures(conversation, EN)["timeline"].data
        if trace.customdata and trace.hovertext
        for turn, text in zip(trace.customdata, trace.hovertext, strict=True)
    }
    assert "<br>speaker unsure (52%)<br>" in texts[1]
    assert [turn for turn, text in texts.items() if "speaker unsure" in text] == [1, 3, 4]


def test_the_page_marks_them_in_the_table_and_explains_the_marks_once(conversation: Conversation) -> None:
    page = render(conversation)
    assert page.count('<b class="asks" role="img"') == 3
    assert page.count('title="Perhaps somebody else speaks here: this speaker has a probability of 52%."') == 1
    assert page.count('class="c-who"') == page.count('name="doubt"') == 1
    assert page.count("Dashes above a turn: its speaker is unsure.") == 1
    assert "speaker unsure (30%)" in page
    limits = " ".join(summarise(conversation, EN).methods.limits)
    assert "Speaker unsure: 3 turns, 9.4\u00a0s in all." in limits
    rules = " ".join(summarise(conversation, EN).methods.thresholds)
    assert "Speaker unsure: the probability that a turn is this speaker’s is below 70%." in rules


@pytest.mark.parametrize("confidences", [(None,) * 6, (0.9,) * 6])
def test_a_page_without_doubt_has_no_marks(make_conversation: Make, confidences: tuple[float | None, ...]) -> None:
    made = told(make_conversation(), *confidences)
    page = render(made)
    assert not any(text in page for text in ('class="asks"', 'class="c-who"', 'name="doubt"', "Dashes above"))
    assert "Speaker unsure" not in " ".join(summarise(made, EN).methods.limits)
    rules = " ".join(summarise(made, EN).methods.thresholds)
    assert ("Speaker unsure" in rules) is (confidences[0] is not None)
    assert not [trace for trace in make_figures(made, EN)["timeline"].data if trace.name == "Speaker unsure"]


@pytest.mark.parametrize(("lang", "said"), [("en", "Speaker unsure"), ("fr", "Locuteur incertain")])
def test_it_is_drawn_and_said_where_no_emotion_is(make_conversation: Make, lang: Lang, said: str) -> None:
    made = told(make_conversation("recruitment"), *CONFIDENCES)
    page = render(made, lang)
    assert page.count('class="c-who"') == 1
    assert 'class="c-Sad"' not in page
    assert f"{said}:" in page.replace("\u00a0", "").replace("\u202f", "")  # a limit
    assert [trace.name for trace in make_figures(made, Wording(lang))["timeline"].data][-1] == said


def test_what_a_person_set_is_not_asked_but_says_what_the_model_had(conversation: Conversation) -> None:
    wanted = Corrections(turns=(TurnCorrection(1, speaker="S2"), TurnCorrection(3, speaker="S1")))
    after = with_corrections(conversation, wanted)
    rows = summarise(after, EN).turns
    assert [row.asks for row in rows] == [False, False, False, False, True, False]
    assert [bool(row.doubt) for row in rows] == [False, True, False, True, True, False]  # for who takes it back
    assert rows[1].original == "corrected by a person; model: Speaker 2?"
    assert rows[3].original == "corrected by a person; model: Speaker 2"
    page = render(after)
    assert page.count('<b class="asks" role="img"') == 3
    assert page.count(" hidden>?</b>") == 2
    assert "Speaker unsure: 1 turn, 0.4\u00a0s in all." in page


def test_the_numbers_of_the_lanes_have_the_probability(conversation: Conversation, make_conversation: Make) -> None:
    table = make_tables(conversation, EN)["timeline"]
    assert list(table["columns"][:3]) == ["Speaker", "Probability of the speaker", "Speaker unsure"]
    assert [row[1:3] for row in table["rows"]][:3] == [(0.95, ""), (0.52, "yes"), (0.9, "")]
    assert {len(row) for row in table["rows"]} == {len(table["columns"])}
    assert "Probability of the speaker" not in make_tables(make_conversation(), EN)["timeline"]["columns"]


def test_the_number_of_speakers_says_how_likely_it_is(conversation: Conversation) -> None:
    doubted = likely(conversation, "low", 0.62)
    assert doubted.headline[0].endswith("; the number of speakers is an estimate, 62% likely to be right.")
    remark = next(fact.remark for fact in doubted.facts if fact.name == "Speakers")
    assert remark == "number estimated, 62% likely to be right"
    assert "It is right with a probability of 62%." in " ".join(doubted.methods.limits)
    assert next(f.value for f in doubted.methods.provenance if f.name == "Number of speakers") == f"2: {remark}"
    certain = likely(conversation, "high", 0.999)
    assert "estimate" not in certain.headline[0]
    assert next(f.remark for f in certain.facts if f.name == "Speakers") == "number estimated, 99% likely to be right"
    assert "number of speakers was estimated" not in " ".join(certain.methods.limits)


def test_one_speaker_may_be_wrong_too(conversation: Conversation) -> None:
    first, second = conversation.speakers
    assert second.talk
    quiet = replace(second, talk=replace(second.talk, talk_s=0.0, share=0.0))
    doubted = likely(replace(conversation, speakers=(first, quiet)), "low", 0.5)
    assert doubted.headline[0].startswith("Only Speaker 1 is heard;")
    assert doubted.headline[0].endswith("; the number of speakers is an estimate, 50% likely to be right.")


@pytest.mark.parametrize(("count", "probability"), [("given", 0.5), ("channels", 0.5), ("estimated", None)])
def test_a_number_that_is_known_or_of_unknown_probability_has_none(
    conversation: Conversation, count: str, probability: float | None
) -> None:
    found = likely(conversation, "low" if count == "estimated" else "high", probability, count)
    assert "likely" not in found.headline[0]
    remark = next(fact.remark for fact in found.facts if fact.name == "Speakers")
    expected = {"given": "number given", "channels": "one per channel", "estimated": "number estimated, low confidence"}
    assert remark == expected[count]


def test_in_french(conversation: Conversation) -> None:
    found = replace(conversation.diarization, count_confidence="low", count_probability=0.62)
    page = summarise(replace(conversation, diarization=found), FR)
    said = [
        *page.headline,
        *page.methods.limits,
        *page.methods.thresholds,
        page.turns[1].doubt,
        page.turns[1].doubt_why,
    ]
    text = " ".join(said).replace("\u202f", " ").replace("\u00a0", " ")
    for part in (
        "le nombre de locuteurs est une estimation, juste avec une probabilité de 62 %.",
        "Locuteur incertain : 3 tours, 9,4 s en tout. C’est peut-être une autre personne qui parle.",
        "la probabilité que ce locuteur parle est inférieure à 70 %",
        "locuteur incertain (52 %)",
        "la probabilité de ce locuteur est de 52 %",
    ):
        assert part in text
