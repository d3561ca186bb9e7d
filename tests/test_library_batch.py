"""`ressenti batch`: what is done, skipped, failed and done again; with fake models, in this process."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import batch_fakes
import docx
import openpyxl
import pytest
from typer.testing import CliRunner

from conftest import noise, write_wav
from ressenti.pipeline import errors, export, store
from ressenti.pipeline.batch import workers
from ressenti.pipeline.cli import library_batch
from ressenti.pipeline.cli.app import app
from ressenti.pipeline.cli.batch import ALL_FAILED, SOME_FAILED
from ressenti.pipeline.records import Corrections, SpeakerName
from ressenti.pipeline.store.corrections_file import corrections_of, dump_corrections

parquet = pytest.importorskip("pyarrow.parquet")
RUN = CliRunner()


@pytest.fixture(autouse=True)
def fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library_batch, "MakeAnalyst", batch_fakes.MakeFake)
    monkeypatch.setattr(workers, "Pool", batch_fakes.OwnPool)


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    """Three recordings, two of them with one name."""
    for k, name in enumerate(("anna/call.wav", "ben/call.wav", "ben/slip.wav")):
        (tmp_path / "calls" / name).parent.mkdir(parents=True, exist_ok=True)
        write_wav(tmp_path / "calls" / name, noise(3, seed=k))
    return tmp_path / "calls"


def batch(*arguments: str | Path) -> tuple[int, str]:
    done = RUN.invoke(app, ["batch", *map(str, arguments), "-v"])
    if isinstance(done.exception, errors.RessentiError):  # `main` prints it
        return done.exception.exit_code, " ".join(str(done.exception).split())
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, " ".join(done.output.split())


def analysed(calls: Path) -> Counter[str]:
    """How often each recording was analysed, by name."""
    return Counter(line for log in calls.rglob(".analysed") for line in log.read_text().splitlines())


def stored(library: Path) -> dict[str, bytes]:
    """All result files but those that hold the time, by name."""
    files = (path for path in (library / "conversations").rglob("c-*") if path.is_file())
    return {path.name: path.read_bytes() for path in files if not path.name.endswith(".call.json")}


def rows(library: Path, table: str) -> list[dict[str, object]]:
    """All rows of a table by the snapshot, in an order of their own, without the time when they came."""
    snapshot = json.loads((library / "tables" / "snapshot.json").read_text())
    names = [f"{part['name']}/{table}.parquet" for part in snapshot["parts"]]
    if table == "errors":
        names = [snapshot["errors"]] if snapshot["errors"] else []
    found = [row for name in names for row in parquet.read_table(library / "tables" / name).to_pylist()]
    return sorted(({k: v for k, v in row.items() if k not in ("added", "at", "result")} for row in found), key=repr)


def test_folders_with_one_name_twice_are_done_and_then_skipped(calls: Path, tmp_path: Path) -> None:
    code, said = batch(calls, "--out", tmp_path / "lib")
    assert (code, "3 recordings: 3 done" in said) == (0, True), said
    assert analysed(calls) == {"call.wav": 2, "slip.wav": 1}
    paths = [row["path"] for row in rows(tmp_path / "lib", "conversations")]
    assert sorted(paths) == sorted(str(path) for path in calls.rglob("*.wav"))
    assert len(rows(tmp_path / "lib", "turns")) == 9
    before = stored(tmp_path / "lib")
    code, said = batch(calls, "--out", tmp_path / "lib")
    assert (code, "0 done, 3 skipped (3 already done)" in said) == (0, True), said
    assert analysed(calls).total() == 3
    assert stored(tmp_path / "lib") == before


@pytest.mark.slow("runs in processes of its own")
def test_another_language_renders_and_another_option_analyses(calls: Path, tmp_path: Path) -> None:
    lib = tmp_path / "lib"
    batch(calls, "--out", lib)
    code, said = batch(calls, "--out", lib, "--lang", "fr")
    assert (code, "rendered again" in said, analysed(calls).total()) == (0, True, 3), said
    assert all(b'lang="fr"' in page for name, page in stored(lib).items() if name.endswith(".html"))
    batch(calls, "--out", tmp_path / "fresh", "--lang", "fr")
    assert stored(lib) == stored(tmp_path / "fresh")  # the same as if it had been analysed in that language
    assert analysed(calls).total() == 6
    assert batch(calls, "--out", lib, "--lang", "fr", "--channels", "mono")[0] == 0
    assert analysed(calls).total() == 9
    assert batch(calls, "--out", lib, "--lang", "fr", "--channels", "mono", "--redo")[0] == 0
    assert analysed(calls).total() == 12
    assert len(rows(lib, "conversations")) == 3


@pytest.mark.parametrize("what", ["json", "page", "manifest", "call", "bytes"])
def test_what_is_not_whole_is_made_again(calls: Path, tmp_path: Path, what: str) -> None:
    lib = tmp_path / "lib"
    batch(calls, "--out", lib)
    before, folder = stored(lib), next((lib / "conversations").glob("*/*"))
    gone = {"json": f"{folder.name}.json", "page": f"{folder.name}.report.html", "call": f"{folder.name}.call.json"}
    if what == "bytes":
        write_wav(calls / "ben" / "slip.wav", noise(3, seed=9))
    else:
        (folder / gone.get(what, f".{folder.name}.ressenti")).unlink()
    code, said = batch(calls, "--out", lib)
    assert (code, "1 done, 2 skipped" in said) == (0, True), said
    assert what == "bytes" or stored(lib) == before
    assert batch(calls, "--out", lib)[1].count("already done") == 1


def test_what_a_person_changed_stays_until_redo(calls: Path, tmp_path: Path) -> None:
    lib = tmp_path / "lib"
    batch(calls, "--out", lib)
    path = next((lib / "conversations").rglob("c-*.report.html"))
    path.write_text("by hand")
    assert "changed since they were written" in batch(calls, "--out", lib)[1]
    assert path.read_text() == "by hand"
    assert batch(calls, "--out", lib, "--redo")[0] == 0
    assert path.read_text() != "by hand"


def test_corrections_outlast_what_is_done_again(calls: Path, tmp_path: Path) -> None:
    lib = tmp_path / "lib"
    batch(calls / "anna", "--out", lib)
    path = next((lib / "conversations").glob("*/*/c-*.json"))
    path = path.with_name(f"{path.parent.name}.json")
    about = store.load(path)
    given = Corrections(names=(SpeakerName("S1", "Zoé"),))
    saved = corrections_of(replace(about, corrections=given), path.stem)
    path.with_name(f"{path.stem}.corrections.json").write_text(dump_corrections(saved), encoding="utf-8")
    done = RUN.invoke(app, ["apply", str(lib)])
    assert done.exit_code == 0, done.output
    assert store.load(path).speaker("S1").name == "Zoé"
    assert RUN.invoke(app, ["library", "check", str(lib)]).exit_code == 0
    assert "Zoé" in {row["name"] for row in rows(lib, "speakers")}
    code, said = batch(calls / "anna", "--out", lib)
    assert (code, "1 already done" in said) == (0, True), said
    code, said = batch(calls / "anna", "--out", lib, "--redo")
    assert (code, f"corrections of {path.stem}.corrections.json applied again" in said) == (0, True), said
    assert store.load(path).corrections == given


def test_bad_files_are_lines_and_are_not_tried_again(calls: Path, tmp_path: Path) -> None:
    lib = tmp_path / "lib"
    (calls / "=broken.mp3").write_bytes(b"no sound")
    (calls / "empty.wav").write_bytes(b"")
    (calls / "notes.txt").write_bytes(b"no recording")
    write_wav(calls / "bug.wav", noise(3, seed=7))
    code, said = batch(calls, "--out", lib)
    assert (code, "3 done, 3 failed" in said, "left alone: 1 .txt" in said) == (SOME_FAILED, True, True), said
    with (lib / "errors.csv").open(newline="", encoding="utf-8") as file:
        found = {Path(row["path"]).name: row for row in csv.DictReader(file)}
    assert {name: row["code"] for name, row in found.items()} == {"=broken.mp3": "8", "empty.wav": "7", "bug.wav": "1"}
    assert found["empty.wav"]["what_to_do"] == "Copy it again."
    assert len(rows(lib, "errors")) == 3
    code, said = batch(calls, "--out", lib)
    assert (code, "(as before; --redo tries again)" in said) == (SOME_FAILED, True)
    shutil.copyfile(calls / "ben" / "slip.wav", calls / "empty.wav")
    for name in ("=broken.mp3", "bug.wav"):
        (calls / name).unlink()
    assert batch(calls, "--out", lib)[0] == 0
    assert batch(calls / "nothing.wav", "--out", lib)[0] == errors.NotFoundError.exit_code


def test_all_failed_has_a_code_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "empty.wav").write_bytes(b"")
    assert batch(tmp_path / "empty.wav", "--out", tmp_path / "lib")[0] == ALL_FAILED


def test_what_kills_workers_twice_is_set_aside(calls: Path, tmp_path: Path) -> None:
    for k, name in enumerate(("once.wav", "dies.wav")):
        write_wav(calls / name, noise(3, seed=20 + k))
    code, said = batch(calls, "--out", tmp_path / "lib")
    assert (code, "4 done, 1 failed" in said, "set aside" in said) == (SOME_FAILED, True, True), said
    code, said = batch(calls, "--out", tmp_path / "lib")
    assert (code, "set aside" in said, "as before" in said) == (SOME_FAILED, True, True)
    assert [row["deaths"] for row in rows(tmp_path / "lib", "errors")] == [2]
    (calls / "dies.wav").rename(calls / "well.wav")
    assert batch(calls / "well.wav", "--out", tmp_path / "lib")[0] == 0


def test_a_machine_that_kills_everything_ends_the_batch(tmp_path: Path) -> None:
    for k in range(7):
        write_wav(tmp_path / f"dies-{k}.wav", noise(2, seed=k))
    code, said = batch(tmp_path, "--out", tmp_path / "lib")
    assert (code, "--workers 1" in said) == (errors.WorkerDiedError.exit_code, True), said


def test_a_full_disk_ends_the_batch_and_the_same_command_goes_on(calls: Path, tmp_path: Path) -> None:
    write_wav(calls / "ben" / "full.wav", noise(3, seed=8))
    code, said = batch(calls, "--out", tmp_path / "lib")
    assert (code, "the disk is full" in said) == (errors.DiskFullError.exit_code, True), said
    assert len(rows(tmp_path / "lib", "conversations")) == 2
    assert not (tmp_path / "lib" / "errors.csv").exists()  # it is no fault of the recording
    (calls / "ben" / "full.wav").rename(calls / "ben" / "free.wav")
    code, said = batch(calls, "--out", tmp_path / "lib")
    assert (code, "2 done, 2 skipped" in said) == (0, True), said


def test_the_same_bytes_are_analysed_once(calls: Path, tmp_path: Path) -> None:
    shutil.copyfile(calls / "ben" / "slip.wav", calls / "zoe.wav")
    code, said = batch(calls, "--out", tmp_path / "lib")
    assert (code, "the same bytes as" in said, analysed(calls).total()) == (0, True, 3)


def test_it_is_quiet_outside_a_terminal_and_the_log_has_everything(calls: Path, tmp_path: Path) -> None:
    log = tmp_path / "logs" / "batch.jsonl"
    done = RUN.invoke(app, ["batch", str(calls), "--out", str(tmp_path / "lib"), "--log", str(log)])
    assert (done.exit_code, done.output) == (0, "")
    (calls / "empty.wav").write_bytes(b"")
    done = RUN.invoke(app, ["batch", str(calls), "--out", str(tmp_path / "lib"), "--log", str(log)])
    assert (done.exit_code, done.output.count("\n")) == (SOME_FAILED, 1)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert Counter(line["status"] for line in lines) == {"done": 3, "skipped": 3, "failed": 1}


def test_a_folder_that_is_no_library_is_left_alone(calls: Path, tmp_path: Path) -> None:
    before = sorted(calls.rglob("*"))
    code, said = batch(calls, "--out", calls)
    assert (code, "neither a library nor empty" in said) == (errors.LibraryError.exit_code, True), said
    assert sorted(calls.rglob("*")) == before
    assert batch(calls, "--out", calls / "lib")[0] == 0
    assert "3 skipped" in batch(calls, "--out", calls / "lib")[1]  # its own pages and sounds are not taken for sources


def test_a_manifest_gives_metadata_and_settings(calls: Path, tmp_path: Path) -> None:
    manifest = calls / "calls.csv"
    manifest.write_text(
        "path;ID;agent;queue;date;direction;language;roles;campaign\n"
        "anna/call.wav;7;Anna;sales;2026-01-31T10:00:00+02:00;inbound;fr;agent,client;=cmd|' /C calc'!A0\n"
        "ben/call.wav;8;<script>alert(1)</script>;;2026-02-01;;;;\n\n",
        encoding="utf-8-sig",
    )
    lib = tmp_path / "lib"
    code, said = batch(manifest, "--out", lib)
    assert (code, "2 done" in said) == (0, True), said
    for table in ("conversations", "turns", "speakers"):
        found = {row["call_id"]: row for row in rows(lib, table)}
        assert (found["7"]["agent"], str(found["7"]["date"])) == ("Anna", "2026-01-31 08:00:00")
        assert dict(found["7"]["metadata"]) == {"campaign": "=cmd|' /C calc'!A0"}  # type: ignore[call-overload]
        assert (found["8"]["agent"], found["8"]["queue"]) == ("<script>alert(1)</script>", None)
    assert {row["role"] for row in rows(lib, "speakers") if row["call_id"] == "7"} == {"agent", "client"}
    text = manifest.read_text(encoding="utf-8-sig").replace("sales", "service")
    manifest.write_text(text, encoding="utf-8")
    code, said = batch(manifest, "--out", lib)
    assert (code, "rendered again" in said, analysed(calls)) == (0, True, {"call.wav": 2})
    (page,) = [page.decode() for page in stored(lib).values() if b"<b>service</b>" in page]
    assert "Agent: <b>Anna</b>" in page
    assert "campaign: <b>=cmd|&#39; /C calc&#39;!A0</b>" in page
    assert "&lt;script&gt;alert(1)" in (lib / "index.html").read_text(encoding="utf-8")
    assert [row["queue"] for row in rows(lib, "conversations") if row["call_id"] == "7"] == ["service"]
    assert batch(calls, "--out", lib)[0] == 0  # a folder tells nothing of calls
    assert {row["call_id"] for row in rows(lib, "conversations")} == {"7", "8", None}


def test_metadata_are_in_every_export_that_has_a_place_for_them(calls: Path, tmp_path: Path) -> None:
    manifest, lib = calls / "calls.csv", tmp_path / "lib"
    (calls / "said.srt").write_text("1\n00:00:00,200 --> 00:00:00,900\nBonjour\n")
    row = "anna/call.wav,=Anna --> <b>,2026-01-31T10:00,spring & summer,said.srt\n"
    manifest.write_text(f"path,agent,date,wave,transcript\n{row}")
    formats = "json,csv,said,rttm,textgrid,srt,vtt,aws,xlsx,quotes-md,quotes-docx,parquet"
    assert batch(manifest, "--out", lib, "--format", formats, "--lang", "fr")[0] == 0
    files = {name.partition(".")[2]: content for name, content in stored(lib).items()}
    for ending in ("turns.csv", "said.csv"):
        found = csv.DictReader(files[ending].decode().splitlines())
        cells = [(row["agent"], row["date"], row["metadata.wave"]) for row in found]
        assert set(cells) == {("'=Anna --> <b>", "2026-01-31T10:00:00", "spring & summer")}, ending
    known = {"agent": "=Anna --> <b>", "date": "2026-01-31T10:00:00", "wave": "spring & summer"}
    assert json.loads(files["aws.json"])["Ressenti"]["Metadata"] == known
    for table in export.TABLES:
        read = parquet.read_table(io.BytesIO(files[f"{table}.parquet"]))
        assert all(dict(row) == known for row in read["metadata"].to_pylist()), table
    notes = files["vtt"].decode().replace("\u00a0", " ").split("\n\n")[1]
    assert notes == "NOTE\nAgent : =Anna -- &gt; &lt;b&gt;\nDate : 2026-01-31 10:00:00\nwave : spring &amp; summer"
    assert "wave : spring \\& summer\n" in files["quotes.md"].decode().replace("\u00a0", " ")
    quotes = docx.Document(io.BytesIO(files["quotes.docx"]))
    assert "Agent : =Anna --> <b>" in [paragraph.text.replace("\u00a0", " ") for paragraph in quotes.paragraphs]
    summary = openpyxl.load_workbook(io.BytesIO(files["xlsx"])).worksheets[0].values
    assert ("wave", "spring & summer") in [row[:2] for row in summary]
    assert not any(b"spring" in files[name] for name in ("json", "rttm", "TextGrid", "srt"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("file,agent\na.wav,Anna\n", "no column `path`; the columns are: file, agent."),
        ("path,agent,agent\na.wav,A,B\n", "two columns are called 'agent'"),
        ("path,speaker\na.wav,2\n", "did you mean 'speakers'?"),
        ("path,speakers\na.wav,two\n", "row 2: speakers: got 'two'; expected a number"),
        ("path,speakers\na.wav,-1\n", "row 2: speakers: got '-1'"),
        ("path,date\na.wav,31.01.2026\n", "row 2: date: got '31.01.2026'"),
        ("path,language\na.wav,French\n", "row 2: language: got 'French'"),
        ('path,roles\na.wav,"agent,,client"\n', "row 2: roles: got 'agent,,client'"),
        ("path,agent\n,Anna\n", "row 2: path is empty"),
        ("path\n", "has no rows"),
        ("", "no column `path`"),
        ("path,agent\na.wav,Anna,Ben\n", "row 2: 3 cells; expected 2"),
        ('path,agent\n"a.wav,Anna\n', "unexpected end of data"),
        ("path,agent\na.wav," + "x" * 2_000 + "\n", "row 2: agent has 2000 characters"),
        ("path," + ",".join(f"c{k}" for k in range(200)) + "\na.wav\n", "201 columns; expected at most 100"),
    ],
)
def test_a_wrong_manifest_is_refused_before_anything_starts(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "calls.csv").write_text(text, encoding="utf-8")
    code, told = batch(tmp_path / "calls.csv", "--out", tmp_path / "lib")
    assert (code, said in told) == (errors.ConfigError.exit_code, True), told
    assert not (tmp_path / "lib").exists()


def test_a_manifest_may_be_parquet_or_no_text_at_all(calls: Path, tmp_path: Path) -> None:
    import datetime

    import pyarrow as pa

    day = datetime.date(2026, 1, 31)
    table = {"path": ["anna/call.wav", "gone.wav"], "id": [7.0, None], "date": [day, None], "speakers": [2, None]}
    parquet.write_table(pa.table(table), calls / "calls.parquet")
    code, said = batch(calls / "calls.parquet", "--out", tmp_path / "lib")
    assert (code, "1 done, 1 failed" in said, "gone.wav: no such file" in said) == (SOME_FAILED, True, True), said
    (found,) = rows(tmp_path / "lib", "conversations")
    assert (found["call_id"], found["date"]) == ("7", datetime.datetime(2026, 1, 31))
    for name in ("bad.parquet", "bad.csv"):
        (calls / name).write_bytes(b"\xff\xfe\x00PAR1")
        assert batch(calls / name, "--out", tmp_path / "lib")[0] == errors.ConfigError.exit_code


def test_a_library_has_one_writer(calls: Path, tmp_path: Path) -> None:
    from ressenti.pipeline.library.folder import make_library

    with make_library(tmp_path / "lib").alone():
        code, said = batch(calls, "--out", tmp_path / "lib")
    assert (code, "another run is writing" in said) == (errors.ClaimedError.exit_code, True), said
    assert batch(calls, "--out", tmp_path / "lib")[0] == 0


def test_a_folder_is_watched_for_finished_files(calls: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lib, rounds = tmp_path / "lib", []

    def sleep(_seconds: float) -> None:
        rounds.append(analysed(calls).total())
        if len(rounds) == 2:
            (calls / "late.wav.part").write_bytes(b"RIFF")
            write_wav(calls / "late.wav", noise(3, seed=30))
        if len(rounds) == 6:
            raise KeyboardInterrupt

    monkeypatch.setattr(library_batch.time, "sleep", sleep)
    done = RUN.invoke(app, ["batch", str(calls), "--out", str(lib), "--watch", "--settle", "0", "-v"])
    assert done.exit_code == 130, done.output
    assert (rounds[0], rounds[-1]) == (3, 4)
    assert len(rows(lib, "conversations")) == 4


def test_a_file_that_grows_is_not_finished(tmp_path: Path) -> None:
    from ressenti.pipeline.batch.sources import Source
    from ressenti.pipeline.batch.watch import Arrivals

    path, arrivals = tmp_path / "a.wav", Arrivals(10.0)
    path.write_bytes(b"1")
    sources = [Source(path), Source(tmp_path / "gone.wav")]
    assert arrivals.ready(sources, 0.0) == []
    path.write_bytes(b"12")
    assert arrivals.ready(sources, 10.0) == []
    assert arrivals.ready(sources, 19.0) == []
    assert arrivals.ready(sources, 20.0) == sources[:1]
    assert arrivals.ready(sources, 40.0) == []
    path.write_bytes(b"123")
    assert arrivals.ready(sources, 50.0) == []
    assert arrivals.ready(sources, 60.0) == sources[:1]


def test_a_missing_package_is_told_before_anything_starts(
    calls: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ressenti.pipeline import extras

    monkeypatch.setattr(extras, "find_spec", lambda _name: None)
    code, said = batch(calls, "--out", tmp_path / "lib")
    assert (code, "pip install pyarrow" in said) == (errors.ConfigError.exit_code, True), said
    assert not (tmp_path / "lib").exists()


def test_a_watch_waits_for_a_library_that_is_locked(
    calls: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ressenti.pipeline.library.folder import make_library

    library, rounds = make_library(tmp_path / "lib"), []
    lock = library.alone()
    lock.__enter__()

    def sleep(_seconds: float) -> None:
        rounds.append(analysed(calls).total())
        if len(rounds) == 2:
            lock.__exit__(None, None, None)
        if len(rounds) == 5:
            raise KeyboardInterrupt

    monkeypatch.setattr(library_batch.time, "sleep", sleep)
    done = RUN.invoke(app, ["batch", str(calls), "--out", str(tmp_path / "lib"), "--watch", "--settle", "0"])
    assert (done.exit_code, done.output, rounds[1], rounds[-1]) == (130, "", 0, 3)
