"""What stands at the top of the page, and the marks where words were left out."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from ressenti import People, with_bleeps
from ressenti.pipeline.records import Conversation, Note, Span, Word
from ressenti.reports.notices import notices_of
from ressenti.reports.page import render
from ressenti.reports.summary import summarise
from ressenti.reports.wording import Wording

EN, FR = Wording("en"), Wording("fr")
Make = Callable[..., Conversation]


def silenced(conversation: Conversation, *spans: Span) -> Conversation:
    """With the words of turn 1 (5 to 9 s), of which the last has no time of its own."""
    words = [Word(5.2 + k, 5.8 + k, text, 1) for k, text in enumerate(("My", "name", "is"))]
    return with_bleeps(replace(conversation, words=(*words, Word(8.3, 8.8, "Sheila", 1, exact=False))), spans)


def test_nothing_is_said_where_there_is_nothing_to_say(make_conversation: Make) -> None:
    assert notices_of(make_conversation(), EN) == ()
    assert notices_of(silenced(make_conversation()), FR) == ()


def test_silenced_spans_are_named_at_the_top_and_in_the_methods(make_conversation: Make) -> None:
    conversation = silenced(make_conversation(), Span(6, 6.5), Span(12.25, 14))
    (told,) = notices_of(conversation, EN)
    assert told.startswith("Silenced: 0:06.0 – 0:06.5 and 0:12.2 – 0:14.0. These spans are muted")
    assert told.endswith("[…] stands where words were left out.")
    page = render(conversation)
    assert told in page.split('id="h-speakers"')[0]
    limits = summarise(conversation, EN).methods.limits
    assert any("0:06.0 – 0:06.5 and 0:12.2 – 0:14.0" in text and "computed before" in text for text in limits)
    assert any("within 1.5\u00a0s" in text for text in limits)
    assert notices_of(conversation, FR)[0].startswith("Rendus muets\u00a0: 0:06,0 – 0:06,5 et 0:12,2 – 0:14,0.")


def test_many_spans_are_named_in_the_methods_alone(make_conversation: Make) -> None:
    spans = tuple(Span(k, k + 0.5) for k in range(1, 15, 2))
    conversation = with_bleeps(make_conversation(), spans)
    (told,) = notices_of(conversation, EN)
    assert "0:11.5 and 1 more, listed under Methods and limits." in told
    assert "0:13.0" not in told
    assert "left out." in told
    assert "[…]" not in told  # no words, no marks
    assert any("0:13.0 – 0:13.5" in text for text in summarise(conversation, EN).methods.limits)


@pytest.mark.parametrize(
    ("spans", "said", "why"),
    [
        ((Span(6, 6.5),), "My […] is Sheila", "Silenced: words were left out here."),
        ((Span(9.5, 10),), "My name is […]", "Words were left out here: their own times are not known exactly, and they are within 1.5\u00a0s of a silenced span."),
        ((Span(5, 9),), "[…]", "Silenced: words were left out here."),
    ],
)  # fmt: skip
def test_words_left_out_leave_a_mark_that_says_why(
    make_conversation: Make, spans: tuple[Span, ...], said: str, why: str
) -> None:
    conversation = silenced(make_conversation(), *spans)
    page = render(conversation)
    cells = re.findall(r'<td class="said">(.*?)</td>', page)
    assert re.sub("<[^>]*>", "", cells[1]) == said
    assert f'<span class="cut" title="{why}">[…]</span>' in cells[1]
    assert [cell for cell in cells if "cut" in cell] == [cells[1]]


def test_a_mark_stays_where_a_span_is_heard_again(make_conversation: Make) -> None:
    conversation = replace(silenced(make_conversation(), Span(6, 6.5)), bleeps=())
    assert notices_of(conversation, EN) == ("[…] stands where words were left out.",)
    assert "in a span that was silenced earlier" in render(conversation)


def test_more_speakers_than_roles_are_told_once(make_conversation: Make) -> None:
    conversation = make_conversation("interview")
    many = Note("more_than_roles", {"found": 6, "roles": 2})
    found = replace(conversation.diarization, count="estimated", count_confidence="low", notes=(many,))
    third = replace(conversation.speakers[1], label="S3", role=None, role_source=None)
    conversation = replace(conversation, diarization=found, speakers=(*conversation.speakers, third))
    advice = "6 speakers were found for 2 roles, which is probably too many. Analyse again with --speakers 2."
    assert notices_of(conversation, EN) == (advice,)
    page = render(conversation)
    assert page.count("--speakers") == 1
    assert "--roles" not in page
    fewer = replace(conversation, speakers=conversation.speakers[:2])  # a person gave the others' turns to two
    assert notices_of(fewer, EN) == (
        "Roles are not confirmed. Listen, then analyse again with --roles S1=ROLE,S2=ROLE.",
    )


def test_a_role_on_a_channel_of_several_voices_is_told_as_a_guess(make_conversation: Make) -> None:
    mono = make_conversation("call-center")
    split = replace(mono, layout="split")
    first, second = (summarise(made, EN).cards[1].remarks[0] for made in (mono, split))
    assert first.startswith("The role is a guess from the order of first speech. Emotion")
    assert second.startswith("The role is a guess: several voices share this channel. Emotion")
    assert "voix partagent ce canal" in summarise(split, Wording("fr")).cards[1].remarks[0]


def test_a_role_without_confirmation_is_told_on_its_card_and_how_to_name_it_once(make_conversation: Make) -> None:
    summary = summarise(make_conversation("call-center", people=People(roles=("S1=agent",))), EN)
    assert summary.notices == ("A role is not confirmed. Listen, then analyse again with --roles S2=ROLE.",)
    guess = "The role is a guess from the order of first speech. Emotion is not computed until it is confirmed."
    assert summary.cards[1].remarks == (guess,)  # one role leaves the preset's others
    without = summarise(make_conversation(people=People(roles=("S1=agent",))), EN)
    assert without.cards[1].remarks == ("No role is given. Emotion is not computed until one is named.",)
    guessed = summarise(make_conversation("interview"), EN)
    assert [card.remarks for card in guessed.cards] == [(guess,)] * 2


def test_the_legal_line_asks_for_roles_only_where_somebody_has_none(make_conversation: Make) -> None:
    words = Wording("en")
    asks = words("legal_roles")
    for roles, asked in (((), True), (("S1=client",), True), (("S1=client", "S2=client"), False)):
        (line,) = summarise(make_conversation(people=People(roles=roles)), words).legal
        assert line.startswith(words("legal"))
        assert (asks in line) is asked
