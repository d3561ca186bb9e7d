"""Open a recording once, as a regular file, and read it through its descriptor."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ressenti.pipeline import errors

_BLOCK = 1 << 20


@dataclass(frozen=True)
class Opened:
    """A regular file open for reading, with its size and modification time at opening."""

    path: Path
    descriptor: int
    size: int
    mtime_ns: int

    def sha256(self) -> str:
        """Hexadecimal SHA-256 of its bytes."""
        digest, at = hashlib.sha256(), 0
        while block := self._at(at):
            digest.update(block)
            at += len(block)
        return digest.hexdigest()

    def _at(self, offset: int) -> bytes:
        if hasattr(os, "pread"):
            return os.pread(self.descriptor, _BLOCK, offset)
        os.lseek(self.descriptor, offset, os.SEEK_SET)  # Windows
        return os.read(self.descriptor, _BLOCK)

    def check_unchanged(self) -> None:
        """Raise `StillBeingWrittenError` if the file changed since it was opened."""
        now = os.fstat(self.descriptor)
        if (now.st_size, now.st_mtime_ns) != (self.size, self.mtime_ns):
            raise errors.StillBeingWrittenError(
                f"{self.path.name}: still being written: it had {self.size} bytes and now has {now.st_size}. "
                "Wait until the recording or the copy is done."
            )


@contextmanager
def opened(path: Path) -> Iterator[Opened]:
    """Open a recording for reading; its name is always taken as a file name, never as a URL or option.

    Raises the matching `InputError` if it is not a readable file. Never blocks: pipes are refused.
    """
    with _named(path):
        if path.is_dir():  # Windows cannot open one
            raise IsADirectoryError
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        _check_kind(path, path.stat().st_mode)  # check before opening: opening a device can act on it
        descriptor = os.open(path, flags)
    try:
        with _named(path):
            about = os.fstat(descriptor)
            _check_kind(path, about.st_mode)
            if about.st_size == 0:
                raise errors.EmptyFileError(
                    f"{path.name}: an empty file (0 bytes); expected a recording. Copy it again."
                )
            yield Opened(path, descriptor, about.st_size, about.st_mtime_ns)
    finally:
        os.close(descriptor)


def checked_sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a recording's bytes; raises the matching `InputError` if it cannot be read."""
    with opened(path) as file:
        return file.sha256()


def _check_kind(path: Path, mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError
    kinds = {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}
    if not stat.S_ISREG(mode):
        raise errors.UnreadableError(
            f"{path}: {kinds.get(stat.S_IFMT(mode), 'not a regular file')}; expected a recording in a file. "
            "Write the sound to a file first, and give its name."
        )


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Turn the system's errors into ours."""
    try:
        yield
    except FileNotFoundError as exc:
        if str(path) == "-":
            raise errors.NotFoundError(
                "-: standard input is not read; expected the name of a recording. Write the sound to a file first. "
                "(For a file called -, write ./-.)"
            ) from exc
        raise errors.NotFoundError(f"{path}: no such file; expected a recording. Check the name and folder.") from exc
    except IsADirectoryError as exc:
        raise errors.IsFolderError(
            f"{path}: is a folder; expected a recording. Give the files in it, for example {path}/*.wav."
        ) from exc
    except PermissionError as exc:
        raise errors.UnreadableError(
            f"{path}: you may not read this file. Ask for read permission, or copy it."
        ) from exc
    except OSError as exc:
        raise errors.UnreadableError(f"{path}: cannot be read ({exc.strerror}). Check the disk or the share.") from exc
    except ValueError as exc:  # a zero byte in the name
        raise errors.NotFoundError(f"{path!r}: not a valid file name. Check it.") from exc
