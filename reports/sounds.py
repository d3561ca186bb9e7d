"""Sounds that are no talk -> rows of their list on the page (pure)."""

from __future__ import annotations

from dataclasses import dataclass

from ressenti.pipeline.records import Conversation
from ressenti.reports.moments import LEAD_S
from ressenti.reports.page_options import EXPRESSIVE, options_of, titles_of
from ressenti.reports.wording import Wording


@dataclass(frozen=True)
class SoundRow:
    """One sound as shown; `play_s` is where playback starts."""

    play_s: float
    time: str
    what: str
    who: str
    length: str
    sure: str
    tone: str  # whose mood it tells of, empty if nobody's


def sound_rows(conversation: Conversation, words: Wording) -> tuple[SoundRow, ...]:
    """All sounds in order of time."""
    titles = titles_of(conversation, words)
    return tuple(
        SoundRow(
            max(0.0, round(s.start_s - LEAD_S, 2)),
            words.clock(s.start_s),
            words(f"sound_{s.kind}"),
            titles.get(s.speaker or "", ""),
            words.seconds(s.end_s - s.start_s),
            words.percent(s.confidence),
            s.speaker or "" if s.kind in EXPRESSIVE else "",
        )
        for s in sorted(conversation.sounds, key=lambda s: s.start_s)
    )


def sound_rules(conversation: Conversation, words: Wording) -> tuple[str, ...]:
    """How sounds and announcements are found, and what the user left out, for the methods."""
    options, rules = options_of(conversation, "sounds"), _left_out(conversation, words)
    if options and any(model.task == "sounds" for model in conversation.models):
        rules.append(words("th_sounds", speech=words.percent(options["speech_below"])))
    return tuple(rules)


def left_out(conversation: Conversation) -> list[tuple[float, float]]:
    """Spans (s) that the user left out of the analysis."""
    options = options_of(conversation, "audio")
    end_s = options.get("end_s")
    spans = [(0.0, options["start_s"])] if options.get("start_s") else []
    spans += [(start, end) for start, end in options.get("ignore", ())]
    spans += [(end_s, conversation.recording.duration_s)] if end_s else []
    return [(start, end) for start, end in spans if end > start]


def _left_out(conversation: Conversation, words: Wording) -> list[str]:
    """What the user left out of the recording, in words."""
    shown = [f"{words.clock(start, 1)} – {words.clock(end, 1)}" for start, end in left_out(conversation)]
    return [words("m_left_out", spans=words.listed(shown))] if shown else []
