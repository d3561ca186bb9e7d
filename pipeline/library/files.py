"""The Parquet files of a library's tables, for pandas, polars and other readers."""

from __future__ import annotations

from pathlib import Path

from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.library.folder import open_library
from ressenti.pipeline.library.parts import files_of
from ressenti.pipeline.library.schema import TABLES, Table


def library_files(library: str | Path, table: Table) -> list[Path]:
    """Paths of a table's files at this moment; all tables of one moment fit together.

    Later changes write new files, and keep these for ten minutes (not those of `ressenti library forget`). Raises
    `NotFoundError` or `LibraryError` if there is no library, `ConfigError` for an unknown table.
    """
    if table not in TABLES:
        raise ConfigError(f"got table {table!r}; expected one of {', '.join(TABLES)}.")
    return files_of(open_library(Path(library)), table)
