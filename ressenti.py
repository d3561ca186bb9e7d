"""Recorded conversations -> who spoke when, how they sounded, and how that changed.

    from ressenti import analyze, report_html
    page = report_html(analyze("call.wav"))

Every error that Ressenti raises on purpose is a `RessentiError`; `ressenti.errors` lists its subclasses. Log messages
go to the logger `ressenti` and its children, which are silent until a program sets a handler.

This module is the package `ressenti`: its parts are the folders `pipeline`, `reports` and `configs` beside it. In the
wheel it is `ressenti/__init__.py`, and the folders lie beside it there too.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

__path__ = [str(Path(__file__).parent)]
if __spec__ is not None:  # None when run as a script
    __spec__.submodule_search_locations = __path__  # so that `importlib.resources` sees a package

logging.getLogger("ressenti").addHandler(logging.NullHandler())

if TYPE_CHECKING:
    from ressenti.pipeline import errors
    from ressenti.pipeline.audio.playback import page_sound
    from ressenti.pipeline.config import Config, load_config
    from ressenti.pipeline.derive import with_corrections
    from ressenti.pipeline.edits.bleeps import with_bleeps
    from ressenti.pipeline.edits.pseudonyms import pseudonymised
    from ressenti.pipeline.edits.words import with_transcript
    from ressenti.pipeline.errors import RessentiError
    from ressenti.pipeline.library.files import library_files
    from ressenti.pipeline.loaded_models import Models
    from ressenti.pipeline.records import Conversation, Corrections, Span, SpeakerName, TurnCorrection
    from ressenti.pipeline.roles import People
    from ressenti.pipeline.run import analyze
    from ressenti.pipeline.store import (
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
    from ressenti.reports import report_html

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
    "library_files",
    "load",
    "load_config",
    "loads",
    "page_sound",
    "points_frame",
    "pseudonymised",
    "report_html",
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
    "Config": "ressenti.pipeline.config",
    "Conversation": "ressenti.pipeline.records",
    "Corrections": "ressenti.pipeline.records.edits",
    "Models": "ressenti.pipeline.loaded_models",
    "People": "ressenti.pipeline.roles",
    "RessentiError": "ressenti.pipeline.errors",
    "Span": "ressenti.pipeline.records.edits",
    "SpeakerName": "ressenti.pipeline.records.edits",
    "TurnCorrection": "ressenti.pipeline.records.edits",
    "analyze": "ressenti.pipeline.run",
    "dumps": "ressenti.pipeline.store",
    "json_schema": "ressenti.pipeline.store",
    "library_files": "ressenti.pipeline.library.files",
    "load": "ressenti.pipeline.store",
    "load_config": "ressenti.pipeline.config",
    "loads": "ressenti.pipeline.store",
    "page_sound": "ressenti.pipeline.audio.playback",
    "points_frame": "ressenti.pipeline.store",
    "pseudonymised": "ressenti.pipeline.edits.pseudonyms",
    "report_html": "ressenti.reports",
    "silenced_frame": "ressenti.pipeline.store",
    "speakers_frame": "ressenti.pipeline.store",
    "trajectories_frame": "ressenti.pipeline.store",
    "turns_frame": "ressenti.pipeline.store",
    "with_bleeps": "ressenti.pipeline.edits.bleeps",
    "with_corrections": "ressenti.pipeline.derive",
    "with_transcript": "ressenti.pipeline.edits.words",
    "words_frame": "ressenti.pipeline.store",
    "write_whole": "ressenti.pipeline.store",
}


def __getattr__(name: str) -> Any:
    """Load a public name on first use, so that `import ressenti` stays fast (PEP 562)."""
    from importlib import import_module

    if name == "errors":
        return import_module("ressenti.pipeline.errors")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


if __name__ == "__main__":  # python -m ressenti
    from ressenti.pipeline.cli import main

    main()
