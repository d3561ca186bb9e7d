"""Tables of any conversation have the same columns and types, and keep them on their way through files."""

import io
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from conftest import CHECKOUT
from ressenti.pipeline import export, store
from ressenti.pipeline.records import Conversation, Turn
from ressenti.pipeline.store.columns import COLUMNS, TABLES, Table

FRAMES: dict[Table, Callable[[Conversation], pd.DataFrame]] = {
    "turns": store.turns_frame,
    "points": store.points_frame,
    "trajectories": store.trajectories_frame,
    "speakers": store.speakers_frame,
    "words": store.words_frame,
    "silenced": store.silenced_frame,
    "sounds": store.sounds_frame,
}


@pytest.fixture
def conversations(
    make_spoken: Callable[..., Conversation], make_conversation: Callable[..., Conversation], empty: Conversation
) -> list[Conversation]:
    """Full, without words, without emotion, of one turn that nobody judged, and empty; each of its own recording."""
    one = make_spoken(with_words=False, trajectories=(), bleeps=(), turns=(Turn(0, "S1", 1.0, 1.2, unjudged="short"),))
    made = [make_spoken(), make_conversation(), make_conversation("recruitment"), one, empty]
    return [replace(c, recording=replace(c.recording, sha256=f"{k}" * 64)) for k, c in enumerate(made)]


def test_the_id_is_of_the_recording_and_no_reader_takes_it_for_a_number(conversations: list[Conversation]) -> None:
    assert [c.id for c in conversations] == [f"c-{k * 16}" for k in "01234"]
    assert store.loads(store.dumps(conversations[0])).id == conversations[0].id


@pytest.mark.parametrize("table", TABLES)
def test_columns_and_types_are_declared_and_always_the_same(conversations: list[Conversation], table: Table) -> None:
    frames = [FRAMES[table](conversation) for conversation in conversations]
    for frame in frames:
        assert {name: str(kind) for name, kind in frame.dtypes.items()} == COLUMNS[table]
        assert frame.columns[0] == "conversation"
        assert isinstance(frame.index, pd.RangeIndex)
    assert frames[-1].empty
    assert not frames[0].empty
    assert set(frames[0]["conversation"]) == {conversations[0].id}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        together = pd.concat(frames, ignore_index=True)
        turned = pd.concat(frames[::-1], ignore_index=True)
    assert dict(together.dtypes) == dict(turned.dtypes) == dict(frames[0].dtypes)
    assert len(together) == sum(map(len, frames))


@pytest.mark.parametrize("table", TABLES)
def test_parquet_brings_rows_and_types_back(conversations: list[Conversation], table: Table, tmp_path: Path) -> None:
    for k, conversation in enumerate(conversations):
        (tmp_path / f"{k}.parquet").write_bytes(export.parquet(conversation, table))
    read = [pd.read_parquet(tmp_path / f"{k}.parquet") for k in range(len(conversations))]
    kinds = {name: "str" if str(kind) == "str" else str(kind) for name, kind in read[0].dtypes.items()}
    for conversation, found in zip(conversations, read, strict=True):
        assert {name: str(kind) for name, kind in found.dtypes.items()} == kinds
        assert isinstance(found.index, pd.RangeIndex)
        frame = FRAMES[table](conversation)
        pd.testing.assert_frame_equal(found[list(frame.columns)].astype(frame.dtypes.to_dict()), frame)
    assert {kinds[name] for name, kind in COLUMNS[table].items() if kind == "Int64"} <= {"Int64"}
    assert {kinds[name] for name, kind in COLUMNS[table].items() if kind == "boolean"} <= {"boolean"}
    with duckdb.connect() as base:
        count = base.execute("select count(*) from read_parquet(?)", [f"{tmp_path}/*.parquet"]).fetchall()
    assert count == [(sum(map(len, read)),)]


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.slow("writes and reads big files")
def test_duckdb_reads_frames_as_they_are_in_memory(conversations: list[Conversation], table: Table) -> None:
    kinds = {"string": "VARCHAR", "float64": "DOUBLE", "Int64": "BIGINT", "boolean": "BOOLEAN"}
    for conversation in conversations[:3]:
        with duckdb.connect() as base:
            base.register("frame", FRAMES[table](conversation))
            types = {row[0]: row[1] for row in base.execute("describe frame").fetchall()}
        assert types == {name: kinds[kind] for name, kind in COLUMNS[table].items()}


def test_the_query_of_the_documentation_tells_conversations_apart(
    conversations: list[Conversation], tmp_path: Path
) -> None:
    for k, conversation in enumerate(conversations):
        (tmp_path / f"{k}.turns.parquet").write_bytes(export.parquet(conversation, "turns"))
    sql = "SELECT conversation, speaker, avg(arousal) FROM read_parquet('reports/*.turns.parquet') GROUP BY ALL"
    assert sql in (CHECKOUT / "docs" / "exports.md").read_text(encoding="utf-8")
    with duckdb.connect() as base:
        found = {row[:2]: row[2] for row in base.execute(sql.replace("reports", str(tmp_path))).fetchall()}
    frame = store.turns_frame(conversations[1])
    for speaker, arousal in frame.groupby("speaker")["arousal"].mean().items():
        assert found[conversations[1].id, speaker] == pytest.approx(arousal)
    assert {found[conversations[2].id, speaker] for speaker in ("S1", "S2")} == {None}
    assert len(found) == sum(c.speakers != () and len({t.speaker for t in c.turns}) for c in conversations)


def test_csv_is_read_back_by_pandas_and_duckdb(conversations: list[Conversation], tmp_path: Path) -> None:
    for k, conversation in enumerate(conversations):
        text = export.turns_csv(conversation)
        frame = store.turns_frame(conversation)
        found = pd.read_csv(io.StringIO(text), dtype={**frame.dtypes.to_dict()})[list(frame.columns)]
        names: Any = {"name": frame["name"].replace("\x00", "\ufffd", regex=True).replace("", pd.NA)}
        pd.testing.assert_frame_equal(found, frame.assign(**names), atol=5e-4, rtol=0)
        (tmp_path / f"{k}.csv").write_bytes(text.encode())
    with duckdb.connect() as base:
        counts = "select count(*), count(distinct conversation) from read_csv(?)"
        count = base.execute(counts, [f"{tmp_path}/*.csv"]).fetchall()
    assert count == [(sum(len(c.turns) for c in conversations), 4)]


def test_text_that_no_file_can_hold_stands_as_what_cannot_be_shown(spoken: Conversation, tmp_path: Path) -> None:
    odd = "a\ud800b\udfff\x00c\U0001f600"
    speakers = (replace(spoken.speakers[0], name=odd), *spoken.speakers[1:])
    words = (replace(spoken.words[0], text=odd), *spoken.words[1:])
    turns = (replace(spoken.turns[0], note=odd), *spoken.turns[1:])
    recording = replace(spoken.recording, name=odd)
    made = replace(spoken, speakers=speakers, words=words, turns=turns, recording=recording, program=odd)
    told = "a\ufffdb\ufffd\x00c\U0001f600"
    assert store.speakers_frame(made)["name"][0] == store.words_frame(made)["text"][0] == told
    for table in TABLES:
        (tmp_path / f"{table}.parquet").write_bytes(export.parquet(made, table))
    with duckdb.connect() as base:
        first = "select recording, name, note from read_parquet(?) order by turn limit 1"
        assert base.execute(first, [f"{tmp_path}/turns.parquet"]).fetchall() == [(told, told, told)]
        heard = "select text from read_parquet(?) limit 1"
        assert base.execute(heard, [f"{tmp_path}/words.parquet"]).fetchall() == [(told,)]
    assert "a\ufffdb\ufffd\ufffdc\U0001f600" in export.turns_csv(made)
