"""Questions to a library in SQL, by DuckDB: one SELECT, which can read the library's tables and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ressenti.pipeline.errors import LibraryError
from ressenti.pipeline.extras import need
from ressenti.pipeline.library.folder import Library
from ressenti.pipeline.library.parts import Snapshot, files_of, read_snapshot
from ressenti.pipeline.library.schema import TABLES, Type, columns_of

if TYPE_CHECKING:
    import duckdb

_TYPES: dict[Type, str] = {
    "text": "VARCHAR",
    "number": "DOUBLE",
    "whole": "BIGINT",
    "yes/no": "BOOLEAN",
    "time": "TIMESTAMP",
    "texts by name": "MAP(VARCHAR, VARCHAR)",
}
_SAFE: dict[str, str | bool | int | float | list[str]] = {
    "python_enable_replacements": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "temp_directory": "",
}
_LOCKS = ("SET enable_external_access = false", "SET lock_configuration = true")


@contextmanager
def connected(library: Library, snapshot: Snapshot | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection in memory with a view of each table. It reads the files of the snapshot, and no others.

    It can write no file, install or load no extension, and change no setting.
    """
    need("duckdb", "a query")
    import duckdb

    snapshot = snapshot or read_snapshot(library)
    connection = duckdb.connect(":memory:", config=_SAFE)
    try:
        files = {table: [str(path) for path in files_of(library, table, snapshot)] for table in TABLES}
        for table, paths in files.items():
            connection.execute(f"CREATE VIEW {table} AS {_source(paths) if paths else _empty(table)}")
        everything = ", ".join(_quoted(path) for paths in files.values() for path in paths)
        connection.execute(f"SET allowed_paths = [{everything}]")
        for lock in _LOCKS:
            connection.execute(lock)
        yield connection
    except duckdb.IOException as exc:
        raise LibraryError(
            f"{library.root}: a table cannot be read ({_first_line(exc)}). If this happens again, run `ressenti "
            "library check`."
        ) from exc
    finally:
        connection.close()


def _source(paths: Sequence[str]) -> str:
    return f"SELECT * FROM read_parquet([{', '.join(map(_quoted, paths))}])"  # noqa: S608  # quoted


def _empty(table: Any) -> str:
    columns = (f'NULL::{_TYPES[column.type]} AS "{column.name}"' for column in columns_of(table))
    return f"SELECT {', '.join(columns)} WHERE false"  # of our schema


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@contextmanager
def asked(library: Library, sql: str) -> Iterator[tuple[list[str], Iterator[tuple[Any, ...]]]]:
    """Columns and rows of one SELECT statement; raises `LibraryError` for any other, and for what DuckDB refuses."""
    need("duckdb", "ressenti query")
    import duckdb

    with connected(library) as connection:
        try:
            statements = connection.extract_statements(sql)
            kinds = [statement.type for statement in statements]
            if kinds not in ([duckdb.StatementType.SELECT], [duckdb.StatementType.EXPLAIN]):
                found = ", ".join(kind.name for kind in kinds) or "nothing"
                raise LibraryError(f"got {found}; expected one SELECT statement: a library is read, never written.")
            result = connection.execute(statements[0])
            columns = [str(column[0]) for column in result.description or ()]
            yield columns, _rows(result)
        except duckdb.Error as exc:
            if isinstance(exc, duckdb.IOException):
                raise
            raise LibraryError(f"the query was refused: {_first_line(exc)}. See docs/library.md for tables.") from exc


def _rows(result: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    while some := result.fetchmany(1_000):
        yield from some


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split("\n\n")[0].split())[:500].rstrip(".")
