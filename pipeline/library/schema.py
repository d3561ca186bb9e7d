"""Columns of a library's tables, with their types and what they mean; `docs/library.md` is written from here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args, get_type_hints

from ressenti.pipeline.records import CLASSES, Moment
from ressenti.pipeline.store.columns import COLUMNS as STORED

if TYPE_CHECKING:
    import pyarrow as pa

SCHEMA = 2
Table = Literal["conversations", "turns", "speakers", "moments", "words", "errors"]
TABLES: tuple[Table, ...] = get_args(Table)
OF_CONVERSATIONS: tuple[Table, ...] = TABLES[:-1]
"""Tables with rows for each conversation; `errors` has rows for recordings that could not be analysed."""

KINDS: tuple[str, ...] = get_args(get_type_hints(Moment)["kind"])
"""Kinds of moments."""

Type = Literal["text", "number", "whole", "yes/no", "time", "texts by name"]


@dataclass(frozen=True)
class Column:
    """A column: its name, its type and what it means."""

    name: str
    type: Type
    meaning: str


_KINDS: dict[str, Type] = {"string": "text", "float64": "number", "Int64": "whole", "boolean": "yes/no"}
_METADATA = (
    Column("call_id", "text", "the `id` of the manifest"),
    Column("agent", "text", "who answered, as the manifest says"),
    Column("queue", "text", "the queue, as the manifest says"),
    Column("date", "time", "when the call was, as the manifest says; with an offset, it is in UTC"),
    Column("direction", "text", "inbound, outbound or what the manifest says"),
    Column("language", "text", "the language, as the manifest says"),
    Column("metadata", "texts by name", "all other columns of the manifest: `metadata['campaign']`"),
)
_IDENTITY = (
    Column("conversation", "text", "the conversation's id"),
    Column("recording", "text", "name of the recording's file"),
    Column("sha256", "text", "SHA-256 of the recording"),
)
_OWN: dict[Table, tuple[Column, ...]] = {
    "conversations": (
        Column("path", "text", "where the recording lay"),
        Column("added", "time", "when it came into the library (UTC)"),
        Column("program", "text", "the version of Ressenti"),
        Column("result", "text", "fingerprint of the stored files that the rows were made from"),
        Column("duration_s", "number", "length of the recording"),
        Column("channels", "whole", "channels of the recording"),
        Column("layout", "text", "split: each channel is a speaker; mono: one mix was analysed"),
        Column("people", "whole", "speakers that are no announcements"),
        Column("turns", "whole", "turns of people"),
        Column("words", "whole", "words, recognised or brought"),
        Column("spoken", "text", "languages of recognised words, with a comma between"),
        Column("speech_s", "number", "time in which somebody speaks"),
        Column("overlap_s", "number", "time in which several speak"),
        Column("silence_s", "number", "silences longer than the configured limit, together"),
        Column("longest_silence_s", "number", "the longest of them; 0 without any"),
        Column("hold_s", "number", "time on hold"),
        Column("interruptions", "whole", "turns that take the floor from another speaker"),
        Column("scored_turns", "whole", "turns with a class"),
        Column("unsure_turns", "whole", "of these, unsure ones"),
        Column("corrected", "yes/no", "whether people corrected it; then rows are of the corrected file"),
        Column("page", "text", "path of the page in the library"),
    ),
    "moments": (
        Column("kind", "text", ", ".join(KINDS)),
        Column("start_s", "number", "start in the recording"),
        Column("end_s", "number", "end in the recording"),
        Column("speaker", "text", "whose moment it is; empty for a silence"),
        Column("name", "text", "the speaker's name"),
        Column("role", "text", "the speaker's role"),
        Column("certain", "yes/no", "false if it may be chance"),
        Column("values", "texts by name", "its figures, such as `values['seconds']`"),
    ),
    "errors": (
        Column("path", "text", "the recording"),
        Column("code", "whole", "exit code"),
        Column("error", "text", "name of the error"),
        Column("message", "text", "what happened"),
        Column("what_to_do", "text", "what to do"),
        Column("at", "time", "when it was last tried (UTC)"),
        Column("deaths", "whole", "worker processes that ended with it; from two on, it is set aside"),
    ),
}  # fmt: skip
_MEANINGS = {
    "turn": "number of the turn in its conversation",
    "start_s": "start in the recording",
    "end_s": "end in the recording",
    "speaker": "the speaker's label: S1, S2, ...",
    "name": "the speaker's name",
    "role": "the speaker's role",
    "speaker_confidence": "probability that the speaker is right",
    "speaker_unsure": "whether that is below the configured limit",
    "overlap_s": "time of the turn in which others speak, too",
    "loudness_dbfs": "loudness",
    "activation_sd": "how activated it sounds against the speaker's own speech, in standard deviations",
    "class": "Pleased, Relaxed, Neutral, Sad or Tension",
    "confidence": "of a class or a word: how sure the model is",
    "unsure": "whether no class reaches the configured confidence",
    "class_by": "model or person",
    "model_class": "the model's class, also where a person set another",
    "model_confidence": "and its confidence",
    "not_judged": "why there is no class",
    "valence": "how pleasant it sounds, from -1 to 1",
    "arousal": "how excited it sounds, from -1 to 1",
    "kind": "person, or announcement",
    "announced": "probability of an announcement",
    "not_scored": "why the emotion of this speaker is not computed",
    "talk_s": "time of talk",
    "share": "share of all talk",
    "turns": "turns",
    "longest_monologue_s": "the longest time in which this speaker holds the floor",
    "interruptions": "turns that take the floor from others",
    "backchannels": "short turns inside others' turns",
    "response_latency_s": "median time until this speaker answers",
    "text": "the word",
    "exact": "whether its times are its own (a subtitle has times for a line)",
    **{name.lower(): f"score of {name}; of a speaker: its share" for name in CLASSES},
}
_SAID = (
    Column("activation", "text", "how the class was computed from the model's answer"),
    Column("corrected", "yes/no", "whether a person changed the turn"),
    Column("corrected_by", "text", "who changed it, if they said"),
    Column("corrected_at", "text", "when (ISO 8601, UTC), if it is known"),
    Column("model_speaker", "text", "the diarizer's speaker"),
    Column("note", "text", "a person's note"),
    Column("text", "text", "the words of the turn"),
    Column("said", "text", "the same as it is searched: in lower case, without accents and punctuation"),
)


def columns_of(table: Table) -> tuple[Column, ...]:
    """All columns of a table, in order: whose row it is, the call's metadata, and its own columns."""
    if table in _OWN:
        own = _OWN[table]
    else:
        kinds = STORED[table]  # type: ignore[index]  # turns, speakers and words are tables of the store
        own = tuple(
            Column(name, _KINDS[kind], _MEANINGS[name]) for name, kind in kinds.items() if name != "conversation"
        )
        own += _SAID if table == "turns" else ()
    return (*_IDENTITY, *_METADATA, *own)


def arrow_schema(table: Table) -> pa.Schema:
    """The table's schema in Arrow."""
    import pyarrow as pa

    types = {
        "text": pa.string(),
        "number": pa.float64(),
        "whole": pa.int64(),
        "yes/no": pa.bool_(),
        "time": pa.timestamp("us"),
        "texts by name": pa.map_(pa.string(), pa.string()),
    }
    return pa.schema([(column.name, types[column.type]) for column in columns_of(table)])
