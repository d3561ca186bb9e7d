"""Conversation <-> JSON (versioned, with a schema), pandas tables, and files that appear whole or not at all."""

from pipeline.store.files import write_whole
from pipeline.store.frames import (
    points_frame,
    silenced_frame,
    speakers_frame,
    trajectories_frame,
    turns_frame,
    words_frame,
)
from pipeline.store.json import conversations_in, dumps, json_schema, load, loads

__all__ = [
    "conversations_in",
    "dumps",
    "json_schema",
    "load",
    "loads",
    "points_frame",
    "silenced_frame",
    "speakers_frame",
    "trajectories_frame",
    "turns_frame",
    "words_frame",
    "write_whole",
]
