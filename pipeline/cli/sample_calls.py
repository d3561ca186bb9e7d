"""`ressenti sample-calls`: which calls to listen to, drawn at random, and what they say of all."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from ressenti.pipeline.cli.console import Terminal, counted
from ressenti.pipeline.cli.options import Overwrite, Quiet, listed
from ressenti.pipeline.cli.outputs import check_free
from ressenti.pipeline.cli.query import LibraryFolder
from ressenti.pipeline.cli.tables import check_table, link_to, write_table
from ressenti.pipeline.errors import ConfigError, UnreadableError
from ressenti.pipeline.extras import need
from ressenti.pipeline.files.paths import existing
from ressenti.pipeline.files.untrusted import RefusedError, read_text, short
from ressenti.pipeline.text import plain, unguarded, visible

COLUMNS = ("conversation", "recording", "call_id", "date", "agent", "queue", "duration_s", "stratum", "weight")
ANSWER = "answer"
YES = ("yes", "y", "true", "1", "oui", "o", "vrai", "si", "s", "verdadero", "x")
NO = ("no", "n", "false", "0", "non", "faux", "falso")
_MOST_BYTES = 64 << 20
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")
_EXPECTED = "the CSV that `ressenti sample-calls --out` wrote"


def sample_calls(
    library: LibraryFolder,
    count: Annotated[int, typer.Option(min=1, max=100_000, help="Calls to draw.")] = 20,
    by: Annotated[
        str, typer.Option(help="Columns whose values are drawn from in proportion.", metavar="COLUMNS")
    ] = "agent,queue",
    seed: Annotated[int, typer.Option(help="The same seed draws the same calls.")] = 1,
    where: Annotated[
        list[str] | None, typer.Option(help="Only calls with this metadata; may be repeated.", metavar="NAME=VALUE")
    ] = None,
    since: Annotated[str | None, typer.Option(help="Only calls from this date on.", metavar="DATE")] = None,
    until: Annotated[str | None, typer.Option(help="Only calls before this date.", metavar="DATE")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Write the plan: NAME.csv or NAME.xlsx.", metavar="FILE")
    ] = None,
    estimate: Annotated[
        Path | None,
        typer.Option(help="A plan (CSV) whose column `answer` is filled in: print the share of yes.", metavar="FILE"),
    ] = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Draw calls to listen to at random, so that what is counted in them holds for all calls.

    Write the plan with --out, fill in its column `answer` with yes or no, and give it to --estimate.
    """
    need("duckdb", "ressenti sample-calls", extra="library")
    terminal = Terminal(quiet)
    if estimate is not None and out is not None:
        raise ConfigError("--out: got it with --estimate, which writes nothing; expected one of them.")
    if estimate is not None:
        _estimate(estimate, terminal)
    else:
        _draw(library, count, listed(by), seed, (where or (), since, until), out, overwrite, terminal)
    terminal.close()


def _draw(
    folder: Path,
    count: int,
    by: Sequence[str],
    seed: int,
    narrow: tuple[Sequence[str], str | None, str | None],
    out: Path | None,
    overwrite: bool,
    terminal: Terminal,
) -> None:
    from ressenti.pipeline.cli.find_in_library import narrowed
    from ressenti.pipeline.library.folder import open_library
    from ressenti.pipeline.library.sampling import strata, stratified
    from ressenti.pipeline.library.search import Wanted, calls_of
    from ressenti.pipeline.records.call_metadata import CALL_METADATA

    if out is not None:
        check_free([out], overwrite)
        check_table(out)
    where, since, until = narrowed(*narrow)
    asked = (*CALL_METADATA, "metadata", "conversation", "recording", "duration_s", "page")
    rows = calls_of(open_library(folder), Wanted(where=where, since=since, until=until), asked)
    if not rows:
        raise ConfigError(f"{folder}: no calls fit. Change --where, --since or --until.")
    more = {name for row in rows for name in row["metadata"] or {}}
    if wrong := [name for name in by if name not in CALL_METADATA and name not in more]:
        known = ", ".join(sorted({*CALL_METADATA, *more}))
        raise ConfigError(f"--by: got {wrong[0]!r}; expected columns of the library: {known}.")
    cells = [
        {name: row[name] if name in CALL_METADATA else (row["metadata"] or {}).get(name) for name in by} for row in rows
    ]
    cells = [{name: None if cell is None else str(cell) for name, cell in one.items()} for one in cells]
    columns = strata(cells, by, min(count, len(rows)))
    of = [tuple(one[name] or "" for name in columns) for one in cells]
    drawn = stratified([row["conversation"] for row in rows], of, count, seed)
    plan = []
    for one in drawn:
        row = rows[one.index]
        page = str(folder / row["page"]) if row["page"] else None
        values = {**row, "stratum": " / ".join(one.stratum), "weight": f"{one.weight:.6g}"}
        values["date"] = row["date"].isoformat() if row["date"] else None
        values["duration_s"] = None if row["duration_s"] is None else f"{row['duration_s']:.3f}"
        plan.append([*(values[name] for name in COLUMNS), page, link_to(page), ""])
        told = ", ".join(filter(None, (row["call_id"] or row["recording"], values["stratum"])))
        terminal.say(f"[bold]{escape(visible(told))}[/]  [dim]{escape(visible(page or row['conversation']))}[/]")
    if out is not None:
        write_table(out, (*COLUMNS, "page", "link", ANSWER), plan, terminal)
    left = [name for name in by if name not in columns]
    drawn_by = f", in proportion to {' and '.join(columns)}" if columns else ""
    aside = f" (not to {' and '.join(left)}: one value alone, or too many for so few calls)" if left else ""
    terminal.say(f"{counted(len(plan), 'call')} of {len(rows)}, seed {seed}{drawn_by}{aside}")


def _estimate(path: Path, terminal: Terminal) -> None:
    from ressenti.pipeline.library.sampling import share_of

    rows = _plan_of(path)
    weights, answers, empty = [], [], 0
    for number, row in rows:
        answer = plain(unguarded((row[ANSWER] or "").strip()))
        if not answer:
            empty += 1
            continue
        if answer not in YES + NO:
            raise ConfigError(f"{path}, line {number}: {ANSWER}: got {short(repr(row[ANSWER]))}; expected yes or no.")
        weights.append(_weight(row["weight"], path, number))
        answers.append(answer in YES)
    found = share_of(weights, answers)
    if found is None:
        raise ConfigError(f"{path}: the column `{ANSWER}` is empty; expected yes or no in each row.")
    said = Counter(answers)
    terminal.say(
        f"[bold]{found.share:.0%}[/] of {found.of:.0f} calls (95 % interval {found.low:.0%} to {found.high:.0%}), "
        f"from {said[True]} yes and {said[False]} no"
    )
    if empty:
        terminal.note(
            f"[yellow]{counted(empty, 'call')} without an answer[/]: the share holds for all only if these were left "
            "out by chance"
        )


def _plan_of(path: Path) -> list[tuple[int, dict[str, str | None]]]:
    """The rows of a plan and their lines; raises `ConfigError` for what is none, and for a call that is there twice."""
    existing(path, _EXPECTED)
    try:
        text = read_text(path, _MOST_BYTES)
        lines = list(io.StringIO(text.removeprefix("\ufeff"), newline=None))
        sign = max(",;\t", key=_head(lines).count)
        reader = csv.reader(lines, delimiter=sign, strict=True)
        cells = [(reader.line_num, row) for row in reader if any(row)]
    except OSError as exc:
        raise UnreadableError(f"{path}: cannot be read ({exc.strerror}). Expected {_EXPECTED}.") from exc
    except (RefusedError, csv.Error) as exc:
        raise ConfigError(
            f"{path}: {exc}. Expected {_EXPECTED}; a spreadsheet saves it as `CSV UTF-8` (not as a workbook)."
        ) from exc
    if cells and cells[0][1][0].startswith("sep="):  # tells Excel the separator
        cells = cells[1:]
    heads = cells[0][1] if cells else []
    if any(heads.count(name) != 1 for name in ("weight", ANSWER)):
        got = ", ".join(heads) or "no rows"
        raise ConfigError(
            f"{path}: got {short(got, 200)}; expected a plan with the columns `weight` and `{ANSWER}`, once each."
        )
    rows = [(line, dict(zip_longest(heads, row[: len(heads)]))) for line, row in cells[1:]]
    seen: set[str | None] = {None}
    for line, row in rows:
        call = row.get("conversation")
        if call and call in seen:
            raise ConfigError(
                f"{path}, line {line}: {short(call)} is there twice; expected each call once, of one plan."
            )
        seen.add(call)
    return rows


def _head(lines: Sequence[str]) -> str:
    return next((line for line in lines if line.strip() and not line.startswith("sep=")), "")


def _weight(text: str | None, path: Path, number: int) -> float:
    told = (text or "").strip().replace(",", ".")
    weight = float(told) if _NUMBER.fullmatch(told) else 0.0
    if not 1e-6 < weight < 1e12:
        raise ConfigError(f"{path}, line {number}: weight: got {short(repr(text))}; expected a number such as 2.5.")
    return weight
