"""Conversation -> NIST RTTM."""

from __future__ import annotations

from ressenti.pipeline.edits.corrections import corrected_segments
from ressenti.pipeline.records import Conversation, Segment


def rttm(conversation: Conversation) -> str:
    """NIST RTTM: one SPEAKER line per segment, as the diarizer found it (before segments are joined to turns).

    Segments of a turn that a person moved to another speaker have the new speaker. The ninth field (`conf`) is the
    probability that the segment is this speaker's, <NA> if the diarizer does not tell or a person set the speaker.
    """
    uri = "_".join(conversation.recording.name.rsplit(".", 1)[0].split()) or "recording"
    lines = [
        f"SPEAKER {uri} 1 {s.start_s:.3f} {s.duration_s:.3f} <NA> <NA> {s.speaker} {_confidence(s)} <NA>"
        for s in corrected_segments(conversation)
    ]
    return "\n".join(lines) + "\n"


def _confidence(segment: Segment) -> str:
    return "<NA>" if segment.confidence is None else f"{segment.confidence:.3f}"
