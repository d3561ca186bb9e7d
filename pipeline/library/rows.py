"""A stored conversation with its metadata -> rows of the library's tables.

Rows come from the stored files alone, so that tables can be made again from them at any time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ressenti.pipeline import store
from ressenti.pipeline.config import build_config
from ressenti.pipeline.content.said import utterances_of
from ressenti.pipeline.derive import derive
from ressenti.pipeline.edits.corrections import is_corrected
from ressenti.pipeline.errors import LibraryError
from ressenti.pipeline.export.tables import said_frame
from ressenti.pipeline.library.calls import corrected, fingerprint, read_call
from ressenti.pipeline.library.failures import Failure
from ressenti.pipeline.library.folder import Library
from ressenti.pipeline.library.metadata import Metadata
from ressenti.pipeline.library.schema import Table, arrow_schema
from ressenti.pipeline.records import Conversation
from ressenti.pipeline.records.call_metadata import CALL_METADATA

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Rows = Mapping[str, Any]  # Arrow tables by the name of their table


def load_conversation(library: Library, conversation: str) -> Conversation:
    """The stored conversation, as people corrected it last; raises the errors of `store.load`."""
    folder = library.folder_of(conversation)
    saved = sorted(corrected(folder, conversation), key=lambda path: (path.stat().st_mtime_ns, path.name))
    path = saved[-1] if saved else folder / f"{conversation}.json"
    found = store.load(path)
    if found.id != conversation:
        raise LibraryError(f"{path}: is the conversation {found.id}. Remove this file, or put it where it belongs.")
    return derive(found, build_config(found.config, source=path.name)) if is_corrected(found) else found


def rows_of(library: Library, conversation: str) -> Rows:
    """Rows of a conversation in all tables but `errors`, as Arrow tables by name."""
    found, call = load_conversation(library, conversation), read_call(library, conversation)
    result = fingerprint(library, conversation)
    if result is None:
        raise LibraryError(f"{library.folder_of(conversation)}: results are incomplete. Run `ressenti batch` again.")
    page = library.folder_of(conversation) / f"{conversation}.report.html"
    about = {
        "path": call.path,
        "added": datetime.fromisoformat(call.added).replace(tzinfo=None),
        "result": result,
        "page": page.relative_to(library.root).as_posix() if page.exists() else None,
        **_figures(found),
    }
    turns = store.turns_frame(found).join(said_frame(found))
    said = {one.turn: " ".join(part.text for part in one.parts) for one in utterances_of(found)}
    turns["said"] = [said.get(turn.index) for turn in found.turns]
    own: dict[Table, Sequence[Mapping[str, Any]] | pd.DataFrame] = {
        "conversations": [about],
        "turns": turns,
        "speakers": store.speakers_frame(found),
        "moments": _moments(found),
        "words": store.words_frame(found),
    }
    identity = {"conversation": found.id, "recording": found.recording.name, "sha256": found.recording.sha256}
    shared = {**identity, **metadata_cells(call.metadata)}
    return {table: _table(table, rows, shared) for table, rows in own.items()}


def error_rows(failures: Iterable[Failure]) -> pa.Table:
    """The table `errors`."""
    import pyarrow as pa

    rows = []
    for failure in failures:
        message, advice = failure.parts
        rows.append(
            {
                "conversation": failure.conversation,
                "recording": failure.path.replace("\\", "/").rpartition("/")[2],
                "sha256": failure.sha256,
                "path": failure.path,
                "code": failure.code,
                "error": failure.error,
                "message": message,
                "what_to_do": advice,
                "at": datetime.fromisoformat(failure.at).replace(tzinfo=None),
                "deaths": failure.deaths,
                **metadata_cells(failure.metadata),
            }
        )
    return pa.Table.from_pylist(rows, schema=arrow_schema("errors"))


def metadata_cells(metadata: Metadata) -> dict[str, object]:
    """The columns of metadata."""
    known: dict[str, object] = {name: getattr(metadata, name) for name in CALL_METADATA}
    if metadata.date is not None:
        known["date"] = datetime.fromisoformat(metadata.date)
    return {**known, "metadata": list(metadata.more)}


def _table(table: Table, rows: Sequence[Mapping[str, Any]] | pd.DataFrame, shared: Mapping[str, object]) -> pa.Table:
    """An Arrow table of rows (or a frame), each with the shared cells."""
    import pyarrow as pa

    schema = arrow_schema(table)
    if isinstance(rows, list):
        columns = {name: [row.get(name) for row in rows] for name in schema.names if name not in shared}
    else:
        columns = {name: rows[name] for name in schema.names if name not in shared}
    arrays = []
    for field in schema:
        if field.name in shared:
            arrays.append(pa.array([shared[field.name]] * len(rows), field.type))
        else:
            arrays.append(pa.array(columns[field.name], field.type, from_pandas=True))
    return pa.Table.from_arrays(arrays, schema=schema)


def _figures(found: Conversation) -> dict[str, object]:
    exchange, said = found.exchange, found.transcription
    silences = [s.end_s - s.start_s for s in exchange.silences] if exchange else []
    judged = [turn for turn in found.turns if turn.emotion is not None]
    languages = dict.fromkeys(own.language for own in said.languages if own.language) if said else {}
    return {
        "program": found.program,
        "duration_s": found.recording.duration_s,
        "channels": found.recording.channels,
        "layout": found.layout,
        "people": len(found.people),
        "turns": len(found.people_turns),
        "words": len(found.words),
        "spoken": ",".join(languages) or None,
        "speech_s": exchange.speech_s if exchange else None,
        "overlap_s": exchange.overlap_s if exchange else None,
        "silence_s": sum(silences),
        "longest_silence_s": max(silences, default=0.0),
        "hold_s": sum(s.end_s - s.start_s for s in exchange.holds) if exchange else 0.0,
        "interruptions": len(exchange.interruptions) if exchange else None,
        "scored_turns": len(judged),
        "unsure_turns": sum(turn.unsure for turn in judged),
        "corrected": is_corrected(found),
    }


def _moments(found: Conversation) -> list[dict[str, Any]]:
    speakers = {speaker.label: speaker for speaker in found.speakers}
    rows = []
    for moment in found.moments:
        who = speakers.get(moment.speaker or "")
        row = asdict(moment)
        row |= {"name": who.name if who else None, "role": who.role if who else None}
        row["values"] = [(name, str(value)) for name, value in sorted(moment.values.items())]  # noqa: PD011
        rows.append(row)
    return rows
