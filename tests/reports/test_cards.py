from collections.abc import Callable
from dataclasses import replace

import pytest

from pipeline.records import Conversation
from reports.cards import Fact, card_of
from reports.wording import Wording

Make = Callable[..., Conversation]
EN = Wording("en")


def fact(conversation: Conversation, name: str) -> Fact:
    """What the first speaker's card says under a name."""
    card = card_of(conversation.speakers[0], conversation, "Anna", EN)
    (found,) = [fact for fact in (*card.facts, *card.affect) if fact.name == name]
    return found


@pytest.mark.parametrize(
    ("hears", "latency", "value", "remark"),
    [
        (False, 0.0, "–", "not heard by this diarizer"),
        (False, 0.04, "–", "not heard by this diarizer"),
        (False, 0.4, "0.4\u00a0s", ""),
        (True, 0.0, "0.0\u00a0s", ""),
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
    shown = fact(replace(made, speakers=(first, *made.speakers[1:]), diarization=heard), "Response latency")
    assert (shown.value, shown.remark) == (value, remark)
