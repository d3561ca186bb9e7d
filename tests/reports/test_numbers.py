"""Every number of the headline and of the moments is that of the JSON, and no sentence of the page has another one."""

import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, get_args

import openpyxl
import pytest

from ressenti import People
from ressenti.pipeline import store
from ressenti.pipeline.cli.workbook import workbook
from ressenti.pipeline.language import Lang
from ressenti.pipeline.library.rows import _moments
from ressenti.pipeline.records import Conversation, Interruption, Moment, Monologue, Silence
from ressenti.reports.headline import headline
from ressenti.reports.moments import each_moment, listen
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


MOMENTS = {
    "silence": (("seconds", "length"),),
    "tension": (("tension", "percent"), ("low", "percent"), ("high", "percent"), ("usual", "percent")),
    "interruption": (("overlap_s", "tenths"),),
    "monologue": (("seconds", "length"),),
    "activated": (("activation", "sd"), ("low", "sd"), ("high", "sd")),
    "arousal": (("from", "signed"), ("to", "signed")),
    "laughter": (("confidence", "percent"),),
}
"""Which values of a stored moment its line tells, and how."""


def written(value: float, how: str, words: Wording) -> str:
    """A number of the JSON as the page writes it."""
    if how == "length":
        return words.length(value).removesuffix("\u00a0min").removesuffix(" min")
    if how in ("sd", "signed"):
        return words.number(value, 1 if how == "sd" else 2, sign=True)
    ways = {"percent": words.percent, "clock": words.clock, "count": str, "tenths": lambda x: words.seconds(x, 1)}
    return str(ways[how](value))


def of_moment(moment: Any, words: Wording) -> list[str]:
    """The numbers that a line has to tell, from the stored moment alone."""
    told = [written(moment["start_s"], "clock", words)]
    if moment["kind"] == "arousal":
        told.append(written(moment["end_s"] - moment["start_s"], "length", words))
    return sorted(told + [written(moment["values"][key], how, words) for key, how in MOMENTS[moment["kind"]]])


def of_headline(data: Any, words: Wording) -> list[list[str]]:
    """The numbers of each sentence of the headline of `full`, from the stored conversation alone."""
    anna, ben = data["speakers"]
    by_kind = {moment["kind"]: moment for moment in data["moments"]}
    tense, activated, monologue = by_kind["tension"], by_kind["activated"], by_kind["monologue"]
    silence = max(data["exchange"]["silences"], key=lambda one: one["end_s"] - one["start_s"])
    (hold,) = data["exchange"]["holds"]
    sentences: list[list[tuple[float, str]]] = [
        [(anna["talk"]["share"], "percent"), (hold["end_s"] - hold["start_s"], "length")],
        [
            (ben["talk"]["interruptions"], "count"),
            (silence["end_s"] - silence["start_s"], "length"),
            (silence["start_s"], "clock"),
            (monologue["values"]["seconds"], "length"),
            (monologue["start_s"], "clock"),
        ],
        [
            (anna["affect"]["class_shares"][0], "percent"),
            (tense["start_s"], "clock"),
            (tense["values"]["tension"], "percent"),
            (tense["values"]["usual"], "percent"),
            (activated["start_s"], "clock"),
            (activated["end_s"], "clock"),
            (activated["values"]["activation"], "sd"),
        ],
        [(tense["start_s"], "clock")],
        [],
    ]
    return [sorted(written(value, how, words) for value, how in sentence) for sentence in sentences]


def numbers(text: str) -> list[str]:
    return sorted(NUMBER.findall(without_quotes(text)))


def without_quotes(text: str) -> str:
    return re.sub("[“«][^”»]*[”»]", "", text)


@pytest.mark.parametrize("lang", get_args(Lang))
def test_every_number_of_headline_and_moments_is_that_of_the_json(full: Conversation, lang: Lang) -> None:
    words, data = Wording(lang), json.loads(store.dumps(full))
    assert [numbers(sentence) for sentence in headline(full, words)] == of_headline(data, words)
    rows = each_moment(full, words)
    assert [numbers(f"{row.time} {row.what} {row.person}") for row in rows] == [
        of_moment(moment, words) for moment in data["moments"]
    ]
    assert {row.kind for row in rows} == MOMENTS.keys()
    shown = listen(full, words)
    one_by_one = [number for moment in data["moments"] for number in of_moment(moment, words)]
    for row in (*shown.first, *shown.more):  # moments that overlap are one line
        assert set(numbers(f"{row.time} {row.what}")) <= set(one_by_one)


CHANGES = [
    *[("speakers", 0, "talk", "share"), ("exchange", "holds", 0, "end_s"), ("speakers", 1, "talk", "interruptions")],
    *[("exchange", "silences", 0, "start_s"), ("exchange", "silences", 0, "end_s")],
    ("speakers", 0, "affect", "class_shares", 0),
    *[("moments", k, "start_s") for k in range(8)],
    *[("moments", 1, "values", key) for key in ("tension", "usual", "low", "high")],
    *[("moments", k, "values", "overlap_s") for k in (2, 3)],
    *[("moments", k, "values", "seconds") for k in (0, 4)],
    *[("moments", 5, "values", key) for key in ("activation", "low", "high")],
    *[("moments", 6, "values", key) for key in ("from", "to")],
    *[("moments", 6, "end_s"), ("moments", 7, "values", "confidence")],
]


@pytest.mark.parametrize("path", CHANGES, ids=lambda path: ".".join(map(str, path)))
def test_a_number_of_the_json_that_differs_is_found(full: Conversation, path: tuple[Any, ...]) -> None:
    """The check above fails for each figure that it says it compares."""
    words, data = Wording("en"), json.loads(store.dumps(full))
    found = data
    for part in path[:-1]:
        found = found[part]
    found[path[-1]] += 3 if path[-1] in ("interruptions", "start_s", "end_s", "seconds", "overlap_s") else 0.13
    told = [numbers(sentence) for sentence in headline(full, words)]
    lines = [numbers(f"{row.time} {row.what} {row.person}") for row in each_moment(full, words)]
    assert (told, lines) != (of_headline(data, words), [of_moment(moment, words) for moment in data["moments"]])


def test_tables_hold_the_numbers_of_the_moments(full: Conversation) -> None:
    data = json.loads(store.dumps(full))
    book = openpyxl.load_workbook(io.BytesIO(workbook(full)), read_only=True)
    head, *rows = book["Moments"].iter_rows(values_only=True)
    cells = [dict(zip(head, row, strict=True)) for row in rows]
    assert len(cells) == len(data["moments"])
    lines = each_moment(full, Wording("en"))
    for cell, moment, line in zip(cells, data["moments"], lines, strict=True):
        assert cell["Start"].total_seconds() == pytest.approx(moment["start_s"])
        assert cell["Length"].total_seconds() == pytest.approx(moment["end_s"] - moment["start_s"])
        assert cell["What"] == line.what
    people = {row[1]: row for row in book["Summary"].iter_rows(values_only=True) if row[0] == "Speaker"}
    for speaker in data["speakers"]:
        assert people[speaker["name"]][2].total_seconds() == pytest.approx(speaker["talk"]["talk_s"])
        assert people[speaker["name"]][3] == pytest.approx(speaker["talk"]["share"])
    stored = {(row["kind"], row["start_s"]): row for row in _moments(full)}
    for moment in data["moments"]:
        row = stored[moment["kind"], moment["start_s"]]
        for key, _ in MOMENTS[moment["kind"]]:
            assert float(dict(row["values"])[key]) == pytest.approx(moment["values"][key])


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
