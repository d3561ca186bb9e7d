"""What a batch works on: files, folders with all that is in them, and manifests -> recordings."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ressenti.pipeline.batch.manifest import read_manifest
from ressenti.pipeline.batch.sources import Source
from ressenti.pipeline.batch.urls import local_path
from ressenti.pipeline.files.paths import existing, is_folder
from ressenti.pipeline.library.folder import is_library
from ressenti.pipeline.library.storage import check_installed, listed, url_of

SOUNDS = frozenset((
    *("3ga", "3gp", "8svx", "aac", "ac3", "aif", "aifc", "aiff", "al", "alaw", "amr", "ape", "asf", "au"),
    *("avi", "caf", "dss", "flac", "flv", "gsm", "m4a", "m4b", "m4v", "mka", "mkv", "mov", "mp2", "mp3", "mp4"),
    *("mpeg", "mpg", "mts", "oga", "ogg", "opus", "ra", "rm", "sln", "snd", "sph", "sw", "ts", "tta", "ul"),
    *("ulaw", "voc", "vox", "w64", "wav", "wave", "webm", "wma", "wmv", "wv"),
))  # fmt: skip
"""Endings of files that are taken for recordings in folders; a file that is named itself is always taken."""

MANIFESTS = frozenset(("csv", "tsv", "parquet"))


@dataclass
class Found:
    """All recordings of a command, in the order in which they are worked on.

    `others` counts files in folders by ending that were left alone, as they are no recordings.
    """

    sources: list[Source] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)


def find_sources(given: Sequence[Path | str], leave: Path) -> Found:
    """Find the recordings of files, folders and manifests, each once; `leave` is a folder that holds none: the results.

    Raises `NotFoundError` for a path that does not exist, `ConfigError` for an invalid manifest.
    """
    found = Found()
    for one in given:
        if url := url_of(one):
            found.sources += _in_storage(url, found.others)
            continue
        path = local_path(Path(one))
        if is_folder(path):
            found.sources += (Source(one) for one in _in_folder(path, leave, found.others))
        elif _ending(path) in MANIFESTS:
            existing(path, "a recording, a folder or a manifest")
            found.sources += read_manifest(path)
        else:
            existing(path, "a recording, a folder or a manifest")
            found.sources.append(Source(path))
    for url in {source.url.partition(":")[0]: source.url for source in found.sources if source.url}.values():
        check_installed(url)
    by_path: dict[str, Source] = {}
    for source in found.sources:
        by_path.setdefault(source.url or os.path.abspath(source.path), source)  # noqa: PTH100  # of text: names may be of any bytes
    found.sources = list(by_path.values())
    return found


def _in_storage(url: str, others: Counter[str]) -> Iterator[Source]:
    """A recording, or if the address ends with a slash, all recordings below it, by address."""
    if not url.endswith("/"):
        yield Source(Path(url), url=url)
        return
    for address, mark in listed(url):
        name = Path(address)
        if _ending(name) in SOUNDS:
            yield Source(name, url=address, mark=mark)
        elif not name.name.startswith("."):
            others[name.suffix.lower() or "no ending"] += 1


def _in_folder(top: Path, leave: Path, others: Counter[str]) -> Iterator[Path]:
    """Recordings of a folder and all folders in it, by path; hidden files, links to folders and libraries are left."""
    own = os.path.realpath(leave)
    for where, folders, names in os.walk(top):
        folder = Path(where)
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and os.path.realpath(folder / name) != own and not is_library(folder / name)
        )
        for name in sorted(names):
            if name.startswith("."):
                continue
            if _ending(Path(name)) in SOUNDS:
                yield folder / name
            else:
                others[Path(name).suffix.lower() or "no ending"] += 1


def _ending(path: Path) -> str:
    return path.suffix.lower().removeprefix(".")
