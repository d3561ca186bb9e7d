"""Recordings in object storage, by fsspec: listing, marks of versions, copies for workers, hashes that are kept."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ressenti.pipeline.errors import ConfigError, NotFoundError, RessentiError, StillBeingWrittenError, UnreadableError
from ressenti.pipeline.files.paths import is_there
from ressenti.pipeline.files.untrusted import short
from ressenti.pipeline.library.folder import COPIES, Library, read_json, write_json
from ressenti.pipeline.store.disk_errors import in_words
from ressenti.pipeline.text import visible

NAME = "storage.json"
PACKAGES = {
    "s3": "s3fs",
    "s3a": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "abfs": "adlfs",
    "abfss": "adlfs",
    "az": "adlfs",
    "http": "aiohttp",
    "https": "aiohttp",
    "memory": "fsspec",
}
"""Schemes that are read, and the package that reads each."""

_URL = re.compile(r"([a-z][a-z0-9+.-]+):/+(.*)", re.IGNORECASE | re.DOTALL)  # `Path` makes one slash of several
_BLOCK = 1 << 20
_VERSION = ("etag", "md5hash", "contentmd5", "digest", "generation", "versionid", "lastmodified", "mtime", "updated")


def url_of(given: str | Path) -> str | None:
    """The address that is given, with its two slashes; None for a path, and for a `file:` URL."""
    match = _URL.fullmatch(str(given))
    if match is None or match[1].lower() == "file" or is_there(Path(given)):
        return None
    scheme, rest = match[1].lower(), match[2]
    host = rest.partition("/")[0]
    if scheme not in PACKAGES or "::" in rest:
        raise ConfigError(
            f"{short(visible(str(given)))}: got an address of {scheme}; expected a path, or an address of "
            f"{', '.join(PACKAGES)}. Copy the recordings, or mount the storage as a folder."
        )
    if ":" in host.rpartition("@")[0]:
        raise ConfigError(
            f"{scheme}://...@{short(visible(host.rpartition('@')[2]))}: the address holds a password. Give it in the "
            "environment or in the settings of the storage, and not in the address."
        )
    return f"{scheme}://{rest}"


def shown_url(url: str) -> str:
    """An address as it is stored and shown: of what follows a question mark, which may be a key, only a hash."""
    address, asked, rest = url.partition("?") if url.startswith("http") else (url, "", "")
    return visible(f"{address}?{hashlib.sha256(rest.encode()).hexdigest()[:12]}" if asked else address)


def listed(url: str) -> Iterator[tuple[str, str]]:
    """Addresses of all files below a prefix, with the mark of each one's version."""
    with _named(url):
        files, path = _open(url)
        found: Mapping[str, Mapping[str, Any]] = files.find(path, detail=True)
        for name in sorted(found):
            yield str(files.unstrip_protocol(name)), _mark(found[name])


def mark_of(url: str) -> str:
    """What tells this version of a file from others; empty if the storage tells nothing of that."""
    with _named(url):
        files, path = _open(url)
        return _mark(files.info(path))


@dataclass(frozen=True)
class Copy:
    """A copy of a recording for one worker: a file in a private folder of its own in the library."""

    path: Path
    sha256: str
    mark: str

    def remove(self) -> None:
        """Remove it."""
        remove_copy(self.path)


def remove_copy(path: Path) -> None:
    """Remove a copy and its folder."""
    shutil.rmtree(path.parent, ignore_errors=True)


def copied(url: str, root: Path) -> Copy:
    """Copy a recording into the library, and hash it; raises the matching `InputError`, or `DiskFullError`."""
    folder = root / COPIES / secrets.token_hex(8)
    name = (
        re.sub(r"[\x00-\x1f/\\]", "_", visible(url.partition("?")[0]).rstrip("/").rpartition("/")[2])[-200:]
        or "recording"
    )
    try:
        with in_words(folder):
            folder.parent.mkdir(mode=0o700, exist_ok=True)
            folder.mkdir(mode=0o700)
        before, digest = mark_of(url), hashlib.sha256()
        with in_words(folder):
            descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            for block in _blocks(url):
                digest.update(block)
                with in_words(folder):
                    file.write(block)
        if mark_of(url) != before:
            raise StillBeingWrittenError(f"{shown_url(url)}: changed while it was read. Wait until it is whole.")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return Copy(folder / name, digest.hexdigest(), before)


@dataclass
class Hashes:
    """Hashes of recordings in storage, by address and version, so that no unchanged recording is read to decide."""

    library: Library
    known: dict[str, tuple[str, str]] = field(default_factory=dict)  # mark and hash by address
    _changed: bool = False

    def of(self, url: str, mark: str) -> str | None:
        """The hash of this version; None if it is not known."""
        before = self.known.get(shown_url(url))
        return before[1] if before and mark and before[0] == mark else None

    def add(self, url: str, mark: str, sha256: str) -> None:
        """Keep a hash."""
        if mark:
            self.known[shown_url(url)] = (mark, sha256)
            self._changed = True

    def without(self, urls: Iterable[str], hashes: Iterable[str]) -> None:
        """Leave out recordings by address or hash, and write that."""
        urls, hashes = set(urls), set(hashes)
        kept = {url: one for url, one in self.known.items() if url not in urls and one[1] not in hashes}
        if kept != self.known:
            self.known, self._changed = kept, True
            self.write()

    def write(self) -> None:
        """Store them, if there is anything new."""
        if self._changed:
            write_json({self.library.root / NAME: {"recordings": self.known}})
            self._changed = False


def read_hashes(library: Library) -> Hashes:
    """The library's kept hashes; damaged ones are made again, at the price of a copy of each."""
    try:
        data = read_json(library.root / NAME)
        return Hashes(library, TypeAdapter(dict[str, tuple[str, str]]).validate_python(data.get("recordings")))
    except (FileNotFoundError, ValidationError, RessentiError):
        return Hashes(library)


def check_installed(url: str) -> None:
    """Raise `ConfigError` if what reads this kind of storage is not installed."""
    import fsspec

    scheme = url.partition(":")[0]
    try:
        fsspec.get_filesystem_class(scheme)
    except ImportError as exc:
        package = PACKAGES[scheme]
        raise ConfigError(f"{scheme}://: needs {package}. Install it: pip install {package}") from exc


def _open(url: str) -> tuple[Any, str]:
    from fsspec.core import url_to_fs

    check_installed(url)
    files, path = url_to_fs(url, use_listings_cache=False)
    return files, str(path)


def _blocks(url: str) -> Iterator[bytes]:
    with _named(url):
        files, path = _open(url)
        with files.open(path, "rb") as file:
            while block := file.read(_BLOCK):
                yield block


def _mark(info: Mapping[str, Any]) -> str:
    plain = {re.sub("[-_]", "", str(name)).lower(): value for name, value in info.items()}
    known = {name: str(plain[name]) for name in (*_VERSION, "created") if plain.get(name)}
    return json.dumps({**known, "size": plain.get("size")}, sort_keys=True) if known else ""


@contextmanager
def _named(url: str) -> Iterator[None]:
    """Turn errors of storages, each of which has its own, into ours."""
    try:
        yield
    except (RessentiError, GeneratorExit):
        raise
    except FileNotFoundError as exc:
        raise NotFoundError(f"{shown_url(url)}: no such file in the storage. Check the address.") from exc
    except Exception as exc:
        what = visible(str(exc).replace(url, shown_url(url))) or type(exc).__name__
        raise UnreadableError(
            f"{shown_url(url)}: the storage does not give it ({type(exc).__name__}: {short(what, 300)}). Check the "
            "address and the credentials."
        ) from exc
