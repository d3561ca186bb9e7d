"""A library's tables: queries, search, mending and deletion; with fake models, in this process."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import batch_fakes
import pytest
from typer.testing import CliRunner

from conftest import CHECKOUT, noise, write_wav
from ressenti.pipeline import errors, store
from ressenti.pipeline.batch import workers
from ressenti.pipeline.cli import library_batch
from ressenti.pipeline.cli.app import app
from ressenti.pipeline.errors import LibraryError
from ressenti.pipeline.library import parts
from ressenti.pipeline.library.folder import open_library
from ressenti.pipeline.library.overview import comparisons, read_overview
from ressenti.pipeline.library.query import asked
from ressenti.pipeline.records import Corrections, SpeakerName
from ressenti.pipeline.store.corrections_file import corrections_of, dump_corrections

pytest.importorskip("pyarrow")
pytest.importorskip("duckdb")
RUN = CliRunner()
CANARIES = [f"canary{k:02d}x" for k in range(20)]


def run(*arguments: str | Path) -> tuple[int, str]:
    done = RUN.invoke(app, list(map(str, arguments)))
    if isinstance(done.exception, errors.RessentiError):
        return done.exception.exit_code, " ".join(str(done.exception).split())
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, " ".join(done.output.split())


def ask(library: Path, sql: str) -> list[tuple[Any, ...]]:
    with asked(open_library(library), sql) as (_, rows):
        return list(rows)


def tables(library: Path) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables but the time of arrival."""
    return {
        table: sorted(ask(library, f"SELECT * EXCLUDE ({gone}) FROM {table}"), key=repr)  # noqa: S608
        for table, gone in (
            ("conversations", "added, result"), ("turns", "turn"), ("speakers", "share"), ("moments", "certain"),
            ("words", "exact"), ("errors", '"at"'),
        )
    }  # fmt: skip


@pytest.fixture(scope="session")
def made_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three calls with words and metadata, one of them of long ago, and a broken file; made once."""
    top = tmp_path_factory.mktemp("made-library")
    said = (CANARIES[0], "l'été à Orléans", "the clutch plate")
    for k in range(3):
        write_wav(top / f"{CANARIES[1]}-{k}.wav", noise(3, seed=50 + k))
        lines = (f"Hello {said[k]}", f"goodbye {CANARIES[2] if k == 0 else 'now'}")
        (top / f"words-{k}.srt").write_text(
            f"1\n00:00:00,200 --> 00:00:00,900\n{lines[0]}\n\n2\n00:00:01,700 --> 00:00:02,900\n{lines[1]}\n"
        )
    (top / f"{CANARIES[3]}.wav").write_bytes(b"")
    rows = [
        ",".join((f"{CANARIES[1]}-0.wav", *CANARIES[4:6], "2020-05-06", *CANARIES[6:8], "words-0.srt"))
        + f',"{CANARIES[8]},Zoé",2,{CANARIES[9]}',
        f'{CANARIES[1]}-1.wav,8,Ben,2999-01-02T10:00:00,sales,inbound,words-1.srt,"Max,Zoé",2,spring',
        f'{CANARIES[1]}-2.wav,9,Ben,2999-02-03,service,inbound,words-2.srt,,2,"<b>""\'; DROP TABLE"',
    ]
    rows.append(f"{CANARIES[3]}.wav,10,{CANARIES[10]},2020-01-01,,,,,,")
    head = "path,id,agent,date,queue,direction,transcript,names,speakers,campaign"
    (top / "calls.csv").write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(library_batch, "MakeAnalyst", batch_fakes.MakeFake)
        patch.setattr(workers, "Pool", batch_fakes.OwnPool)
        code, told = run("batch", top / "calls.csv", "--out", top / "lib", "--log", top / "log.jsonl", "-v")
    assert (code, "3 done, 1 failed" in told) == (40, True), told
    return top


@pytest.fixture
def top(made_library: Path, tmp_path: Path) -> Path:
    """A test's own copy of all of it."""
    shutil.copytree(made_library, tmp_path / "top")
    logs = tmp_path / "top" / "lib" / "logs.json"
    logs.write_text(json.dumps({"logs": [str(tmp_path / "top" / "log.jsonl")]}))
    return tmp_path / "top"


@pytest.fixture
def batch(top: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str]]:
    """The command that made it, again."""
    monkeypatch.setattr(library_batch, "MakeAnalyst", batch_fakes.MakeFake)
    monkeypatch.setattr(workers, "Pool", batch_fakes.OwnPool)
    return lambda *more: run("batch", top / "calls.csv", "--out", top / "lib", "-v", *more)


def test_a_library_is_queried(made_library: Path) -> None:
    lib = made_library / "lib"
    assert ask(lib, "SELECT call_id, agent, metadata['campaign'] FROM conversations ORDER BY date DESC LIMIT 2") == [
        ("9", "Ben", "<b>\"'; DROP TABLE"),
        ("8", "Ben", "spring"),
    ]
    assert ask(lib, "SELECT queue, count(*) FROM turns WHERE text IS NOT NULL GROUP BY ALL ORDER BY ALL")[1:] == [
        ("sales", 2),
        ("service", 2),
    ]
    assert ask(lib, "SELECT what_to_do, agent FROM errors") == [("Copy it again.", CANARIES[10])]
    assert ask(lib, "SELECT text, agent FROM words WHERE call_id = '9' ORDER BY start_s LIMIT 1") == [("Hello", "Ben")]


def test_query_prints_a_table_lines_or_a_guarded_file(made_library: Path, tmp_path: Path) -> None:
    lib, sql = made_library / "lib", "SELECT call_id, '=1+1' AS f FROM conversations WHERE queue = 'sales'"
    assert "1 row" in run("query", lib, sql)[1]
    assert json.loads(run("query", lib, sql, "--json")[1]) == {"call_id": "8", "f": "=1+1"}
    assert run("query", lib, sql, "--out", tmp_path / "a.csv")[0] == 0
    assert (tmp_path / "a.csv").read_text() == "call_id,f\n8,'=1+1\n"
    assert run("query", lib, sql, "--out", tmp_path / "a.csv")[0] == errors.OutputExistsError.exit_code


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM read_text('LIBRARY/library.json')",
        "SELECT * FROM read_blob('LIBRARY/tables/../library.json')",
        "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM read_parquet('https://example.com/a.parquet')",
        "COPY conversations TO 'LIBRARY/tables/x.parquet'",
        "COPY conversations TO '/tmp/x.csv'",
        "EXPORT DATABASE '/tmp/x'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "ATTACH '/tmp/x.db'",
        "CREATE TABLE x (a INT)",
        "SET enable_external_access = true",
        "PRAGMA version",
        "CALL pragma_version()",
        "SELECT 1; COPY conversations TO '/tmp/x.csv'",
        "DELETE FROM conversations",
        "SELEC 1",
        "SELECT nothing FROM conversations",
        "",
    ],
)
def test_a_query_reads_the_tables_and_nothing_else(made_library: Path, sql: str) -> None:
    lib = made_library / "lib"
    before = sorted(path.relative_to(lib) for path in lib.rglob("*"))
    with pytest.raises(LibraryError, match=r"refused|expected one SELECT"):
        ask(lib, sql.replace("LIBRARY", str(lib)))
    assert sorted(path.relative_to(lib) for path in lib.rglob("*")) == before


def test_other_programs_read_the_tables(made_library: Path) -> None:
    import pandas as pd

    from ressenti import library_files

    turns = pd.concat(pd.read_parquet(path) for path in library_files(made_library / "lib", "turns"))
    assert len(turns) == len(ask(made_library / "lib", "SELECT * FROM turns")) == 9


def test_the_examples_of_the_documentation_run(
    made_library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (CHECKOUT / "docs" / "library.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (tmp_path / "library").symlink_to(made_library / "lib")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(example, names)  # noqa: S102
    assert len(names["turns"]) == 9
    (queries,) = re.findall(r"```sql\n(.*?)```", page, re.DOTALL)
    found = [ask(made_library / "lib", sql) for sql in queries.split(";") if sql.strip()]
    assert [bool(rows) for rows in found] == [True, True, False, True]


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["the CLUTCH-plate"], "1 place in 1 conversation"),
        (["ete a orleans"], "1 place in 1 conversation"),
        (["clutch", "--speaker", "s1"], "1 place"),
        (["clutch", "--speaker", "S2"], "0 places"),
        (["hello", "--where", "agent=ben"], "2 places in 2 conversations"),
        (["hello", "--where", "campaign=SPRING"], "1 place"),
        (["hello", "--since", "2999-01-01", "--until", "2999-02-01"], "1 place"),
        (["--speaker", "Zoé", "--where", "agent=Ben"], "1 place in 1 conversation"),
        (["--class", "pleased", "--where", "agent=Ben"], "2 places in 2 conversations"),
        (["--moment", "monologue", "--where", "agent=Ben"], "0 places"),
        (["--where", "queue=sales"], "1 conversation"),
        ([], "3 conversations"),
    ],
)
def test_a_library_is_searched(made_library: Path, options: list[str], found: str) -> None:
    code, said = run("find", made_library / "lib", *options)
    assert (code, found in said) == (0, True), said


def test_what_is_found_is_written_with_its_page(made_library: Path, tmp_path: Path) -> None:
    run("find", made_library / "lib", "clutch", "--out", tmp_path / "found.csv")
    head, row = (tmp_path / "found.csv").read_text().splitlines()
    assert head == "conversation,recording,date,speaker,start_s,end_s,what,text,page,link"
    page, link = row.split(",")[-2:]
    assert Path(page).is_file()
    assert re.fullmatch(re.escape(Path(page).resolve().as_uri()) + r"#t=\d+\.\d\d", link)
    for wrong in (["--class", "Angry"], ["--where", "queue"], ["--since", "soon"], ["?!"], ["--moment", "x", "word"]):
        assert run("find", made_library / "lib", *wrong)[0] == errors.ConfigError.exit_code
    assert run("find", made_library, "x", "--class", "Sad")[0] == errors.ConfigError.exit_code


def test_a_workbook_has_links_and_no_formulas(made_library: Path, tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    pytest.importorskip("xlsxwriter")
    out = tmp_path / "found.xlsx"
    assert run("find", made_library / "lib", "hello", "--out", out)[0] == 0
    head, *rows = openpyxl.load_workbook(out).active.iter_rows()
    assert [cell.value for cell in head][-2:] == ["page", "link"]
    assert len(rows) == 3
    for row in rows:
        target = row[-1].hyperlink.target
        assert target.startswith("FILE:///")
        assert Path(unquote(target.removeprefix("FILE://").partition("#")[0])).is_file()
        assert (target + (row[-1].hyperlink.location or "")).partition("t=")[2]  # where it was said
        assert isinstance(row[4].value, float)
        assert {cell.data_type for cell in row} <= {"s", "n"}
    assert run("find", made_library / "lib", "--where", "queue=none", "--out", tmp_path / "empty.xlsx")[0] == 0


def everything(library: Path) -> bytes:
    """All bytes of a folder, names included, and all rows of its tables."""
    out = []
    for path in library.rglob("*"):
        out.append(str(path.relative_to(library)).encode())
        if path.is_file():
            out.append(path.read_bytes())
    out.append(
        repr(
            {
                table: ask(library, f"SELECT * FROM {table}")  # noqa: S608
                for table in ("conversations", "turns", "words", "speakers", "errors")
            }
        ).encode()
    )
    return b"\n".join(out)


def test_what_is_forgotten_is_nowhere_and_stays_away(top: Path, batch: Callable[..., tuple[int, str]]) -> None:
    lib, log = top / "lib", top / "log.jsonl"
    folder = next(path.parent for path in (lib / "conversations").rglob("*.json") if CANARIES[0] in path.read_text())
    name = folder.name
    (folder / f"{name}.corrected.json").write_text(
        (folder / f"{name}.json").read_text().replace("goodbye", CANARIES[11])
    )
    (folder / ".ressenti-00.0.partial").write_text(CANARIES[12])
    (lib / ".ressenti-01.0.partial").write_text(CANARIES[13])
    (lib / "tables" / "part-0123456789abcdef").mkdir()
    (lib / "tables" / "part-0123456789abcdef" / "turns.parquet").write_text(CANARIES[14])
    with log.open("a") as file:
        file.write(json.dumps({"conversation": None, "recording": "x", "message": f"the same bytes as {top}"}) + "\n")
    before = everything(lib) + log.read_bytes()
    path = ask(lib, f"SELECT path FROM conversations WHERE conversation = '{name}'")[0][0]  # noqa: S608
    assert all(c.encode() in before for c in CANARIES[:15] if c not in (CANARIES[11],))
    code, said = run("library", "forget", lib, "--older-than", "90d")
    assert (code, "deleted: 1 conversation, 1 failure" in said) == (0, True), said
    assert f"not deleted: the recording itself, {path}" in said
    after = everything(lib)
    kept = {CANARIES[1]}  # in the names of the two other recordings
    assert [c for c in CANARIES if c.encode() in after and c not in kept] == []
    assert not any(c in log.read_text() for c in CANARIES if c not in kept)
    assert f"{CANARIES[1]}-0" not in after.decode("utf-8", "replace") + log.read_text()
    record = json.loads((lib / "forgotten.json").read_text())["deletions"]
    assert [set(one) for one in record] == [{"at", "rule", "tombstones", "finished"}]
    assert name[2:] not in json.dumps(record)
    code, said = batch()
    assert ("deleted from the library on" in said, "2 already done" in said) == (True, True), said
    assert len(ask(lib, "SELECT * FROM conversations")) == 2
    assert "1 done" in batch("--again")[1]
    assert len(ask(lib, "SELECT * FROM conversations")) == 3
    assert "3 skipped (3 already done)" in batch()[1]


def test_one_recording_is_forgotten_by_its_id(top: Path) -> None:
    lib = top / "lib"
    assert run("library", "forget", lib)[0] == errors.ConfigError.exit_code
    assert run("library", "forget", lib, "--older-than", "soon")[0] == errors.ConfigError.exit_code
    assert run("library", "forget", lib, "--id", "77")[0] == errors.NotFoundError.exit_code
    assert "1 conversation" in run("library", "forget", lib, "--id", "8")[1]
    assert sorted(ask(lib, "SELECT call_id FROM conversations")) == [("9",), (CANARIES[4],)]
    assert "1 failure" in run("library", "forget", lib, "--id", "10")[1]


def test_what_could_never_be_read_stays_away_too(top: Path, batch: Callable[..., tuple[int, str]]) -> None:
    lib = top / "lib"
    assert batch()[0] == 40
    assert "2 failures" in run("library", "forget", lib, "--id", "10")[1]  # this copy's, and that of before the copy
    record = json.loads((lib / "forgotten.json").read_text())["deletions"]
    assert [len(one["tombstones"]) for one in record] == [2]
    assert CANARIES[3] not in (lib / "forgotten.json").read_text()
    code, said = batch()
    assert (code, "deleted from the library on" in said, ask(lib, "SELECT * FROM errors")) == (0, True, []), said
    assert batch("--again")[0] == 40
    assert len(ask(lib, "SELECT * FROM errors")) == 1
    assert json.loads((lib / "forgotten.json").read_text())["deletions"][0]["tombstones"] != record[0]["tombstones"]


def test_the_overview_shows_calls_failures_and_places(made_library: Path) -> None:
    pytest.importorskip("plotly")
    found = read_overview(open_library(made_library / "lib"))
    assert (found.total, found.failed, len(found.calls)) == (3, 1, 3)
    assert [call.date for call in found.calls] == ["2999-02-03T00:00:00", "2999-01-02T10:00:00", "2020-05-06T00:00:00"]
    call = found.calls[1]
    assert (call.title, call.agent, call.queue, call.people, call.duration_s) == ("8", "Ben", "sales", 2, 3.0)
    (row,) = ask(made_library / "lib", f"SELECT * FROM conversations WHERE conversation = '{call.conversation}'")  # noqa: S608
    names = [column for (column, *_) in ask(made_library / "lib", "DESCRIBE SELECT * FROM conversations")]
    told = dict(zip(names, row, strict=True))
    assert call.silence == pytest.approx(told["silence_s"] / told["duration_s"])
    assert call.interruptions == told["interruptions"]
    assert {pick.rule for pick in found.picks} <= {"silence", "overlap", "tension", "short", "unanswered"}
    assert [pick.index for pick in found.picks if pick.rule == "short"] == [0, 1, 2]  # all last 3 s
    assert sorted(index for index, *_ in found.sample) == [0, 1, 2]
    by_agent = next(one for one in found.comparisons if one.column == "agent")
    assert not {"tension", "unsure"} & set(by_agent.measures)
    assert [(group.value, group.calls) for group in by_agent.groups] == [("Ben", 2), (CANARIES[5], 1)]
    assert all(spread is None or spread.low is None for group in by_agent.groups for spread in group.spreads)
    page = (made_library / "lib" / "index.html").read_text(encoding="utf-8")
    assert f"{CANARIES[3]}.wav" in page
    assert "<b>" not in page.split("<body")[1].split('id="data"')[0]  # hostile metadata stay text


def test_tone_is_not_compared_by_a_column_that_calls_itself_week(made_library: Path) -> None:
    call = read_overview(open_library(made_library / "lib")).calls[0]
    calls = [
        replace(call, date=f"2026-0{1 + k % 2}-05T10:00:00", more=(("team", f"t{k % 2}"), ("week", f"Ben {k % 2}")))
        for k in range(8)
    ]
    found = {one.column: [group.value for group in one.groups] for one in comparisons(calls)}
    assert found == {"week": ["2026-W02", "2026-W06"], "team": ["t0", "t1"]}


def test_the_overview_keeps_its_language_and_goes_with_what_is_forgotten(top: Path) -> None:
    lib = top / "lib"
    assert run("library", "overview", lib, "--lang", "fr")[0] == 0
    assert '<html lang="fr">' in (lib / "index.html").read_text(encoding="utf-8")
    assert run("library", "forget", lib, "--id", "8")[0] == 0
    page = (lib / "index.html").read_text(encoding="utf-8")
    assert '<html lang="fr">' in page
    assert "2 conversations" in page
    (lib / "index.html").unlink()
    assert run("library", "forget", lib, "--id", "9")[0] == 0
    assert not (lib / "index.html").exists()


def test_sections_come_with_metadata_in_the_order_of_names_and_lie_outside(made_library: Path, tmp_path: Path) -> None:
    lib, out = made_library / "lib", tmp_path / "sections.csv"
    code, said = run("sections", lib, "--question", "hello", "--out", out)
    assert (code, "hello: 3 of 3 conversations" in said) == (0, True), said
    rows = list(csv.DictReader(out.read_text(encoding="utf-8").splitlines()))
    calls = list(dict.fromkeys(row["call_id"] for row in rows))
    assert calls[:2] == ["8", "9"]
    assert {row["queue"] for row in rows if row["call_id"] == "8"} == {"sales"}
    assert all(Path(row["page"]).is_file() and row["link"].startswith("file:///") for row in rows)
    code, said = run("sections", lib, "--question", "hello", "--out", lib / "sections.html")
    assert (code, "lies in the library" in said) == (errors.ConfigError.exit_code, True)
    assert not (lib / "sections.html").exists()


def test_a_sample_is_that_of_the_overview_and_its_answers_tell_of_all(made_library: Path, tmp_path: Path) -> None:
    lib, plan = made_library / "lib", tmp_path / "plan.csv"
    code, said = run("sample-calls", lib, "--count", "2", "--seed", "3", "--out", plan)
    assert (code, "2 calls of 3, seed 3" in said) == (0, True), said
    found = read_overview(open_library(lib), sample=2, seed=3)
    drawn = {found.calls[index].conversation for index, *_ in found.sample}
    rows = list(csv.DictReader(plan.read_text(encoding="utf-8").splitlines()))
    assert {row["conversation"] for row in rows} == drawn
    assert sum(float(row["weight"]) for row in rows) == pytest.approx(3)
    assert all(Path(row["page"]).is_file() for row in rows)
    code, said = run("sample-calls", lib, "--estimate", plan)
    assert (code, "the column `answer` is empty" in said) == (errors.ConfigError.exit_code, True)
    lines = plan.read_text(encoding="utf-8").splitlines()
    semicolons = "\n".join(
        [
            lines[0].replace(",", ";"),
            *(";".join([*[*row.values()][:-1], answer]) for row, answer in zip(rows, ("Oui", "non"), strict=True)),
        ]
    )
    plan.write_text(semicolons, encoding="utf-8-sig")
    code, said = run("sample-calls", lib, "--estimate", plan)
    assert (code, "50% of 3 calls" in said, "from 1 yes and 1 no" in said) == (0, True, True), said
    plan.write_text(semicolons.replace("Oui", "perhaps"), encoding="utf-8")
    code, said = run("sample-calls", lib, "--estimate", plan)
    assert "line 2: answer: got 'perhaps'; expected yes or no" in said
    assert "no calls fit" in run("sample-calls", lib, "--where", "queue=nothing")[1]
    assert "expected columns of the library: agent, call_id, campaign" in run("sample-calls", lib, "--by", "team")[1]


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        ("weight,answer\r1,yes\r1,no\r", "50% of 2 calls"),
        ("\nsep=;\nconversation;weight;answer\na\u2028b;1,5;oui\n", "100% of 2 calls"),
        ("weight,answer\n1e-200,yes\n", "line 2: weight: got '1e-200'; expected a number such as 2.5"),
        ("weight,answer\n1_0,yes\n", "weight: got '1_0'"),
        ("weight,answer,answer\n1,yes,no\n", "got weight, answer, answer"),
        ("conversation,weight,answer\na,1,yes\na,1,yes\n", "line 3: a is there twice"),
        (f"{'a' * 200_000},weight,answer\n", "field larger than field limit"),
        ('weight,answer\n"1,yes\n', "unexpected end of data"),
        ("agent;weight;answer\nZo\udce9;1;yes\n", "not UTF-8 text. Expected the CSV"),
    ],
)
def test_answers_are_read_however_a_spreadsheet_saved_them_or_refused(tmp_path: Path, plan: str, said: str) -> None:
    path = tmp_path / "plan.csv"
    path.write_bytes(plan.encode(errors="surrogateescape"))
    code, told = run("sample-calls", tmp_path, "--estimate", path)
    assert (code in (0, errors.ConfigError.exit_code), said in told) == (True, True), told


def test_a_plan_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert run("sample-calls", tmp_path, "--estimate", tmp_path / "none")[0] == errors.NotFoundError.exit_code
    assert run("sample-calls", tmp_path, "--estimate", tmp_path)[0] == errors.UnreadableError.exit_code
    both = run("sample-calls", tmp_path, "--estimate", tmp_path / "a", "--out", tmp_path / "b")
    assert "expected one of them" in both[1]


def test_an_interrupted_deletion_is_finished(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ressenti.pipeline.library import forget

    with monkeypatch.context() as patch:
        patch.setattr(forget.shutil, "rmtree", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        run_interrupted = RUN.invoke(app, ["library", "forget", str(top / "lib"), "--id", "8"])
        assert run_interrupted.exit_code == 130
    code, said = run("library", "check", top / "lib")
    assert (code, "interrupted deletion" in said) == (0, True), said
    assert len(ask(top / "lib", "SELECT * FROM conversations")) == 2
    assert len(list(open_library(top / "lib").ids())) == 2


def _a_file(lib: Path, ending: str) -> Path:
    return sorted((lib / "conversations").rglob(f"*{ending}"))[0]


def _an_old_part(lib: Path) -> None:
    (lib / "tables" / "part-00000000000000aa").mkdir()
    os.utime(lib / "tables" / "part-00000000000000aa", (0, 0))


def _part(lib: Path) -> Path:
    return next((lib / "tables").glob("part-*"))


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda lib: (_part(lib) / "turns.parquet").unlink(), "missing or damaged"),
        (lambda lib: os.truncate(_part(lib) / "words.parquet", 100), "missing or damaged"),
        (lambda lib: shutil.rmtree(lib / "tables"), "rows were missing or old"),
        (lambda lib: (lib / "tables" / "snapshot.json").write_text("{"), "list of tables was damaged"),
        (_an_old_part, "leftovers of tables"),
        (lambda lib: (lib / "errors.csv").unlink(), "errors.csv was not as it should be"),
        (lambda lib: next((lib / "tables").glob("errors-*")).unlink(), "the table errors was missing"),
        (lambda lib: (_a_file(lib, ".json").parent / ".ressenti-0.0.partial").touch(), "temporary files"),
        (lambda lib: (lib / "conversations" / "ff" / "c-ffffffffffffffff").mkdir(parents=True), "an empty folder"),
    ],
)
def test_check_mends(top: Path, break_it: Callable[[Path], object], said: str) -> None:
    lib = top / "lib"
    before = tables(lib)
    assert run("library", "check", lib) == (0, "everything is as it should be")
    break_it(lib)
    code, told = run("library", "check", lib)
    assert (code, said in told) == (0, True), told
    assert tables(lib) == before
    assert run("library", "check", lib) == (0, "everything is as it should be")


def test_check_says_what_only_a_batch_can_mend(top: Path, batch: Callable[..., tuple[int, str]]) -> None:
    lib = top / "lib"
    (lib / "failures.json").unlink()  # it was made in another folder
    batch("--redo")
    before = tables(lib)
    shutil.rmtree(_a_file(lib, ".html").parent)
    code, told = run("library", "check", lib)
    assert (code, "rows are removed" in told, len(ask(lib, "SELECT * FROM conversations"))) == (0, True, 2), told
    _a_file(lib, ".html").unlink()
    page = _a_file(lib, ".html")
    page.write_text("by hand")
    code, told = run("library", "check", lib)
    assert (code, "is gone" in told, "changed since it was written" in told) == (57, True, True), told
    assert batch("--redo")[0] == 40
    assert tables(lib) == before
    (lib / "failures.json").write_text("[")
    assert "failures.json was damaged" in run("library", "check", lib)[1]
    batch()
    assert tables(lib) == before


def test_corrections_of_people_come_into_the_tables(top: Path) -> None:
    lib = top / "lib"
    path = next(
        p for p in (lib / "conversations").rglob("*.json") if "clutch" in p.read_text() and "call" not in p.name
    )
    data = json.loads(path.read_text())
    data["corrections"]["names"] = [{"speaker": "S1", "name": "Eve"}]
    path.with_name(f"{path.stem}.corrected.json").write_text(json.dumps(data))
    code, told = run("library", "check", lib)
    assert (code, "rows were missing or old" in told) == (0, True), told
    assert ask(lib, "SELECT name FROM speakers WHERE call_id = '9' AND speaker = 'S1'") == [("Eve",)]
    assert ask(lib, "SELECT corrected FROM conversations WHERE call_id = '9'") == [(True,)]


def test_a_reader_sees_all_of_a_commit_or_nothing(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At each step of a commit, all tables hold the same conversations; a full disk leaves the old ones."""
    library = open_library(top / "lib")
    from ressenti.pipeline.library.rows import rows_of

    identity = next(library.ids())
    rows = rows_of(library, identity)
    before, seen, write, count = tables(top / "lib"), [], parts._write, 0

    def watched(*arguments: Any) -> int:
        seen.append(tables(top / "lib"))
        return write(*arguments)

    def full(*arguments: Any) -> int:
        nonlocal count
        count += 1
        if count == 4:
            raise errors.DiskFullError("full")
        return write(*arguments)

    results = parts.read_results(library, parts.read_snapshot(library))
    drop = {results[identity][0]: {identity}}
    monkeypatch.setattr(parts, "_write", full)
    with library.alone(), pytest.raises(errors.DiskFullError):
        parts.commit(library, [rows], drop)
    assert tables(top / "lib") == before
    assert len(list((top / "lib" / "tables").glob("part-*"))) == 1
    monkeypatch.setattr(parts, "_write", watched)
    with library.alone():
        parts.commit(library, [rows], drop)
    assert len(seen) >= 10
    assert all(one == before for one in seen)
    assert tables(top / "lib") == before


def test_many_commits_leave_few_files(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts are joined, no row is lost, and old parts stay for their readers for a while."""
    monkeypatch.setattr(parts, "LEVELS", (4, 16))
    monkeypatch.setattr(parts, "MOST_ALIKE", 4)
    monkeypatch.setattr(parts, "FULL", 32)
    import pyarrow as pa

    from ressenti.pipeline.library.rows import rows_of

    library = open_library(top / "lib")
    rows = rows_of(library, next(library.ids()))
    with library.alone():
        for k in range(60):
            mine = {}
            for table, own in rows.items():
                place = own.schema.get_field_index("conversation")
                mine[table] = own.set_column(place, "conversation", pa.array([f"c-{k:016x}"] * len(own)))
            snapshot = parts.commit(library, [mine])
    assert len(snapshot.parts) <= 3 * 3 + 1
    assert ask(top / "lib", "SELECT count(*), count(DISTINCT conversation) FROM conversations") == [(63, 63)]
    assert parts.sweep(library, 0.0) > 0
    assert len(list((top / "lib" / "tables").glob("part-*"))) == len(snapshot.parts)


def test_a_library_that_is_none_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for command in (
        ["query", "LIB", "SELECT 1"],
        ["library", "check", "LIB"],
        ["library", "forget", "LIB", "--id", "1"],
    ):
        for name, code in (("a", LibraryError.exit_code), ("b", errors.NotFoundError.exit_code)):
            assert run(*[str(tmp_path / name) if part == "LIB" else part for part in command])[0] == code


def test_applied_corrections_are_in_tables_and_overview_at_once(top: Path) -> None:
    lib = top / "lib"
    path = next(p for p in (lib / "conversations").rglob("c-*.json") if "clutch" in p.read_text())
    made = corrections_of(store.load(path), path.stem)
    named = replace(made, corrections=Corrections(names=(SpeakerName("S1", "Eve"),)))
    file = path.with_name(f"{path.stem}.corrections.json")
    file.write_text(dump_corrections(named), encoding="utf-8")
    overview = lib / "index.html"
    for source, name in ((lib, "Eve"), (file, "Ada")):
        file.write_text(dump_corrections(named).replace("Eve", name), encoding="utf-8")
        overview.unlink()
        overview.write_text('<html lang="fr">', encoding="utf-8")
        assert run("apply", source)[0] == 0
        assert ask(lib, "SELECT name FROM speakers WHERE call_id = '9' AND speaker = 'S1'") == [(name,)]
        assert read_overview(open_library(lib)).calls[0].corrected
        assert '<html lang="fr">' in overview.read_text(encoding="utf-8")[:200]
        assert len(overview.read_text(encoding="utf-8")) > 1_000
    assert run("library", "check", lib) == (0, "everything is as it should be")
