"""Figures of a library's calls -> its overview: one self-contained page over all of them (pure)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from typing import Literal, get_args

from ressenti.pipeline.language import FORMATS, Lang
from ressenti.reports.figures.style import DARK_OF
from ressenti.reports.page_shell import asset, csp_hash, map_styles, packed, packed_plotly, template
from ressenti.reports.wording import Wording

Measure = Literal[
    "duration_s",
    "silence",
    "longest_silence_s",
    "overlap",
    "interruptions",
    "agent_share",
    "tension",
    "unsure",
]
MEASURES: tuple[Measure, ...] = get_args(Measure)
OF_TONE: tuple[Measure, ...] = ("tension", "unsure")
SHARES: tuple[Measure, ...] = ("silence", "overlap", "agent_share", "tension", "unsure")
Rule = Literal["silence", "overlap", "tension", "short", "unanswered"]
RULES: tuple[Rule, ...] = get_args(Rule)
SCRIPTS = ("base.js", "overview.js")


@dataclass(frozen=True)
class CallRow:
    """What the overview shows of a call; lengths and times in seconds, shares between 0 and 1, None if not known.

    `speech` and `silence` are shares of the recording, `overlap` of the speech, `agent_share` of the talk; `tension`
    and `unsure` are shares of the scored speech, surely tense and unsure. `silence_at` and `tense_at` are places to
    listen to. `more` are names and values of further metadata.
    """

    conversation: str
    title: str
    date: str | None
    agent: str | None
    queue: str | None
    direction: str | None
    language: str | None
    duration_s: float
    people: int
    speech: float | None
    silence: float | None
    longest_silence_s: float
    silence_at: float | None
    overlap: float | None
    interruptions: int | None
    agent_share: float | None
    tension: float | None
    tense_s: float
    tense_at: float | None
    unsure: float | None
    corrected: bool
    page: str | None
    more: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Pick:
    """A call that stands out by a rule: its place among the calls, the value, and where to listen (s)."""

    rule: Rule
    index: int
    value: float
    at: float | None


@dataclass(frozen=True)
class Spread:
    """The mean of a measure over the calls of a group, and its 95 % interval; None for too few calls."""

    mean: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Group:
    """Calls that share a value: how many, and a spread for each measure (None if no call has it)."""

    value: str
    calls: int
    spreads: tuple[Spread | None, ...]


@dataclass(frozen=True)
class Comparison:
    """Groups by one column of metadata, by name; never an order of people by their figures."""

    column: str
    measures: tuple[Measure, ...]
    groups: tuple[Group, ...]


@dataclass(frozen=True)
class FailureRow:
    """A recording that could not be analysed."""

    path: str
    error: str
    message: str
    what_to_do: str


@dataclass(frozen=True)
class Overview:
    """What is shown of a library.

    `calls` are the newest of `total`. The sample has for each call its place among them, its stratum (values of the
    columns `strata`) and how many calls it stands for.
    """

    name: str
    total: int
    total_s: float
    calls: tuple[CallRow, ...]
    strata: tuple[str, ...]
    seed: int
    sample: tuple[tuple[int, tuple[str, ...], float], ...]
    picks: tuple[Pick, ...]
    comparisons: tuple[Comparison, ...]
    failures: tuple[FailureRow, ...]
    failed: int


@dataclass(frozen=True)
class Row:
    """A line of a list of calls: the place among the calls, where to listen (s), the reason, and what it stands for."""

    index: int
    at: float | None
    why: str
    more: str = ""


def render_overview(found: Overview, lang: Lang) -> str:
    """The overview: one HTML document that makes no request; the same library gives the same bytes."""
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    words = Wording(lang)
    scripts = [asset(name) for name in SCRIPTS]
    style = asset("page.css") + asset("overview.css")
    policy = "; ".join(
        [
            "default-src 'none'",
            f"script-src {' '.join(csp_hash(script) for script in (get_plotlyjs(), *scripts))}",
            f"style-src-elem {csp_hash(style)} {csp_hash('')}",  # the empty one is plotly's
            "style-src-attr 'unsafe-inline'",  # plotly.js sets styles on its elements
            "img-src data: blob:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )
    return template("overview.html").render(
        words=words,
        found=found,
        facts=_facts(found, words),
        notes=_notes(found, words),
        sample=[_sampled(found, one, words) for one in found.sample],
        picks=[(rule, words(f"ov_rule_{rule}"), _picked(found, rule, words)) for rule in RULES],
        comparisons=[_comparison(one, words) for one in found.comparisons],
        measures=[(name, words(f"ov_m_{name}")) for name in _known(found)],
        agents=_values(found.calls, "agent"),
        queues=_values(found.calls, "queue"),
        columns=_columns(found),
        policy=policy,
        style=Markup(style),  # noqa: S704  # ours
        scripts=[Markup(script) for script in scripts],  # noqa: S704  # ours
        data=packed(json.dumps(_data(found, words), ensure_ascii=False, separators=(",", ":"))),
        plotly=packed_plotly(),
        map_styles=map_styles(),
    )


def _data(found: Overview, words: Wording) -> dict[str, object]:
    return {
        "turns": [],
        "bleeps": [],
        "decimal": FORMATS[words.lang].decimal,
        "percent": FORMATS[words.lang].percent,
        "lang": words.lang,
        "dark": DARK_OF,
        "fields": [field.name for field in fields(CallRow)],
        "calls": [_cells(call) for call in found.calls],
        "columns": _columns(found),
        "shares": SHARES,
        "texts": words.family("ov_"),
    }


def _cells(call: CallRow) -> list[object]:
    return [round(cell, 4) if isinstance(cell, float) else cell for cell in astuple(call)]


def _known(found: Overview) -> list[Measure]:
    """Measures that at least one call has."""
    return [name for name in MEASURES if any(getattr(call, name) is not None for call in found.calls)]


def _columns(found: Overview) -> list[str]:
    """Columns of the table of calls: those that at least one call fills."""
    about = [name for name in ("agent", "queue") if any(getattr(call, name) for call in found.calls)]
    dated = ["date"] if any(call.date for call in found.calls) else []
    return [*dated, "title", *about, *(name for name in _known(found) if name != "agent_share" or found.calls)]


def _values(calls: Sequence[CallRow], name: str) -> list[str]:
    return sorted({value for call in calls if (value := getattr(call, name))}, key=str.casefold)


def _facts(found: Overview, words: Wording) -> list[str]:
    dates = sorted(call.date for call in found.calls if call.date)
    told = [words("n_conversations", n=found.total), words("ov_hours", hours=words.number(found.total_s / 3600, 1))]
    if dates:
        first, last = (words.date(_day(date)) for date in (dates[0], dates[-1]))
        told.append(first if first == last else words("ov_from_to", first=first, last=last))
    if found.failed:
        told.append(words("ov_failed", n=found.failed))
    return told


def _day(date: str):  # type: ignore[no-untyped-def]
    from datetime import datetime

    return datetime.fromisoformat(date).date()


def _notes(found: Overview, words: Wording) -> list[str]:
    more = found.total - len(found.calls)
    return (
        [words("ov_newest", shown=words.number(len(found.calls), 0), all=words.number(found.total, 0))] if more else []
    )


def _sampled(found: Overview, one: tuple[int, tuple[str, ...], float], words: Wording) -> Row:
    index, stratum, weight = one
    named = ", ".join(value or words("ov_none") for value in stratum) or words("ov_all_calls")
    return Row(index, None, named, words("ov_stands_for", weight=words.number(weight, 1)))


def _picked(found: Overview, rule: Rule, words: Wording) -> list[Row]:
    return [Row(p.index, p.at, _reason(p, words)) for p in found.picks if p.rule == rule]


def _reason(pick: Pick, words: Wording) -> str:
    if pick.rule == "overlap":
        return words("ov_why_overlap", share=words.percent(pick.value))
    return words(f"ov_why_{pick.rule}", length=words.length(pick.value))


def _comparison(one: Comparison, words: Wording) -> dict[str, object]:
    named = {"agent", "queue", "direction", "language", "week"}
    shown = [k for k in range(len(one.measures)) if any(group.spreads[k] for group in one.groups)]
    return {
        "column": words(f"ov_c_{one.column}") if one.column in named else one.column,
        "heads": [words(f"ov_m_{one.measures[k]}") for k in shown],
        "rows": [
            (group.value, group.calls, [_told(one.measures[k], group.spreads[k], words) for k in shown])
            for group in one.groups
        ],
    }


def _told(measure: Measure, spread: Spread | None, words: Wording) -> tuple[str, str]:
    """The mean as text, and its interval, or that there are too few calls."""
    if spread is None:
        return "–", ""
    mean = _value(measure, spread.mean, words)
    if spread.low is None or spread.high is None:
        return mean, words("ov_few")
    return mean, f"{_value(measure, spread.low, words)} … {_value(measure, spread.high, words)}"


def _value(measure: Measure, value: float, words: Wording) -> str:
    if measure in SHARES:
        return words.percent(value, 1 if value < 0.1 else 0)
    return words.number(value, 1) if measure == "interruptions" else words.length(value)
