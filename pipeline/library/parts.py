"""The tables of a library as Parquet: parts that never change, and a snapshot that says which of them count.

    tables/snapshot.json            the parts that count; replaced as a whole
    tables/part-TOKEN/TABLE.parquet one part: rows of some conversations in all tables
    tables/errors-TOKEN.parquet     what could not be analysed

A commit writes new parts, then the snapshot: a reader that goes by the snapshot sees all of a commit or nothing. Parts
that no longer count stay for some minutes for those who are reading them. Small parts are joined as they become many,
so that their number grows with the logarithm of the conversations, up to parts of `FULL`.
"""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from ressenti.pipeline.errors import LibraryError
from ressenti.pipeline.library.folder import Library, read_json, write_json
from ressenti.pipeline.library.rows import Rows
from ressenti.pipeline.library.schema import OF_CONVERSATIONS, SCHEMA, Table, arrow_schema
from ressenti.pipeline.store.disk_errors import in_words

if TYPE_CHECKING:
    import pyarrow as pa

FOLDER, SNAPSHOT = "tables", "snapshot.json"
LEVELS = (16, 256, 4_096)  # conversations: parts between two of these are alike
MOST_ALIKE = 16  # so many alike parts are joined
FULL = 20_000  # conversations; such a part is not joined any more
_MOST_JOINED = 50_000
_ROW_GROUP = 131_072
_KEPT_S = 600.0  # parts that no longer count, for their readers


@dataclass(frozen=True)
class Part:
    """A part: the name of its folder and how many conversations it holds."""

    name: Annotated[str, Field(pattern=r"^part-[0-9a-f]{16}$")]
    conversations: Annotated[int, Field(ge=0)]


@dataclass(frozen=True)
class Snapshot:
    """The parts that count, and the file of the table `errors`."""

    parts: tuple[Part, ...] = ()
    errors: Annotated[str, Field(pattern=r"^errors-[0-9a-f]{16}\.parquet$")] | None = None
    schema: int = SCHEMA


def read_snapshot(library: Library) -> Snapshot:
    """The present snapshot; raises `LibraryError` if it is damaged or of another version."""
    path = library.root / FOLDER / SNAPSHOT
    try:
        found = TypeAdapter(Snapshot).validate_python(read_json(path))
    except FileNotFoundError:
        return Snapshot()
    except ValidationError as exc:
        raise LibraryError(f"{path}: damaged. Run `ressenti library check` to mend the library.") from exc
    if found.schema != SCHEMA:
        raise LibraryError(
            f"{path}: tables of version {found.schema}; this program has {SCHEMA}. Run `ressenti library check` to "
            "make them again."
        )
    return found


def files_of(library: Library, table: Table, snapshot: Snapshot | None = None) -> list[Path]:
    """The Parquet files of a table."""
    snapshot = snapshot or read_snapshot(library)
    top = library.root / FOLDER
    if table == "errors":
        return [top / snapshot.errors] if snapshot.errors else []
    return [top / part.name / f"{table}.parquet" for part in snapshot.parts]


def read_results(library: Library, snapshot: Snapshot) -> dict[str, tuple[str, str]]:
    """For each conversation in the tables, its part and the fingerprint of what its rows were made from."""
    from pyarrow import parquet

    found: dict[str, tuple[str, str]] = {}
    for part in snapshot.parts:
        path = library.root / FOLDER / part.name / "conversations.parquet"
        with in_words(path):
            rows = parquet.read_table(path, columns=["conversation", "result"], partitioning=None)
        names, results = (rows.column(name).to_pylist() for name in ("conversation", "result"))
        found |= {name: (part.name, result) for name, result in zip(names, results, strict=True)}
    return found


def commit(
    library: Library,
    add: Sequence[Rows] = (),
    drop: Mapping[str, Collection[str]] | None = None,
    errors: pa.Table | None = None,
) -> Snapshot:
    """Add rows of conversations, drop conversations by part, replace `errors`: all at once, or nothing.

    The caller holds the library's lock. Raises `OutputError`, or `DiskFullError` if the disk is full.
    """
    before = read_snapshot(library)
    made: list[Path] = []
    try:
        parts: list[Part] = []
        for part in before.parts:
            gone = (drop or {}).get(part.name)
            if not gone:
                parts.append(part)
            elif left := _written(library, [part], gone, made):
                parts.append(left)
        if add:
            parts.append(_new(library, add, made))
        parts = _joined(library, parts, made)
        name = before.errors
        if errors is not None:
            name = f"errors-{secrets.token_hex(8)}.parquet" if len(errors) else None
            if name:
                made.append(library.root / FOLDER / name)
                _write(made[-1], "errors", [errors])
        after = Snapshot(tuple(parts), name)
        if after != before:
            write_json({library.root / FOLDER / SNAPSHOT: asdict(after)})
    except BaseException:
        for path in made:
            _remove(path)
        raise
    _retire(library, before, after)
    sweep(library)
    return after


def sweep(library: Library, kept_s: float = _KEPT_S) -> int:
    """Remove parts and files that do not count and are older than `kept_s` seconds; return how many."""
    snapshot, top = read_snapshot(library), library.root / FOLDER
    counting = {part.name for part in snapshot.parts} | {snapshot.errors, SNAPSHOT}
    removed = 0
    with suppress(FileNotFoundError):
        for path in top.iterdir():
            if path.name not in counting and not path.name.startswith(".ressenti"):
                with suppress(OSError):
                    if time.time() - path.lstat().st_mtime >= kept_s:
                        _remove(path)
                        removed += 1
    return removed


def _retire(library: Library, before: Snapshot, after: Snapshot) -> None:
    """Note on parts that no longer count when they stopped to."""
    gone = {part.name for part in before.parts} - {part.name for part in after.parts}
    gone |= {before.errors} - {after.errors, None}  # type: ignore[arg-type]
    for name in gone:
        with suppress(OSError):
            os.utime(library.root / FOLDER / name)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


def _joined(library: Library, parts: list[Part], made: list[Path]) -> list[Part]:
    """Parts with those joined that are alike and many."""
    for level in range(len(LEVELS) + 1):
        alike = [part for part in parts if _level(part) == level]
        if len(alike) < MOST_ALIKE:
            continue
        groups: list[list[Part]] = [[]]
        for part in alike:
            if sum(one.conversations for one in groups[-1]) + part.conversations > _MOST_JOINED:
                groups.append([])
            groups[-1].append(part)
        parts = [part for part in parts if part not in alike]
        for group in groups:
            joined = _written(library, group, (), made) if len(group) > 1 else group[0]
            parts += [joined] if joined else []
    return parts


def _level(part: Part) -> int | None:
    if part.conversations >= FULL:
        return None
    return sum(part.conversations >= least for least in LEVELS)


def _new(library: Library, add: Sequence[Rows], made: list[Path]) -> Part:
    """A part of new rows, by date and id."""
    import pyarrow as pa

    def key(rows: Rows) -> tuple[bool, object, str]:
        first = rows["conversations"].slice(0, 1).to_pylist()[0]
        return first["date"] is None, first["date"] or "", first["conversation"]

    ordered = sorted(add, key=key)
    folder, counts = _folder(library, made), {}
    for table in OF_CONVERSATIONS:
        rows = pa.concat_tables([one[table] for one in ordered])
        counts[table] = _write(folder / f"{table}.parquet", table, [rows])
    return Part(folder.name, counts["conversations"])


def _written(library: Library, parts: Sequence[Part], without: Collection[str], made: list[Path]) -> Part | None:
    """One part with the rows of several, without some conversations; None if none are left."""
    folder = _folder(library, made)
    left = 0
    for table in OF_CONVERSATIONS:
        paths = [library.root / FOLDER / part.name / f"{table}.parquet" for part in parts]
        rows = _write(folder / f"{table}.parquet", table, _rows(paths, without))
        left = rows if table == "conversations" else left
        if left == 0:
            _remove(folder)
            return None
    return Part(folder.name, left)


def _rows(paths: Iterable[Path], without: Collection[str]) -> Iterator[pa.Table]:
    import pyarrow as pa
    from pyarrow import compute, parquet

    gone = pa.array(sorted(without), pa.string())
    for path in paths:
        with in_words(path), parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(_ROW_GROUP):
                rows = pa.Table.from_batches([batch])
                if without:
                    rows = rows.filter(compute.invert(compute.is_in(rows["conversation"], value_set=gone)))
                yield rows


def _folder(library: Library, made: list[Path]) -> Path:
    folder = library.root / FOLDER / f"part-{secrets.token_hex(8)}"
    with in_words(folder):
        folder.mkdir(parents=True)
    made.append(folder)
    return folder


def _write(path: Path, table: Table, rows: Iterable[pa.Table]) -> int:
    """Write a table's rows in groups of `_ROW_GROUP`, synced to disk; return their number."""
    import pyarrow as pa
    from pyarrow import parquet

    schema = arrow_schema(table)
    waiting: list[pa.Table] = []
    count = held = 0

    def flush(writer: Any) -> None:
        nonlocal waiting, held
        writer.write_table(pa.concat_tables(waiting).combine_chunks(), row_group_size=_ROW_GROUP)
        waiting, held = [], 0

    path.parent.mkdir(parents=True, exist_ok=True)
    with in_words(path), ExitStack() as stack:
        file = stack.enter_context(path.open("xb"))
        writer = stack.enter_context(parquet.ParquetWriter(file, schema, compression="zstd"))
        for some in rows:
            waiting.append(some.cast(schema))
            held += len(some)
            count += len(some)
            if held >= _ROW_GROUP:
                flush(writer)
        if waiting:
            flush(writer)
        writer.close()
        file.flush()
        os.fsync(file.fileno())
    return count
