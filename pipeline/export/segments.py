"""Conversation -> NIST RTTM."""

from __future__ import annotations

from pipeline.records import Conversation


def rttm(conversation: Conversation) -> str:
    """NIST RTTM: one SPEAKER line per segment, as the diarizer found it (before turns are joined)."""
    uri = "_".join(conversation.recording.name.rsplit(".", 1)[0].split()) or "recording"
    lines = [
        f"SPEAKER {uri} 1 {s.start_s:.3f} {s.duration_s:.3f} <NA> <NA> {s.speaker} <NA> <NA>"
        for s in conversation.diarization.segments
    ]
    return "\n".join(lines) + "\n"
