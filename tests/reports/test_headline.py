"""The headline and the key moments say what the numbers say, in both languages, and never more."""

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import get_args

import pytest

from ressenti import People, with_corrections
from ressenti.pipeline.language import Lang
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
    Word,
)
from ressenti.reports import moments
from ressenti.reports.headline import headline, most_said
from ressenti.reports.moments import first_to_hear, listen
from ressenti.reports.page import render
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


def test_the_kind_of_talk_is_told_first(make_conversation: Make) -> None:
    made = make_conversation(people=People(names=("Anna", "Ben")))
    assert headline(made, EN)[0] == "Two people talk, Anna most of the time (66%)."

    def told(*shares: float, **changes: object) -> str:
        speakers = tuple(
            replace(
                made.speakers[k % 2], label=f"S{k + 1}", name=f"P{k}", talk=replace(talk, share=share, talk_s=share)
            )
            for k, share in enumerate(shares)
            if (talk := made.speakers[0].talk)
        )
        turns = tuple(replace(turn, speaker="S1") for turn in made.turns)
        changed = {"turns": turns, "trajectories": (), "moments": (), **changes}
        return headline(replace(made, speakers=speakers, **changed), EN)[0]  # type: ignore[arg-type]

    assert told(0.5, 0.5) == "Two people talk, in about equal parts."
    assert told(0.2, 0.3, 0.5).startswith("3 people talk, P2 the most (50%).")
    assert told(1.0).startswith("Only P0 is heard; if others took part, they are not in this recording.")
    brief = tuple(replace(turn, end_s=turn.start_s + 1, windows=()) for turn in made.turns)
    assert told(0.5, 0.5, turns=brief).endswith("Turns are mostly short.")
    long = tuple(replace(turn, end_s=turn.start_s + 21) for turn in made.turns)
    assert told(0.5, 0.5, turns=long).endswith("Turns are mostly long.")
    low: Diarization = replace(made.diarization, count_confidence="low")
    assert "; the number of speakers is an estimate and may be wrong." in told(0.5, 0.5, diarization=low)
    assert made.exchange
    played = replace(made.exchange, holds=(Silence(0.0, 32.0),))
    assert "the recording begins with 32\u00a0s of music and announcements." in told(0.5, 0.5, exchange=played)
    later = replace(made.exchange, holds=(Silence(60.0, 92.0), Silence(100.0, 104.0)))
    assert "music and announcements take 36\u00a0s of the recording." in told(0.5, 0.5, exchange=later)


def test_voices_that_sound_alike_share_a_sentence(make_conversation: Make) -> None:
    made = make_conversation()

    def told(*shares: tuple[float, ...], lang: Wording = EN) -> str:
        speakers = tuple(
            replace(s, affect=replace(s.affect, judged_s=60.0, class_shares=own, unsure_share=1 - sum(own)))
            for s, own in zip(made.speakers, shares, strict=True)
            if s.affect
        )
        return " ".join(headline(replace(made, speakers=speakers, moments=()), lang))

    neutral, more = (0.0, 0.0, 0.62, 0.0, 0.0), (0.0, 0.0, 0.9, 0.0, 0.0)
    assert "The voices sound mostly neutral (Speaker 1 62% and Speaker 2 90% of the speech)." in told(neutral, more)
    assert "The voices sound neutral throughout." in told((0.0, 0.0, 0.95, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0, 0.0))
    each = "Locuteur 1 62\u202f% et Locuteur 2 90\u202f%"
    assert f"Les voix semblent surtout neutres ({each} de la parole)." in told(neutral, more, lang=FR)
    tense = (0.0, 0.0, 0.0, 0.0, 0.7)
    assert "Speaker 1: mostly neutral" in told(neutral, tense)
    assert "Speaker 1: mostly neutral" in told(neutral, (0.1, 0.1, 0.1, 0.1, 0.1))


def test_the_words_said_most_often_are_named(make_conversation: Make) -> None:
    made = make_conversation()
    sentence = ["I", "do", "not", "have", "the", "invoice", "and", "you", "do", "not", "have", "the", "contract"]
    said = [Word(0.01 * k, 0.01 * k + 0.005, word, 0) for k, word in enumerate(4 * sentence)]
    full = replace(made, words=tuple(said))
    assert most_said(full, EN) == "Said most often: “invoice” and “contract”."
    assert most_said(full, FR) == "Mots qui reviennent le plus\u00a0: «\u00a0invoice\u00a0» et «\u00a0contract\u00a0»."
    assert not most_said(made, EN)


def sentences_of(told: tuple[str, ...]) -> int:
    """Full stops that end a sentence, outside quotes."""
    return len(re.findall(r"[.!?](?=\s|$)", re.sub("[“«][^”»]*[”»]", "", " ".join(told))))


@pytest.mark.parametrize("lang", get_args(Lang))
def test_a_headline_has_at_most_five_sentences(make_conversation: Make, lang: Lang) -> None:
    words = Wording(lang)
    roles = People(roles=("S1=agent", "S2=client"))
    made = (make_conversation(), make_conversation("call-center", people=roles), make_conversation("recruitment"))
    sentence = ["I", "do", "not", "have", "the", "invoice", "and", "you", "do", "not", "have", "the", "contract"]
    said = tuple(Word(0.01 * k, 0.01 * k + 0.005, word, 0) for k, word in enumerate(4 * sentence))
    shares = ((0.0,) * 5, (1.0, 0, 0, 0, 0), (0.6, 0, 0.2, 0, 0))
    for one, low, plays, unsure, alike, set_by_person, alone in product(
        made, (False, True), (False, True), (0.1, 0.6), shares, (False, True), (False, True)
    ):
        assert one.exchange
        assert one.trajectories is not None
        corrected = with_corrections(one, SET) if set_by_person and one is made[0] else one
        speakers = tuple(
            replace(s, affect=s.affect and replace(s.affect, judged_s=60.0, unsure_share=unsure, class_shares=alike))
            for s in corrected.speakers
        )
        full = replace(
            corrected,
            words=said,
            speakers=speakers[:1] if alone else speakers,
            turns=tuple(t for t in corrected.turns if not alone or t.speaker == speakers[0].label),
            trajectories=(),
            moments=() if alone else (*corrected.moments, activated(1.6, sure=True)),
            exchange=replace(one.exchange, holds=(Silence(0.0, 32.0),) if plays else ()),
            diarization=replace(one.diarization, count_confidence="low" if low else "high"),
        )
        told = headline(full, words)
        assert sentences_of(told) <= 5, told
        if low:
            assert words("hl_count_low")[1:-1] in told[0]
        assert ("32" in told[0]) is plays


def test_nobody_speaks(make_conversation: Make) -> None:
    made = make_conversation()
    nobody = replace(made, speakers=(), turns=(), trajectories=(), moments=())
    assert headline(nobody, EN) == ("No speech was detected.",)
    assert "Aucune parole" in headline(nobody, FR)[0]
    silent = tuple(
        replace(s, affect=None, talk=replace(s.talk, talk_s=0.0, share=0.0)) for s in made.speakers if s.talk
    )
    assert headline(replace(nobody, speakers=silent), EN) == ("No speech was detected.",)


def activated(value: float, sure: bool, start: float = 10.0, who: str = "S1") -> Moment:
    return Moment("activated", start, start + 2, who, sure, {"activation": value, "low": value - 1, "high": value + 1})


def test_a_voice_that_leaves_its_level_is_told_with_its_time_and_only_if_it_is_sure(make_conversation: Make) -> None:
    made = make_conversation()
    found = replace(made, moments=(activated(1.04, True), activated(9.0, False, 24.0)))
    how = "tense 50% of the speech"
    neutral = speaker_with(found, class_shares=(0, 0, 0.62, 0, 0.1), unsure_share=0.28)
    assert "Speaker 1: mostly neutral (62% of the speech) and more activated from 0:10 to 0:12 (+1.0 SD)." in said(
        found, neutral
    )
    assert "Listen first at 0:10." in said(found, neutral)
    assert not any("activated" in text for text in said(found, speaker_with(found, judged_s=19.0)))
    doubted = replace(made, moments=(activated(9.0, False),))
    assert not any("activated" in text for text in said(doubted, speaker_with(doubted)))
    assert any(text.startswith("Nothing stands out for sure") for text in said(doubted, speaker_with(doubted)))
    assert how not in " ".join(said(found, neutral))
    assert any("plus animée de 0:10 à 0:12 (+1,0 ET)" in text for text in said(found, neutral, FR))


def test_what_cannot_be_told_is_said_once_for_all_speakers(make_conversation: Make) -> None:
    made = make_conversation()
    for changes, sentence in (
        ({"judged_s": 19.0}, "Too little speech to describe the voices."),
        ({"judged_s": 60.0, "unsure_share": 0.6}, "The tone could not be determined for most of the speech"),
    ):
        speakers = tuple(
            replace(s, affect=replace(s.affect, class_shares=(0.1, 0, 0.2, 0, 0.1), **changes))
            for s in made.speakers
            if s.affect
        )
        told = headline(replace(made, speakers=speakers), EN)
        assert 3 <= len(told) <= 5
        assert sum(sentence in text for text in told) == 1
        assert not any("Speaker 1:" in text or "Speaker 2:" in text for text in told)


@pytest.mark.parametrize(
    ("silences", "often", "expected"),
    [
        ((), (0, 0), "No silence is longer than {limit} and nobody interrupts."),
        (
            ((20.0, 26.0), (100.0, 112.4)),
            (0, 1),
            "Ben interrupts once and the longest silence lasts 12\u00a0s, from 1:40.",
        ),
        (
            (),
            (2, 3),
            "No silence is longer than {limit}, Ben interrupts 3 times and Anna interrupts 2 times.",
        ),
    ],
)
def test_what_the_talk_did_is_told_in_order_of_time(
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
    assert "Anna holds the floor for 40\u00a0s, from 1:00" in told
    if silences:
        assert told.index("1:00") < told.index("1:40")
    alone = replace(speakers[1], talk=replace(speakers[1].talk, talk_s=0.0)) if speakers[1].talk else speakers[1]
    told = headline(replace(made, speakers=(speakers[0], alone), exchange=exchange, moments=(monologue,)), EN)[1]
    assert not any(word in told for word in ("interrupts", "holds the floor"))


def test_a_diarizer_that_hears_no_overlap_does_not_say_that_nobody_interrupts(make_conversation: Make) -> None:
    made = make_conversation()
    deaf = replace(made, diarization=replace(made.diarization, hears_overlap=False))
    assert "interrupts" in headline(made, EN)[1]
    assert "interrupts" not in " ".join(headline(deaf, EN))


def test_classes_are_named_from_a_tenth_on(make_conversation: Make) -> None:
    conversation = make_conversation()
    told = said(conversation, speaker_with(conversation, class_shares=(0.1, 0, 0.2, 0.05, 0.45)))[2]
    assert told == "Speaker 1: tense 45%, neutral 20%, pleased 10% of the speech."
    assert said(conversation, speaker_with(conversation))[2] == "Speaker 1: mostly tense (50% of the speech)."


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
    changes = {f"{axis}_change": change, f"{other}_change": None}
    speaker = speaker_with(conversation, **changes)
    unclear = speaker_with(conversation, unsure_share=0.6, class_shares=(0, 0, 0.2, 0, 0.2), **changes)
    told, doubted = said(conversation, speaker)[2], " ".join(said(conversation, unclear))
    assert told.startswith("Speaker 1: mostly tense (50% of the speech)")
    if expected:
        assert f"from the first to the last quarter {expected}" in told
        assert f"Speaker 1: from the first to the last quarter {expected}" in doubted
    else:
        assert "quarter" not in told + doubted
    assert all(len(t) > 10 for t in said(conversation, speaker, FR))


def test_unscored_speakers_are_named_and_nothing_is_said_of_their_tone(make_conversation: Make) -> None:
    assert headline(make_conversation("recruitment"), EN)[-1] == "Emotion was not computed."
    people = People(roles=("S1=agent", "S2=client"))
    told = headline(make_conversation("call-center", people=people), EN)
    assert told[-1].startswith("Emotion was not computed for Speaker 1 (agent); the tone is")
    assert not any(text.startswith("Speaker 1 (agent):") for text in told)


@pytest.mark.parametrize(
    ("moments", "expected"),
    [
        ((), "No stretch stands out as tense."),
        ((("S2", 0.7, False),), "No stretch stands out as tense."),
        ((("S1", 0.6, True), ("S2", 0.7, False)), "Speaker 1: tensest around 0:10 (Tension 60%, 20% overall)."),
    ],
)
def test_the_tensest_stretch_is_told_if_its_peak_is_sure(
    make_conversation: Make, moments: tuple[tuple[str, float, bool], ...], expected: str
) -> None:
    peaks = tuple(
        Moment("tension", 10, 20, who, sure, {"tension": score, "usual": 0.2, "low": 0.1, "high": 0.9})
        for who, score, sure in moments
    )
    made = make_conversation()
    calm = tuple(
        replace(s, affect=replace(s.affect, judged_s=30.0, class_shares=(0.0,) * 5, unsure_share=0.5))
        for s in made.speakers
        if s.affect
    )
    assert expected in " ".join(headline(replace(made, moments=peaks, speakers=calm), EN))
    assert "Too little speech" in " ".join(headline(replace(made, moments=peaks), EN))


def test_where_most_is_unsure_no_peak_is_no_calm(make_conversation: Make) -> None:
    made = make_conversation()
    for unsure, said in ((0.51, False), (0.5, True)):
        speakers = tuple(
            replace(s, affect=replace(s.affect, judged_s=30.0, unsure_share=unsure, class_shares=(0.0,) * 5))
            for s in made.speakers
            if s.affect
        )
        told = headline(replace(made, moments=(), speakers=speakers), EN)
        assert ("No stretch stands out as tense." in told) is said


ALL = (
    Moment("tension", 1, 2, "S1", False, {"tension": 0.6, "usual": 0.2, "low": 0.1, "high": 0.9}),
    *(
        Moment(kind, 3 + k, 3.5 + k, "S2", True, {"change": change, "from": 0.1, "to": 0.1 + change, "z": 4.0})
        for k, (kind, change) in enumerate((a, b) for a in ("valence", "arousal") for b in (-0.4, 0.4))
    ),
    Moment("silence", 40, 52, values={"seconds": 12.0}),
    Moment("monologue", 60, 100, "S1", values={"seconds": 40.0}),
    Moment("interruption", 110, 111.2, "S2", values={"of": "S1", "overlap_s": 1.2}),
)


SET = Corrections(turns=(TurnCorrection(3, emotion="Sad"), TurnCorrection(5, emotion="Relaxed")))


def test_what_a_person_set_is_told_apart(make_conversation: Make) -> None:
    made = make_conversation()
    assert headline(made, EN)[-1].startswith("The tone is a model’s answer; it has not been checked")
    assert "; a person set the class of 2 of 5 judged turns." in headline(with_corrections(made, SET), EN)[-1]
    everything = Corrections(turns=tuple(TurnCorrection(k, emotion="Sad") for k in range(6)))
    assert headline(with_corrections(made, everything), EN)[-1].startswith("A person set the class of all")
    assert "2 tours évalués sur 5" in headline(with_corrections(made, SET), FR)[-1]


def test_moments_say_how_far_they_rest_on_what_a_person_set(make_conversation: Make) -> None:
    peak = replace(ALL[0], certain=True, values={**ALL[0].values, "by_person": 0.4})
    made = make_conversation()
    conversation = replace(made, moments=(peak, *ALL[1:]))
    rows = listen(conversation, EN)
    told = [row for row in (*rows.first, *rows.more) if row.person]
    assert [(row.kind, row.person) for row in told] == [("tension", "40% rests on classes set by a person")]
    long = tuple(replace(s, affect=replace(s.affect, judged_s=30.0)) for s in made.speakers if s.affect)
    said = headline(replace(conversation, speakers=long), EN)
    assert any("40% rests on classes set by a person" in text for text in said)
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
    found = listen(conversation, EN)
    rows = {row.what: row for row in (*found.first, *found.more)}
    assert list(rows) == [
        "sounds less pleasant: valence from +0.10 to −0.30 within 0.5\u00a0s",
        "sounds more pleasant: valence from +0.10 to +0.50 within 0.5\u00a0s",
        "calms down: arousal from +0.10 to −0.30 within 0.5\u00a0s",
        "becomes more active: arousal from +0.10 to +0.50 within 0.5\u00a0s",
        "interrupts Speaker 1; both speak for 1.2\u00a0s",
        "sounds tensest: Tension 60% (10% to 90%), 20% overall",
        "silence of 12\u00a0s",
        "holds the floor for 40\u00a0s",
    ]
    assert [row.kind for row in rows.values() if row.chance] == ["tension"]
    assert len(found.first) == 5
    assert [row.play_s for row in found.first] == sorted(row.play_s for row in found.first)
    assert {row.kind for row in found.more} == {"tension", "silence", "monologue"}
    french = listen(conversation, FR)
    assert not {row.what for row in (*french.first, *french.more)} & (set(rows) - {"silence of 12\u00a0s"})


def test_moments_of_one_speaker_that_overlap_are_one_line(make_conversation: Make) -> None:
    long = Moment("monologue", 60, 100, "S1", values={"seconds": 40.0})
    laugh = Moment("laughter", 70, 71, "S2", values={"confidence": 0.9})
    conversation = replace(make_conversation(), moments=(activated(1.2, True, 69.5), long, laugh))
    first, second = listen(conversation, EN).first
    assert first.what == (
        "sounds most activated: +1.2 SD above their usual level (+0.2 to +2.2); holds the floor for 40\u00a0s"
    )
    assert (first.who, second.who, second.what) == ("Speaker 1", "Speaker 2", "laughs (90% sure)")
    maybe = listen(replace(conversation, moments=(activated(1.2, False, 69.5), long)), EN)
    assert [row.what for row in maybe.first] == ["holds the floor for 40\u00a0s"]  # what may be chance is no part of it
    assert [row.chance for row in maybe.more] == [True]
    assert listen(replace(conversation, moments=()), EN).first == ()


def test_what_may_be_chance_comes_first_only_if_nothing_is_certain(make_conversation: Make) -> None:
    made = make_conversation()
    maybe = tuple(activated(1.2, False, start) for start in (10.0, 24.0, 35.0))
    found = listen(replace(made, moments=maybe), EN)
    assert (len(found.first), len(found.more)) == (2, 1)
    certain = Moment("silence", 50, 60, None, values={"seconds": 10.0})
    found = listen(replace(made, moments=(*maybe, certain)), EN)
    assert ([row.kind for row in found.first], len(found.more)) == (["silence"], 3)


def test_what_may_be_chance_is_explained_where_it_stands(make_conversation: Make) -> None:
    made, told = make_conversation(), EN("chance_help")
    maybe = tuple(activated(1.2, False, start) for start in (10.0, 24.0, 35.0))
    for certain, folded in ((), False), ((Moment("silence", 50, 60, None, values={"seconds": 10.0}),), True):
        page = render(replace(made, moments=(*maybe, *certain)))
        listed = page.split('class="listen"')[1].split("</section>")[0]
        assert listed.count(told) == 1
        assert (listed.index(told) < listed.index("</details>")) is folded


def test_valence_is_no_moment_where_the_page_says_that_it_cannot_be_told(
    make_conversation: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = Moment("valence", 10, 20, "S1", certain=True, values={"change": 0.3, "from": -0.05, "to": 0.25})
    made = replace(make_conversation(), moments=(change,))
    assert len(listen(made, EN).first) == 1
    monkeypatch.setattr(moments, "valence_tells", lambda _: False)
    assert listen(made, EN).first == ()
    assert first_to_hear(made) is None


def test_the_place_to_listen_to_first_is_the_surest_and_strongest(make_conversation: Make) -> None:
    made = make_conversation()
    for told, kind in (
        (ALL, "valence"),
        ((*ALL, replace(ALL[0], certain=True)), "tension"),
        ((activated(3.0, False), ALL[6]), "monologue"),
        ((activated(3.0, False), ALL[0]), "tension"),
    ):
        found = first_to_hear(replace(made, moments=told))
        assert found
        assert found.kind == kind
    assert first_to_hear(replace(made, moments=())) is None
