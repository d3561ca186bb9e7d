"""A page that was written before: its language, and the sound in it, with the recording and spans that it fits."""

from __future__ import annotations

import base64
import json
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_args
from urllib.parse import unquote

from ressenti.pipeline.files.untrusted import RefusedError, read_bounded
from ressenti.pipeline.language import Lang

MOST_BYTES = 1 << 30  # of a page; a day of sound takes 350 MB
_MOST_DATA = 512 << 20  # unpacked
_LANG = re.compile(rb'<html lang="([a-z]{2})">')
_SIDECAR = re.compile(rb'<audio id="sound"[^>]* src="([^"]*)"')
_PART = rb'<script type="text/plain" id="%s">([A-Za-z0-9+/=]*)</script>'


@dataclass(frozen=True)
class SavedPage:
    """What is kept of a page: its language, the recording's SHA-256, its sound, and the spans that are silent in it.

    `sound` is an MP3, the name of one beside the page, or None.
    """

    lang: Lang | None
    sha256: str
    silenced: tuple[tuple[float, float], ...]
    sound: bytes | str | None


def read_page(path: Path) -> SavedPage | None:
    """What a page holds; None if there is none, if Ressenti did not write it, or if its end is missing."""
    try:
        page = read_bounded(path, MOST_BYTES)
        if not page.rstrip().endswith(b"</html>"):
            return None
        data = _unpacked(page, b"data")
        sha256 = data["sha256"] if "sha256" in data else _unpacked(page, b"stored")["recording"]["sha256"]
        silenced = tuple((float(start), float(end)) for start, end in data["bleeps"])
        found = _LANG.search(page, 0, 1_000)
        lang = found[1].decode() if found else ""
        return SavedPage(cast("Lang", lang) if lang in get_args(Lang) else None, str(sha256), silenced, _sound(page))
    except (OSError, RefusedError, ValueError, KeyError, TypeError, RecursionError, zlib.error):
        return None


def _sound(page: bytes) -> bytes | str | None:
    if embedded := _part(page, b"mp3"):
        return base64.b64decode(embedded)
    beside = _SIDECAR.search(page)
    return unquote(beside[1].decode()) if beside else None


def _unpacked(page: bytes, name: bytes) -> dict[str, Any]:
    """The JSON that a part of the page holds; raises one of the errors that `read_page` expects."""
    inflate = zlib.decompressobj(wbits=31)
    text = inflate.decompress(base64.b64decode(_part(page, name)), _MOST_DATA)
    if not inflate.eof:
        raise ValueError("a part of the page is damaged or too large")
    found = json.loads(text)
    if not isinstance(found, dict):
        raise TypeError("a part of the page is no object")
    return found


def _part(page: bytes, name: bytes) -> bytes:
    found = re.search(_PART % name, page)
    return found[1] if found else b""
