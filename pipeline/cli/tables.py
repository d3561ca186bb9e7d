"""Rows that a command found, as CSV or as an Excel workbook."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ressenti.pipeline import store
from ressenti.pipeline.cli.console import Terminal
from ressenti.pipeline.extras import need
from ressenti.pipeline.text import guarded, visible

MOST_ROWS, MOST_LINKS, MOST_LETTERS = 1_048_575, 65_000, 32_000  # of a sheet in Excel, of a cell
_SAFE = {"strings_to_formulas": False, "strings_to_urls": False, "in_memory": True}


def check_table(out: Path) -> None:
    """Raise `ConfigError` if what writes this kind of table is not installed."""
    if _is_workbook(out):
        need("xlsxwriter", "--out NAME.xlsx", "or choose NAME.csv", extra="library")


def write_table(out: Path, columns: Sequence[str], rows: Sequence[Sequence[Any]], terminal: Terminal) -> None:
    """Write rows as the name's ending says; says which do not fit into a workbook."""
    if not _is_workbook(out):
        store.write_whole({out: table_text(columns, rows)[0]})
        return
    store.write_whole({out: _workbook(columns, rows)})
    if (left := len(rows) - MOST_ROWS) > 0:
        terminal.note(f"[yellow]{left} rows do not fit into a sheet[/]: write a CSV, or narrow the search")


def table_text(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> tuple[str, int]:
    """Rows as CSV, texts guarded against spreadsheets that would run them, and their number."""
    out, count = io.StringIO(), 0
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([guarded(name) for name in columns])
    for row in rows:
        writer.writerow([_cell(value) for value in row])
        count += 1
    return out.getvalue().replace("\x00", "\ufffd"), count


def link_to(page: str | None, start_s: float | None = None) -> str | None:
    """A link that opens a page, at a second if one is given."""
    if page is None:
        return None
    return Path(page).resolve().as_uri() + ("" if start_s is None else f"#t={start_s:.2f}")


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    return guarded(value if isinstance(value, str) else str(value))


def _is_workbook(out: Path) -> bool:
    return out.suffix.lower() == ".xlsx"


def _workbook(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    """An Excel workbook: numbers and times (`..._s`) are numbers, `link` is one, and no text is run as a formula."""
    import xlsxwriter

    out = io.BytesIO()
    with xlsxwriter.Workbook(out, _SAFE) as book:
        sheet = book.add_worksheet("found")
        sheet.write_row(0, 0, columns, book.add_format({"bold": True}))
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, max(1, min(len(rows), MOST_ROWS)), len(columns) - 1)
        for at, row in enumerate(rows[:MOST_ROWS], 1):
            for column, (name, value) in enumerate(zip(columns, row, strict=True)):
                if value is not None:
                    _write(sheet, at, column, name, value)
    return out.getvalue()


def _write(sheet: Any, at: int, column: int, name: str, value: Any) -> None:
    if isinstance(value, int | float):
        sheet.write_number(at, column, value)
        return
    text = visible(value)[:MOST_LETTERS]
    if name.endswith("_s"):
        sheet.write_number(at, column, float(value))
    elif name == "link" and at <= MOST_LINKS:
        uri = value.replace("file:", "FILE:", 1)  # the same to RFC 3986; xlsxwriter writes `file:` with backslashes
        sheet.write_url(at, column, uri, string=text)
    else:
        sheet.write_string(at, column, text)
