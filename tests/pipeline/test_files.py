"""Files and sets: killed at every call, written by many at once, no room, what is left behind, claims."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from ressenti.pipeline import errors, store
from ressenti.pipeline.store import disk_errors
from ressenti.pipeline.store.rename_journal import JOURNAL
from ressenti.pipeline.store.result_sets import Made, entries, state_of, write_set

CALLS = ("open", "fsync", "replace", "rename", "link", "unlink", "mkdir", "close", "remove")
KILLED = 77
MADE = Made("source", "ressenti 1", "options")
OLD = {"call.json": "old json", "call.rttm": "old rttm", "call.csv": "old csv"}
NEW = {"call.json": "new json", "call.rttm": "new rttm", "call.csv": "new csv", "call.srt": "new srt"}


@pytest.fixture(autouse=True)
def synced(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many files and folders were asked to be on the disk; nothing waits for it."""
    count: list[int] = []
    monkeypatch.setattr(os, "fsync", count.append)
    return count


def killed_at(call: int, work: Callable[[], object]) -> bool:
    """Run work in a process of its own that dies before its k-th call of the system; whether it died."""
    child = os.fork()
    if child == 0:
        left = [call]

        def counted(real: Callable[..., Any]) -> Callable[..., Any]:
            def act(*args: Any, **named: Any) -> Any:
                if left[0] == 0:
                    os._exit(KILLED)
                left[0] -= 1
                return real(*args, **named)

            return act

        try:
            for name in CALLS:
                setattr(os, name, counted(getattr(os, name)))
            work()
        except BaseException:  # noqa: BLE001  # a child of pytest must not run on as one
            os._exit(1)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, KILLED), f"the child failed at call {call}"
    return code == KILLED


def failing_at(call: int, error: BaseException, names: tuple[str, ...], patch: pytest.MonkeyPatch) -> list[int]:
    """Have the k-th call of the system raise an error; the number left, below 0 once it did."""
    left = [call]

    def failing(real: Callable[..., Any]) -> Callable[..., Any]:
        def act(*args: Any, **named: Any) -> Any:
            left[0] -= 1
            if left[0] == -1:
                raise error
            return real(*args, **named)

        return act

    for name in names:
        patch.setattr(os, name, failing(getattr(os, name)))
    return left


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}


def shown(folder: Path) -> dict[str, str]:
    """Files that are not hidden, and their contents."""
    return {name: text for name, text in contents(folder).items() if not name.startswith(".")}


def in_folder(folder: Path, files: Mapping[str, str]) -> dict[Path, str | bytes]:
    return {folder / name: text for name, text in files.items()}


def state(folder: Path) -> str:
    return state_of(folder, "call", list(NEW), lambda: MADE)


@pytest.mark.parametrize("old", [{}, OLD], ids=["nothing there", "old files there"])
@pytest.mark.slow("kills a process at each of its calls")
def test_killed_at_every_call_each_file_is_whole_and_the_next_run_ends_with_all(
    tmp_path: Path, old: dict[str, str]
) -> None:
    reference = tmp_path / "reference"
    write_set(reference, "call", NEW, MADE)
    seen, call, died = set(), 0, True
    while died:
        folder = tmp_path / f"killed-{call}"
        folder.mkdir()
        if old:
            write_set(folder, "call", old, Made("source", "ressenti 0", "options"))
        died = killed_at(call, lambda at=folder: write_set(at, "call", NEW, MADE))  # type: ignore[misc]
        for name, text in shown(folder).items():
            assert text in (old.get(name), NEW[name]), f"call {call}: {name} is torn"
        assert shown(folder).keys() >= old.keys(), f"call {call}: a file is missing"
        recovered = store.tidy(folder)
        stands = shown(folder)
        assert stands in (old, NEW), f"call {call}: a mixed set is left: {stands}"
        assert stands == NEW or not recovered
        seen.add((stands == NEW, bool(recovered)))
        assert state(folder) in ("complete", "absent" if not old else "incomplete" if not old else "other_program")
        write_set(folder, "call", NEW, MADE)
        assert shown(folder) == NEW
        assert state(folder) == "complete"
        left = {n for n in contents(folder) if n.startswith(".")} - {".call.ressenti"}
        assert all(name.endswith(".partial") or name == ".ressenti.lock" for name in left), left
        for name in left:
            os.utime(folder / name, (1, 1))
        store.tidy(folder)
        assert not [name for name in contents(folder) if name.endswith(".partial")]
        assert contents(folder)[".call.ressenti"] == contents(reference)[".call.ressenti"]
        call += 1
    assert seen == {(False, False), (True, True), (True, False)}
    assert call > 30


@pytest.mark.slow("kills a process at each of its calls")
def test_killed_while_undoing_the_old_files_are_all_back(tmp_path: Path) -> None:
    """The third file cannot be placed; killed at every call of what follows, nothing is half new."""
    call, died = 0, True
    while died:
        folder = tmp_path / f"killed-{call}"
        folder.mkdir()
        store.write_whole(in_folder(folder, OLD))

        def fail(at: Path = folder) -> None:
            real, count = Path.replace, [0]

            def replace(self: Path, target: Path) -> Path:
                placed = self.suffix == ".partial" and target.name != JOURNAL
                count[0] += placed
                if placed and count[0] == 3:
                    raise OSError(errno.EIO, "broken")
                return real(self, target)

            Path.replace = replace  # type: ignore[method-assign]
            with pytest.raises(errors.OutputError, match="the disk reports a fault"):
                store.write_whole(in_folder(at, {**OLD, **NEW}))

        died = killed_at(call, fail)
        if not died:
            assert contents(folder) == OLD
        store.tidy(folder)
        assert shown(folder) in (OLD, NEW), f"call {call}"
        assert not (folder / JOURNAL).exists()
        call += 1


def test_files_and_their_folder_are_on_the_disk_before_and_after_they_are_placed(
    tmp_path: Path, synced: list[int]
) -> None:
    store.write_whole(in_folder(tmp_path, NEW))
    assert len(synced) == len(NEW) + 3  # the journal, its name, and the names of all


@pytest.mark.slow("kills a process at each of its calls")
def test_what_a_person_changed_after_a_kill_stays(tmp_path: Path) -> None:
    changed, call, died = 0, 0, True
    while died:
        folder = tmp_path / f"killed-{call}"
        folder.mkdir()
        died = killed_at(call, lambda at=folder: write_set(at, "call", NEW, MADE))  # type: ignore[misc]
        if (folder / "call.rttm").exists():
            (folder / "call.rttm").write_text("by hand", encoding="utf-8")
            changed += 1
            store.tidy(folder)
            assert shown(folder) == NEW | {"call.rttm": "by hand"}, f"call {call}"
            assert state(folder) == "changed"
        call += 1
    assert changed > 3


@pytest.mark.slow("kills a process at each of its calls")
def test_what_stands_aside_and_is_gone_puts_the_old_files_back(tmp_path: Path) -> None:
    tried = 0
    for call in range(200):
        folder = tmp_path / f"killed-{call}"
        folder.mkdir()
        store.write_whole(in_folder(folder, OLD))
        if not killed_at(call, lambda at=folder: store.write_whole(in_folder(at, NEW))):  # type: ignore[misc]
            break
        if 0 < sum(text.startswith("new") for text in shown(folder).values()) < len(NEW):
            for path in folder.glob(".*.partial"):
                path.unlink()
            assert store.tidy(folder) == ()
            assert contents(folder) == OLD, f"call {call}"
            tried += 1
    assert tried >= 3


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_no_room_at_any_call_leaves_everything_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    for old in ({}, OLD):
        call, left = 0, [-1]
        while left[0] < 0:
            folder = tmp_path / f"full-{len(old)}-{call}"
            folder.mkdir()
            if old:
                store.write_whole(in_folder(folder, old))
            before = contents(folder)
            with monkeypatch.context() as patch:
                full = OSError(code, "whatever the system says")
                left = failing_at(call, full, ("open", "fsync", "replace", "link", "mkdir"), patch)
                failed = True
                try:
                    store.write_whole(in_folder(folder / "deep", NEW) | in_folder(folder, NEW))
                    failed = False  # also where what failed was of no matter
                except errors.DiskFullError as error:
                    assert "the disk is full" in str(error)  # noqa: PT017
                    assert "whatever" not in str(error)  # noqa: PT017
            if failed:
                assert {p.name: p.read_text() for p in folder.iterdir() if p.is_file()} == before, f"call {call}"
                assert not (folder / "deep").exists()
            call += 1
        assert call > 20


def test_a_fault_is_never_told_by_its_number_alone(tmp_path: Path) -> None:
    for code in errno.errorcode:
        said = str(disk_errors.output_error(tmp_path, OSError(code, os.strerror(code))))
        assert "Errno" not in said
        assert "--out" in said
        assert "cannot be written (" in said or "the disk is full" in said


def test_an_interrupt_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store.write_whole(in_folder(tmp_path, OLD))
    call, stopped = 0, True
    while stopped:
        with monkeypatch.context() as patch:
            failing_at(call, KeyboardInterrupt(), ("open", "fsync", "replace", "link"), patch)
            try:
                store.write_whole(in_folder(tmp_path, NEW))
                stopped = False
            except KeyboardInterrupt:
                assert contents(tmp_path) == OLD, f"call {call}"
        call += 1
    assert contents(tmp_path) == {**OLD, **NEW}


WRITER = """
import sys
from pathlib import Path
from ressenti.pipeline import store
folder, who = Path(sys.argv[1]), sys.argv[2]
for k in range(25):
    text = f"{who} {k} " * 3000
    store.write_whole({folder / name: name + text for name in ("a.txt", "b.txt", "c.txt")})
"""


def test_processes_and_threads_that_write_the_same_files_never_mix_them(tmp_path: Path) -> None:
    def look() -> None:
        while not done.is_set():
            for name in ("a.txt", "b.txt", "c.txt"):
                text = (tmp_path / name).read_text(encoding="utf-8") if (tmp_path / name).exists() else name
                parts = text.removeprefix(name).split(" ")[:-1]
                if len(set(zip(parts[::2], parts[1::2], strict=True))) > 1:
                    torn.append(name)

    torn: list[str] = []
    done = threading.Event()
    looking = threading.Thread(target=look)
    looking.start()
    threads = [
        threading.Thread(
            target=exec,
            args=(WRITER.replace("sys.argv[2]", repr(f"thread-{k}")).replace("sys.argv[1]", repr(str(tmp_path))), {}),
        )
        for k in range(2)
    ]
    processes = [subprocess.Popen([sys.executable, "-c", WRITER, tmp_path, f"process-{k}"]) for k in range(2)]
    for thread in threads:
        thread.start()
    codes = [process.wait(timeout=120) for process in processes]
    for thread in threads:
        thread.join()
    done.set()
    looking.join()
    assert codes == [0, 0]
    assert not torn
    last = {path.read_text(encoding="utf-8").removeprefix(path.name) for path in tmp_path.iterdir()}
    assert len(last) == 1, "files of one writer beside those of another"
    assert {path.name for path in tmp_path.iterdir()} == {"a.txt", "b.txt", "c.txt"}


def test_leftovers_go_after_a_day_and_nothing_else_does(tmp_path: Path) -> None:
    ours = [".ressenti-0123456789abcdef.0.partial", ".4711.0.partial", ".ressenti-0123456789abcdef.journal.partial"]
    others = [".mine.partial", "call.partial", ".4711.0.before", ".model-0123456789abcdef.0.partial"]
    for name in (*ours, *others):
        (tmp_path / name).write_text("x", encoding="utf-8")
        os.utime(tmp_path / name, (time.time() - 90_000,) * 2)
    (tmp_path / ".ressenti-fedcba9876543210.0.partial").write_text("of a run that goes on", encoding="utf-8")
    assert store.tidy(tmp_path) == ()
    assert {p.name for p in tmp_path.iterdir()} == {*others, ".ressenti-fedcba9876543210.0.partial"}


@pytest.mark.parametrize(
    "journal",
    [
        "not json",
        "[]",
        '{"files": 3}',
        '{"files": [{"name": "../victim", "aside": ".ressenti-0123456789abcdef.0.partial", "sha256": "x", "was": null}]}',
        '{"files": [{"name": "a", "aside": "../../victim", "sha256": "x", "was": null}]}',
        '{"files": [{"name": 3, "aside": null, "sha256": "x", "was": null}]}',
        "[" * 100_000,
    ],
)
def test_a_journal_that_is_not_ours_moves_nothing(tmp_path: Path, journal: str) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (tmp_path / "victim").write_text("mine", encoding="utf-8")
    (folder / JOURNAL).write_text(journal, encoding="utf-8")
    assert store.tidy(folder) == ()
    store.write_whole({folder / "a": "new"})
    assert (tmp_path / "victim").read_text(encoding="utf-8") == "mine"
    assert contents(folder) == {"a": "new"}


def test_the_state_of_a_set(tmp_path: Path) -> None:
    assert state(tmp_path) == "absent"
    write_set(tmp_path, "call", NEW, MADE)
    assert state(tmp_path) == "complete"
    for other, expected in (
        (Made("x", "ressenti 1", "options"), "other_source"),
        (Made("source", "ressenti 2", "options"), "other_program"),
        (Made("source", "ressenti 1", "x"), "other_options"),
    ):
        assert state_of(tmp_path, "call", list(NEW), lambda now=other: now) == expected  # type: ignore[misc]
    (tmp_path / "call.srt").unlink()
    assert state(tmp_path) == "incomplete"
    (tmp_path / "call.csv").write_text("by hand", encoding="utf-8")
    assert state(tmp_path) == "changed"
    (tmp_path / ".call.ressenti").write_text("{}", encoding="utf-8")
    assert state(tmp_path) == "unknown"


def test_what_is_written_later_joins_the_manifest(tmp_path: Path) -> None:
    write_set(tmp_path, "call", OLD, MADE)
    later = Made("the json", "ressenti 1", "in French")
    (tmp_path / "call.csv").unlink()
    write_set(tmp_path, "call", {"call.srt": b"words", "call.rttm": "again"}, later)
    assert {name: entry.made for name, entry in entries(tmp_path, "call").items()} == {
        "call.json": MADE,
        "call.rttm": later,
        "call.srt": later,
    }
    assert entries(tmp_path, "call")["call.srt"].size == 5


def test_a_name_that_fits_has_a_manifest_that_fits(tmp_path: Path) -> None:
    stem = "é" * 120
    write_set(tmp_path, stem, {f"{stem}.json": "x"}, MADE)
    assert state_of(tmp_path, stem, [f"{stem}.json"], lambda: MADE) == "complete"
    strange = os.fsdecode(b"caf\xe9")
    write_set(tmp_path, strange, {f"{strange}.json": "x"}, MADE)
    assert state_of(tmp_path, strange, [f"{strange}.json"], lambda: MADE) == "complete"


CLAIMER = """
import sys, time
from pathlib import Path
from ressenti.pipeline import store
with store.claim(Path(sys.argv[1]), "call"):
    print("mine", flush=True)
    time.sleep(600)
"""


def test_a_claim_keeps_others_out_until_its_run_ends_however_it_ends(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    process = subprocess.Popen([sys.executable, "-c", CLAIMER, folder], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "mine\n"
    with pytest.raises(errors.ClaimedError, match="another run is working on it"), store.claim(folder, "call"):
        pass
    with store.claim(folder, "other"):
        pass
    process.kill()
    process.wait()
    process.stdout.close()
    with store.claim(folder, "call"), pytest.raises(errors.ClaimedError), store.claim(folder, "call"):
        pass
    assert list(folder.iterdir()) == []


def test_a_folder_made_for_a_claim_is_removed_when_nothing_came_of_it(tmp_path: Path) -> None:
    with store.claim(tmp_path / "deep" / "out", "call"):
        assert (tmp_path / "deep" / "out").is_dir()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    said = "a file is in the place of a folder"
    with pytest.raises(errors.OutputError, match=said), store.claim(tmp_path / "file", "call"):
        pass


def test_only_one_of_many_threads_has_a_claim(tmp_path: Path) -> None:
    inside, most, refused = [0], [0], [0]
    guard = threading.Lock()

    def work() -> None:
        for _ in range(200):
            try:
                with store.claim(tmp_path / "out", "call"):
                    with guard:
                        inside[0] += 1
                        most[0] = max(most[0], inside[0])
                    with guard:
                        inside[0] -= 1
            except errors.ClaimedError:
                refused[0] += 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] == 1
    assert not list((tmp_path / "out").iterdir() if (tmp_path / "out").exists() else [])


def test_a_lock_that_a_killed_run_left_goes_with_the_next(tmp_path: Path) -> None:
    (tmp_path / ".ressenti.lock").touch()
    assert store.tidy(tmp_path) == ()
    assert list(tmp_path.iterdir()) == []
