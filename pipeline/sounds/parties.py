"""Announcements as speakers of their own, beside the people that a diarizer found (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from ressenti.pipeline.records import Diarization, Segment, Speaker
from ressenti.pipeline.records.intervals import without
from ressenti.pipeline.sounds.interface import HeardSounds


def with_announcements(
    found: Diarization, heard: HeardSounds, layout: Literal["mono", "split"]
) -> tuple[Diarization, tuple[Speaker, ...]]:
    """What was found, with announcements as speakers of their own (A1, A2, ... by channel)."""
    label_of = {k: f"A{n + 1}" for n, k in enumerate(sorted({a.channel for a in heard.announcements}))}
    said = tuple(Segment(a.start_s, a.end_s, label_of[a.channel], a.confidence) for a in heard.announcements)
    spans = {
        channel: sorted((a.start_s, a.end_s) for a in heard.announcements if a.channel == channel)
        for channel in label_of
    }

    def beside(segments: Sequence[Segment]) -> list[Segment]:
        """Segments of people without announcements on their channel."""
        out = []
        for segment in segments:
            own = spans.get(found.channel_of(segment.speaker) if layout == "split" else 1, [])
            parts = without([(segment.start_s, segment.end_s)], own)
            out += [replace(segment, start_s=start, end_s=end) for start, end in parts]
        return out

    def together(segments: Sequence[Segment]) -> tuple[Segment, ...]:
        return tuple(sorted((*beside(segments), *said), key=lambda s: (s.start_s, s.end_s, s.speaker)))

    channels = [*found.channels, *((label, channel) for channel, label in label_of.items())]
    exclusive = together(found.exclusive) if found.exclusive else ()
    if layout == "split" and not found.channels:
        channels += [(label, found.channel_of(label)) for label in found.speakers]
    with_own = replace(
        found,
        segments=together(found.segments),
        exclusive=exclusive,
        channels=tuple(channels) if layout == "split" else found.channels,
    )
    announcing = tuple(
        Speaker(
            label,
            "",
            not_scored="announcement",
            kind="announcement",
            announced=max(a.confidence for a in heard.announcements if a.channel == channel),
        )
        for channel, label in label_of.items()
    )
    return with_own, announcing
