"""The headline and the key moments say what the numbers say, in both languages, and never more."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from ressenti import People, with_corrections
from ressenti.pipeline.records import (
    Affect,
    Conversation,
    Corrections,
    Diarization,
    Estimate,
    Moment,
    Silence,
    Speaker,
    TurnCorrection,
)
from ressenti.reports.headline import headline
from ressenti.reports.moments import moment_rows
from ressenti.reports.wording import Wording

Make = Callable[..., Conversation]
EN, FR = Wording("en"), Wording("fr")


def speaker_with(conversation: Conversation, **changes: object) -> Speaker:
    first = conversation.speakers[0]
    assert first.affect is not None
    values = {"judged_s": 60.0, "class_shares": (0.1, 0, 0.2, 0, 0.5), "unsure_share": 0.2} | changes
    affect: Affect = replace(first.affect, **values)  # type: ignore[arg-type]
    return replace(first, affect=affect)


def said(conversation: Conversation, speaker: Speaker, words: Wording = EN) -> list[str]:
    return list(headline(replace(conversation, speakers=(speaker, *conversation.speakers[1:])), words))


def test_who_spoke_how_much(make_conversation: Make) -> None:
    conversation = make_conversation(people=People(names=("Anna", "Ben")))
    assert headline(conversation, EN)[0] == "0:30, 2 speakers. Share of talk: Anna 66% and Ben 34%."
    low: Diarization = replace(conversation.diarization, count_confidence="low")
    assert "probably 2 speakers" in headline(replace(conversation, diarization=low), EN)[0]
    assert "sans doute 2 locuteurs" in headline(replace(conversation, diarization=low), FR)[0]


@pytest.mark.parametrize("certain", [True, False])
def test_the_most_activated_stretch_is_told_with_its_doubt(make_conversation: Make, certain: bool) -> None:
    conversation = make_conversation()
    assert not any("activated" in sentence for sentence in headline(conversation, EN))
    moments = tuple(
        Moment("activated", start, start + 2, "S1", sure, {"activation": value, "low": value - 1, "high": value + 1})
        for start, sure, value in (
            (10.0, certain, 1.04),
            (24.0, False, 0.7),
            (26.0, False, 9.0 if not certain else 2.0),
        )
    )
    found = replace(conversation, moments=moments[:2] if not certain else moments)
    (told,) = (sentence for sentence in said(found, speaker_with(found)) if "activated" in sentence)
    assert told == (
        "Most activated, against the speaker’s own level: Speaker 1 around 0:10 (+1.0 standard deviations)."
        if certain
        else "No voice clearly stands out from its own level. The most activated is Speaker 1 around 0:10 "
        "(+1.0 standard deviations, may be chance)."
    )
    assert not any("activated" in text for text in said(found, speaker_with(found, judged_s=19.0)))
    (french,) = (sentence for sentence in said(found, speaker_with(found), FR) if "animée" in sentence)
    assert ("hasard" in french) is not certain
    row = moment_rows(found, EN)[0]
    assert row.what == "Speaker 1 sounds most activated."
    assert "+1.0 standard deviations (+0.0 to +2.0)" in row.why
    assert bool(row.doubt) is not certain


def test_nobody_speaks(make_conversation: Make) -> None:
    made = make_conversation()
    nobody = replace(made, speakers=(), turns=(), trajectories=(), moments=())
    assert headline(nobody, EN) == ("0:30, no speech detected.",)
    assert "aucune parole" in headline(nobody, FR)[0]
    silent = tuple(
        replace(s, affect=None, talk=replace(s.talk, talk_s=0.0, share=0.0)) for s in made.speakers if s.talk
    )
    assert headline(replace(nobody, speakers=silent), EN) == ("0:30, no speech detected.",)


def test_what_cannot_be_told_is_said_once_for_all_speakers(make_conversation: Make) -> None:
    made = make_conversation()
    for changes in ({"judged_s": 19.0}, {"judged_s": 60.0, "unsure_share": 0.6}):
        speakers = tuple(replace(s, affect=replace(s.affect, **changes)) for s in made.speakers if s.affect)
        told = headline(replace(made, speakers=speakers), EN)
        assert not any("tone of voice" in text for text in told)
        assert len(told) == (4 if "unsure_share" not in changes else 3), told
        assert sum("unsure" in text or "Too little" in text for text in told[:-1]) == len(told) - 3


@pytest.mark.parametrize(
    ("silences", "often", "expected"),
    [
        ((), (0, 0), "No silence is longer than {limit}. Nobody interrupts."),
        (
            ((20.0, 26.0), (100.0, 112.4)),
            (0, 1),
            "The longest silence lasts 12\u00a0s, from 1:40. Ben interrupts once.",
        ),
        ((), (2, 3), "No silence is longer than {limit}. Ben interrupts 3 times. Anna interrupts 2 times."),
    ],
)
def test_what_the_talk_did_is_told_first(
    make_conversation: Make, silences: tuple[tuple[float, float], ...], often: tuple[int, int], expected: str
) -> None:
    made = make_conversation(people=People(names=("Anna", "Ben")))
    speakers = tuple(
        replace(s, talk=replace(s.talk, interruptions=n)) for s, n in zip(made.speakers, often, strict=True) if s.talk
    )
    exchange = replace(made.exchange, silences=tuple(Silence(*span) for span in silences))
    told = headline(replace(made, speakers=speakers, exchange=exchange, moments=()), EN)[1]
    assert told == expected.format(limit=EN.exact(made.config["dynamics"]["silence_s"]))
    monologue = Moment("monologue", 60, 100, "S1", values={"seconds": 40.0})
    told = headline(replace(made, speakers=speakers, exchange=exchange, moments=(monologue,)), EN)[1]
    assert told.endswith("Anna speaks longest without a break: 40\u00a0s, from 1:00.")
    alone = replace(speakers[1], talk=replace(speakers[1].talk, talk_s=0.0)) if speakers[1].talk else speakers[1]
    told = headline(replace(made, speakers=(speakers[0], alone), exchange=exchange, moments=(monologue,)), EN)[1]
    assert not any(word in told for word in ("interrupts", "without a break"))


def test_classes_are_named_from_a_tenth_on(make_conversation: Make) -> None:
    conversation = make_conversation()
    text = said(conversation, speaker_with(conversation))[2]
    assert "Tension 50%, Neutral 20% and Pleased 10% of the judged speech (20% unsure)" in text
    assert "Sad" not in text


@pytest.mark.parametrize(
    ("axis", "change", "expected"),
    [
        ("arousal", Estimate(0.3, 0.1, 0.5), "more active +0.30 (+0.10 … +0.50)"),
        ("arousal", Estimate(-0.3, -0.5, -0.1), "less active −0.30"),
        ("valence", Estimate(0.3, 0.1, 0.5), "more pleasant +0.30 (+0.10 … +0.50), although this is hard to tell"),
        ("valence", Estimate(-0.3, -0.5, -0.1), "less pleasant"),
        ("valence", Estimate(0.3, 0.02, 0.58), ""),  # one of four looks
        ("valence", Estimate(0.3, -0.1, 0.7), ""),
        ("arousal", None, ""),
    ],
)
def test_a_change_is_told_only_where_its_interval_leaves_out_nought(
    make_conversation: Make, axis: str, change: Estimate | None, expected: str
) -> None:
    conversation = make_conversation()
    other = "valence" if axis == "arousal" else "arousal"
    speaker = speaker_with(conversation, **{f"{axis}_change": change, f"{other}_change": None})
    unclear = speaker_with(conversation, unsure_share=0.6, **{f"{axis}_change": change, f"{other}_change": None})
    told, doubted = said(conversation, speaker)[2], " ".join(said(conversation, unclear))
    assert told.startswith("Speaker 1, tone of voice: Tension 50%")
    if expected:
        assert f"From the first to the last quarter: {expected}" in told
        assert f"Speaker 1, from the first to the last quarter: {expected}" in doubted
    else:
        assert "quarter" not in told + doubted
    assert all(len(t) > 10 for t in said(conversation, speaker, FR))


def test_unscored_speakers_are_named_and_nothing_is_said_of_their_tone(make_conversation: Make) -> None:
    assert list(headline(make_conversation("recruitment"), EN))[2:] == ["Emotion was not computed."]
    people = People(roles=("S1=agent", "S2=client"))
    assert "Emotion was not computed for Speaker 1 (agent)." in headline(
        make_conversation("call-center", people=people), EN
    )


@pytest.mark.parametrize(
    ("moments", "expected"),
    [
        ((), "No stretch stands out as tense."),
        ((("S2", 0.7, False),), "No stretch is clearly tenser than the rest. Highest score: Speaker 2"),
        ((("S1", 0.6, True), ("S2", 0.7, False)), "Tensest: Speaker 1 around 0:10 (Tension 60%, 20% overall)."),
    ],
)
def test_the_tensest_stretch_is_as_sure_as_its_peak(
    make_conversation: Make, moments: tuple[tuple[str, float, bool], ...], expected: str
) -> None:
    peaks = tuple(
        Moment("tension", 10, 20, who, sure, {"tension": score, "usual": 0.2, "low": 0.1, "high": 0.9})
        for who, score, sure in moments
    )
    made = make_conversation()
    long = tuple(replace(s, affect=replace(s.affect, judged_s=30.0)) for s in made.speakers if s.affect)
    assert expected in " ".join(headline(replace(made, moments=peaks, speakers=long), EN))
    assert "Too little speech" in " ".join(headline(replace(made, moments=peaks), EN))


def test_where_most_is_unsure_no_peak_is_no_calm(make_conversation: Make) -> None:
    made = make_conversation()
    for unsure, said in ((0.51, False), (0.5, True)):
        speakers = tuple(
            replace(s, affect=replace(s.affect, judged_s=30.0, unsure_share=unsure)) for s in made.speakers if s.affect
        )
        told = headline(replace(made, moments=(), speakers=speakers), EN)
        assert ("No stretch stands out as tense." in told) is said


def test_a_speaker_with_too_little_speech_is_named_where_no_other_has_a_peak(make_conversation: Make) -> None:
    made = make_conversation()
    peak = Moment("tension", 10, 20, "S2", True, {"tension": 0.7, "usual": 0.2, "low": 0.6, "high": 0.8})
    judged = {"S1": 30.0, "S2": 11.0}
    speakers = tuple(replace(s, affect=replace(s.affect, judged_s=judged[s.label])) for s in made.speakers if s.affect)
    shown = replace(made, moments=(peak,), speakers=speakers)
    assert "No stretch stands out as tense. Too little speech was judged to say so for Speaker 2." in headline(
        shown, EN
    )
    assert any("(Locuteur 2\u00a0: trop peu" in text for text in headline(shown, FR))


ALL = (
    Moment("tension", 1, 2, "S1", False, {"tension": 0.6, "usual": 0.2, "low": 0.1, "high": 0.9}),
    *(
        Moment(kind, 3, 33, "S2", True, {"change": change, "from": 0.1, "to": 0.1 + change, "z": 4.0})
        for kind in ("valence", "arousal")
        for change in (-0.4, 0.4)
    ),
    Moment("silence", 40, 52, values={"seconds": 12.0}),
    Moment("monologue", 60, 100, "S1", values={"seconds": 40.0}),
    Moment("interruption", 110, 111.2, "S2", values={"of": "S1", "overlap_s": 1.2}),
)


SET = Corrections(turns=(TurnCorrection(3, emotion="Sad"), TurnCorrection(5, emotion="Relaxed")))


def test_what_a_person_set_is_told_apart_and_makes_the_model_no_surer(make_conversation: Make) -> None:
    made = make_conversation()
    assert "Certainty: 12% of the speech that the model judged is unsure" in headline(made, EN)[-1]
    told = headline(with_corrections(made, SET), EN)[-1]
    assert "Certainty: 0% of the speech that the model judged is unsure" in told
    assert "A person set the class of 2 of 5 judged turns (29% of the judged speech)" in told
    everything = Corrections(turns=tuple(TurnCorrection(k, emotion="Sad") for k in range(6)))
    assert headline(with_corrections(made, everything), EN)[-1].startswith("Certainty: a person set the class of all")
    assert "2 tours évalués sur 5" in headline(with_corrections(made, SET), FR)[-1]


def test_moments_say_how_far_they_rest_on_what_a_person_set(make_conversation: Make) -> None:
    peak = replace(ALL[0], values={**ALL[0].values, "by_person": 0.4})
    made = make_conversation()
    conversation = replace(made, moments=(peak, *ALL[1:]))
    rows = moment_rows(conversation, EN)
    assert [row.person for row in rows] == ["40% rests on classes set by a person", *[""] * 7]
    long = tuple(replace(s, affect=replace(s.affect, judged_s=30.0)) for s in made.speakers if s.affect)
    said = headline(replace(conversation, speakers=long), EN)
    assert any("40% of this rests on classes set by a person." in text for text in said)
    assert not any("by a person" in text for text in headline(replace(made, moments=ALL, speakers=long), EN))


def test_the_longest_monologue_is_the_same_on_the_card_and_among_the_key_moments(make_conversation: Make) -> None:
    made = make_conversation(overrides={"moments": {"monologue_s": 5.0}})
    conversation = with_corrections(made, Corrections(turns=(TurnCorrection(1, speaker="S1"),)))
    (moment,) = [m for m in conversation.moments if m.kind == "monologue"]
    talk = conversation.speaker(moment.speaker or "").talk
    assert talk is not None
    assert (
        moment.values["seconds"]
        == talk.longest_monologue_s
        == max(s.talk.longest_monologue_s for s in conversation.speakers if s.talk)
    )
    assert (moment.start_s, moment.end_s) == (0.5, 20.0)  # three turns with pauses
    assert talk.longest_monologue_s == 19.5


def test_moments_have_their_numbers_and_doubts(make_conversation: Make) -> None:
    conversation = replace(make_conversation(), moments=ALL)
    rows = moment_rows(conversation, EN)
    assert [row.kind for row in rows] == [m.kind for m in ALL]
    assert rows[0].what == "Speaker 1 sounds tensest."
    assert rows[0].why == "Tension 60% (10% to 90%) against 20% overall."
    assert [row.doubt for row in rows] == ["may be chance", *[""] * 7]
    assert rows[1].why == "Steepest change: Valence from +0.10 to −0.30 within 30\u00a0s."
    assert [row.what for row in rows[1:5]] == [
        "Speaker 2 sounds less pleasant.",
        "Speaker 2 sounds more pleasant.",
        "Speaker 2 calms down.",
        "Speaker 2 becomes more active.",
    ]
    assert rows[5].why == "Longest: 12.0\u00a0s."
    assert rows[7].what == "Speaker 2 interrupts Speaker 1."
    assert rows[7].play_s == 109
    assert (rows[1].time, rows[1].play_s) == ("0:19", 18.0)  # where Speaker 2 begins to speak
    french = moment_rows(conversation, FR)
    assert all((a.what != b.what) is (a.kind != "silence") and a.why for a, b in zip(rows, french, strict=True))
