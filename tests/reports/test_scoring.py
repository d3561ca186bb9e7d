"""What the page says of a speaker of whom too little was heard to know the voice."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from ressenti import with_corrections
from ressenti.pipeline.language import Lang
from ressenti.pipeline.records import Conversation, Corrections, ModelInfo, Note, TurnCorrection
from ressenti.reports.emotion_model import BUILTIN, is_thin, thin_baseline_s
from ressenti.reports.methods import methods_of
from ressenti.reports.page import render
from ressenti.reports.summary import summarise
from ressenti.reports.turns import turn_rows
from ressenti.reports.wording import Wording

Make = Callable[..., Conversation]
BOUND = ModelInfo("emotion", "mine", "CC BY-NC-SA 4.0", commercial=False, notes=(Note("trained_bound"),))


def by(conversation: Conversation, model: ModelInfo) -> Conversation:
    return replace(conversation, models=(*conversation.models[:-1], model))


@pytest.fixture
def builtin(make_conversation: Make) -> Conversation:
    """S1 has 17.4 s of judged speech, S2 8 s, as the built-in model would have them."""
    conversation = by(make_conversation(), ModelInfo("emotion", BUILTIN, "CC BY-NC-SA 4.0", commercial=False))
    judged = {s.label: s.affect.judged_s for s in conversation.speakers if s.affect}
    assert judged["S2"] < 10 < judged["S1"]
    return conversation


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_a_thin_baseline_is_said_in_methods_and_little_speech_once_on_the_card(
    builtin: Conversation, lang: Lang
) -> None:
    words = Wording(lang)
    summary = summarise(builtin, words)
    first, second = summary.cards
    affect = builtin.speaker("S2").affect
    assert affect is not None
    limit = words.exact(10.0)
    note = words("thin_baseline", seconds=words.seconds(affect.judged_s), limit=limit)
    assert second.little
    assert note not in second.remarks  # the card says already that it is little
    assert not any(limit in remark for remark in first.remarks)
    assert words("th_baseline", limit=limit) in summary.methods.thresholds
    assert words("limit_thin", limit=limit, who=second.title) in summary.methods.limits
    page = render(builtin, lang)
    assert page.count(words("limit_thin", limit=limit, who=second.title)) == 1
    assert page.count(note.replace("'", "&#39;")) == 0


def test_the_limit_is_the_configured_one(builtin: Conversation, make_conversation: Make) -> None:
    model = builtin.models[-1]
    strict = by(make_conversation(overrides={"emotion": {"thin_baseline_s": 60.0}}), model)
    assert [is_thin(s, strict) for s in strict.speakers] == [True, True]
    never = by(make_conversation(overrides={"emotion": {"thin_baseline_s": 0.0}}), model)
    assert [is_thin(s, never) for s in never.speakers] == [False, False]
    assert (
        Wording("en")("limit_thin", limit="60\u00a0s", who="Speaker 1 and Speaker 2")
        in summarise(strict, Wording("en")).methods.limits
    )


def test_only_models_that_hear_against_a_baseline_have_a_thin_one(builtin: Conversation) -> None:
    other = by(builtin, ModelInfo("emotion", "somebody's", "MIT", commercial=True, notes=(Note("head_stock"),)))
    assert thin_baseline_s(builtin) == thin_baseline_s(by(builtin, BOUND)) == 10
    assert thin_baseline_s(other) is None
    summary = summarise(other, Wording("en"))
    said = " ".join(
        [*summary.methods.thresholds, *summary.methods.limits, *(r for c in summary.cards for r in c.remarks)]
    )
    assert "aseline" not in said


def test_an_older_conversation_has_no_limit(builtin: Conversation) -> None:
    emotion = {key: value for key, value in builtin.config["emotion"].items() if key != "thin_baseline_s"}
    old = replace(builtin, config=builtin.config | {"emotion": emotion})
    assert thin_baseline_s(old) is None
    assert not any(is_thin(s, old) for s in old.speakers)


def test_who_is_not_scored_has_no_baseline(make_conversation: Make) -> None:
    conversation = make_conversation("recruitment")
    unscored = by(conversation, ModelInfo("emotion", BUILTIN, "CC BY-NC-SA 4.0", commercial=False))
    assert not any(is_thin(s, unscored) for s in unscored.speakers)
    assert not any("aseline" in text for text in summarise(unscored, Wording("en")).methods.thresholds)


@pytest.mark.parametrize(("seconds", "unsure", "said"), [(1.9, False, True), (2.0, False, False), (1.9, True, False)])
def test_a_sure_class_from_little_speech_says_so(
    make_conversation: Make, seconds: float, unsure: bool, said: bool
) -> None:
    made = make_conversation()
    turn = made.turns[0]
    turn = replace(turn, windows=(replace(turn.windows[0], weight_s=seconds),), unsure=unsure)
    shown = replace(made, turns=(turn, *made.turns[1:]))
    assert ("little speech" in turn_rows(shown, Wording("en"))[0].note) is said
    limits = " ".join(methods_of(shown, Wording("en")).limits)
    assert ("Little speech: 1 turn with a sure class rest on less than 2\u00a0s" in limits) is said


@pytest.mark.parametrize(
    ("correction", "said"),
    [
        (TurnCorrection(1, speaker="S1"), True),
        (TurnCorrection(1, speaker="S1", emotion="Sad"), False),  # the class is a person's
        (TurnCorrection(1, note="hm"), False),
        (TurnCorrection(4, speaker="S2"), False),  # too short to be judged
    ],
)
def test_moved_turns_keep_scores_from_another_baseline_and_the_limits_say_so(
    builtin: Conversation, correction: TurnCorrection, said: bool
) -> None:
    told = "Moved to another speaker by a person: 1 turn."
    moved = with_corrections(builtin, Corrections(turns=(correction,)))
    assert any(text.startswith(told) for text in methods_of(moved, Wording("en")).limits) is said
    other = by(moved, ModelInfo("emotion", "other", "MIT", commercial=True))  # hears nobody against a baseline
    assert not any(text.startswith(told) for text in methods_of(other, Wording("en")).limits)
