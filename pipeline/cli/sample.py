"""The sample conversation included in pyannote.audio, and its diarization error."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from ressenti.pipeline.cli.console import Terminal
from ressenti.pipeline.errors import NotFoundError
from ressenti.pipeline.lab.evaluation.diarization import compare, read_rttm
from ressenti.pipeline.records import Conversation


def locate() -> tuple[Path, Path]:
    """The recording and its reference RTTM, without importing pyannote.audio (which takes seconds)."""
    spec = importlib.util.find_spec("pyannote.audio")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        recording = Path(folder) / "sample" / "sample.wav"
        if recording.is_file():
            return recording, recording.with_suffix(".rttm")
    raise NotFoundError(
        "the sample of pyannote.audio is not installed; expected version 4. Run: pip install pyannote.audio"
    )


def transcript_of(recording: Path) -> Path | None:
    """The recording's included transcript, or None."""
    path = recording.with_suffix(".stm")
    return path if path.is_file() else None


def tell_words(conversation: Conversation, reference: Path, terminal: Terminal) -> None:
    """Print the recognised words of each turn beside those that people wrote down."""
    from ressenti.pipeline.edits.words import with_transcript

    table = Table(title="Words beside the human transcript", title_justify="left", box=None, pad_edge=False)
    for heading in ("turn", "recognised", "reference"):
        table.add_column(heading)
    brought = with_transcript(conversation, reference)
    for turn in conversation.turns:
        said = (" ".join(w.text for w in one.words if w.turn == turn.index) for one in (conversation, brought))
        table.add_row(f"{turn.speaker} {turn.start_s:.1f} s", *map(escape, said))
    terminal.out.print()
    terminal.show(table)


def tell(conversation: Conversation, reference: Path, terminal: Terminal) -> None:
    """Print how the found speakers compare with the human reference."""
    truth = read_rttm(reference)
    result = compare(conversation.diarization.segments, truth, [(0.0, conversation.recording.duration_s)])
    speech_s = {label: sum(s.duration_s for s in truth if s.speaker == label) for label in {s.speaker for s in truth}}
    table = Table(title="Speakers against the human reference", title_justify="left", box=None, pad_edge=False)
    for heading in ("found", "reference", "speech (reference)", "shared speech"):
        table.add_column(heading, justify="left" if heading in ("found", "reference") else "right")
    for label, name, shared_s in sorted(result.matches):
        table.add_row(label, name, f"{speech_s[name]:.1f} s", f"{shared_s:.1f} s")
    terminal.out.print()
    terminal.out.print(table)
    parts = [
        f"{error.rate:.1%} (collar {error.collar_s:g} s per side: missed {error.missed_s:.1f} s, "
        f"false alarm {error.false_alarm_s:.1f} s, confusion {error.confusion_s:.1f} s)"
        for error in result.errors
    ]
    terminal.say("Diarization error rate, overlap scored, 2 speakers given:")
    for part in parts:
        terminal.say(f"    {part}")
