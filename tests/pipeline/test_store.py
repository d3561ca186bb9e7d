import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import examples
from ressenti import with_corrections
from ressenti.pipeline import errors, store
from ressenti.pipeline.records import (
    CLASSES,
    Conversation,
    Corrections,
    EmotionScores,
    Note,
    Turn,
    TurnCorrection,
    Window,
)

Make = Callable[..., Conversation]


def test_what_is_written_is_read_back(make_conversation: Make) -> None:
    conversation = make_conversation()
    text = store.dumps(conversation)
    again = store.loads(text)
    assert store.dumps(again) == text
    assert again.turns[0].windows == conversation.turns[0].windows
    assert [s.label for s in again.speakers] == ["S1", "S2"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(8))
@given(
    raw=st.lists(st.floats(0.01, 1), min_size=5, max_size=5),
    start=st.integers(0, 19_000),
    length=st.integers(2_000, 10_000),
    name=st.text(max_size=30),
    level=st.none() | st.floats(-90, 0),
)
def test_round_trip_of_any_turn(
    make_conversation: Make, raw: list[float], start: int, length: int, name: str, level: float | None
) -> None:
    base = make_conversation()
    emotion = EmotionScores(tuple(round(v / 10, 6) for v in raw), "sigmoid")
    span = (start / 1000, (start + length) / 1000)
    turn = Turn(0, "S1", *span, loudness_dbfs=level and round(level, 3), windows=(Window(*span, 1.5, emotion),))
    conversation = replace(
        base,
        turns=(turn,),
        trajectories=(),
        speakers=(replace(base.speakers[0], name=name), base.speakers[1]),
        recording=replace(base.recording, notes=(Note("damaged", {"damaged": 1, "packets": name}),)),
    )
    again = store.loads(store.dumps(conversation))
    assert again.turns == conversation.turns
    assert again.speakers[0].name == name
    assert again.recording.notes == conversation.recording.notes


def test_the_schema_describes_what_is_written(make_conversation: Make) -> None:
    schema = store.json_schema()
    data = json.loads(store.dumps(make_conversation()))
    jsonschema.validate(data, schema)
    data["turns"][0]["start_s"] = "late"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(data, schema)


def damaged(change: Callable[[dict[str, Any]], None]) -> Callable[[str], str]:
    def apply(text: str) -> str:
        data = json.loads(text)
        change(data)
        return json.dumps(data)

    return apply


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text[: len(text) // 2], "not JSON"),
        (lambda _: "[1, 2]", "not a conversation"),
        (lambda _: "{}", "not a conversation"),
        (damaged(lambda d: d.update(version=99)), "version 99"),
        (damaged(lambda d: d["turns"][0].update(speaker="S7")), "unknown speakers"),
        (damaged(lambda d: d["turns"][0].update(end_s=-1)), "turns.0"),
        (damaged(lambda d: d.pop("recording")), "recording"),
    ],
)
def test_what_is_no_conversation_is_refused(
    make_conversation: Make, damage: Callable[[str], str], message: str
) -> None:
    with pytest.raises(errors.NotAConversationError, match=message):
        store.loads(damage(store.dumps(make_conversation())), "a.json")


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda path: None, errors.NotFoundError),
        (lambda path: path.mkdir(), errors.IsFolderError),
        (lambda path: path.write_bytes(b"\xff\xfe\x00"), errors.NotAConversationError),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, make: Callable[[Path], Any], error: type[Exception]) -> None:
    path = tmp_path / "a.json"
    make(path)
    with pytest.raises(error):
        store.load(path)


def test_files_appear_whole_or_not_at_all(tmp_path: Path) -> None:
    class Crash(str):
        __slots__ = ()

        def encode(self, *_: Any) -> bytes:
            raise KeyboardInterrupt

    (tmp_path / "a.txt").write_text("old", encoding="utf-8")
    with pytest.raises(KeyboardInterrupt):
        store.write_whole({tmp_path / "a.txt": "new", tmp_path / "b.txt": Crash("never")})
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "old"
    store.write_whole({tmp_path / "a.txt": "new", tmp_path / "deep" / "b.bin": b"\x00"})
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "new"


def test_a_folder_that_is_a_file_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(errors.OutputError, match="--out"):
        store.write_whole({tmp_path / "file" / "a.txt": "new"})


def test_when_one_cannot_be_placed_all_is_as_before(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("old", encoding="utf-8")
    (tmp_path / "c.txt").mkdir()
    names = sorted(p.name for p in tmp_path.iterdir())
    with pytest.raises(errors.OutputError, match=r"c\.txt"):
        store.write_whole({tmp_path / "a.txt": "new", tmp_path / "b.txt": "new", tmp_path / "c.txt": "new"})
    assert sorted(p.name for p in tmp_path.iterdir()) == names
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "old"


def test_folders_made_for_nothing_are_removed(tmp_path: Path) -> None:
    class Crash(str):
        __slots__ = ()

        def encode(self, *_: Any) -> bytes:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.write_whole({tmp_path / "new" / "deep" / "a.txt": Crash("never")})
    assert list(tmp_path.iterdir()) == []


def test_frames_hold_the_conversation(make_conversation: Make) -> None:
    conversation = make_conversation()
    turns = store.turns_frame(conversation)
    assert list(turns["speaker"]) == [t.speaker for t in conversation.turns]
    assert turns.loc[0, "class"] == "Pleased"
    assert turns.loc[0, "valence"] == pytest.approx(0.9 * 0.8 + 0.02 * (0.65 - 0.65 - 0.5))
    assert turns["class"].isna().sum() == sum(t.emotion is None for t in conversation.turns)
    assert len(store.points_frame(conversation)) == sum(len(t.windows) for t in conversation.turns)
    assert set(store.trajectories_frame(conversation)["speaker"]) == {"S1", "S2"}
    speakers = store.speakers_frame(conversation)
    assert speakers["share"].sum() == pytest.approx(1.0)


def test_what_a_person_said_is_no_score_and_the_model_s_answer_is_beside_it(make_conversation: Make) -> None:
    before = store.turns_frame(make_conversation())
    corrections = Corrections(turns=(TurnCorrection(1, emotion="Sad"), TurnCorrection(4, emotion="Pleased")))
    turns = store.turns_frame(with_corrections(make_conversation(), corrections))
    assert list(turns["class_by"][[0, 1, 4]]) == ["model", "person", "person"]
    assert list(turns["class"][[0, 1, 4]]) == ["Pleased", "Sad", "Pleased"]
    assert list(turns["unsure"][[0, 1, 4]]) == [False, False, False]
    assert turns.loc[[1, 4], ["confidence", *(name.lower() for name in CLASSES)]].isna().all(axis=None)
    assert list(turns["model_class"].dropna()) == list(before["model_class"].dropna()) == list(before["class"].dropna())
    assert list(turns["model_confidence"][[0, 1]]) == list(before["confidence"][[0, 1]])
    assert turns["model_class"].isna()[4]


def test_frames_of_a_conversation_without_emotion_are_empty_not_broken(make_conversation: Make) -> None:
    conversation = make_conversation("recruitment")
    assert store.points_frame(conversation).empty
    assert store.trajectories_frame(conversation).empty
    assert store.turns_frame(conversation)["class"].isna().all()
