"""`ressenti batch --ray` with real Ray on this machine: the same bytes, lost machines, what listens, errors."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

import batch_fakes
import pytest
from test_library_batch import analysed, batch, rows, stored

from commands import PROGRAM
from conftest import CHECKOUT, absent, noise, write_wav
from ressenti.pipeline.batch import ray_cluster, workers
from ressenti.pipeline.batch.ray_cluster import connect
from ressenti.pipeline.batch.tasks import Task
from ressenti.pipeline.batch.urls import local_path
from ressenti.pipeline.batch.workers import Died
from ressenti.pipeline.cli import library_batch
from ressenti.pipeline.errors import ClusterError, ConfigError

pytest.importorskip("pyarrow")
TESTS = CHECKOUT / "tests"
FAKES = (sys.executable, str(TESTS / "batch_fakes.py"))
OF_ANOTHER_VERSION = (
    "import batch_fakes; from ressenti.pipeline.cli import analyst, main; analyst.PROGRAM = 'ressenti 0.0';"
    "batch_fakes.patched(); main()"
)
TABLES = ("conversations", "turns", "speakers", "moments", "words", "errors")
_LISTENS = "0A"  # state of a socket in /proc/net/tcp


def environment(**more: str) -> dict[str, str]:
    """That of a program that finds this checkout, and no token of this machine's user."""
    known = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    return {**known, "PYTHONPATH": os.pathsep.join([str(CHECKOUT), str(TESTS)]), **more}


def everything(library: Path) -> tuple[dict[str, bytes], dict[str, list[dict[str, object]]]]:
    return stored(library), {table: rows(library, table) for table in TABLES}


class Machines:
    """Two Ray nodes, as `ray_machines.py` starts them; nodes, batches and Ray's own files share one short folder."""

    def __init__(self, folder: Path) -> None:
        loopback = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_TMPDIR": str(folder)}
        self.environment = environment(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN="c0ffee" * 6, **loopback)
        self.process = subprocess.Popen(
            [sys.executable, str(TESTS / "ray_machines.py")],
            env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout
        self.address = next(line for line in self.process.stdout if re.fullmatch(r"[\d.]+:\d+\n", line)).strip()

    def tell(self, line: str) -> None:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        next(said for said in self.process.stdout if said == "done\n")

    def batch(self, *arguments: str | Path) -> subprocess.Popen[str]:
        command = [*FAKES, "batch", *map(str, arguments), "--ray", self.address, "--workers", "2", "-v"]
        return subprocess.Popen(
            command, env=self.environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )


@pytest.fixture
def machines() -> Iterator[Machines]:
    if find_spec("ray") is None:
        absent("ray (the extra `cluster`)")
    folder = Path(tempfile.mkdtemp(prefix="r-", dir="/tmp"))
    started = Machines(folder)
    try:
        yield started
    finally:
        try:
            started.process.communicate(timeout=60)  # the end of its input ends it
        except subprocess.TimeoutExpired:
            started.process.kill()
            started.process.communicate()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    """Twelve recordings that take two seconds each, one that ends its worker once, one that always does, an empty one."""
    (tmp_path / "calls").mkdir()
    for k in range(12):
        write_wav(tmp_path / "calls" / f"slow-{k:02}.wav", noise(3, seed=k))
    write_wav(tmp_path / "calls" / "once.wav", noise(3, seed=20))
    write_wav(tmp_path / "calls" / "dies.wav", noise(3, seed=21))
    (tmp_path / "calls" / "empty.wav").write_bytes(b"")
    return tmp_path / "calls"


def alone(calls: Path, library: Path) -> None:
    """The same batch without Ray."""
    (calls / ".tried-once.wav").unlink(missing_ok=True)
    command = [*FAKES, "batch", str(calls), "--out", str(library), "--workers", "2"]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 40, done.stderr


def wait_for(calls: Path, count: int) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until and analysed(calls).total() < count:
        time.sleep(0.05)
    assert analysed(calls).total() >= count


def without_place(tables: dict[str, list[dict[str, object]]]) -> dict[str, list[dict[str, object]]]:
    """Tables without how a worker ended, which says on which machine."""
    errors = [{**row, "message": re.sub(r"\([^)]*\)", "()", str(row["message"]))} for row in tables["errors"]]
    return {**tables, "errors": errors}


@pytest.mark.slow("starts Ray")
def test_a_machine_that_is_lost_in_the_middle_changes_nothing(machines: Machines, calls: Path, tmp_path: Path) -> None:
    running = machines.batch(calls, "--out", tmp_path / "ray")
    wait_for(calls, 4)
    machines.tell("lose")
    said = running.communicate(timeout=180)[0]
    assert running.returncode == 40, said
    assert "13 done, 2 failed" in said, said
    tries = analysed(calls)
    assert set(tries) == {"once.wav", *(f"slow-{k:02}.wav" for k in range(12))}
    alone(calls, tmp_path / "alone")
    files, tables = everything(tmp_path / "ray")
    assert files == stored(tmp_path / "alone")
    assert without_place(tables) == without_place(everything(tmp_path / "alone")[1])
    deaths = {Path(str(row["path"])).name: row["deaths"] for row in tables["errors"]}
    assert deaths == {"dies.wav": 2, "empty.wav": 0}


@pytest.mark.slow("starts Ray")
def test_a_lost_head_ends_the_batch_and_the_same_command_goes_on(
    machines: Machines, calls: Path, tmp_path: Path
) -> None:
    for name in ("once", "dies", "empty"):
        (calls / f"{name}.wav").unlink()
    running = machines.batch(calls, "--out", tmp_path / "lib")
    wait_for(calls, 4)
    machines.tell("lose head")
    said = " ".join(running.communicate(timeout=180)[0].split())
    assert running.returncode == ClusterError.exit_code, said
    assert "the head of the Ray cluster was lost" in said
    assert "Traceback" not in said
    done = len(list((tmp_path / "lib" / "conversations").rglob("c-*.report.html")))
    assert 4 <= done < 12
    command = [*FAKES, "batch", str(calls), "--workers", "2", "-v", "--out"]
    more = subprocess.run([*command, tmp_path / "lib"], env=environment(), capture_output=True, text=True, check=False)
    assert more.returncode == 0, more.stderr
    assert f"{done} already done" in more.stdout
    subprocess.run([*command, tmp_path / "alone"], env=environment(), capture_output=True, check=True)
    assert everything(tmp_path / "lib") == everything(tmp_path / "alone")


@pytest.mark.slow("starts Ray")
def test_a_wrong_token_and_a_machine_that_cannot_work_are_told(machines: Machines, calls: Path, tmp_path: Path) -> None:
    command = [*FAKES, "batch", str(calls), "--out", str(tmp_path / "lib"), "--ray", machines.address]
    wrong = {**machines.environment, "RAY_AUTH_TOKEN": "another" * 6}
    done = subprocess.run(command, env=wrong, capture_output=True, text=True, check=False, timeout=180)
    assert done.returncode == ClusterError.exit_code, done.stderr
    assert "The token has to be that of the cluster" in " ".join(done.stderr.split())
    assert "another" not in done.stderr
    other = [sys.executable, "-c", OF_ANOTHER_VERSION, *command[len(FAKES) :]]
    done = subprocess.run(other, env=machines.environment, capture_output=True, text=True, check=False, timeout=180)
    assert done.returncode == ClusterError.exit_code, done.stderr
    assert "expected ressenti 0.0. Install the same version on all machines." in " ".join(done.stderr.split())
    assert not list((tmp_path / "lib" / "conversations").rglob("*.json"))


def listening(pid: int) -> Counter[str]:
    """Addresses, as in /proc/net, that a process or its descendants listen at."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    family = {pid}
    while more := {child for child, parent in parents.items() if parent in family} - family:
        family |= more
    sockets = set()
    for one in family:
        for link in Path(f"/proc/{one}/fd").glob("*"):
            try:
                sockets.add(str(link.readlink()))
            except OSError:
                continue
    found: Counter[str] = Counter()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            cells = line.split()
            if cells[3] == _LISTENS and f"socket:[{cells[9]}]" in sockets:
                found[cells[1].partition(":")[0]] += 1
    return found


@pytest.mark.slow("starts Ray")
def test_local_ray_gives_the_same_bytes_and_listens_on_the_loopback_alone(
    sample: tuple[Path, Path], tmp_path: Path
) -> None:
    if find_spec("ray") is None:
        absent("ray (the extra `cluster`)")
    import soundfile

    samples, rate_hz = soundfile.read(sample[0], dtype="float32")
    (tmp_path / "calls").mkdir()
    for k in range(3):
        write_wav(tmp_path / "calls" / f"call-{k}.wav", samples[k * 5 * rate_hz : (k * 5 + 10) * rate_hz], rate_hz)
    command = [*PROGRAM, "batch", str(tmp_path / "calls"), "--workers", "2", "--out"]
    home = tmp_path / "home"
    home.mkdir()
    known = {"HOME": str(home), "RESSENTI_MODELS": os.environ["RESSENTI_MODELS"]}
    running = subprocess.Popen(
        [*command, str(tmp_path / "ray"), "--ray", "local"],
        env=environment(**known), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    places: set[str] = set()
    most = 0
    while running.poll() is None:
        found = listening(running.pid)
        places |= set(found)
        most = max(most, found.total())
        time.sleep(0.3)
    out, err = running.communicate()
    assert (running.returncode, err) == (0, ""), out
    assert most >= 6  # the head, the node, its agents, two workers, the command itself
    assert places <= {"0100007F", f"{0:016X}FFFF00000100007F", f"{1 << 24:032X}"}
    assert not (home / ".ray").exists()
    alone = subprocess.run(
        [*command, str(tmp_path / "alone")], env=environment(**known), capture_output=True, text=True, check=False
    )
    assert alone.returncode == 0, alone.stderr
    assert len(stored(tmp_path / "ray")) == 6
    assert everything(tmp_path / "ray") == everything(tmp_path / "alone")


@pytest.mark.parametrize("address", ["10.0.0.1", "ray://10.0.0.1:10001", "auto", "http://a:1", "a:b", ""])
@pytest.mark.skipif(find_spec("ray") is None, reason="ray is absent (the extra `cluster`)")
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(ConfigError, match=r"expected .*such as 10\.0\.0\.1:6379"):
        connect(address, 1)


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ressenti.pipeline.extras.find_spec", lambda _: None)
    with pytest.raises(ConfigError, match="the extra `cluster`"):
        connect("local", 1)


@pytest.mark.skipif(find_spec("ray") is None, reason="ray is absent (the extra `cluster`)")
def test_a_token_has_to_be_there_and_a_head_that_answers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "token"))
    with pytest.raises(ConfigError, match="no token for the cluster"):
        connect("127.0.0.1:9", 1)
    (tmp_path / "token").write_text("secret")
    with pytest.raises(ClusterError, match=r"no Ray cluster answers .*Start one with `ray start"):
        connect("127.0.0.1:9", 1)
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    with pytest.raises(ConfigError, match="got RAY_AUTH_MODE=disabled; expected token"):
        connect("127.0.0.1:9", 1)


def test_what_speaks_something_else_is_no_head() -> None:
    import socket
    from threading import Thread

    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"SSH-2.0-x\r\n")
                connection.recv(100)

        Thread(target=answer, daemon=True).start()
        assert "no head of a Ray cluster" in ray_cluster._unreachable(f"127.0.0.1:{server.getsockname()[1]}")


@pytest.mark.parametrize(
    ("given", "path"),
    [("calls/a.wav", "calls/a.wav"), ("file:///data/a%20b.wav", "/data/a b.wav"), ("file://localhost/a.wav", "/a.wav")],
)
def test_file_urls_are_paths(given: str, path: str) -> None:
    assert local_path(Path(given)) == Path(path)


@pytest.mark.parametrize("given", ["s3://calls", "gs://calls/library", "https://host/library"])
def test_other_urls_are_refused(given: str) -> None:
    with pytest.raises(ConfigError, match=r"expected a path.*mount the storage"):
        local_path(Path(given))


class Unlucky(batch_fakes.OwnPool):
    """Stands for workers whose machines go: with `gone` twice, with `fatal` each time."""

    lost: ClassVar[Counter[str]] = Counter()

    def submit(self, task: Task) -> None:
        name = task.source.path.stem
        super().submit(task)
        self.lost[name] += 1
        if name == "fatal" or (name == "gone" and self.lost[name] <= 2):
            self.results[-1] = task, Died("with its machine 10.0.0.2", machine_lost=True)


def test_a_death_with_its_machine_is_not_the_recordings_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to three times; then it is, as the recording may be what ends machines."""
    monkeypatch.setattr(library_batch, "MakeAnalyst", batch_fakes.MakeFake)
    monkeypatch.setattr(workers, "Pool", Unlucky)
    monkeypatch.setattr(Unlucky, "lost", Counter())
    for k, name in enumerate(("call", "fatal", "gone")):
        write_wav(tmp_path / f"{name}.wav", noise(3, seed=k))
    code, said = batch(tmp_path, "--out", tmp_path / "lib", "--format", "json")
    assert (code, "2 done, 1 failed" in said) == (40, True), said
    assert Unlucky.lost == {"call": 1, "gone": 3, "fatal": 5}
    (failed,) = rows(tmp_path / "lib", "errors")
    assert (Path(str(failed["path"])).name, failed["deaths"]) == ("fatal.wav", 2)
