"""Moments -> the places to listen to, each in a line with its figures and the words spoken there (pure)."""

from __future__ import annotations

from dataclasses import dataclass

from ressenti.pipeline.records import Conversation, Moment
from ressenti.reports.page_options import titles_of, valence_tells
from ressenti.reports.what_was_said import quote_of
from ressenti.reports.wording import Wording

LEAD_S = 1.0  # playback starts a little earlier
LEAST_SHARE = 0.005  # shown as 1 %
MOST = 5  # moments that are listed first
MOST_CHANCE = 2  # of them that may be chance, which are there only if none is certain

OF_TONE = ("tension", "activated", "contrast", "crying", "valence", "arousal", "laughter")
ANYBODY = "*"  # a text tells the tone of all who are scored

# Which moment is worth listening to first: certain ones in this order, then those that may be chance in this order.
_ORDER = (
    "tension",
    "activated",
    "contrast",
    "crying",
    "valence",
    "arousal",
    "interruption",
    "silence",
    "laughter",
    "monologue",
)


@dataclass(frozen=True)
class Told:
    """A part of a text, and whose tone it tells: a label, `ANYBODY`, or empty."""

    text: str
    tone: str = ""


@dataclass(frozen=True)
class MomentRow:
    """One line: who, what in words and numbers, what is said there; `play_s` is where playback starts.

    `label` is the speaker's, empty if there is none; `tone` is whose tone the line tells. `parts` are those of `what`:
    what happens, and what else. `chance` is whether it may be chance.
    """

    kind: str
    start_s: float
    end_s: float
    play_s: float
    time: str
    label: str
    who: str
    what: str
    chance: bool
    person: str  # what share rests on classes set by a person
    quote: str  # what is said there
    tone: str
    parts: tuple[Told, ...]


@dataclass(frozen=True)
class Listen:
    """The moments to listen to, in order of time: at most five, and what is left."""

    first: tuple[MomentRow, ...]
    more: tuple[MomentRow, ...]

    @property
    def chance(self) -> bool:
        """Whether any of them may be chance."""
        return self.chance_first or any(row.chance for row in self.more)

    @property
    def chance_first(self) -> bool:
        """Whether any of those that are listed first may be chance."""
        return any(row.chance for row in self.first)


def listen(conversation: Conversation, words: Wording) -> Listen:
    """The moments in lines; moments of one speaker that overlap are one.

    What may be chance comes first only if nothing is certain.
    """
    titles = titles_of(conversation, words)
    ranked = [_row(group, conversation, titles, words) for group in _groups(conversation)]
    most = min(MOST, sum(not row.chance for row in ranked)) or MOST_CHANCE
    return Listen(*(tuple(sorted(rows, key=lambda row: row.play_s)) for rows in (ranked[:most], ranked[most:])))


def each_moment(conversation: Conversation, words: Wording) -> tuple[MomentRow, ...]:
    """Every moment in a line of its own, in order of time, also those that overlap."""
    titles = titles_of(conversation, words)
    told = sorted(conversation.moments, key=lambda m: m.start_s)
    return tuple(_row([m], conversation, titles, words) for m in told)


def first_to_hear(conversation: Conversation) -> Moment | None:
    """The moment to listen to first; None if there is none."""
    return min(_worth_hearing(conversation), key=_rank, default=None)


def _worth_hearing(conversation: Conversation) -> list[Moment]:
    """The moments without those of valence where the page says that valence cannot be told."""
    tells = valence_tells(conversation)
    return [m for m in conversation.moments if tells or m.kind != "valence" or by_person(m)]


def _rank(m: Moment) -> tuple[bool, int, float]:
    place = _ORDER.index(m.kind) if m.kind in _ORDER else len(_ORDER)
    return not m.certain, place, m.start_s - m.end_s if m.kind in ("silence", "monologue") else m.start_s


def _groups(conversation: Conversation) -> list[list[Moment]]:
    """Moments by rank, each with those of a lower rank that belong to it."""
    left, groups = sorted(_worth_hearing(conversation), key=_rank), []
    while left:
        first = left[0]
        inside = [first, *(m for m in left[1:] if _belongs(m, first))]
        groups.append(inside)
        left = [m for m in left if not any(m is one for one in inside)]
    return groups


def _belongs(m: Moment, first: Moment) -> bool:
    """Whether a moment overlaps another, is as certain, and is of the same speaker or of nobody."""
    overlaps = m.start_s < first.end_s and m.end_s > first.start_s
    return overlaps and m.certain == first.certain and m.speaker in (first.speaker, None)


def _row(group: list[Moment], conversation: Conversation, titles: dict[str, str], words: Wording) -> MomentRow:
    """The line of a moment, and what else happens during it."""
    m = group[0]
    start_s = heard_from_s(m, conversation)
    who = titles.get(m.speaker or "", "") or (words("somebody") if m.kind in ("laughter", "crying") else "")
    also = dict.fromkeys(Told(_what(one, titles, words), tone_of(one)) for one in group[1:])
    parts = (Told(_what(m, titles, words)), *also)
    return MomentRow(
        kind=m.kind,
        start_s=m.start_s,
        end_s=m.end_s,
        play_s=max(0.0, round(start_s - LEAD_S, 2)),
        time=words.clock(start_s),
        label=m.speaker or "",
        who=who,
        what=words("semicolon").join(part.text for part in parts),
        chance=not m.certain,
        person=words("mo_by_person", share=words.percent(by_person(m))) if by_person(m) else "",
        quote=quote_of(m, conversation, start_s),
        tone=tone_of(m),
        parts=parts,
    )


def tone_of(m: Moment) -> str:
    """Whose tone a moment tells; empty if nobody's."""
    return (m.speaker or "") if m.kind in OF_TONE else ""


def _what(m: Moment, titles: dict[str, str], words: Wording) -> str:
    """What happens in a moment, in words and numbers, without who does it."""
    v = m.values
    if m.kind == "tension":
        score, low, high, usual = (words.percent(float(v[name])) for name in ("tension", "low", "high", "usual"))
        return words("mo_tension", score=score, low=low, high=high, usual=usual)
    if m.kind in ("valence", "arousal"):
        before, after = (words.number(float(v[name]), 2, sign=True) for name in ("from", "to"))
        key = f"mo_{m.kind}_{'up' if float(v['change']) > 0 else 'down'}"
        return words(key, before=before, after=after, length=words.length(m.end_s - m.start_s))
    if m.kind == "activated":
        sd, low, high = (words.number(float(v[name]), 1, sign=True) for name in ("activation", "low", "high"))
        return words("mo_activated", activation=sd, low=low, high=high)
    if m.kind == "interruption":
        whom = titles.get(str(v["of"]), str(v["of"]))
        return words("mo_interruption", whom=whom, seconds=words.seconds(float(v["overlap_s"])))
    if m.kind in ("laughter", "crying"):
        return words(f"mo_{m.kind}", confidence=words.percent(float(v["confidence"])))
    if m.kind == "contrast":
        return words(
            f"mo_contrast_{v['words']}",
            voice=words(str(v["voice"])),
            confidence=words("by_person") if by_person(m) else words.percent(float(v["confidence"])),
            words=words(f"says_{v['words']}"),
            share=words.percent(float(v["share"])),
        )
    return words(f"mo_{m.kind}", length=words.length(float(v["seconds"])))


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
