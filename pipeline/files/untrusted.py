"""Untrusted files: read within a size limit, and parsed strictly, without guesses and within limits.

Everything here raises `RefusedError`, which says what is wrong without the file's name; callers turn it into their own
error.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import yaml

MOST_DEPTH = 32  # nested lists and groups; our own files have eight
_BLOCK = 1 << 20
_DIGITS = 18  # of an integer; no option or figure has more
_KIND = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
}


class RefusedError(ValueError):
    """Why a file was refused: too large, not a regular file, or invalid content."""


def read_bounded(path: Path, most: int) -> bytes:
    """Read a regular file of at most `most` bytes, without ever blocking.

    Raises `RefusedError` for a larger file, a pipe or a device, and `OSError` for other failures.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    except ValueError as exc:  # a NUL in its name
        raise RefusedError(f"not a valid file name ({exc})") from exc
    with os.fdopen(descriptor, "rb") as file:
        about = os.fstat(file.fileno())
        if stat.S_ISDIR(about.st_mode):
            raise IsADirectoryError(21, "Is a directory", str(path))
        if not stat.S_ISREG(about.st_mode):
            raise RefusedError(f"{_KIND.get(stat.S_IFMT(about.st_mode), 'something else')}; expected a file")
        if about.st_size > most:
            raise RefusedError(f"{about.st_size:,} bytes; expected at most {most:,}")
        blocks, size = [], 0
        while block := file.read(_BLOCK):
            size += len(block)
            if size > most:
                raise RefusedError(f"more than {most:,} bytes, which is the limit")
            blocks.append(block)
    return b"".join(blocks)


def read_text(path: Path, most: int) -> str:
    """Read a regular file of at most `most` bytes as UTF-8; raises like `read_bounded`."""
    try:
        return read_bounded(path, most).decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise RefusedError("not UTF-8 text") from exc


def parse_json(text: str) -> Any:
    """Parse JSON; refuses duplicate keys, NaN, infinities, huge numbers, and more than 32 levels."""
    found = _loaded(text, _unique)
    _check_levels(found)
    return found


def skim_json(text: str) -> dict[str, Any] | None:
    """The top level of a JSON object, under the rules of `parse_json` except depth; None for other JSON.

    Inner objects are dropped while parsing, so that a large file takes no more memory than its text.
    """
    top: dict[str, Any] = {}

    def skim(pairs: list[tuple[str, Any]]) -> None:
        nonlocal top
        top = _unique(pairs)

    outermost = _loaded(text, skim)
    return top if outermost is None and text.lstrip()[:1] == "{" else None


def parse_yaml(text: str) -> Any:
    """Parse YAML; refuses anchors, tags, duplicate or non-text keys, huge numbers, and more than 32 levels.

    Only `true` and `false` are booleans, only decimal numbers are numbers, and dates are text.
    """
    try:
        _check_events(text)
        return yaml.load(text, Loader=_Loader)  # noqa: S506  # a safe one
    except yaml.YAMLError as exc:
        raise RefusedError(f"not YAML ({exc})") from exc
    except RecursionError as exc:
        raise RefusedError(f"too deep; expected at most {MOST_DEPTH} levels") from exc


def _loaded(text: str, pairs: Callable[[list[tuple[str, Any]]], Any]) -> Any:
    try:
        text.encode()
    except UnicodeEncodeError as exc:
        raise RefusedError("half a character (a lone surrogate) in the text; expected whole characters") from exc
    try:
        return json.loads(text, object_pairs_hook=pairs, parse_constant=_no_constant, parse_int=_int)
    except RecursionError as exc:
        raise RefusedError(f"too deep; expected at most {MOST_DEPTH} levels") from exc
    except json.JSONDecodeError as exc:
        raise RefusedError(f"not JSON ({exc})") from exc


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        raise RefusedError(f"{short(twice)!r} appears twice in one group; expected it once")
    return found


def _int(digits: str) -> int:
    if len(digits) > _DIGITS:
        raise RefusedError(f"a number of {len(digits)} digits; expected at most {_DIGITS}")
    return int(digits)


def _no_constant(name: str) -> NoReturn:
    raise RefusedError(f"{name}; expected a finite number")


def _check_levels(found: Any) -> None:
    """Refuse too many levels, infinities and lone surrogates, level by level."""
    level = [found]
    for _ in range(MOST_DEPTH + 1):
        inner: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                inner += value
                inner += value.values()
            elif isinstance(value, list):
                inner += value
            elif isinstance(value, float) and value in (float("inf"), float("-inf")):
                raise RefusedError("a number too large; expected a finite one")
            elif isinstance(value, str) and not _is_whole(value):
                raise RefusedError("half a character (a lone surrogate) in the text; expected whole characters")
        if not inner:
            return
        level = inner
    raise RefusedError(f"too deep; expected at most {MOST_DEPTH} levels")


def _is_whole(text: str) -> bool:
    return text.isascii() or not _SURROGATE.search(text)


_SURROGATE = re.compile("[\ud800-\udfff]")


def short(text: str, most: int = 60) -> str:
    """Text to quote in a message, cut to `most` characters."""
    return text if len(text) <= most else text[:most] + "…"


def _check_events(text: str) -> None:
    """Refuse anchors, tags and too many levels before anything is built."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        where = f"line {event.start_mark.line + 1}" if event.start_mark else "file"
        if getattr(event, "anchor", None) is not None:  # aliases have one too
            raise RefusedError(f"{where}: an anchor or alias; write the values out")
        if (tag := getattr(event, "tag", None)) is not None:
            raise RefusedError(f"{where}: a tag ({short(tag)}); write plain values")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MOST_DEPTH:
            raise RefusedError(f"{where}: too deep; expected at most {MOST_DEPTH} levels")


class _Loader(yaml.SafeLoader):
    """A safe loader for a small subset of YAML."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: ARG002, FBT001, FBT002, RUF100  # theirs
        pairs = [(self._name(key), self.construct_object(value, deep=True)) for key, value in node.value]
        return _unique(pairs)

    def _name(self, key: yaml.Node) -> str:
        if isinstance(key, yaml.ScalarNode) and key.tag == "tag:yaml.org,2002:str":
            return str(key.value)
        shown = short(str(key.value)) if isinstance(key, yaml.ScalarNode) else "a list or group"
        raise RefusedError(f"line {key.start_mark.line + 1}: got {shown} as a key; expected text (quoted if necessary)")

    def _whole(self, node: yaml.ScalarNode) -> int:
        return _int(str(self.construct_scalar(node)))


_Loader.yaml_implicit_resolvers = {}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false|True|False)$"), list("tfTF"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$"), list("-+0123456789"))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^(?:[-+]?(?:[0-9]+\.[0-9]*|\.?[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf)|\.(?:nan|NaN))$"),
    list("-+.0123456789"),
)
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])
_Loader.add_constructor("tag:yaml.org,2002:int", _Loader._whole)  # noqa: SLF001  # its own
