"""Recorded conversations -> who spoke when, how it sounded, and how that changed.

from pipeline import analyze
conversation = analyze("call.wav")

What is raised on purpose is a `RessentiError`; `pipeline.errors` lists its kinds. What is logged goes to the logger
`pipeline` and those below it, which say nothing unless a program wants to hear them. The page of a conversation is
`reports.report_html`.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

logging.getLogger(__name__).addHandler(logging.NullHandler())

if TYPE_CHECKING:
    from pipeline import errors
    from pipeline.additions import pseudonymised, with_bleeps, with_transcript
    from pipeline.annotations import Corrections, Span, SpeakerName, TurnCorrection
    from pipeline.chosen import Models
    from pipeline.config import Config, load_config
    from pipeline.errors import RessentiError
    from pipeline.records import Conversation
    from pipeline.roles import People
    from pipeline.run import analyze, with_corrections
    from pipeline.sound import page_sound
    from pipeline.store import (
        dumps,
        json_schema,
        load,
        loads,
        points_frame,
        silenced_frame,
        speakers_frame,
        trajectories_frame,
        turns_frame,
        words_frame,
        write_whole,
    )

__all__ = [
    "Config",
    "Conversation",
    "Corrections",
    "Models",
    "People",
    "RessentiError",
    "Span",
    "SpeakerName",
    "TurnCorrection",
    "analyze",
    "dumps",
    "errors",
    "json_schema",
    "load",
    "load_config",
    "loads",
    "page_sound",
    "points_frame",
    "pseudonymised",
    "silenced_frame",
    "speakers_frame",
    "trajectories_frame",
    "turns_frame",
    "with_bleeps",
    "with_corrections",
    "with_transcript",
    "words_frame",
    "write_whole",
]

_HOMES = {
    "Config": "pipeline.config",
    "Conversation": "pipeline.records",
    "Corrections": "pipeline.annotations",
    "Models": "pipeline.chosen",
    "People": "pipeline.roles",
    "RessentiError": "pipeline.errors",
    "Span": "pipeline.annotations",
    "SpeakerName": "pipeline.annotations",
    "TurnCorrection": "pipeline.annotations",
    "analyze": "pipeline.run",
    "dumps": "pipeline.store",
    "json_schema": "pipeline.store",
    "load": "pipeline.store",
    "load_config": "pipeline.config",
    "loads": "pipeline.store",
    "page_sound": "pipeline.sound",
    "points_frame": "pipeline.store",
    "pseudonymised": "pipeline.additions",
    "silenced_frame": "pipeline.store",
    "speakers_frame": "pipeline.store",
    "trajectories_frame": "pipeline.store",
    "turns_frame": "pipeline.store",
    "with_bleeps": "pipeline.additions",
    "with_corrections": "pipeline.run",
    "with_transcript": "pipeline.additions",
    "words_frame": "pipeline.store",
    "write_whole": "pipeline.store",
}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used, so that `import pipeline` stays light (PEP 562)."""
    from importlib import import_module

    if name == "errors":
        return import_module("pipeline.errors")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
