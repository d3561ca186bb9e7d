"""Columns and types of the tables: the same in every conversation, even if a column is empty.

Types are pandas' nullable ones (and `float64`, whose missing value is NaN), so that tables of several conversations can
be concatenated and keep their types through Parquet, CSV and DuckDB.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, get_args

from ressenti.pipeline.records import CLASSES, Conversation

if TYPE_CHECKING:
    import pandas as pd

Table = Literal["turns", "points", "trajectories", "speakers", "words", "silenced", "sounds"]
TABLES: tuple[Table, ...] = get_args(Table)
Kind = Literal["string", "float64", "Int64", "boolean"]

_SCORES = " ".join(name.lower() for name in CLASSES)
_TEXT: dict[Table, str] = {
    "turns": "turn:Int64 start_s end_s speaker:string name:string role:string speaker_confidence "
    "speaker_unsure:boolean overlap_s loudness_dbfs activation_sd class:string confidence unsure:boolean "
    f"class_by:string model_class:string model_confidence not_judged:string valence arousal {_SCORES}",
    "points": "speaker:string turn:Int64 time_s weight_s valence valence_sd arousal arousal_sd",
    "trajectories": "speaker:string time_s valence valence_low valence_high arousal arousal_low arousal_high",
    "speakers": "speaker:string name:string role:string kind:string announced not_scored:string talk_s share "
    "turns:Int64 longest_monologue_s interruptions:Int64 backchannels:Int64 response_latency_s loudness_dbfs valence "
    f"arousal {_SCORES}",
    "words": "start_s end_s text:string turn:Int64 speaker:string exact:boolean confidence",
    "sounds": "kind:string start_s end_s confidence channel:Int64 speaker:string",
    "silenced": "start_s end_s what:string turn:Int64 speaker:string",
}
_HALF = re.compile("[\ud800-\udfff]")  # a lone surrogate, which no file can store


def columns_of(declared: str) -> dict[str, Kind]:
    """Parse columns written as `name:type name ...`; the default type is `float64`."""
    parts = (entry.partition(":") for entry in declared.split())
    kinds: dict[str, Any] = {name: kind or "float64" for name, _, kind in parts}
    return kinds


COLUMNS: dict[Table, dict[str, Kind]] = {
    table: {"conversation": "string", **columns_of(declared)} for table, declared in _TEXT.items()
}
"""Columns of the tables of `ressenti.pipeline.store.tables`, in order; `conversation` is `Conversation.id`."""


def typed(
    rows: Iterable[Mapping[str, object]], conversation: Conversation, columns: Mapping[str, Kind]
) -> pd.DataFrame:
    """Make a table from rows, each with values by column name; absent values are missing."""
    import pandas as pd

    known = [{"conversation": conversation.id, **row} for row in rows]
    return pd.DataFrame({name: _series([row.get(name) for row in known], kind) for name, kind in columns.items()})


def _series(values: list[object], kind: Kind) -> pd.Series[Any]:
    import pandas as pd

    if kind == "string":  # stored as Python objects, with or without pyarrow
        texts = [_HALF.sub("\ufffd", value) if isinstance(value, str) else None for value in values]
        return pd.Series(texts, dtype=pd.StringDtype("python"))
    return pd.Series(values, dtype=kind)
