"""Recorded conversations -> who spoke when, how it sounded, and how that changed.

from pipeline import analyze
conversation = analyze("call.wav")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.chosen import Models
    from pipeline.config import Config, load_config
    from pipeline.records import Conversation
    from pipeline.roles import People
    from pipeline.run import analyze
    from pipeline.store import points_frame, speakers_frame, trajectories_frame, turns_frame

__all__ = [
    "Config",
    "Conversation",
    "Models",
    "People",
    "analyze",
    "load_config",
    "points_frame",
    "speakers_frame",
    "trajectories_frame",
    "turns_frame",
]

_HOMES = {
    "Config": "pipeline.config",
    "Conversation": "pipeline.records",
    "Models": "pipeline.chosen",
    "People": "pipeline.roles",
    "analyze": "pipeline.run",
    "load_config": "pipeline.config",
    "points_frame": "pipeline.store",
    "speakers_frame": "pipeline.store",
    "trajectories_frame": "pipeline.store",
    "turns_frame": "pipeline.store",
}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used, so that `import pipeline` stays light (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
