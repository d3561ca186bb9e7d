"""Recorded conversations -> who spoke when, how it sounded, and how that changed.

from pipeline import analyze
conversation = analyze("call.wav")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.additions import pseudonymised, with_bleeps, with_transcript
    from pipeline.annotations import Corrections, Span, SpeakerName, TurnCorrection
    from pipeline.chosen import Models
    from pipeline.config import Config, load_config
    from pipeline.records import Conversation
    from pipeline.roles import People
    from pipeline.run import analyze, with_corrections
    from pipeline.sound import page_sound
    from pipeline.store import points_frame, speakers_frame, trajectories_frame, turns_frame

__all__ = [
    "Config",
    "Conversation",
    "Corrections",
    "Models",
    "People",
    "Span",
    "SpeakerName",
    "TurnCorrection",
    "analyze",
    "load_config",
    "page_sound",
    "points_frame",
    "pseudonymised",
    "speakers_frame",
    "trajectories_frame",
    "turns_frame",
    "with_bleeps",
    "with_corrections",
    "with_transcript",
]

_HOMES = {
    "Config": "pipeline.config",
    "Conversation": "pipeline.records",
    "Models": "pipeline.chosen",
    "Corrections": "pipeline.annotations",
    "People": "pipeline.roles",
    "Span": "pipeline.annotations",
    "SpeakerName": "pipeline.annotations",
    "TurnCorrection": "pipeline.annotations",
    "analyze": "pipeline.run",
    "load_config": "pipeline.config",
    "page_sound": "pipeline.sound",
    "points_frame": "pipeline.store",
    "pseudonymised": "pipeline.additions",
    "speakers_frame": "pipeline.store",
    "trajectories_frame": "pipeline.store",
    "turns_frame": "pipeline.store",
    "with_bleeps": "pipeline.additions",
    "with_corrections": "pipeline.run",
    "with_transcript": "pipeline.additions",
}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used, so that `import pipeline` stays light (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
