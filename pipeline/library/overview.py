"""A library -> what its overview shows: calls, a sample of them, calls that stand out, groups, failures."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, cast

from ressenti.pipeline.config import RoleOptions
from ressenti.pipeline.files.paths import is_file
from ressenti.pipeline.language import FORMATS, Lang
from ressenti.pipeline.library.folder import PAGE, Library
from ressenti.pipeline.library.query import connected
from ressenti.pipeline.library.sampling import strata, stratified
from ressenti.pipeline.roles import is_restricted
from ressenti.pipeline.store import write_whole
from ressenti.pipeline.text import visible
from ressenti.reports.overview import (
    MEASURES,
    OF_TONE,
    CallRow,
    Comparison,
    FailureRow,
    Group,
    Overview,
    Pick,
    Rule,
    Spread,
    render_overview,
)

if TYPE_CHECKING:
    import duckdb

_LANG = re.compile(r'<html lang="(\w+)">')
MOST_CALLS = 20_000  # the newest; a page of more would be slow
MOST_FAILURES = 1_000
SAMPLE, SEED = 20, 1
PICKS = 5  # calls that stand out by one rule
SHORT_S, OVERLAP = 20.0, 0.02  # a call may stand out if it is shorter, or if more of the speech overlaps
FEWEST = 10  # calls of a group whose figures get an interval
MOST_GROUPS, DRAWS = 60, 1_000
MOST_DRAWN = 100_000  # calls at once
TONE_BY = ("queue", "direction", "language", "week")  # tone is compared by these alone: others may name people at work

_CALLS = """
WITH told AS (
    SELECT conversation,
        sum(end_s - start_s) FILTER (class IS NOT NULL) AS judged_s,
        sum(end_s - start_s) FILTER (class IS NOT NULL AND unsure) AS unsure_s,
        sum(end_s - start_s) FILTER (class = 'Tension' AND NOT unsure) AS tense_s,
        arg_max(start_s, confidence) FILTER (class = 'Tension' AND NOT unsure) AS tense_at
    FROM turns GROUP BY conversation
), silent AS (
    SELECT conversation, arg_max(start_s, end_s - start_s) AS silence_at
    FROM moments WHERE kind = 'silence' GROUP BY conversation
), talk AS (
    SELECT conversation, list([coalesce(role, ''), CAST(coalesce(share, 0) AS VARCHAR)]) AS shares
    FROM speakers WHERE kind = 'person' GROUP BY conversation
)
SELECT c.*, strftime(c.date, '%Y-%m-%dT%H:%M:%S') AS day, judged_s, unsure_s, tense_s, tense_at, silence_at, shares
FROM conversations c
LEFT JOIN told USING (conversation) LEFT JOIN silent USING (conversation) LEFT JOIN talk USING (conversation)
ORDER BY c.date DESC NULLS LAST, c.added DESC, c.conversation LIMIT ?
"""


def read_overview(library: Library, *, sample: int = SAMPLE, seed: int = SEED) -> Overview:
    """All that the overview of a library shows; raises `LibraryError`."""
    with connected(library) as connection:
        total = connection.execute("SELECT count(*), coalesce(sum(duration_s), 0) FROM conversations").fetchall()[0]
        calls = [_call(row) for row in _rows(connection, _CALLS, MOST_CALLS)]
        failures = [
            FailureRow(*(visible(row[name] or "") for name in ("path", "error", "message", "what_to_do")))
            for row in _rows(connection, "SELECT * FROM errors ORDER BY path LIMIT ?", MOST_FAILURES)
        ]
        failed = connection.execute("SELECT count(*) FROM errors").fetchall()[0][0]
    known = [{"agent": call.agent, "queue": call.queue} for call in calls]
    columns = strata(known, ("agent", "queue"), sample)
    of = [tuple(call[name] or "" for name in columns) for call in known]
    return Overview(
        name=library.root.resolve().name,
        total=int(total[0]),
        total_s=float(total[1]),
        calls=tuple(calls),
        strata=columns,
        seed=seed,
        sample=tuple(
            (one.index, one.stratum, one.weight)
            for one in stratified([call.conversation for call in calls], of, sample, seed)
        ),
        picks=tuple(_picks(calls)),
        comparisons=tuple(comparisons(calls)),
        failures=tuple(failures),
        failed=int(failed),
    )


def write_overview(library: Library, lang: Lang | None = None) -> Path:
    """Write `index.html`, the page over all conversations, in `lang` or else in the language that it has.

    The caller holds the library's lock. Raises `LibraryError`, `OutputError`.
    """
    path = library.root / PAGE
    write_whole({path: render_overview(read_overview(library), lang or language_of(library) or "en")})
    return path


def language_of(library: Library) -> Lang | None:
    """Language of the library's overview; None if there is none."""
    path = library.root / PAGE
    if not is_file(path):
        return None
    with path.open(encoding="utf-8", errors="replace") as file:
        found = _LANG.search(file.read(1_000))
    return cast("Lang", found[1]) if found and found[1] in FORMATS else "en"


def _rows(connection: duckdb.DuckDBPyConnection, sql: str, *values: object) -> list[dict[str, Any]]:
    found = connection.execute(sql, list(values))
    names = [str(column[0]) for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _call(row: dict[str, Any]) -> CallRow:
    length, judged_s = row["duration_s"] or 0.0, row["judged_s"] or 0.0
    shares = [(role, float(share)) for role, share in row["shares"] or ()]
    at_work = [share for role, share in shares if role and is_restricted(role, RoleOptions())]
    return CallRow(
        conversation=row["conversation"],
        title=visible(row["call_id"] or PurePosixPath(row["recording"]).stem or row["recording"]),
        date=row["day"],
        agent=_seen(row["agent"]),
        queue=_seen(row["queue"]),
        direction=_seen(row["direction"]),
        language=_seen(row["language"] or row["spoken"]),
        duration_s=length,
        people=row["people"] or 0,
        speech=_share(row["speech_s"], length),
        silence=_share(row["silence_s"], length),
        longest_silence_s=row["longest_silence_s"] or 0.0,
        silence_at=row["silence_at"],
        overlap=_share(row["overlap_s"], row["speech_s"] or 0.0),
        interruptions=row["interruptions"],
        agent_share=sum(at_work) if len(at_work) == 1 and len(shares) > 1 else None,
        tension=_share(row["tense_s"] or 0.0, judged_s) if judged_s else None,
        tense_s=row["tense_s"] or 0.0,
        tense_at=row["tense_at"],
        unsure=_share(row["unsure_s"] or 0.0, judged_s) if judged_s else None,
        corrected=bool(row["corrected"]),
        page=row["page"],
        more=tuple((visible(name), visible(value)) for name, value in sorted((row["metadata"] or {}).items())),
    )


def _seen(text: str | None) -> str | None:
    return None if text is None else visible(text)


def _share(part: float | None, whole: float) -> float | None:
    return None if part is None or whole <= 0 else min(1.0, part / whole)


def _picks(calls: Sequence[CallRow]) -> list[Pick]:
    """Calls that stand out, at most `PICKS` by each rule."""
    rules: list[tuple[Rule, Callable[[CallRow], float | None], Callable[[CallRow], float | None]]] = [
        ("silence", lambda c: c.longest_silence_s or None, lambda c: c.silence_at),
        ("overlap", lambda c: c.overlap if c.people > 1 and (c.overlap or 0) >= OVERLAP else None, lambda c: None),
        ("tension", lambda c: c.tense_s or None, lambda c: c.tense_at),
        ("short", lambda c: -c.duration_s if c.duration_s < SHORT_S else None, lambda c: None),
        ("unanswered", lambda c: c.duration_s if c.people < 2 else None, lambda c: None),
    ]
    found = []
    for rule, value, at in rules:
        told = [(number, index) for index, call in enumerate(calls) if (number := value(call)) is not None]
        for number, index in sorted(told, key=lambda pair: (-pair[0], pair[1]))[:PICKS]:
            found.append(Pick(rule, index, abs(number), at(calls[index])))
    return found


def comparisons(calls: Sequence[CallRow]) -> list[Comparison]:
    """Groups by each column that has several values, in the order of their names, with intervals over calls."""
    columns: dict[str, list[str]] = {
        name: [getattr(call, name) or "" for call in calls] for name in ("agent", "queue", "direction", "language")
    }
    columns["week"] = [_week(call.date) for call in calls]
    more = [dict(call.more) for call in calls]
    for name in sorted({name for own in more for name in own} - columns.keys()):  # a week is that of the date
        columns[name] = [own.get(name, "") for own in more]
    found = []
    for column, cells in columns.items():
        values = sorted(set(cells) - {""}, key=natural)
        if not 2 <= len(values) <= MOST_GROUPS or len(values) == sum(cell != "" for cell in cells):
            continue  # nothing to compare, or one call a group
        measures = tuple(m for m in MEASURES if m not in OF_TONE or column in TONE_BY)
        groups, members = [], defaultdict[str, list[CallRow]](list)
        for call, cell in zip(calls, cells, strict=True):
            members[cell].append(call)
        for value in values:
            own = members[value]
            spreads = (_spread([getattr(call, m) for call in own]) for m in measures)
            groups.append(Group(value, len(own), tuple(spreads)))
        found.append(Comparison(column, measures, tuple(groups)))
    return found


def natural(text: str) -> list[tuple[int, int | str]]:
    """A key to sort by in which 2 comes before 10."""
    parts = re.split(r"(\d+)", text.casefold())
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in parts if part]


def _week(date: str | None) -> str:
    from datetime import datetime

    if date is None:
        return ""
    year, week, _ = datetime.fromisoformat(date).isocalendar()
    return f"{year}-W{week:02d}"


def _spread(values: Sequence[float | None]) -> Spread | None:
    """The mean over calls and its 95 % interval by bootstrap, which few calls do not get; None without any value."""
    import numpy as np

    known = np.array([value for value in values if value is not None], dtype=float)
    if not len(known):
        return None
    if len(known) < FEWEST:
        return Spread(float(known.mean()), None, None)
    draw = np.random.default_rng(0)
    rows = max(1, MOST_DRAWN // len(known))  # at once
    means = [
        known[draw.integers(0, len(known), (min(rows, DRAWS - done), len(known)), dtype=np.int32)].mean(axis=1)
        for done in range(0, DRAWS, rows)
    ]
    low, high = np.quantile(np.concatenate(means), [0.025, 0.975])
    return Spread(float(known.mean()), float(low), float(high))
