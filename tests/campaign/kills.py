"""Runs that are killed, and the ordinary run after each: everything whole, the same bytes, nothing left.

The run after a kill is given --overwrite as before, or else --skip-existing, for the recordings that were done.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from campaign.forks import Forks
from campaign.run import Verdict
from campaign.sources import source

RECORDINGS = ("first.wav", "second.wav")
_OLD = ["--names", "Anna,Ben", "--lang", "fr"]
_NEW = ["--names", "Zoe,Max"]


@dataclass(frozen=True)
class Sets:
    """The bytes of every file that undisturbed runs leave: of the first, of the second over it, of the second alone."""

    old: dict[str, bytes]
    over: dict[str, bytes]
    alone: dict[str, bytes]


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


def _begin(folder: Path) -> None:
    for i, name in enumerate(RECORDINGS):
        (folder / name).write_bytes(source("wav-s16").data[: 120_000 + 4_000 * i] if i else source("wav-s16").data)
        os.utime(folder / name, (1_700_000_000, 1_700_000_000))


def _arguments(more: list[str], overwrite: bool, *others: str) -> list[str]:
    extra = ["--overwrite"] if overwrite else []
    return ["analyze", *RECORDINGS, "--audio", "none", "--config", "kills.yaml", *more, *extra, *others]


def _prepared(folder: Path) -> None:
    _begin(folder)
    (folder / "kills.yaml").write_text("audio: {allow_truncated: true}\nwords: {model: off}\n", encoding="utf-8")


def undisturbed(forks: Forks) -> Sets:
    """What runs leave that nobody kills."""
    made = []
    for steps in ([(_OLD, False)], [(_OLD, False), (_NEW, True)], [(_NEW, False)]):
        with tempfile.TemporaryDirectory(prefix="campaign-") as name:
            _prepared(Path(name))
            for more, overwrite in steps:
                code, _ = forks.run(name, _arguments(more, overwrite))
                assert code == 0, (more, code)
            made.append(_files(Path(name)))
    return Sets(*made)


def _aged(folder: Path) -> None:
    """Make files that lie aside two days old: the next run may clean these, younger ones belong to somebody."""
    past = time.time() - 2 * 86_400
    for path in folder.iterdir():
        if path.name.startswith("."):
            os.utime(path, (past, past), follow_symlinks=False)


def _torn(now: dict[str, bytes], *wholes: dict[str, bytes]) -> str:
    """A result that is neither wholly one nor wholly another; files aside, which have other names, are not looked at."""
    for name, data in now.items():
        if not name.startswith(".") and not any(whole.get(name) == data for whole in wholes):
            return name
    return ""


def _fault(forks: Forks, folder: Path, sets: Sets, overwrite: bool) -> tuple[str, str]:
    """What is wrong after a kill, and after the ordinary run that follows."""
    target = sets.over if overwrite else sets.alone
    after_kill = _files(folder)
    if torn := _torn(after_kill, target, sets.old):
        return "left over", f"{torn} is neither old nor new"
    if overwrite and (gone := [name for name in sets.old if not name.startswith(".") and name not in after_kill]):
        hidden = [name for name in after_kill if name.startswith(".")]
        return "left over", f"{', '.join(gone)} gone, {', '.join(hidden)} there"
    _aged(folder)
    code, _ = forks.run(str(folder), _arguments(_NEW, overwrite, *([] if overwrite else ["--skip-existing"])))
    now = _files(folder)
    if code != 0:
        return "wrong code", f"{code} with {', '.join(after_kill)} there"
    if _visible(now) != _visible(target):
        different = sorted(n for n in now.keys() | target.keys() if now.get(n) != target.get(n))
        return "wrong length", f"other bytes: {', '.join(different)}"
    if set(now) != set(target):
        return "left over", ", ".join(sorted(set(now) ^ set(target)))
    return "", ""


def _visible(files: dict[str, bytes]) -> dict[str, bytes]:
    return {name: data for name, data in files.items() if not name.startswith(".")}


def _killed(forks: Forks, sets: Sets, name: str, overwrite: bool, **kill: float) -> tuple[Verdict, bool]:
    with tempfile.TemporaryDirectory(prefix="campaign-") as made:
        folder = Path(made)
        _prepared(folder)
        if overwrite:
            for file, data in sets.old.items():
                (folder / file).write_bytes(data)
            for recording in RECORDINGS:
                os.utime(folder / recording, (1_700_000_000, 1_700_000_000))
        code, _ = forks.run(made, _arguments(_NEW, overwrite), **kill)
        if code == -9:
            fault, words = _fault(forks, folder, sets, overwrite)
        else:
            fault, words = ("", "") if code == 0 else ("wrong code", f"{code} though nobody killed it")
    return Verdict(name, code, fault, words), code == -9


def at_random(forks: Forks, sets: Sets, seed: int, count: int) -> Iterator[Verdict]:
    """Killed at random moments, half of them in the second half of a run, with and without --overwrite by turns."""
    with tempfile.TemporaryDirectory(prefix="campaign-") as made:
        _prepared(Path(made))
        _, seconds = forks.run(made, _arguments(_NEW, overwrite=False))
    for number in range(count):
        rng = np.random.default_rng((seed, number))
        moment = float(rng.uniform(0, 1) if number % 4 < 2 else rng.uniform(0.5, 1)) * seconds
        yield _killed(forks, sets, f"kill after {moment:.3f} s", bool(number % 2), kill_after_s=moment)[0]


def at_every_call(forks: Forks, sets: Sets, overwrite: bool, step: int = 1) -> Iterator[Verdict]:
    """Killed at each call that touches names or the disk, one run for each, until a run has no more of them."""
    how = "with --overwrite" if overwrite else "into an empty folder"
    for number in range(1, 1_000, step):
        verdict, killed = _killed(forks, sets, f"kill at call {number} {how}", overwrite, kill_at=number)
        yield verdict
        if not killed:
            return
    raise AssertionError("a run touches files more than a thousand times")
