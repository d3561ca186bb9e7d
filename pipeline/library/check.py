"""Find and mend what a crash, a damaged disk or a deleted file left in a library."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from ressenti.pipeline import store
from ressenti.pipeline.errors import LibraryError, RessentiError
from ressenti.pipeline.library.calls import fingerprint
from ressenti.pipeline.library.failures import ERRORS, FAILURES, errors_csv, read_failures, write_failures
from ressenti.pipeline.library.folder import Library, remove_asides, write_json
from ressenti.pipeline.library.forget import finish
from ressenti.pipeline.library.index import Index
from ressenti.pipeline.library.parts import FOLDER, SNAPSHOT, Snapshot, commit, files_of, read_snapshot, sweep
from ressenti.pipeline.library.rows import error_rows
from ressenti.pipeline.library.schema import OF_CONVERSATIONS, Table, arrow_schema
from ressenti.pipeline.store.disk_errors import in_words
from ressenti.pipeline.store.rename_journal import digest_of
from ressenti.pipeline.store.result_sets import entries


@dataclass(frozen=True)
class Finding:
    """Something that was not as it should be, and whether it was mended; if not, the text says what to do."""

    text: str
    mended: bool = True


def check(library: Library) -> Iterator[Finding]:
    """Look at everything, and mend what can be mended; the caller holds the library's lock."""
    yield from _failures(library)
    yield from _parts(library)
    yield from _errors(library)
    if removed := sweep(library):
        yield Finding(f"{removed} leftovers of tables; they are removed")
    if count := finish(library):
        yield Finding(f"{count} recordings of an interrupted deletion were still there; they are deleted")
    index = Index(library)
    there = set()
    for conversation in list(library.ids()):
        whole = True
        for finding in _conversation(library, conversation):
            whole = whole and finding.mended
            yield finding
        if not library.folder_of(conversation).exists():
            continue
        there.add(conversation)
        if not whole:
            continue
        try:
            if index.refresh(conversation):
                yield Finding(f"{conversation}: rows were missing or old; they are made again")
        except RessentiError as error:
            yield Finding(str(error), mended=False)
        index.commit_if_due()
    for conversation in sorted(index.conversations - there):
        index.remove(conversation)
        yield Finding(f"{conversation}: results are gone; rows are removed. `ressenti batch` makes them again")
    index.commit()


def _failures(library: Library) -> Iterator[Finding]:
    """Failures that can be read, and are in `errors.csv`."""
    try:
        failures = read_failures(library)
    except LibraryError:
        for name in (FAILURES, ERRORS):
            with suppress(FileNotFoundError), in_words(library.root / name):
                (library.root / name).unlink()
        yield Finding(f"{FAILURES} was damaged; it is removed, and `ressenti batch` tries those recordings again")
        return
    expected = errors_csv(failures[path] for path in sorted(failures))
    try:
        same = (library.root / ERRORS).read_text(encoding="utf-8") == expected
    except (OSError, UnicodeDecodeError):
        same = not failures
    if not same:
        write_failures(library, failures)
        yield Finding(f"{ERRORS} was not as it should be; it is written again")


def _parts(library: Library) -> Iterator[Finding]:
    """A snapshot that can be read, with parts that can be read; others are left out, and their rows made again."""
    try:
        snapshot = read_snapshot(library)
    except LibraryError:
        write_json({library.root / FOLDER / SNAPSHOT: asdict(Snapshot())})
        yield Finding("the list of tables was damaged or of another version; tables are made again")
        return
    sound = []
    for part in snapshot.parts:
        if all(
            _reads(path, table) for table in OF_CONVERSATIONS for path in files_of(library, table, Snapshot((part,)))
        ):
            sound.append(part)
        else:
            yield Finding(f"{part.name}: a table is missing or damaged; its rows are made again")
    mended = replace(snapshot, parts=tuple(sound))
    if mended != snapshot:
        write_json({library.root / FOLDER / SNAPSHOT: asdict(mended)})


def _errors(library: Library) -> Iterator[Finding]:
    """The table `errors` as the failures are."""
    from pyarrow import parquet

    expected = error_rows(read_failures(library)[path] for path in sorted(read_failures(library)))
    snapshot = read_snapshot(library)
    paths = files_of(library, "errors", snapshot)
    if all(_reads(path, "errors") for path in paths):
        found = [parquet.ParquetFile(path).read() for path in paths] or [expected.slice(0, 0)]
        if found[0].equals(expected):
            return
    commit(library, errors=expected)
    yield Finding("the table errors was missing, old or damaged; it is made again")


def _reads(path: Path, table: Table) -> bool:
    """Whether all rows of a file can be read, with the columns of the table."""
    from pyarrow import ArrowException, parquet

    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches():
                batch.validate(full=True)
            return bool(file.schema_arrow.equals(arrow_schema(table)))
    except (ArrowException, OSError, ValueError):
        return False


def _conversation(library: Library, conversation: str) -> Iterator[Finding]:
    """Results that are whole and unchanged, without leftovers."""
    folder = library.folder_of(conversation)
    if store.recover(folder):
        yield Finding(f"{conversation}: results of a killed run are completed")
    if asides := remove_asides(folder):
        yield Finding(f"{conversation}: {asides} temporary files are removed")
    if not any(folder.iterdir()):
        folder.rmdir()
        with suppress(OSError):
            folder.parent.rmdir()
        yield Finding(f"{conversation}: an empty folder is removed")
        return
    known = entries(folder, conversation)
    if fingerprint(library, conversation) is None:
        what = "results are incomplete" if known else "there is no record of how results were made"
        yield Finding(f"{conversation}: {what}. Run `ressenti batch` with the recording again", mended=False)
        return
    for name, entry in known.items():
        with in_words(folder / name):
            digest = digest_of(folder / name)
        if digest is None:
            yield Finding(f"{folder / name}: is gone. Run `ressenti batch` with the recording again", mended=False)
        elif digest != entry.sha256:
            advice = "If nobody changed it on purpose, run `ressenti batch --redo` with the recording"
            yield Finding(f"{folder / name}: changed since it was written. {advice}", mended=False)
