"""Recordings with hostile names through the whole command: analysed, and the name is text wherever it is shown."""

from __future__ import annotations

import os
import re
import tempfile
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from campaign import program
from campaign.cases import refused
from campaign.pages import Part, scripts_in, skeleton
from campaign.pool import Worker, spread
from campaign.run import Verdict, fault_of
from campaign.sources import source

STANDARD_INPUT = "-"
_WORDS = frozenset({0, 2, 3, 4, 6, 7, 8})  # standard input is read, or it is said that it is not


def put(folder: Path, names: Sequence[str]) -> None:
    """The same recording under each name, and one beside them that nobody asks for."""
    for name in [*names, "canary.wav"]:
        if name != STANDARD_INPUT:
            (folder / name).write_bytes(source("wav-s16").data)
    (folder / "list.txt").write_text("ffconcat version 1.0\nfile canary.wav\n", encoding="utf-8")


@cache
def harmless() -> tuple[Part, ...]:
    """What the page of a recording with a harmless name is made of."""
    with tempfile.TemporaryDirectory(prefix="campaign-") as made:
        put(Path(made), ["call.wav"])
        ran = program.run(["analyze", "--words", "off", "--audio", "none", "call.wav"], Path(made))
        assert ran.code == 0, ran.words
        return tuple(skeleton((Path(made) / "call.report.html").read_text(encoding="utf-8")))


def acting(text: str) -> str:
    """Characters that a terminal acts on, or that change how text reads, as their names; empty where there are none."""
    wrong = {
        c
        for c in text
        if c != "\n" and (unicodedata.category(c) == "Cc" or c in "\u200b\u202e\u2066\u2069\ufeff\u2028")
    }
    return ", ".join(sorted(f"U+{ord(c):04X}" for c in wrong))


def _fault(folder: Path, out: Path, names: Sequence[str], words: str) -> tuple[str, str]:
    if shown := acting(words):
        return "markup", f"the terminal gets {shown}"
    for name in names:
        page = out / f"{Path(name).stem}.report.html"
        if not page.exists():
            return "left over", f"no page of {name!a}"
        text = page.read_text(encoding="utf-8")
        if tuple(skeleton(text)) != harmless() or scripts_in(text):
            return "markup", f"the page of {name!a} is made of other parts; {scripts_in(text)}"
    aside = [path.name for path in out.iterdir() if re.search(r"\.(partial|before)$", path.name)]
    owned = [path.name for path in folder.iterdir() if path.name in ("owned", "elsewhere.wav", "x.json")]
    return ("left over", ", ".join(aside + owned)) if aside or owned else ("", "")


def _call(names: Sequence[str]) -> Verdict:
    """One run of the command on recordings of these names."""
    with tempfile.TemporaryDirectory(prefix="campaign-") as made:
        folder = Path(made) / "in"
        folder.mkdir()
        put(folder, names)
        arguments = [
            "analyze",
            "--words",
            "off",
            "--audio",
            "none",
            "--out",
            str(Path(made) / "out"),
            "--",
            *map(os.fsencode, names),
        ]
        ran = program.run(arguments, folder, limit_s=60.0 * len(names))
        single = names[0] if len(names) == 1 else ""
        answer = {"code": ran.code, "words": ran.words, "peak_mb": ran.peak_mb, "type": "hang" if ran.hung else ""}
        answer["ours"] = ran.code != 1
        fault, words = fault_of(answer, refused(*_WORDS) if single == STANDARD_INPUT else refused(0)), ran.words[-300:]
        if not fault and ran.code == 0:
            fault, words = _fault(folder, Path(made) / "out", names, ran.words)
    return Verdict(f"name {names[0]!a}" + (f" and {len(names) - 1} more" if not single else ""), ran.code, fault, words)


def one_by_one(names: Sequence[str]) -> Iterator[Verdict]:
    """A run for each name."""

    def one(_: Worker, name: str) -> Verdict:
        return _call([name])

    harmless()
    return spread(names, one)


def together(names: Sequence[str]) -> Verdict:
    """One run for all of them."""
    return _call([name for name in names if name != STANDARD_INPUT])
