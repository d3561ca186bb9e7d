"""Store conversations as JSON (versioned, with a schema) and pandas tables; write files completely or not at all."""

from ressenti.pipeline.store.files import recover, tidy, write_whole
from ressenti.pipeline.store.json import conversations_in, dumps, json_schema, load, loads
from ressenti.pipeline.store.result_sets import Made, State, claim, state_of, write_set
from ressenti.pipeline.store.tables import (
    points_frame,
    silenced_frame,
    sounds_frame,
    speakers_frame,
    trajectories_frame,
    turns_frame,
    words_frame,
)

__all__ = [
    "Made",
    "State",
    "claim",
    "conversations_in",
    "dumps",
    "json_schema",
    "load",
    "loads",
    "points_frame",
    "recover",
    "silenced_frame",
    "sounds_frame",
    "speakers_frame",
    "state_of",
    "tidy",
    "trajectories_frame",
    "turns_frame",
    "words_frame",
    "write_set",
    "write_whole",
]
