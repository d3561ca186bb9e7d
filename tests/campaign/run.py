"""Cases -> what came of them, and what was wrong with it."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from campaign import program
from campaign.cases import Allowed, Recording
from campaign.pool import LIMIT_MB, Worker, spread

# what can be wrong, in the order of the table
FAULTS = ("not ours", "hang", "crash", "memory", "wrong code", "wrong length", "wrong words", "left over", "canary",
          "markup")  # fmt: skip
_SET = (".report.html", ".json", ".turns.csv", ".rttm")


@dataclass(frozen=True)
class Verdict:
    """A case that was tried; `fault` is empty where all was as it should be."""

    name: str
    code: int
    fault: str
    words: str


@dataclass
class Tally:
    """The counts of a group of cases, and the cases in which something was wrong."""

    group: str
    tried: int = 0
    codes: Counter[int] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    wrong: list[Verdict] = field(default_factory=list)

    def add(self, verdict: Verdict) -> None:
        """Count one more."""
        self.tried += 1
        self.codes[verdict.code] += 1
        if verdict.fault:
            self.faults[verdict.fault] += 1
            self.wrong.append(verdict)


def tallied(group: str, verdicts: Iterable[Verdict]) -> Tally:
    """The counts of these verdicts."""
    tally = Tally(group)
    for verdict in verdicts:
        tally.add(verdict)
    return tally


def fault_of(answer: dict[str, Any], allowed: Allowed) -> str:
    """What is wrong with a worker's answer; empty where nothing is."""
    kind, code = answer.get("type", ""), answer["code"]
    if kind in ("hang", "crash"):
        return str(kind)
    if answer["peak_mb"] > LIMIT_MB or kind == "MemoryError":
        return "memory"
    if answer.get("ours") is False:
        return "not ours"
    if answer.get("scripts"):
        return "markup"
    if program.unsaid(answer.get("words", "")):
        return "wrong words"
    if code not in allowed.codes:
        return "wrong code"
    if code == 0 and "seconds" in answer and not allowed.shortest_s <= answer["seconds"] <= allowed.longest_s:
        return "wrong length"
    return ""


def _put(folder: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def _verdict(name: str, answer: dict[str, Any], allowed: Allowed, left: bool = False) -> Verdict:
    fault = fault_of(answer, allowed) or ("left over" if left else "")
    length = f"{answer['seconds']:.2f} s, expected {allowed.shortest_s:.2f}-{allowed.longest_s:.2f}; " \
        if fault == "wrong length" else ""  # fmt: skip
    return Verdict(
        name,
        answer["code"],
        fault,
        f"{length}{answer.get('type', '')} {answer.get('words', '')} {answer.get('scripts') or ''}"[:400],
    )


def media(cases: Iterable[tuple[str, Recording, Allowed]]) -> Iterator[Verdict]:
    """Decode recordings in warm workers."""

    def one(worker: Worker, case: tuple[str, Recording, Allowed]) -> Verdict:
        name, recording, allowed = case
        with tempfile.TemporaryDirectory(prefix="campaign-") as made:
            folder = Path(made)
            files = {recording.file: recording.data, **recording.beside}
            _put(folder, files)
            answer = worker.ask({"what": "media", "path": str(folder / recording.file)})
            left = {path.name for path in folder.iterdir()} - set(files)
        return _verdict(name, answer, allowed, bool(left))

    return spread(cases, one)


def whole(cases: Iterable[tuple[str, Recording, Allowed]]) -> Iterator[Verdict]:
    """The whole command on recordings: exit code, words, and nothing in the folder but whole sets."""

    def one(_: Worker, case: tuple[int, tuple[str, Recording, Allowed]]) -> Verdict:
        number, (name, recording, allowed) = case
        with tempfile.TemporaryDirectory(prefix="campaign-") as made:
            folder = Path(made)
            files = {recording.file: recording.data, **recording.beside}
            _put(folder, files)
            sound = ("none", "embed")[number % 2]
            ran = program.run(
                ["analyze", "--words", "off", "--audio", sound, "--", os.fsencode(recording.file)], folder
            )
            left = left_over(folder, files, recording.file, ran.code)
        heard = frozenset({11, 14}) if 0 in allowed.codes else frozenset()  # damage may have left no speech
        answer = {"code": ran.code, "words": ran.words, "peak_mb": ran.peak_mb, "type": "hang" if ran.hung else ""}
        if ran.code < 0 and not ran.hung:
            answer["type"] = "crash"
        if "unexpected MemoryError" in ran.words:
            answer["type"] = "MemoryError"
        elif ran.code == 1:
            answer["ours"] = False
        return _verdict(f"{name} ({left})" if left else name, answer, Allowed(allowed.codes | heard), bool(left))

    return spread(enumerate(cases), one)


def left_over(folder: Path, before: Iterable[str], file: str, code: int) -> str:
    """What lies in the folder and should not: parts of a set, files aside, anything at all after a failure."""
    names = sorted({path.name for path in folder.iterdir()} - set(before))
    stem = Path(file).stem
    results = {f"{stem}{ending}" for ending in _SET}
    hidden = [name for name in names if name.startswith(".") and name not in results]
    if code != 0:
        return ", ".join(names)
    missing = results - set(names)
    aside = [name for name in hidden if name.endswith((".partial", ".before"))]
    other = set(names) - results - set(hidden)
    return ", ".join([*(f"no {name}" for name in sorted(missing)), *aside, *sorted(other)])


def texts(what: str, ending: str, cases: Iterable[tuple[str, Any, Any]]) -> Iterator[Verdict]:
    """Configs, stored conversations and transcripts: text or bytes in a file, read in warm workers.

    A name with an ending keeps it; a payload may be a dict of files, of which the first is read.
    """

    def one(worker: Worker, case: tuple[str, Any, Any]) -> Verdict:
        name, payload, allowed = case
        with tempfile.TemporaryDirectory(prefix="campaign-") as made:
            folder = Path(made)
            own = Path(name).suffix if Path(name).suffix in (".srt", ".vtt", ".stm", ".json", ".yaml", ".yml") else ""
            files = payload if isinstance(payload, dict) else {f"case{own or ending}": payload}
            _put(folder, {k: v.encode("utf-8", "surrogatepass") if isinstance(v, str) else v for k, v in files.items()})
            answer = worker.ask({"what": what, "path": str(folder / next(iter(files)))})
            left = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - set(files)
        return _verdict(name, answer, Allowed.of(allowed), bool(left))

    return spread(cases, one)


def archives(cases: Iterable[tuple[str, bytes, Any]]) -> Iterator[Verdict]:
    """`models import` of archives into an empty folder of models: refused ones leave nothing, no pickle runs."""

    def one(_: Worker, case: tuple[str, bytes, Any]) -> Verdict:
        name, payload, allowed = case
        with tempfile.TemporaryDirectory(prefix="campaign-") as made:
            folder, models = Path(made), Path(made) / "models"
            (folder / "case.tar").write_bytes(payload)
            worker = Worker(RESSENTI_MODELS=str(models), RESSENTI_SETTINGS=str(folder / "settings"))
            job = {"what": "command", "arguments": ["models", "import", str(folder / "case.tar")], "cwd": made}
            try:
                answer = worker.ask(job)
            finally:
                worker.close()
            left = answer["code"] != 0 and any(path.is_file() for path in models.rglob("*"))
            left = left or {path.name for path in folder.iterdir()} - {"case.tar", "models", "settings"}
        return _verdict(name, answer, Allowed.of(allowed), bool(left))

    return spread(cases, one)


def model_folders(cases: Iterable[tuple[str, dict[str, bytes], Any]]) -> Iterator[Verdict]:
    """Folders that claim to hold a model, loaded in warm workers: nothing beside them appears, no pickle runs."""

    def one(worker: Worker, case: tuple[str, dict[str, bytes], Any]) -> Verdict:
        name, files, allowed = case
        with tempfile.TemporaryDirectory(prefix="campaign-") as made:
            folder = Path(made)
            _put(folder / "case", files)
            answer = worker.ask({"what": "model", "name": name, "path": str(folder / "case"), "cwd": made})
            left = {path.name for path in folder.iterdir()} - {"case"}
        return _verdict(name, answer, Allowed.of(allowed), bool(left))

    return spread(cases, one, addresses=12 << 30)  # PyTorch maps much and takes little
