"""Moments -> rows of the list of key moments, each with its figures and the reason for it (pure)."""

from __future__ import annotations

from dataclasses import dataclass

from ressenti.pipeline.records import Conversation, Moment
from ressenti.reports.page_options import options_of, titles_of
from ressenti.reports.what_was_said import quote_of
from ressenti.reports.wording import Wording

LEAD_S = 1.0  # playback starts a little earlier
LEAST_SHARE = 0.005  # shown as 1 %


@dataclass(frozen=True)
class MomentRow:
    """One key moment as shown; `play_s` is where playback starts."""

    kind: str
    play_s: float
    time: str
    what: str
    why: str
    doubt: str
    person: str  # what share rests on classes set by a person
    quote: str  # what is said there


def moment_rows(conversation: Conversation, words: Wording) -> tuple[MomentRow, ...]:
    """All key moments in order of time."""
    titles = titles_of(conversation, words)
    return tuple(_row(m, conversation, titles, words) for m in conversation.moments)


def _row(m: Moment, conversation: Conversation, titles: dict[str, str], words: Wording) -> MomentRow:
    who = titles.get(m.speaker or "", "")
    v = m.values
    if m.kind == "tension":
        what = words("mo_tension", who=who)
        why = words(
            "mo_tension_why",
            score=words.percent(float(v["tension"])),
            low=words.percent(float(v["low"])),
            high=words.percent(float(v["high"])),
            usual=words.percent(float(v["usual"])),
        )
    elif m.kind in ("valence", "arousal"):
        up = float(v["change"]) > 0
        what = words(f"mo_{m.kind}_{'up' if up else 'down'}", who=who)
        why = words(
            "mo_change_why",
            axis=words(m.kind),
            before=words.number(float(v["from"]), 2, sign=True),
            after=words.number(float(v["to"]), 2, sign=True),
            seconds=words.seconds(m.end_s - m.start_s, 0),
        )
    elif m.kind == "activated":
        what = words("mo_activated", who=who)
        why = words(
            "mo_activated_why",
            activation=words.number(float(v["activation"]), 1, sign=True),
            low=words.number(float(v["low"]), 1, sign=True),
            high=words.number(float(v["high"]), 1, sign=True),
        )
    elif m.kind == "interruption":
        what = words("mo_interruption", who=who, whom=titles.get(str(v["of"]), str(v["of"])))
        why = words(
            "mo_interruption_why",
            seconds=words.seconds(float(v["overlap_s"])),
            limit=words.exact(options_of(conversation, "dynamics")["interruption_s"]),
        )
    elif m.kind in ("laughter", "crying"):
        what = words(f"mo_{m.kind}", who=who or words("somebody"))
        why = words("mo_sound_why", confidence=words.percent(float(v["confidence"])))
    elif m.kind == "contrast":
        what = words(f"mo_contrast_{v['words']}", who=who)
        why = words(
            "mo_contrast_why",
            voice=words(str(v["voice"])),
            confidence=words("by_person") if by_person(m) else words.percent(float(v["confidence"])),
            words=words(f"says_{v['words']}"),
            share=words.percent(float(v["share"])),
        )
    else:
        what = words(f"mo_{m.kind}", who=who)
        why = words("mo_longest_why", seconds=words.seconds(float(v["seconds"])))
    doubt = "" if m.certain else words("mo_doubt")
    start_s = heard_from_s(m, conversation)
    person = words("mo_by_person", share=words.percent(by_person(m))) if by_person(m) else ""
    play_s, quote = max(0.0, round(start_s - LEAD_S, 2)), quote_of(m, conversation, start_s)
    return MomentRow(m.kind, play_s, words.clock(start_s), what, why, doubt, person, quote)


def by_person(m: Moment) -> float:
    """The share of a moment that rests on classes set by a person; 0 if it is too small to show."""
    share = float(m.values.get("by_person", 0.0))
    return share if share >= LEAST_SHARE else 0.0


def heard_from_s(m: Moment, conversation: Conversation) -> float:
    """Where playback of a moment starts: at its start, or at its speaker's turn nearest to its middle (s)."""
    middle = (m.start_s + m.end_s) / 2
    turns = [t for t in conversation.turns if t.speaker == m.speaker and t.end_s > m.start_s and t.start_s < m.end_s]
    if m.kind not in ("tension", "valence", "arousal", "activated") or not turns:
        return m.start_s
    nearest = min(turns, key=lambda t: max(t.start_s - middle, middle - t.end_s, 0.0))
    return max(m.start_s, nearest.start_s)
