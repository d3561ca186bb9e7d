"""Batches that are killed: at many points, in workers, with their workers; what is left, and what goes on."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import batch_fakes
import pool_tasks
import pytest
from test_library_batch import analysed, batch, rows, stored

from conftest import CHECKOUT, mostly_slow, noise, write_wav
from ressenti.pipeline.batch import workers
from ressenti.pipeline.batch.workers import Died, Pool
from ressenti.pipeline.cli import library_batch

pytest.importorskip("pyarrow")
POINTS = 50
_CALLS = ((Path, "replace"), (Path, "unlink"), (Path, "mkdir"), (os, "fsync"), (os, "close"), (shutil, "rmtree"))


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    """Four recordings, one of which fails, and one that kills its worker."""
    for k, name in enumerate(("a/call.wav", "b/call.wav", "once.wav")):
        (tmp_path / "calls" / name).parent.mkdir(parents=True, exist_ok=True)
        write_wav(tmp_path / "calls" / name, noise(3, seed=k))
    (tmp_path / "calls" / "empty.wav").write_bytes(b"")
    return tmp_path / "calls"


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library_batch, "MakeAnalyst", batch_fakes.MakeFake)
    monkeypatch.setattr(workers, "Pool", batch_fakes.OwnPool)


def _counting(limit: int | None) -> list[int]:
    """Count calls that change the disk; at the one with the number `limit`, this process is killed."""
    count = [0]
    for home, name in _CALLS:
        real: Callable[..., Any] = getattr(home, name)

        def counted(*arguments: Any, real: Callable[..., Any] = real, **named: Any) -> Any:
            count[0] += 1
            if count[0] == limit:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **named)

        setattr(home, name, counted)
    return count


def _in_child(act: Callable[[], None]) -> int:
    """Run something in a fork of this process; return how it ended."""
    child = os.fork()
    if child == 0:
        try:
            act()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _everything(library: Path) -> tuple[dict[str, bytes], dict[str, list[dict[str, object]]]]:
    tables = ("conversations", "turns", "speakers", "moments", "words", "errors")
    return stored(library), {table: rows(library, table) for table in tables}


@pytest.mark.usefixtures("fakes")
@pytest.mark.parametrize("seed", mostly_slow("kills a process at each of its calls", range(5), quick=0))
def test_a_killed_batch_goes_on_and_leaves_the_same_library(calls: Path, tmp_path: Path, seed: int) -> None:
    """Byte for byte in results, row for row in tables, at seeded random points."""
    whole, total = tmp_path / "whole", tmp_path / "total"

    def count() -> None:
        (calls / ".tried-once.wav").unlink(missing_ok=True)
        counted = _counting(None)
        batch(calls, "--out", whole)
        total.write_text(str(counted[0]))

    assert _in_child(count) == 0
    expected = _everything(whole)
    assert len(expected[1]["turns"]) == 9
    draw = random.Random(seed)  # noqa: S311  # points to kill at
    for point in draw.sample(range(1, int(total.read_text()) + 1), POINTS // 5 if seed else 4):
        library = tmp_path / f"at-{point}"
        (calls / ".tried-once.wav").unlink(missing_ok=True)

        def die(point: int = point, library: Path = library) -> None:
            _counting(point)
            batch(calls, "--out", library)

        assert _in_child(die) == -signal.SIGKILL, point
        code, said = batch(calls, "--out", library)
        assert code == 40, (point, said)
        assert _everything(library) == expected, point
        assert batch(calls, "--out", library)[1].count("3 already done") == 1, point
        assert not list(library.rglob(".ressenti*")), point


def test_a_process_that_dies_costs_its_task_alone() -> None:
    pool: Pool[object, object] = Pool(2, pool_tasks.make)
    found: list[tuple[object, Any]] = []
    for task in (1, 2, "die", 3, 4, "exit", 5):
        while not pool.has_free:
            found += pool.next()
        pool.submit(task)
    while pool.busy:
        found += pool.next()
    pool.close()
    results = dict(found)
    assert (results["die"], results["exit"]) == (Died("killed by SIGKILL"), Died("exit code 3"))
    done = [results[k] for k in range(1, 6)]
    assert {threads for _, _, threads in done} == {"1"}
    assert len({pid for pid, _, _ in done}) <= 4
    assert max(count for _, count, _ in done) >= 2  # a process keeps what it made


def test_a_pool_is_killed_at_once() -> None:
    pool: Pool[object, object] = Pool(1, pool_tasks.make)
    pool.submit("sleep")
    began = time.monotonic()
    pool.kill()
    assert time.monotonic() - began < 30
    assert not pool.busy


@pytest.mark.slow("runs in processes of its own")
@pytest.mark.parametrize("signalled", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_workers_end_with_the_batch_and_the_same_command_goes_on(
    calls: Path, tmp_path: Path, signalled: signal.Signals
) -> None:
    for k in range(16):  # so many that some are left when the signal comes
        write_wav(calls / f"slow-{k}.wav", noise(3, seed=40 + k))
    library = tmp_path / "lib"
    program = [sys.executable, str(CHECKOUT / "tests" / "batch_fakes.py")]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    command = [*program, "batch", str(calls), "--out", str(library), "--workers", "2"]
    # a test that runs in the background of a shell is told to ignore Ctrl-C, and so would be its children
    running = subprocess.Popen(["env", "--default-signal=INT", *command], env=environment, cwd=tmp_path)
    until = time.monotonic() + 120
    while time.monotonic() < until and analysed(calls).total() < 4:
        time.sleep(0.05)
    children = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(running.pid)], capture_output=True, text=True, check=False
    )
    running.send_signal(signalled)
    assert running.wait(60) == (-signal.SIGKILL if signalled == signal.SIGKILL else 130)
    pids = [int(pid) for pid in children.stdout.split()]
    until = time.monotonic() + 60
    while time.monotonic() < until and any(_lives(pid) for pid in pids):
        time.sleep(0.1)
    assert not any(_lives(pid) for pid in pids)
    done = subprocess.run([*command, "-v"], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 40, done.stderr
    assert "1 failed" in done.stdout
    alone = subprocess.run(
        [*program, "batch", str(calls), "--out", str(tmp_path / "alone"), "--workers", "1"],
        env=environment, cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert alone.returncode == 40, alone.stderr
    assert _everything(library) == _everything(tmp_path / "alone")


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_a_full_disk_leaves_a_library_that_can_be_read(tmp_path: Path) -> None:
    """On a small disk of its own, where the machine lets us make one."""
    mount = tmp_path / "disk"
    mount.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "none", str(mount)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("no permission to mount a small disk")
    try:
        for k in range(6):
            write_wav(tmp_path / f"call-{k}.wav", noise(3, seed=k))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(library_batch, "MakeAnalyst", batch_fakes.MakeFake)
            patch.setattr(workers, "Pool", batch_fakes.OwnPool)
            code, said = batch(tmp_path, "--out", mount / "lib", "--format", "html,json")
            assert (code, "the disk is full" in said) == (32, True), said
            assert len(rows(mount / "lib", "conversations")) < 6
            subprocess.run(["mount", "-o", "remount,size=64m", str(mount)], check=True)
            code, said = batch(tmp_path, "--out", mount / "lib", "--format", "html,json")
            assert (code, json.dumps(said).count("failed")) == (0, 0), said
            assert len(rows(mount / "lib", "conversations")) == 6
    finally:
        subprocess.run(["umount", "-l", str(mount)], check=True)
