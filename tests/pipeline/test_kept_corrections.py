"""Corrections of results that an analysis replaces."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from commands import ressenti
from ressenti import with_corrections
from ressenti.pipeline import store
from ressenti.pipeline.edits.bleeps import with_bleeps
from ressenti.pipeline.records import Conversation, Corrections, Segment, Span, SpeakerName, TurnCorrection
from ressenti.pipeline.store.corrections_file import corrections_of, dump_corrections, load_corrections, turns_sha256

Make = Callable[..., Conversation]
WANTED = Corrections(
    names=(SpeakerName("S1", "Zoé", "KM", "2026-11-30T20:15:00Z"),), turns=(TurnCorrection(1, note="listen"),)
)


def other_turns(made: Conversation) -> Conversation:
    """As another model would find them: a short turn is longer."""
    segments = tuple(Segment(24.2, 24.8, "S1") if s.start_s == 24.2 else s for s in made.diarization.segments)
    turns = tuple(replace(t, end_s=24.8) if t.start_s == 24.2 else t for t in made.turns)
    return replace(made, diarization=replace(made.diarization, segments=segments), turns=turns)


@pytest.fixture
def analyse(
    make_conversation: Make, recording: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Conversation | None], tuple[Conversation, str]]:
    """Runs `analyze --overwrite`, which finds the given conversation; returns what is stored, and standard error."""

    def run(found: Conversation | None = None) -> tuple[Conversation, str]:
        monkeypatch.setattr("ressenti.pipeline.run.analyze", lambda *_, **__: found or make_conversation())
        done = ressenti("analyze", recording, "--overwrite", "--format", "json,rttm")
        assert done.returncode == 0, done.stderr
        return store.load(recording.with_suffix(".json")), done.stderr

    return run


def test_corrections_are_applied_again_where_the_turns_are_the_same(
    analyse: Callable[..., tuple[Conversation, str]], make_conversation: Make, recording: Path
) -> None:
    assert analyse() == (store.loads(store.dumps(make_conversation())), "")
    corrected = store.dumps(with_corrections(make_conversation(), WANTED))
    recording.with_suffix(".json").write_text(corrected, encoding="utf-8")
    after, told = analyse()
    assert after.corrections == WANTED
    assert after.speaker("S1").name == "Zoé"
    assert told == "corrections of the earlier call.json applied again\n"
    assert not recording.with_suffix(".corrections.json").exists()


def test_what_is_silenced_stays_so_without_any_correction(
    analyse: Callable[..., tuple[Conversation, str]], make_conversation: Make, recording: Path
) -> None:
    spans = (Span(1.0, 2.0),)
    silenced = store.dumps(with_bleeps(make_conversation(), spans))
    recording.with_suffix(".json").write_text(silenced, encoding="utf-8")
    after, told = analyse()
    assert after.bleeps == spans
    assert told == "corrections of the earlier call.json applied again\n"
    recording.with_suffix(".json").write_text(silenced, encoding="utf-8")
    after, told = analyse(other_turns(make_conversation()))
    assert (after.bleeps, "not applied" in told) == (spans, True)


def test_a_saved_file_is_applied_though_it_never_was(
    analyse: Callable[..., tuple[Conversation, str]], make_conversation: Make, recording: Path
) -> None:
    analyse()
    wanted = replace(make_conversation(), corrections=WANTED, bleeps=(Span(1.0, 2.0),))
    path = recording.with_suffix(".corrections.json")
    path.write_text(dump_corrections(replace(corrections_of(wanted, "call"), turns_sha256="")), encoding="utf-8")
    before = path.read_bytes()
    after, told = analyse()
    assert (after.corrections, after.bleeps) == (WANTED, (Span(1.0, 2.0),))
    assert told == "corrections of call.corrections.json applied again\n"
    assert path.read_bytes() == before


def test_corrections_of_other_turns_are_kept_and_not_applied(
    analyse: Callable[..., tuple[Conversation, str]], make_conversation: Make, recording: Path
) -> None:
    old = with_corrections(make_conversation(), WANTED)
    recording.with_suffix(".json").write_text(store.dumps(old), encoding="utf-8")
    after, told = analyse(other_turns(make_conversation()))
    assert after.corrections == Corrections()
    path = recording.with_suffix(".corrections.json")
    kept = load_corrections(path)
    assert (kept.corrections, kept.turns_sha256) == (WANTED, turns_sha256(old))
    assert "corrections kept in call.corrections.json, not applied" in told
    assert "ressenti apply call.corrections.json --other-turns" in told
    assert ressenti("apply", path).returncode == 17
    analyse(other_turns(make_conversation()))
    assert load_corrections(path) == kept
    assert ressenti("apply", path, "--other-turns").returncode == 0
    back, told = analyse()
    assert (back.corrections, "applied again" in told) == (WANTED, True)


def test_what_is_silenced_stays_so_where_corrections_are_not_applied(
    analyse: Callable[..., tuple[Conversation, str]], make_conversation: Make, recording: Path
) -> None:
    spans = (Span(1.0, 2.0),)
    old = with_bleeps(with_corrections(make_conversation(), WANTED), spans)
    recording.with_suffix(".json").write_text(store.dumps(old), encoding="utf-8")
    after, told = analyse(other_turns(make_conversation()))
    assert (after.corrections, after.bleeps, "not applied" in told) == (Corrections(), spans, True)
    recording.with_suffix(".corrections.json").write_text("{}", encoding="utf-8")
    after, told = analyse()
    assert (after.corrections, after.bleeps, "not applied" in told) == (Corrections(), spans, True)


def test_a_saved_file_is_told_on_which_turns_it_was_made(
    analyse: Callable[..., tuple[Conversation, str]], make_conversation: Make, recording: Path
) -> None:
    old, _ = analyse()
    path = recording.with_suffix(".corrections.json")
    saved = replace(corrections_of(replace(old, corrections=WANTED), "call"), turns_sha256="")
    path.write_text(dump_corrections(saved), encoding="utf-8")
    _, told = analyse(other_turns(make_conversation()))
    assert load_corrections(path) == replace(saved, turns_sha256=turns_sha256(old))
    assert "not applied" in told


def test_nothing_is_lost_where_files_are_strange(
    analyse: Callable[..., tuple[Conversation, str]], make_conversation: Make, recording: Path
) -> None:
    path = recording.with_suffix(".corrections.json")
    path.write_text("{}", encoding="utf-8")
    _, told = analyse()
    assert (path.read_text(encoding="utf-8"), "call.corrections.json is kept, but not applied" in told) == ("{}", True)
    path.unlink()
    recording.with_suffix(".json").write_text("{}", encoding="utf-8")
    assert "if any, are lost" in analyse()[1]
    other = replace(make_conversation(), recording=replace(make_conversation().recording, sha256="0" * 64))
    recording.with_suffix(".json").write_text(store.dumps(with_corrections(other, WANTED)), encoding="utf-8")
    after, told = analyse()
    assert (after.corrections, "another recording of this name" in told) == (Corrections(), True)
    assert json.loads(path.read_text(encoding="utf-8"))["sha256"] == "0" * 64
