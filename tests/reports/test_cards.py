from collections.abc import Callable
from dataclasses import replace

import pytest

from ressenti.pipeline.records import Conversation
from ressenti.reports.cards import Fact, card_of
from ressenti.reports.page import render
from ressenti.reports.wording import Wording

Make = Callable[..., Conversation]
EN = Wording("en")


def fact(conversation: Conversation, name: str) -> Fact:
    """What the first speaker's card says under a name."""
    card = card_of(conversation.speakers[0], conversation, "Anna", EN)
    (found,) = [fact for fact in (*card.facts, *card.more, *card.affect) if fact.name == name]
    return found


@pytest.mark.parametrize(
    ("hears", "latency", "value", "remark"),
    [
        (False, 0.0, "–", "not measured here"),
        (False, 0.04, "–", "not measured here"),
        (False, 0.4, "0.4\u00a0s", ""),
        (True, 0.0, "at once", ""),
    ],
)
def test_turns_that_abut_are_no_latency_where_no_overlap_is_heard(
    make_conversation: Make, hears: bool, latency: float, value: str, remark: str
) -> None:
    made = make_conversation()
    first = made.speakers[0]
    assert first.talk
    first = replace(first, talk=replace(first.talk, response_latency_s=latency))
    heard = replace(made.diarization, hears_overlap=hears)
    shown = fact(replace(made, speakers=(first, *made.speakers[1:]), diarization=heard), "Response time")
    assert (shown.value, shown.remark) == (value, remark)


def test_figures_from_too_little_speech_say_so_on_the_card(make_conversation: Make) -> None:
    made = make_conversation()
    for seconds, text in ((11.0, "Based on only 11\u00a0s of speech"), (20.0, "")):
        first = made.speakers[0]
        assert first.affect
        first = replace(first, affect=replace(first.affect, judged_s=seconds))
        little = card_of(first, made, "Anna", EN).little
        assert little.startswith(text)
        assert bool(little) == bool(text)


def test_the_page_marks_the_figures_of_such_a_card(make_conversation: Make) -> None:
    made = make_conversation()
    long = tuple(replace(s, affect=replace(s.affect, judged_s=30.0)) for s in made.speakers if s.affect)
    assert render(made).count('class="affect little"') == 2
    assert 'class="affect little"' not in render(replace(made, speakers=long))


def test_a_monologue_longer_than_the_talk_says_that_it_has_pauses(make_conversation: Make) -> None:
    made = make_conversation()
    first = made.speakers[0]
    assert first.talk
    for seconds, remark in ((first.talk.talk_s + 1, "pauses included"), (first.talk.talk_s, "")):
        one = replace(first, talk=replace(first.talk, longest_monologue_s=seconds))
        shown = fact(replace(made, speakers=(one, *made.speakers[1:])), "Longest monologue")
        assert shown.remark == remark


def test_the_card_of_the_only_voice_has_no_figures_of_an_exchange(make_conversation: Make) -> None:
    made = make_conversation()
    played = replace(made.speakers[1], kind="announcement")
    alone = card_of(made.speakers[0], replace(made, speakers=(made.speakers[0], played)), "Anna", EN)
    names = [one.name for one in (*alone.facts, *alone.more)]
    assert not {"Response time", "Interruptions made", EN("backchannels")} & set(names)


def test_little_speech_is_said_once_on_a_card(make_conversation: Make) -> None:
    made = make_conversation()
    first = made.speakers[0]
    assert first.affect
    short = replace(first, affect=replace(first.affect, judged_s=2.0))
    card = card_of(short, replace(made, speakers=(short, *made.speakers[1:])), "Anna", EN)
    assert card.little
    assert not [remark for remark in card.remarks if "were judged, less than" in remark]
