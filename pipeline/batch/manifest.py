"""Manifests: tables with a row for each recording -> recordings with metadata and settings."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

from ressenti.pipeline.batch.sources import Settings, Source
from ressenti.pipeline.batch.urls import local_path
from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.extras import need
from ressenti.pipeline.files.untrusted import RefusedError, read_bounded, short
from ressenti.pipeline.library.metadata import MOST_COLUMNS, metadata_of, text_of
from ressenti.pipeline.library.storage import url_of
from ressenti.pipeline.text import visible

MOST_BYTES = 1 << 30
SETTINGS = ("speakers", "names", "roles", "language", "transcript")
_RENAMED = {"id": "call_id"}
_EXPECTED = "Expected a table with a column `path` and a row for each recording."
_LANGUAGE = re.compile("auto|[a-z]{2,3}")
_MOST_SPEAKERS = 100


def read_manifest(path: Path) -> list[Source]:
    """Recordings of a CSV, TSV or Parquet file; paths in it are relative to its folder.

    Raises `ConfigError`, which names the row, for a file without a column `path`, or an invalid cell.
    """
    shown = visible(str(path))
    columns, rows = _parquet(path, shown) if path.suffix.lower() == ".parquet" else _csv(path, shown)
    _check_columns(columns, shown)
    found: list[Source] = []
    for number, row in rows:
        if any(text_of(value) for value in row.values()):
            found.append(_source(row, path.parent, f"{shown}: row {number}"))
    if not found:
        raise ConfigError(f"{shown}: has no rows. {_EXPECTED}")
    return found


def _check_columns(columns: Sequence[str], shown: str) -> None:
    twice = next((name for k, name in enumerate(columns) if name in columns[:k]), None)
    if twice is not None:
        raise ConfigError(f"{shown}: two columns are called {short(visible(twice))!r}; expected each name once.")
    if "path" not in columns:
        near = get_close_matches("path", columns, 1) or [c for c in columns if c in ("file", "filename", "recording")]
        advice = f" Rename {short(visible(near[0]))!r} to path." if near else ""
        listed = ", ".join(short(visible(name)) for name in columns[:10]) or "none"
        raise ConfigError(f"{shown}: no column `path`; the columns are: {listed}. {_EXPECTED}{advice}")
    if len(columns) > MOST_COLUMNS:
        raise ConfigError(f"{shown}: {len(columns)} columns; expected at most {MOST_COLUMNS}. Leave some out.")
    for name in SETTINGS:  # `speaker` would be metadata, and the number would be silently ignored
        if name not in columns and (wrong := [c for c in columns if c in (name.rstrip("s"), f"{name}s")]):
            raise ConfigError(f"{shown}: got a column {wrong[0]!r}; did you mean {name!r}? Rename the column.")


def _source(row: Mapping[str, object], folder: Path, where: str) -> Source:
    cells = {name: text_of(value) for name, value in row.items()}
    named = cells.pop("path")
    if not named:
        raise ConfigError(f"{where}: path is empty; expected the path of a recording.")
    settings = Settings(
        speakers=_count(cells.pop("speakers", ""), where),
        names=_listed(cells.pop("names", ""), "names", where),
        roles=_listed(cells.pop("roles", ""), "roles", where),
        language=_language(cells.get("language", ""), where),
        transcript=folder / text if (text := cells.pop("transcript", "")) else None,
    )
    metadata = metadata_of({_RENAMED.get(name, name): text for name, text in cells.items()}, where)
    if url := url_of(named):
        return Source(Path(named), metadata, settings, url)
    return Source(folder / local_path(Path(named)), metadata, settings)


def _count(text: str, where: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= _MOST_SPEAKERS):
        raise ConfigError(f"{where}: speakers: got {short(visible(text))!r}; expected a number from 1 to 100.")
    return int(text)


def _listed(text: str, name: str, where: str) -> tuple[str, ...]:
    parts = tuple(part.strip() for part in re.split("[,;|]", text)) if text else ()
    if not all(parts):
        raise ConfigError(f"{where}: {name}: got {short(visible(text))!r}; expected values with a comma between them.")
    return parts


def _language(text: str, where: str) -> str | None:
    if text and not _LANGUAGE.fullmatch(text.lower()):
        raise ConfigError(
            f"{where}: language: got {short(visible(text))!r}; expected a code such as en or fr, or auto."
        )
    return text.lower() or None


def _csv(path: Path, shown: str) -> tuple[list[str], Iterator[tuple[int, Mapping[str, object]]]]:
    """Columns, and rows with their line numbers; columns are separated by comma, semicolon or tab."""
    try:
        text = read_bounded(path, MOST_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise ConfigError(f"{shown}: not UTF-8 text ({exc.reason}). Save the table as CSV in UTF-8.") from exc
    except (RefusedError, OSError) as exc:
        raise ConfigError(f"{shown}: cannot be read ({exc}). {_EXPECTED}") from exc
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        columns = [name.strip().lower() for name in next(reader, [])]
    except csv.Error as exc:
        raise ConfigError(f"{shown}: line 1: {exc}. {_EXPECTED}") from exc

    def rows() -> Iterator[tuple[int, Mapping[str, object]]]:
        try:
            for cells in reader:
                if len(cells) > len(columns):
                    raise ConfigError(
                        f"{shown}: row {reader.line_num}: {len(cells)} cells; expected {len(columns)}. Put quotes "
                        "around cells with a separator in them."
                    )
                yield reader.line_num, dict(zip(columns, cells + [""] * (len(columns) - len(cells)), strict=True))
        except csv.Error as exc:
            raise ConfigError(f"{shown}: row {reader.line_num}: {exc}. {_EXPECTED}") from exc

    return columns, rows()


def _parquet(path: Path, shown: str) -> tuple[list[str], Iterator[tuple[int, Mapping[str, object]]]]:
    need("pyarrow", "a manifest in Parquet", "or write it as CSV")
    from pyarrow import ArrowException, parquet

    try:
        file = parquet.ParquetFile(path)
        table = file.read()
    except (ArrowException, OSError, ValueError) as exc:
        raise ConfigError(f"{shown}: cannot be read as Parquet ({short(str(exc), 200)}). {_EXPECTED}") from exc
    columns = [str(name).strip().lower() for name in table.column_names]
    table = table.rename_columns(columns)
    rows = (row for batch in table.to_batches(max_chunksize=10_000) for row in _pylist(batch, columns))
    return columns, enumerate(rows, 1)


def _pylist(batch: object, columns: Sequence[str]) -> Iterator[Mapping[str, object]]:
    values = [column.to_pylist() for column in batch.columns]  # type: ignore[attr-defined]
    for row in zip(*values, strict=True):
        yield dict(zip(columns, row, strict=True))
