"""Every number of the headline and of the moments is that of the JSON, and no sentence of the page has another one."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, get_args

import pytest

from ressenti import People
from ressenti.pipeline import store
from ressenti.pipeline.language import Lang
from ressenti.pipeline.records import Conversation, Interruption, Moment, Monologue, Silence
from ressenti.reports.headline import headline
from ressenti.reports.moments import listen
from ressenti.reports.summary import summarise
from ressenti.reports.tables import make_tables
from ressenti.reports.wording import Wording

Make = Callable[..., Conversation]
NUMBER = re.compile(r"[+−]?\d+(?::\d\d)+|[+−]?\d+(?:[.,]\d+)?(?:[\u00a0\u202f]?(?:%|s\b))?")


@pytest.fixture
def full(make_conversation: Make) -> Conversation:
    """With a silence, a hold, interruptions, a monologue, and moments of all kinds."""
    made = make_conversation(people=People(names=("Anna", "Ben")))
    assert made.exchange
    speakers = tuple(
        replace(s, affect=replace(s.affect, judged_s=41.0), talk=replace(s.talk, interruptions=n))
        for s, n in zip(made.speakers, (0, 2), strict=True)
        if s.affect and s.talk
    )
    exchange = replace(
        made.exchange,
        silences=(Silence(100.0, 112.4), Silence(20.0, 26.0)),
        holds=(Silence(0.0, 31.6),),
        interruptions=(Interruption(150.0, "S2", "S1", 1.24), Interruption(170.0, "S2", "S1", 0.9)),
        monologues=(Monologue(200.0, 275.4, "S1"),),
    )
    moments = (
        Moment("silence", 100.0, 112.4, values={"seconds": 12.4}),
        Moment("tension", 120.0, 140.0, "S1", True, {"tension": 0.61, "usual": 0.22, "low": 0.4, "high": 0.83}),
        Moment("interruption", 150.0, 151.24, "S2", values={"of": "S1", "overlap_s": 1.24}),
        Moment("interruption", 170.0, 170.9, "S2", values={"of": "S1", "overlap_s": 0.9}),
        Moment("monologue", 200.0, 275.4, "S1", values={"seconds": 75.4}),
        Moment("activated", 276.0, 290.0, "S2", True, {"activation": 1.64, "low": 0.9, "high": 2.4}),
        Moment("arousal", 300.0, 330.0, "S2", False, {"change": 0.4, "from": -0.3, "to": 0.1, "z": 2.0}),
        Moment("laughter", 340.0, 341.0, "S1", values={"confidence": 0.91}),
    )
    recording = replace(made.recording, duration_s=360.0)
    return replace(made, recording=recording, speakers=speakers, exchange=exchange, moments=moments)


def values(found: Any) -> Iterator[float]:
    """All numbers of a JSON, the lengths of its spans and of its lists."""
    if isinstance(found, bool):
        return
    if isinstance(found, int | float):
        yield float(found)
    elif isinstance(found, dict):
        if isinstance(found.get("start_s"), float) and isinstance(found.get("end_s"), float):
            yield found["end_s"] - found["start_s"]
        for value in found.values():
            yield from values(value)
    elif isinstance(found, list):
        yield float(len(found))
        for value in found:
            yield from values(value)


def written(value: float, words: Wording) -> set[str]:
    """All ways in which the page writes a number."""
    length = words.length(value) if value >= 0 else ""
    ways = {words.number(value, d, sign) for d in (0, 1, 2) for sign in (False, True)}
    ways |= {words.seconds(value, 0), words.seconds(value, 1), words.percent(value), words.exact(value)}
    return ways | {length.removesuffix("\u00a0min").removesuffix(" min"), words.clock(max(0.0, value))}


def without_quotes(text: str) -> str:
    return re.sub("[“«][^”»]*[”»]", "", text)


@pytest.mark.parametrize("lang", get_args(Lang))
def test_every_number_of_headline_and_moments_is_in_the_json(full: Conversation, lang: Lang) -> None:
    words = Wording(lang)
    known = {way for value in values(json.loads(store.dumps(full))) for way in written(value, words)}
    rows = listen(full, words)
    sentences = [*headline(full, words)]
    for row in (*rows.first, *rows.more):
        sentences += [row.time, row.what, row.person]
    assert len(sentences) > 15
    for sentence in map(without_quotes, sentences):
        for number in NUMBER.findall(sentence):
            assert number in known, (number, sentence)


def test_what_is_said_in_two_places_has_one_figure(full: Conversation) -> None:
    words = Wording("en")
    page, tables = summarise(full, words), make_tables(full, words)
    told = " ".join(page.headline)
    lines = " ".join(row.what for row in (*page.moments.first, *page.moments.more))
    facts = {fact.name: f"{fact.value} {fact.remark}" for fact in page.facts}
    for length in ("12\u00a0s", "1:15 min"):  # the longest silence and monologue
        assert length in told
        assert length in lines
    assert facts["Silences"].startswith("2 over 5\u00a0s")
    (kind,) = [line for line in headline(full, words) if "of music" in line]
    assert "32\u00a0s of music" in kind
    assert facts["Hold"].startswith("0:32")
    assert "Ben interrupts 2 times" in told
    assert [row[3] for row in tables["talk"]["rows"] if "interrupts" in str(row[3])] == [
        "Ben interrupts Anna (1.2\u00a0s)",
        "Ben interrupts Anna (0.9\u00a0s)",
    ]
    assert "interrupts Anna; both speak for 1.2\u00a0s" in lines
    silent = [row[1:3] for row in tables["timeline"]["rows"] if row[-1] == "Silence"]
    assert [100.0, 112.4] in [list(map(float, row)) for row in silent if None not in row]  # type: ignore[arg-type]
    shares = [party.share for party in page.parties]
    assert "Anna most of the time (66%)" in told
    assert shares == ["66%", "34%"]


def test_no_silence_in_the_headline_is_none_in_the_figures(make_conversation: Make) -> None:
    made = make_conversation()
    assert made.exchange
    quiet = replace(made, exchange=replace(made.exchange, silences=(), non_talk_s=4.2))
    page = summarise(quiet, Wording("en"))
    assert "No silence is longer than 5\u00a0s" in page.headline[1]
    (fact,) = [fact for fact in page.facts if fact.name == "Silences"]
    assert (fact.value, fact.remark) == ("none", "over 5\u00a0s; pauses over 3\u00a0s: 4.2\u00a0s in all")
