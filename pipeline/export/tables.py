"""Conversation -> tables: CSV of the turns, and Parquet files that can be queried across conversations.

Each Parquet table starts with the columns `conversation` (its id), `recording` (the recording's name) and `sha256` (of
its file), and ends with `metadata`, texts by name. The columns have the same types in every conversation, even if
empty: `read_parquet('*.turns.parquet')`. In CSV, each name of metadata has a column of its own, after all others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ressenti.pipeline import store
from ressenti.pipeline.export.csv_locale import csv_locale_of, metadata_columns
from ressenti.pipeline.export.turn_text import corrected_turns, correction_of, text_of, words_of
from ressenti.pipeline.extras import need
from ressenti.pipeline.records import Conversation
from ressenti.pipeline.store.columns import COLUMNS, TABLES, Kind, Table, columns_of, typed

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TABLES", "Table", "parquet", "turns_csv"]

_OF_RECORDING = columns_of("conversation:string recording:string sha256:string")
_SAID = columns_of(
    "activation:string corrected:boolean corrected_by:string corrected_at:string model_speaker:string note:string "
    "text:string"
)
_KINDS: dict[Kind, str] = {"string": "string", "float64": "float64", "Int64": "int64", "boolean": "bool"}
_FRAMES: dict[Table, Callable[[Conversation], pd.DataFrame]] = {
    "turns": store.turns_frame,
    "points": store.points_frame,
    "trajectories": store.trajectories_frame,
    "speakers": store.speakers_frame,
    "words": store.words_frame,
    "silenced": store.silenced_frame,
    "sounds": store.sounds_frame,
}


def turns_csv(conversation: Conversation, metadata: Sequence[tuple[str, str]] = ()) -> str:
    """The table of turns as CSV, with what people corrected and the words: the columns of Parquet without `sha256`.

    Numbers have three decimals; `ressenti.pipeline.export.csv_locale` says how they are written.
    """
    locale = csv_locale_of(conversation)
    frame = store.turns_frame(conversation).join(said_frame(conversation))
    frame.insert(
        1, "recording", typed([_recording(conversation)] * len(frame), conversation, _OF_RECORDING)["recording"]
    )
    for column in frame.columns[frame.dtypes == "string"]:
        frame[column] = frame[column].map(locale.text, na_action="ignore")
    for name, value in metadata_columns(metadata, locale).items():
        frame[name] = value
    text: str = frame.to_csv(
        index=False, sep=locale.separator, decimal=locale.decimal, float_format="%.3f", lineterminator="\n"
    )
    return locale.mark + text


def parquet(conversation: Conversation, table: Table, metadata: Sequence[tuple[str, str]] = ()) -> bytes:
    """One table as a Parquet file; raises `ConfigError` if pyarrow is not installed.

    `turns` has the columns of `pipeline.store.turns_frame`, the corrections (`model_speaker` is the diarizer's
    speaker), the note, and the words as `text`, null if there are none. `silenced` has the silenced spans (`what` is
    "sound") and the places where words were left out ("words"), which `text` marks `[…]`. pandas reads the same types
    back; there is no index.
    """
    need("pyarrow", "--format parquet", "or choose csv")
    import pandas as pd
    import pyarrow as pa
    from pyarrow import parquet as files

    columns = _OF_RECORDING | COLUMNS[table] | (_SAID if table == "turns" else {})
    frame = _FRAMES[table](conversation)
    parts = [
        typed([_recording(conversation)] * len(frame), conversation, _OF_RECORDING),
        frame.drop(columns="conversation"),
    ]
    frame = pd.concat([*parts, *([said_frame(conversation)] if table == "turns" else [])], axis=1)
    schema = pa.schema([(name, pa.type_for_alias(_KINDS[kind])) for name, kind in columns.items()])
    rows = pa.Table.from_pandas(frame, schema=schema, preserve_index=False)
    known = pa.array([list(metadata)] * len(frame), pa.map_(pa.string(), pa.string()))
    rows = rows.append_column("metadata", known)
    about = {**(rows.schema.metadata or {}), b"program": conversation.program.encode("utf-8", "replace")}
    out = pa.BufferOutputStream()
    files.write_table(rows.replace_schema_metadata(about), out, compression="zstd")
    written: bytes = out.getvalue().to_pybytes()
    return written


def said_frame(conversation: Conversation) -> pd.DataFrame:
    """Corrections and words of each turn; who corrected it, and when, are null if nobody said."""
    told, entries, corrected = words_of(conversation), correction_of(conversation), corrected_turns(conversation)
    rows = [
        {
            "activation": turn.emotion.activation if turn.emotion else None,
            "corrected": turn.index in corrected,
            "corrected_by": entries[turn.index].by or None if turn.index in entries else None,
            "corrected_at": entries[turn.index].at or None if turn.index in entries else None,
            "model_speaker": turn.original.speaker if turn.original else turn.speaker,
            "note": turn.note or None,
            "text": text_of(told[turn.index]) if turn.index in told else None,
        }
        for turn in conversation.turns
    ]
    return typed(rows, conversation, _SAID)


def _recording(conversation: Conversation) -> dict[str, str]:
    return {"recording": conversation.recording.name, "sha256": conversation.recording.sha256}
