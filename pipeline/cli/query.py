"""`ressenti query`: SQL over a library's tables."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from ressenti.pipeline.cli.console import Terminal, counted
from ressenti.pipeline.cli.options import Overwrite
from ressenti.pipeline.cli.outputs import check_free
from ressenti.pipeline.cli.tables import table_text

MOST_SHOWN = 200

LibraryFolder = Annotated[Path, typer.Argument(metavar="LIBRARY", help="Folder that `ressenti batch` wrote.")]


def query(
    library: LibraryFolder,
    sql: Annotated[
        str,
        typer.Argument(
            metavar="SQL", help="One SELECT over conversations, turns, speakers, moments, words and errors."
        ),
    ],
    out: Annotated[Path | None, typer.Option("--out", help="Write all rows as CSV.", metavar="FILE")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print each row as a line of JSON.")] = False,
    overwrite: Overwrite = False,
) -> None:
    """Ask a library in SQL (DuckDB). It is only read; no other file can be reached."""
    from ressenti.pipeline.library.folder import open_library
    from ressenti.pipeline.library.query import asked
    from ressenti.pipeline.store import write_whole

    terminal = Terminal()
    if out is not None:
        check_free([out], overwrite)
    with asked(open_library(library), sql) as (columns, rows):
        if out is not None:
            text, count = table_text(columns, rows)
            write_whole({out: text})
            terminal.say(f"{counted(count, 'row')} → [bold]{escape(str(out))}[/]")
        elif as_json:
            for row in rows:
                terminal.line(json.dumps(dict(zip(columns, row, strict=True)), default=str))
        else:
            _show(terminal, columns, rows)
    terminal.close()


def _show(terminal: Terminal, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    table, rest = Table(*map(escape, columns)), iter(rows)
    count = 0
    for row in islice(rest, MOST_SHOWN):
        table.add_row(*("" if value is None else escape(str(value)) for value in row))
        count += 1
    terminal.show(table)
    more = sum(1 for _ in rest)
    shown = f", the first {count} are shown; --out FILE writes all" if more else ""
    terminal.say(f"{counted(count + more, 'row')}{shown}")
