"""Conversation -> NIST RTTM."""

from __future__ import annotations

from ressenti.pipeline.edits.corrections import corrected_segments
from ressenti.pipeline.records import Conversation


def rttm(conversation: Conversation) -> str:
    """NIST RTTM: one SPEAKER line per segment, as the diarizer found it (before segments are joined to turns).

    Segments of a turn that a person moved to another speaker have the new speaker.
    """
    uri = "_".join(conversation.recording.name.rsplit(".", 1)[0].split()) or "recording"
    lines = [
        f"SPEAKER {uri} 1 {s.start_s:.3f} {s.duration_s:.3f} <NA> <NA> {s.speaker} <NA> <NA>"
        for s in corrected_segments(conversation)
    ]
    return "\n".join(lines) + "\n"
