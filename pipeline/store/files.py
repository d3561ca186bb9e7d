"""Write files completely or not at all, even if other runs write there too or a run is killed."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path

from ressenti.pipeline.errors import OutputError
from ressenti.pipeline.store import locks, rename_journal
from ressenti.pipeline.store.disk_errors import in_folder, in_words
from ressenti.pipeline.store.rename_journal import Step

Files = Mapping[Path, str | bytes]
_LOCK = ".ressenti.lock"
_WAIT_S = 120.0  # for another run that is placing its files, which takes milliseconds
_OLD_S = 86_400.0
_ASIDE = re.compile(rf"{rename_journal.ASIDE.pattern}|\.\d+\.\d+\.partial")  # including names of the first version


def write_whole(files: Files, last: Callable[[], Files] | None = None) -> None:
    """Write all files or none: write each to a temporary file, then rename all into place; undo that on failure.

    `last` is called once the folders are locked, for further files, which are placed last. Runs or threads that write
    the same files do so one after the other. Raises `OutputError`, or `DiskFullError` if the disk is full; temporary
    files are then removed and the previous files restored, also on Ctrl-C. After a kill or power failure, each file is
    completely old or completely new, and the next write to the folder (or `recover`) finishes the job.
    """
    token = secrets.token_hex(8)
    made = [folder for path in files for folder in reversed(path.parents) if not os.path.lexists(folder)]
    steps: list[Step] = []
    try:
        _write_aside(files, token, steps)
        with ExitStack() as stack:
            for folder in sorted({path.parent for path in files}):
                stack.enter_context(_alone_in(folder))
                rename_journal.recover(folder)
            if last is not None:
                _write_aside(last(), token, steps)
            rename_journal.place(steps)
    except BaseException:
        for step in steps:
            with suppress(OSError):
                step.aside.unlink()
        for folder in reversed(made):
            with suppress(OSError):
                folder.rmdir()
        raise


def recover(folder: Path) -> tuple[Path, ...]:
    """Finish or undo what a killed run was placing in a folder, and remove its lock; return the placed files.

    Raises `OutputError`.
    """
    if not any(os.path.lexists(folder / name) for name in (rename_journal.JOURNAL, _LOCK)):
        return ()
    with _alone_in(folder):
        return rename_journal.recover(folder)


def tidy(folder: Path) -> tuple[Path, ...]:
    """`recover`, and remove temporary files older than a day; does nothing if the folder is not writable."""
    try:
        placed = recover(folder)
    except OutputError:
        return ()
    with suppress(OSError):
        for path in folder.iterdir():
            if _ASIDE.fullmatch(path.name):
                with suppress(OSError):
                    if time.time() - path.lstat().st_mtime > _OLD_S:
                        path.unlink()
    return placed


def _write_aside(files: Files, token: str, steps: list[Step]) -> None:
    """Write temporary files, synced to disk, and add each to `steps`."""
    for path, content in files.items():
        data = content.encode("utf-8") if isinstance(content, str) else content
        aside = path.with_name(f".ressenti-{token}.{len(steps)}.partial")
        steps.append(Step(path, aside, hashlib.sha256(data).hexdigest()))
        with in_words(path):
            in_folder(path.parent, partial(rename_journal.write_synced, aside, data))


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Lock a folder for placing files."""
    with ExitStack() as stack:
        with in_words(folder):
            alone = stack.enter_context(locks.held(folder / _LOCK, _WAIT_S))
        if not alone:
            raise OutputError(
                f"{folder}: another program has locked it for {_WAIT_S:.0f} s ({_LOCK}). End that program, or choose "
                "another folder with --out."
            )
        yield
