"""Corrections that a page saved, applied by `ressenti apply`: files, sound, errors."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from commands import ressenti
from conftest import results
from ressenti.pipeline import export, store
from ressenti.pipeline.config import build_config
from ressenti.pipeline.derive import derive
from ressenti.pipeline.errors import CorrectionsError, NotFoundError
from ressenti.pipeline.records import EmotionScores, Word
from ressenti.pipeline.store.corrections_file import (
    CorrectionsFile,
    corrections_of,
    dump_corrections,
    load_corrections,
    saved_corrections,
    stem_of_corrections,
)
from ressenti.reports.saved_page import _unpacked, read_page

WHO = {"by": "KM", "at": "2026-11-30T20:15:00Z"}


ODD = EmotionScores((0.0313171, 0.0271313, 0.0457177, 0.0219173, 0.8739166))  # nowhere else in results


def saved(path: Path, bleeps: Any = (), **corrections: Any) -> Path:
    """The file that the page of a NAME.json would save."""
    about = store.load(path)
    data = {
        "format": "ressenti corrections",
        "version": 1,
        "conversation": about.id,
        "sha256": about.recording.sha256,
        "name": path.stem,
        "corrections": {"names": [], "roles": [], "kinds": [], "turns": [], "ignored": [], "note": None, **corrections},
        "bleeps": [{"start_s": start, "end_s": end} for start, end in bleeps],
    }
    to = path.with_name(f"{path.stem}.corrections.json")
    to.write_text(json.dumps(data), encoding="utf-8")
    return to


def turn(index: int, **entry: Any) -> dict[str, Any]:
    return {"turn": index, "speaker": None, "emotion": None, "words": None, "note": "", "by": "", "at": "", **entry}


@pytest.fixture
def call(calls: Path, tmp_path: Path) -> Path:
    """One conversation with a page with sound, a table and words."""
    folder = tmp_path / "one"
    folder.mkdir()
    made = store.load(calls / "call-0.json")
    words = tuple(Word(10.0 + k, 10.5 + k, text, 2, confidence=0.9) for k, text in enumerate(["old", "words", "here"]))
    turns = tuple(
        replace(t, windows=tuple(replace(w, emotion=ODD if t.speaker == "S2" else w.emotion) for w in t.windows))
        for t in made.turns
    )
    made = derive(replace(made, words=words, turns=turns), build_config(made.config))
    path = folder / "call-0.json"
    path.write_text(store.dumps(made), encoding="utf-8")
    done = ressenti("report", path, "--recording", calls / "call-0.wav", "--format", "html,csv,rttm,srt")
    assert done.returncode == 0, done.stderr
    return path


def test_all_results_that_are_there_are_written_again(call: Path) -> None:
    entry = {"speaker": "S1", "name": "Zoé Newname", **WHO}
    file = saved(
        call,
        names=[entry],
        turns=[turn(2, words="new words here", note="x" * 4_000)],
        ignored=[{"start_s": 0.0, "end_s": 0.5, "why": "before", "by": "", "at": ""}],
        note={"text": "a good call", **WHO},
    )
    there = results(call.parent)
    page = call.with_name("call-0.report.html")
    before = read_page(page)
    done = ressenti("apply", call.parent)
    assert done.returncode == 0, done.stderr
    assert results(call.parent) == there | {file.name}
    after = store.load(call)
    assert after.speaker("S1").name == "Zoé Newname"
    assert after.corrections.names[0].by == "KM"
    assert after.corrections.note is not None
    assert [word.text for word in after.words] == ["new", "words", "here"]
    assert "Zoé Newname" in call.with_name("call-0.turns.csv").read_text(encoding="utf-8")
    assert "new words here" in call.with_name("call-0.srt").read_text(encoding="utf-8")
    kept = read_page(page)
    assert before is not None
    assert kept is not None
    assert isinstance(kept.sound, bytes)
    assert kept.sound == before.sound
    again = ressenti("apply", file, "--json")
    assert (again.returncode, json.loads(again.stdout)["status"]) == (0, "skipped")
    assert "nothing new" in ressenti("apply", call).stdout
    assert not list(call.parent.glob(".ressenti*"))


def numbers(text: str) -> set[float]:
    return {round(float(found), 3) for found in re.findall(r"-?\d+\.\d+", text)}


def test_scores_of_a_role_that_may_not_be_scored_are_nowhere(call: Path) -> None:
    pytest.importorskip("pyarrow")
    pages = ("--format", "aws,parquet,said,quotes-md,html", "--overwrite")
    assert ressenti("report", call, *pages).returncode == 0
    before = store.load(call)
    affect = before.speaker("S2").affect
    assert affect is not None
    assert affect.valence is not None
    assert affect.arousal is not None
    secret = {round(value, 3) for value in (*ODD.scores, affect.valence.mean, affect.arousal.mean)}
    written = ("call-0.json", "call-0.aws.json", "call-0.turns.csv")
    assert all(secret & numbers(call.with_name(name).read_text("utf-8")) for name in written)
    assert secret & numbers(json.dumps(_unpacked(call.with_name("call-0.report.html").read_bytes(), b"data")))
    saved(
        call,
        roles=[{"speaker": "S2", "role": "agent", "by": "", "at": ""}, {"speaker": "S1", "role": "client", **WHO}],
        turns=[turn(1, emotion="Sad")],
    )
    done = ressenti("apply", call.parent)
    assert done.returncode == 0, done.stderr
    assert "scores of S2 (agent) deleted" in done.stdout
    after = store.load(call)
    assert not any(t.windows or t.emotion or t.original for t in after.turns if t.speaker == "S2")
    assert after.corrections.turns == ()
    for path in call.parent.glob("call-0.*"):
        if path.suffix in {".json", ".csv", ".srt", ".md", ".html"} and "corrections" not in path.name:
            assert not secret & numbers(path.read_text("utf-8")), path.name
    page = call.with_name("call-0.report.html").read_bytes()
    for part in (b"data", b"stored"):
        if b'id="%s"' % part in page:
            assert not secret & numbers(json.dumps(_unpacked(page, part)))
    import pandas as pd

    for table in export.TABLES:
        frame = pd.read_parquet(call.with_name(f"call-0.{table}.parquet"))
        assert not secret & numbers(frame.to_csv()), table
        if table in ("turns", "points", "trajectories", "speakers"):
            own = frame[frame["speaker"] == "S2"]
            told = ["class", "confidence", "model_class", "valence", "arousal", "tension", "sad", "activation_sd"]
            assert own[[name for name in told if name in own]].isna().all().all(), table


def test_a_role_that_may_be_scored_asks_for_another_analysis(call: Path) -> None:
    saved(
        call, roles=[{"speaker": "S2", "role": "agent", "by": "", "at": ""}, {"speaker": "S1", "role": "client", **WHO}]
    )
    assert ressenti("apply", call.parent).returncode == 0
    saved(call, roles=[{"speaker": "S2", "role": "client", "by": "", "at": ""}])
    done = ressenti("apply", call.parent)
    assert "S2 (client) may be scored" in done.stdout
    assert "analyse the recording again" in done.stdout


def test_results_changed_by_hand_are_not_lost(call: Path) -> None:
    table, page = call.with_name("call-0.turns.csv"), call.with_name("call-0.report.html")
    by_hand = table.read_bytes() + b"by hand\n"
    table.write_bytes(by_hand)
    before = (call.read_bytes(), page.read_bytes())
    file = saved(call, names=[{"speaker": "S1", "name": "Zoé Newname", **WHO}])
    refused = ressenti("apply", file)
    assert refused.returncode == 31, refused.stderr
    assert "call-0.turns.csv: was changed" in " ".join(refused.stderr.split())
    assert (table.read_bytes(), call.read_bytes(), page.read_bytes()) == (by_hand, *before)
    done = ressenti("apply", file, "--overwrite")
    assert done.returncode == 0, done.stderr
    assert "Zoé Newname" in table.read_text(encoding="utf-8")


def test_new_spans_to_silence_need_the_recording(call: Path, calls: Path) -> None:
    page = call.with_name("call-0.report.html")
    saved(call, bleeps=[(10.2, 11.0)])
    done = ressenti("apply", call.parent, "--recording", call.parent)
    assert done.returncode == 0, done.stderr
    assert "the page is mute" in done.stdout
    kept = read_page(page)
    assert kept is not None
    assert (kept.sound, kept.silenced) == (None, ((10.2, 11.0),))
    assert [w.text for w in store.load(call).words] == ["here"]
    with_sound = ressenti("report", call, "--recording", calls / "call-0.wav", "--overwrite")
    assert with_sound.returncode == 0
    saved(call, bleeps=[(10.2, 11.0), (2.0, 3.0)])
    done = ressenti("apply", call.parent, "--recording", calls)
    assert (done.returncode, "mute" in done.stdout) == (0, False)
    kept = read_page(page)
    assert kept is not None
    assert isinstance(kept.sound, bytes)
    assert kept.silenced == ((2.0, 3.0), (10.2, 11.0))


def test_sound_beside_the_page_is_kept_or_deleted(call: Path, calls: Path) -> None:
    sidecar = call.with_name("call-0.report.mp3")
    made = ressenti(
        "report", call, "--recording", calls / "call-0.wav", "--audio", "sidecar", "--lang", "fr", "--overwrite"
    )
    assert made.returncode == 0
    sound = sidecar.read_bytes()
    saved(call, names=[{"speaker": "S1", "name": "Ann", **WHO}])
    assert ressenti("apply", call).returncode == 0
    kept = read_page(call.with_name("call-0.report.html"))
    assert kept is not None
    assert (kept.sound, kept.lang, sidecar.read_bytes()) == (sidecar.name, "fr", sound)
    saved(call, bleeps=[(10.2, 11.0)])
    assert ressenti("apply", call).returncode == 0
    assert not sidecar.exists()


def test_a_report_keeps_the_sound_of_the_page_that_it_replaces(call: Path) -> None:
    page = call.with_name("call-0.report.html")
    before = read_page(page)
    done = ressenti("report", call, "--overwrite", "--lang", "fr")
    assert (done.returncode, "mute" in done.stdout) == (0, False)
    kept = read_page(page)
    assert before is not None
    assert kept is not None
    assert (kept.sound, kept.lang) == (before.sound, "fr")
    new = ressenti("report", call, "--out", call.parent / "other")
    assert "the page is mute: no page with its sound was there" in new.stdout
    assert "mute" not in ressenti("report", call, "--overwrite", "--audio", "none").stdout
    assert "mute" not in ressenti("report", call, "--overwrite").stdout
    assert read_page(page) is not None


def test_a_report_gives_roles(call: Path) -> None:
    done = ressenti(
        "report", call, "--roles", "S2=agent,S1=client", "--format", "json,html", "--out", call.parent / "new"
    )
    assert done.returncode == 0, done.stderr
    assert "scores of S2 (agent) deleted" in done.stdout
    after = store.load(call.parent / "new" / call.name)
    assert [(s.role, s.role_source, s.not_scored) for s in after.speakers] == [
        ("client", "named", None),
        ("agent", "named", "restricted"),
    ]
    long = ressenti("report", call, "--roles", "x" * 3_000, "--overwrite")
    assert (long.returncode, "of 3,000 characters; expected at most 1,000" in long.stderr) == (2, True)
    strange = ressenti("report", call, "--roles", "S9=agent", "--overwrite")
    assert strange.returncode == 2
    assert "S1, S2" in strange.stderr
    many = ressenti("report", call, "--roles", "agent,client,guest,host", "--overwrite")
    assert many.returncode == 2
    assert "got 4 roles" in many.stderr


def test_one_bad_file_costs_one_conversation(calls: Path) -> None:
    for k in range(3):
        saved(calls / f"call-{k}.json", names=[{"speaker": "S1", "name": "Ann", **WHO}])
    (calls / "call-1.corrections.json").write_text("{}")
    done = ressenti("apply", calls, "--json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.returncode, [line["code"] for line in lines]) == (40, [0, 17, 0])
    assert store.load(calls / "call-2.json").speaker("S1").name == "Ann"
    assert results(calls) >= {"call-0.json", "call-1.json"}
    assert ressenti("report", calls, "--quiet").returncode == 0


def changed(**values: Any) -> Any:
    return lambda data: {**data, **values}


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        (changed(format="other"), 17, "no corrections"),
        (changed(version=2), 17, "newer program"),
        (changed(version=True), 17, "version"),
        (changed(sha256="0" * 64), 18, "SHA-256 000000000000..., expected "),
        (changed(bleeps=[{"start_s": 99, "end_s": 100}]), 17, "30 s long"),
        (changed(more=1), 17, "more"),
        (changed(turns_sha256="0" * 64), 17, "--other-turns"),
        (
            lambda data: {**data, "corrections": {**data["corrections"], "turns": [turn(99)]}},
            17,
            "turn 99 does not exist",
        ),
        (lambda data: {**data, "corrections": {**data["corrections"], "turns": [turn(1, by="x" * 101)]}}, 17, "by"),
        (
            lambda data: {**data, "corrections": {**data["corrections"], "roles": [{"speaker": "Q", "role": "x"}]}},
            17,
            "Q",
        ),
        (lambda data: [data], 17, "no corrections"),
    ],
)
def test_what_does_not_fit_is_refused(calls: Path, change: Any, code: int, said: str) -> None:
    path = calls / "call-0.json"
    before = path.read_bytes()
    file = saved(path, note={"text": "x", **WHO})
    file.write_text(json.dumps(change(json.loads(file.read_text()))))
    done = ressenti("apply", file)
    assert (done.returncode, path.read_bytes()) == (code, before)
    assert said in done.stderr
    assert results(calls) == {*(f"call-{k}.{end}" for k in range(5) for end in ("wav", "json")), file.name}


def test_corrections_of_other_turns_are_applied_on_request(calls: Path) -> None:
    file = saved(calls / "call-0.json", note={"text": "x", **WHO})
    file.write_text(json.dumps({**json.loads(file.read_text()), "turns_sha256": "0" * 64}))
    assert ressenti("apply", file, "--other-turns").returncode == 0
    assert store.load(calls / "call-0.json").corrections.note is not None


def test_the_file_that_was_saved_last_counts(calls: Path) -> None:
    first = saved(calls / "call-0.json", note={"text": "old", **WHO})
    last = first.with_name("call-0.corrections (1).json")
    last.write_text(first.read_text().replace("old", "new"))
    os.utime(first, (1, 1))
    assert saved_corrections(calls, "call-0") == [last, first]
    done = ressenti("apply", calls)
    assert f"{last.name} is newer" in done.stdout
    note = store.load(calls / "call-0.json").corrections.note
    assert note is not None
    assert note.text == "new"
    assert stem_of_corrections(last) == "call-0"
    assert stem_of_corrections(Path("call.json")) is None
    assert ressenti("report", *sorted(calls.glob("call-0*.json"))).returncode == 0


def test_the_file_that_was_saved_last_counts_also_where_several_are_named(calls: Path) -> None:
    first = saved(calls / "call-0.json", note={"text": "old", **WHO})
    last = first.with_name("call-0.corrections (1).json")
    last.write_text(first.read_text().replace("old", "new"))
    os.utime(first, (1, 1))
    done = ressenti("apply", last, first, calls)
    assert (done.returncode, done.stdout.count("✓")) == (0, 1)
    note = store.load(calls / "call-0.json").corrections.note
    assert note is not None
    assert note.text == "new"


def test_links_that_lead_nowhere_cost_one_conversation(calls: Path) -> None:
    for k in (1, 2):
        saved(calls / f"call-{k}.json", note={"text": "x", **WHO})
    (calls / "call-0.corrections.json").symlink_to(calls / "nowhere")
    (calls / "call-1.turns.csv").symlink_to(calls / "nowhere")
    done = ressenti("apply", calls, "--json")
    assert [json.loads(line)["code"] for line in done.stdout.splitlines()] == [4, 0, 0]
    assert "call-0.corrections.json: no such file" in done.stderr
    assert (calls / "call-1.turns.csv").read_text(encoding="utf-8")


def test_a_folder_that_cannot_be_listed_is_no_empty_one(calls: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("ressenti.pipeline.cli.apply.os.scandir", closed)
    done = ressenti("apply", calls)
    assert (done.returncode, "cannot be read (Permission denied)" in done.stderr) == (6, True)


def test_a_damaged_page_is_told_and_its_sound_not_deleted(call: Path) -> None:
    page, sidecar = call.with_name("call-0.report.html"), call.with_name("call-0.report.mp3")
    page.write_bytes(page.read_bytes()[:100_000])
    sidecar.write_bytes(b"sound")
    saved(call, note={"text": "x", **WHO})
    done = ressenti("apply", call.parent, "--overwrite")
    assert done.returncode == 0, done.stderr
    assert "the page is mute: call-0.report.html cannot be read" in done.stdout
    assert sidecar.read_bytes() == b"sound"


@pytest.mark.parametrize(
    "spans", [[(2.0, 2.0000000001)], [(29.9999999, 40.0)], [(0.5000001, 19.0)], [(4.9, 28.9999999)]]
)
def test_spans_are_as_exact_as_they_are_stored(calls: Path, spans: Any) -> None:
    path = calls / "call-0.json"
    ignored = [{"start_s": start, "end_s": end, "why": "other", "by": "", "at": ""} for start, end in spans]
    for more in ({"bleeps": spans}, {"ignored": ignored}):
        saved(path, note={"text": str(list(more)), **WHO}, **more)
        done = ressenti("apply", calls)
        assert done.returncode == 0, done.stderr
    assert "nothing new" in ressenti("apply", calls).stdout


def test_a_word_may_be_as_long_as_a_text(calls: Path) -> None:
    path = calls / "call-0.json"
    saved(path, turns=[turn(2, words="a" * 20_000)])
    done = ressenti("apply", calls)
    assert done.returncode == 0, done.stderr
    after = store.load(path)
    assert after.corrections.turns[0].words == "a" * 20_000
    assert [len(word.text) for word in after.words] == [5_000] * 4
    assert "nothing new" in ressenti("apply", calls).stdout


def test_what_is_not_there_is_told(calls: Path) -> None:
    assert "nothing to apply" in ressenti("apply", calls).stdout
    assert ressenti("apply", calls / "none").returncode == 4
    assert ressenti("apply", calls / "call-0.json").returncode == 4
    lonely = saved(calls / "call-0.json")
    (calls / "call-0.json").unlink()
    assert ressenti("apply", lonely).returncode == 4
    alone = ressenti("report", saved(calls / "call-1.json"))
    assert (alone.returncode, "ressenti apply" in alone.stderr) == (2, True)
    two = ressenti("apply", calls, "--recording", calls / "call-0.wav")
    assert two.returncode == 2


def test_written_corrections_are_read_again(calls: Path) -> None:
    made = corrections_of(store.load(calls / "call-0.json"), "call-0")
    path = calls / "call-0.corrections.json"
    path.write_text(dump_corrections(made), encoding="utf-8")
    assert load_corrections(path) == made
    assert isinstance(made, CorrectionsFile)
    path.write_bytes(b"\xff")
    with pytest.raises(CorrectionsError, match="not text"):
        load_corrections(path)
    with pytest.raises(NotFoundError):
        load_corrections(calls / "none")


@pytest.mark.parametrize("page", ["", "<html>", '<script type="text/plain" id="data">AAAA</script>', "\x00" * 100])
def test_what_is_no_page_is_not_read(tmp_path: Path, page: str) -> None:
    path = tmp_path / "a.report.html"
    path.write_text(page)
    assert read_page(path) is None
    assert read_page(tmp_path) is None
