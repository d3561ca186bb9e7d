"""Conversation -> tables: CSV of the turns, and Parquet files that a query reads across conversations.

Each Parquet table begins with the columns `conversation` (name of the recording) and `sha256` (of its file), and its
columns have the same types in every conversation, also where one holds nothing: `read_parquet('*.turns.parquet')`.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal, get_args

from pipeline import store
from pipeline.cells import guarded
from pipeline.errors import ConfigError
from pipeline.export.said import is_corrected, text_of, words_of
from pipeline.records import CLASSES, Conversation

if TYPE_CHECKING:
    import pandas as pd

Table = Literal["turns", "points", "trajectories", "speakers", "words", "silenced"]
TABLES: tuple[Table, ...] = get_args(Table)

_SCORES = " ".join(name.lower() for name in CLASSES)
_COLUMNS: dict[Table, str] = {
    "turns": "turn:int64 start_s end_s speaker:string name:string role:string overlap_s loudness_dbfs class:string "
    f"confidence unsure:bool class_by:string model_class:string model_confidence not_judged:string valence arousal "
    f"{_SCORES} activation:string corrected:bool model_speaker:string note:string text:string",
    "points": "speaker:string turn:int64 time_s weight_s valence valence_sd arousal arousal_sd",
    "trajectories": "speaker:string time_s valence valence_low valence_high arousal arousal_low arousal_high",
    "speakers": "speaker:string name:string role:string not_scored:string talk_s share turns:int64 "
    "longest_monologue_s interruptions:int64 backchannels:int64 response_latency_s loudness_dbfs valence arousal "
    f"{_SCORES}",
    "words": "start_s end_s text:string turn:int64 speaker:string exact:bool",
    "silenced": "start_s end_s what:string turn:int64 speaker:string",
}
"""Columns of each table with their types: float64 where none is named."""


def turns_csv(conversation: Conversation) -> str:
    """The table of turns (`pipeline.store.turns_frame`) as CSV, numbers with three decimals."""
    frame = store.turns_frame(conversation)
    for column in ("name", "role"):  # what people wrote
        if column in frame:
            frame[column] = [guarded(str(text)) for text in frame[column]]
    text: str = frame.to_csv(index=False, float_format="%.3f", lineterminator="\n")
    return text


def need_pyarrow() -> None:
    """Raise `ConfigError` where pyarrow, which writes Parquet, is not installed."""
    if find_spec("pyarrow") is None:
        raise ConfigError(
            "--format parquet: needs the package pyarrow, which is not installed. Expected the extra `parquet`: "
            "install it with pip install pyarrow, or choose csv."
        )


def parquet(conversation: Conversation, table: Table) -> bytes:
    """One table as a Parquet file; `ConfigError` where pyarrow is not installed.

    `turns` adds to the columns of `pipeline.store.turns_frame` what a person corrected (whose turn the diarizer took it
    for is in `model_speaker`), their note, and the words as `text`, null where there are none. `silenced` has
    the silenced spans (`what` is "sound") and the places where words were left out ("words"), which `text` marks `[…]`.
    """
    need_pyarrow()
    import pyarrow as pa
    from pyarrow import parquet as files

    columns = [entry.partition(":") for entry in f"conversation:string sha256:string {_COLUMNS[table]}".split()]
    schema = pa.schema([(name, pa.type_for_alias(kind or "float64")) for name, _, kind in columns])
    frame = _frame(conversation, table)
    frame.insert(0, "conversation", conversation.recording.name)
    frame.insert(1, "sha256", conversation.recording.sha256)
    rows = pa.Table.from_pandas(frame.reindex(columns=schema.names), schema=schema, preserve_index=False)
    out = pa.BufferOutputStream()
    files.write_table(rows.replace_schema_metadata({"program": conversation.program}), out, compression="zstd")
    written: bytes = out.getvalue().to_pybytes()
    return written


def _frame(conversation: Conversation, table: Table) -> pd.DataFrame:
    import pandas as pd

    if table in ("words", "silenced"):
        speakers = {turn.index: turn.speaker for turn in conversation.turns}
        said = conversation.words if table == "words" else conversation.omissions
        rows = [{**vars(s), "what": "words", "speaker": speakers.get(-1 if s.turn is None else s.turn)} for s in said]
        silent = [{**vars(span), "what": "sound"} for span in conversation.bleeps] if table == "silenced" else []
        return pd.DataFrame([*silent, *rows], columns=[column.partition(":")[0] for column in _COLUMNS[table].split()])
    if table != "turns":
        frames = {"points": store.points_frame, "trajectories": store.trajectories_frame}
        return frames.get(table, store.speakers_frame)(conversation)
    told = words_of(conversation)
    added = [
        {
            "activation": turn.emotion.activation if turn.emotion else None,
            "corrected": is_corrected(turn),
            "model_speaker": turn.original.speaker if turn.original else turn.speaker,
            "note": turn.note or None,
            "text": text_of(told[turn.index]) if turn.index in told else None,
        }
        for turn in conversation.turns
    ]
    return pd.concat([store.turns_frame(conversation), pd.DataFrame(added)], axis=1)
