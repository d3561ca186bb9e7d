"""Parquet files are read back by DuckDB, across conversations."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ressenti.pipeline import export, extras
from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.records import CLASSES, Conversation


def rows(files: str, sql: str = "select * from files", *values: object) -> list[dict[str, Any]]:
    """Rows of a query on the Parquet files of a path with wildcards, which it calls `files`."""
    with duckdb.connect() as base:
        base.read_parquet(files).create_view("files")
        found = base.execute(sql, values)
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


@pytest.fixture
def folder(spoken: Conversation, unspoken: Conversation, empty: Conversation, tmp_path: Path) -> Path:
    """Three conversations: one with words, one without, one in which there is nothing."""
    for k, conversation in enumerate((spoken, unspoken, empty)):
        own = replace(conversation, recording=replace(conversation.recording, sha256=f"{k}" * 64))
        for table in export.TABLES:
            (tmp_path / f"call {k}.{table}.parquet").write_bytes(export.parquet(own, table))
    return tmp_path


def test_turns_are_those_of_the_conversation(folder: Path, spoken: Conversation) -> None:
    found = rows(f"{folder}/*.turns.parquet", "select * from files where sha256 = ? order by turn", "0" * 64)
    for row, turn in zip(found, spoken.turns, strict=True):
        assert (row["conversation"], row["recording"]) == ("c-" + "0" * 16, spoken.recording.name)
        assert row["turn"] == turn.index
        assert (row["start_s"], row["end_s"], row["speaker"]) == (turn.start_s, turn.end_s, turn.speaker)
        speaker = spoken.speaker(turn.speaker)
        assert (row["name"], row["role"]) == (speaker.name, speaker.role)
        assert row["class"] == (turn.emotion.top if turn.emotion else None)
        assert row["unsure"] == (turn.unsure if turn.emotion else None)
        assert row["not_judged"] == turn.unjudged
        place = spoken.place_of(turn)
        assert (row["valence"], row["arousal"]) == (place or (None, None))
        scored = turn.emotion is not None and turn.emotion.activation != "human"
        assert [row[c.lower()] for c in CLASSES] == (list(turn.emotion.scores) if scored else [None] * 5)  # type: ignore[union-attr]
        assert row["class_by"] == (("model" if scored else "person") if turn.emotion else None)
        assert row["loudness_dbfs"] is None
    assert found[5]["corrected"]
    assert (found[5]["model_speaker"], found[5]["model_class"], found[5]["activation"]) == ("S2", "Tension", "human")
    assert found[5]["note"] == spoken.turns[5].note
    assert found[5]["text"] == "taken by a person"
    assert [row["corrected"] for row in found].count(True) == 1
    assert found[7]["text"] is None


def test_points_trajectories_speakers_and_words_too(folder: Path, spoken: Conversation) -> None:
    def own(table: str) -> list[dict[str, Any]]:
        return rows(f"{folder}/*.{table}.parquet", "select * from files where sha256 = ?", "0" * 64)

    points = [(t.speaker, p.turn, p.time_s, p.valence, p.arousal_sd) for t in spoken.trajectories for p in t.points]
    assert [(r["speaker"], r["turn"], r["time_s"], r["valence"], r["arousal_sd"]) for r in own("points")] == points
    grid = [
        (t.speaker, s, v, a)
        for t in spoken.trajectories
        for s, v, a in zip(t.times_s, t.valence, t.arousal_high, strict=True)
    ]
    assert [(r["speaker"], r["time_s"], r["valence"], r["arousal_high"]) for r in own("trajectories")] == grid
    speakers = own("speakers")
    for row, speaker in zip(speakers, spoken.speakers, strict=True):
        assert (row["speaker"], row["name"], row["role"], row["not_scored"]) == (
            speaker.label,
            speaker.name,
            speaker.role,
            speaker.not_scored,
        )
        assert speaker.talk
        assert (row["talk_s"], row["interruptions"]) == (speaker.talk.talk_s, speaker.talk.interruptions)
        mean = speaker.affect.valence.mean if speaker.affect and speaker.affect.valence else None
        assert row["valence"] == mean
    words = [(w.start_s, w.end_s, w.text, w.turn, w.exact) for w in spoken.words]
    stored = own("words")
    assert [(r["start_s"], r["end_s"], r["text"], r["turn"], r["exact"]) for r in stored] == words
    assert {r["speaker"] for r in stored if r["turn"] == 5} == {"S1"}
    assert {r["speaker"] for r in stored if r["turn"] is None} == {None}


def test_what_is_silenced_is_a_table(silenced: Conversation, tmp_path: Path) -> None:
    for table in ("silenced", "turns", "words"):
        (tmp_path / f"call.{table}.parquet").write_bytes(export.parquet(silenced, table))
    found = rows(f"{tmp_path}/call.silenced.parquet")
    spans = [(r["start_s"], r["end_s"]) for r in found if r["what"] == "sound"]
    assert spans == [(2.1, 2.5), (14.5, 14.8), (33.0, 34.5), (37.6, 37.8)]
    words = [(r["turn"], r["speaker"]) for r in found if r["what"] == "words"]
    assert words == [(0, "S1"), (3, "S3"), (2, "S1"), (None, None)]
    assert len(found) == len(spans) + len(words)
    texts = {r["turn"]: r["text"] for r in rows(f"{tmp_path}/call.turns.parquet")}
    assert (texts[0], texts[3]) == ("Bonjour, c’est […]", "no length […]")
    assert "[…]" not in {r["text"] for r in rows(f"{tmp_path}/call.words.parquet")}


@pytest.mark.parametrize("table", export.TABLES)
def test_columns_have_the_same_types_in_every_conversation(folder: Path, table: str) -> None:
    def types(k: int) -> list[tuple[str, str]]:
        return [
            (r["column_name"], r["column_type"]) for r in rows(f"{folder}/call {k}.{table}.parquet", "describe files")
        ]

    assert types(0) == types(1) == types(2)
    assert types(0)[:3] == [("conversation", "VARCHAR"), ("recording", "VARCHAR"), ("sha256", "VARCHAR")]
    assert types(0)[-1] == ("metadata", "MAP(VARCHAR, VARCHAR)")
    assert {kind for _, kind in types(0)[:-1]} <= {"VARCHAR", "DOUBLE", "BIGINT", "BOOLEAN"}


def test_a_query_goes_across_conversations(folder: Path) -> None:
    count = "select sha256, count(*) as n from files group by sha256 order by sha256"
    found = rows(f"{folder}/*.turns.parquet", count)
    assert [(r["sha256"][0], r["n"]) for r in found] == [("0", 8), ("1", 8)]


def test_same_conversation_same_bytes(spoken: Conversation) -> None:
    for table in export.TABLES:
        assert export.parquet(spoken, table) == export.parquet(spoken, table)


def test_without_pyarrow_the_error_says_what_to_install(
    make_spoken: Callable[..., Conversation], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="pip install pyarrow"):
        export.parquet(make_spoken(), "turns")
