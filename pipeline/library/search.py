"""Search in a library: places where something was said, turns, moments or calls, by what is known of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ressenti.pipeline.content.languages import parts_of
from ressenti.pipeline.content.search import find_text
from ressenti.pipeline.errors import RessentiError
from ressenti.pipeline.library.folder import Library
from ressenti.pipeline.library.query import connected
from ressenti.pipeline.library.rows import load_conversation
from ressenti.pipeline.records.call_metadata import CALL_METADATA

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Wanted:
    """What is looked for; None and empty values do not narrow it.

    `text` are words that follow one another, `speaker` a name, role or label, `who` pairs of metadata and value. Dates
    are ISO 8601; a call without a date is in no span of time.
    """

    text: str = ""
    speaker: str | None = None
    label: str | None = None
    moment: str | None = None
    where: tuple[tuple[str, str], ...] = ()
    since: str | None = None
    until: str | None = None


@dataclass(frozen=True)
class Hit:
    """One place: its call, and in it speaker, times, and what is there; no speaker and times for a whole call."""

    conversation: str
    recording: str
    date: str | None
    page: str | None
    speaker: str | None
    start_s: float | None
    end_s: float | None
    what: str
    text: str


def search(library: Library, wanted: Wanted) -> Iterator[Hit]:
    """All places, by date, call and time."""
    with connected(library) as connection:
        if wanted.text:
            yield from _said(library, connection, wanted)
        elif wanted.moment:
            yield from _hits(connection, "moments", wanted, "t.kind", "''", ("t.kind = ?", [wanted.moment]))
        elif wanted.label or wanted.speaker:
            yield from _hits(connection, "turns", wanted, "coalesce(t.class, '')", "coalesce(t.text, '')")
        else:
            yield from _calls(connection, wanted)


def _said(library: Library, connection: duckdb.DuckDBPyConnection, wanted: Wanted) -> Iterator[Hit]:
    """Places of a text: DuckDB finds the turns, and the stored conversation the words and their times."""
    phrase = " ".join(part for word in wanted.text.split() for part in parts_of(word))
    condition = ("contains(' ' || t.said || ' ', ' ' || ? || ' ')", [phrase])
    found: dict[str, list[tuple[Hit, int]]] = {}
    for hit, turn in _turns(connection, wanted, condition):
        found.setdefault(hit.conversation, []).append((hit, turn))
    for conversation, turns in found.items():
        try:
            places = find_text(load_conversation(library, conversation), wanted.text)
        except RessentiError:  # a reader of tables can do without the files
            yield from (hit for hit, _ in turns)
            continue
        by_turn = {turn: hit for hit, turn in turns}
        for place in places:
            if (one := by_turn.get(place.turn)) is not None:
                yield replace(one, start_s=place.start_s, end_s=place.end_s, text=place.text)


_CALL = "c.conversation, c.recording, strftime(c.date, '%Y-%m-%dT%H:%M:%S'), c.page"
_ORDER = "c.date NULLS LAST, c.conversation"


def _turns(
    connection: duckdb.DuckDBPyConnection, wanted: Wanted, condition: tuple[str, list[Any]]
) -> Iterator[tuple[Hit, int]]:
    rows = _rows(connection, "turns", wanted, "coalesce(t.class, '')", "coalesce(t.text, '')", condition, "t.turn")
    for row in rows:
        yield Hit(*row[:-1]), row[-1]


def _hits(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    wanted: Wanted,
    what: str,
    text: str,
    condition: tuple[str, list[Any]] | None = None,
) -> Iterator[Hit]:
    for row in _rows(connection, table, wanted, what, text, condition, "0"):
        yield Hit(*row[:-1])


def _rows(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    wanted: Wanted,
    what: str,
    text: str,
    condition: tuple[str, list[Any]] | None,
    last: str,
) -> list[tuple[Any, ...]]:
    tests, values = _about_calls(wanted)
    if wanted.speaker is not None:
        tests.append(f"({_plain('?')} IN ({_plain('t.name')}, {_plain('t.role')}, {_plain('t.speaker')}))")
        values.append(wanted.speaker)
    if wanted.label is not None and table == "turns":
        tests.append(f"{_plain('t.class')} = {_plain('?')}")
        values.append(wanted.label)
    if condition is not None:
        tests.append(condition[0])
        values += condition[1]
    sql = (
        f"SELECT {_CALL}, coalesce(t.name, t.role, t.speaker), t.start_s, t.end_s, {what}, {text}, {last} "  # noqa: S608
        f"FROM {table} t JOIN conversations c USING (conversation) "
        f"WHERE {' AND '.join(tests) or 'true'} ORDER BY {_ORDER}, t.start_s, t.end_s"
    )
    return connection.execute(sql, values).fetchall()


def calls_of(library: Library, wanted: Wanted, columns: Sequence[str]) -> list[dict[str, Any]]:
    """Columns of the table `conversations` for all calls that fit, by date."""
    tests, values = _about_calls(wanted)
    named = ", ".join(f'c."{name}"' for name in columns)  # of our schema
    with connected(library) as connection:
        sql = f"SELECT {named} FROM conversations c WHERE {' AND '.join(tests) or 'true'} ORDER BY {_ORDER}"  # noqa: S608
        rows = connection.execute(sql, values).fetchall()
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _calls(connection: duckdb.DuckDBPyConnection, wanted: Wanted) -> Iterator[Hit]:
    tests, values = _about_calls(wanted)
    sql = f"SELECT {_CALL} FROM conversations c WHERE {' AND '.join(tests) or 'true'} ORDER BY {_ORDER}"  # noqa: S608
    for conversation, recording, date, page in connection.execute(sql, values).fetchall():
        yield Hit(conversation, recording, date, page, None, None, None, "call", "")


def _about_calls(wanted: Wanted) -> tuple[list[str], list[Any]]:
    """Conditions on calls, and their values."""
    tests: list[str] = []
    values: list[Any] = []
    for name, value in wanted.where:
        known = name.lower() if name.lower() in (*CALL_METADATA, "recording", "conversation") else None
        column = f'CAST(c."{known}" AS VARCHAR)' if known else "c.metadata[?]"
        values += [value] if known else [name.lower(), value]
        tests.append(f"{_plain(column)} = {_plain('?')}")
    for bound, sign in ((wanted.since, ">="), (wanted.until, "<")):
        if bound is not None:
            tests.append(f"c.date {sign} CAST(? AS TIMESTAMP)")
            values.append(bound)
    return tests, values


def _plain(column: str) -> str:
    return f"strip_accents(lower({column}))"
