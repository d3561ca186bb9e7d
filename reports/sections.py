"""The same sections of several conversations -> one self-contained page with them side by side (pure)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ressenti.pipeline.language import Lang
from ressenti.pipeline.records import CLASSES, Conversation, Estimate, Speaker, Trajectory
from ressenti.pipeline.text import visible
from ressenti.reports.figures.style import TICK_STEPS_S, stretches
from ressenti.reports.headline import LITTLE_S
from ressenti.reports.page_options import valence_tells
from ressenti.reports.page_shell import asset, csp_hash, template
from ressenti.reports.people import called
from ressenti.reports.wording import Wording

WIDTH, LEFT, RIGHT, TOP, HIGH, APART, BOTTOM = 340, 30, 8, 16, 72, 24, 20  # of a chart, in its own units
MOST_POINTS = 300  # of a line; more would not be seen
_DASHES = ("", "7 3", "2 3", "8 3 2 3")
_COLOURS = 8


@dataclass(frozen=True)
class Person:
    """Somebody in a section: `speaker` has the figures of the section alone.

    `activation_sd` is against all of their speech in the conversation. `said` are their first words, from
    `said_at` (s).
    """

    speaker: Speaker
    longest_turn_s: float
    words_per_min: float | None
    activation_sd: float | None
    said: str
    said_at: float | None


@dataclass(frozen=True)
class Part:
    """A section of one conversation, which holds nothing else any more; times (s) are those of the recording."""

    conversation: Conversation
    page: Path | None
    metadata: tuple[tuple[str, str], ...]
    start_s: float
    end_s: float
    people: tuple[Person, ...]

    @property
    def silences_s(self) -> tuple[float, ...]:
        """Lengths of its silences."""
        exchange = self.conversation.exchange
        return tuple(s.end_s - s.start_s for s in exchange.silences) if exchange else ()


@dataclass(frozen=True)
class Absent:
    """A conversation without a section; `wordless` if it has no words in which a question could be found."""

    conversation: Conversation
    metadata: tuple[tuple[str, str], ...]
    wordless: bool


@dataclass(frozen=True)
class Topic:
    """A section by its name, in all conversations that have it, and those that lack it."""

    name: str
    parts: tuple[Part, ...]
    absent: tuple[Absent, ...]


def render_sections(topics: Sequence[Topic], count: int, out: Path, lang: Lang) -> str:
    """The page, one HTML document that makes no request and has no script; links lead from `out` to the reports."""
    from markupsafe import Markup

    words = Wording(lang)
    style = asset("page.css") + asset("sections.css")
    policy = f"default-src 'none'; style-src-elem {csp_hash(style)}; img-src data:; base-uri 'none'; form-action 'none'"
    parts = [part for topic in topics for part in topic.parts]
    places: dict[str, int] = {}
    for part in parts:
        for one in part.people:
            places.setdefault(_key(one.speaker), len(places))
    axes = ("arousal", "valence") if any(valence_tells(part.conversation) for part in parts) else ("arousal",)
    reasons = {visible(part.conversation.allow_restricted) for part in parts if part.conversation.allow_restricted}
    return template("sections.html").render(
        words=words,
        count=count,
        topics=[_topic(topic, out, places, axes, words) for topic in topics],
        reasons=sorted(reasons),
        policy=policy,
        style=Markup(style),  # noqa: S704  # ours
        little=words.exact(LITTLE_S),
    )


def title_of(conversation: Conversation, metadata: Sequence[tuple[str, str]]) -> str:
    """What a conversation is called: the id that its manifest gives it, or the name of its recording."""
    return visible(dict(metadata).get("call_id") or called(conversation))


def _key(speaker: Speaker) -> str:
    """What has one colour in all conversations: a role, or a label."""
    return (speaker.role or speaker.label).casefold()


def _topic(topic: Topic, out: Path, places: dict[str, int], axes: Sequence[str], words: Wording) -> dict[str, object]:
    longest_s = max((part.end_s - part.start_s for part in topic.parts), default=0.0)
    return {
        "name": visible(topic.name),
        "parts": [_part(part, longest_s, out, places, axes, words) for part in topic.parts],
        "absent": [
            words("sec_no_words", name=title_of(one.conversation, one.metadata))
            if one.wordless
            else title_of(one.conversation, one.metadata)
            for one in topic.absent
        ],
        "found": words("sec_found", n=len({part.conversation.id for part in topic.parts}),
                       all=len({part.conversation.id for part in topic.parts}) + len(topic.absent)),
    }  # fmt: skip


def _part(
    part: Part, longest_s: float, out: Path, places: dict[str, int], axes: Sequence[str], words: Wording
) -> dict[str, object]:
    lines = {line.speaker: line for line in part.conversation.trajectories}
    telling = [one.speaker for one in part.people if _tells(one.speaker) and one.speaker.label in lines]
    drawn = [(places[_key(speaker)], lines[speaker.label]) for speaker in telling]
    silences = part.silences_s
    told = words.length(sum(silences)) if silences else ""
    return {
        "title": title_of(part.conversation, part.metadata),
        "href": href_of(part.page, part.start_s, out),
        "when": words("sec_from_for", time=words.clock(part.start_s), length=words.length(part.end_s - part.start_s)),
        "metadata": [(visible(name), visible(value)) for name, value in part.metadata if name != "call_id"],
        "silence": f"{len(silences)} ({told})" if silences else words("no_silences"),
        "chart": _chart(part, drawn, longest_s, axes, words),
        "people": [_person(one, part, out, places, words) for one in part.people],
    }  # fmt: skip


def href_of(page: Path | None, at_s: float, out: Path) -> str:
    """A link from `out` to a second of a report; empty without a report."""
    if page is None:
        return ""
    try:
        path = quote(Path(os.path.relpath(page, out.parent)).as_posix())
        path = path if "/" in path.partition(":")[0] or ":" not in path else f"./{path}"
    except ValueError:  # on another drive
        path = page.resolve().as_uri()
    return f"{path}#t={at_s:.2f}"


def _tells(speaker: Speaker) -> bool:
    """Whether there is speech enough to say how somebody sounded."""
    return speaker.affect is not None and speaker.affect.judged_s >= LITTLE_S


def _person(one: Person, part: Part, out: Path, places: dict[str, int], words: Wording) -> dict[str, object]:
    speaker, talk = one.speaker, one.speaker.talk
    role = None if speaker.role is None else visible(speaker.role)
    facts = []
    if talk is not None:
        facts.append((words("talk"), f"{words.clock(talk.talk_s)} ({words.percent(talk.share)} {words('share')})"))
        facts.append((words("turns"), str(talk.turns)))
    facts.append((words("sec_longest_turn"), words.length(one.longest_turn_s)))
    if one.words_per_min is not None:
        facts.append((words("pace"), words.number(one.words_per_min, 0)))
    if one.activation_sd is not None:
        facts.append((words("col_activation"), words.number(one.activation_sd, 1, sign=True)))
    return {
        "title": words.speaker(speaker.label, visible(speaker.name), role, speaker.role_source == "guess"),
        "place": places[_key(speaker)] % _COLOURS,
        "dash": _DASHES[places[_key(speaker)] % len(_DASHES)],
        "facts": [*facts, *_tone(speaker, words)],
        "remark": _remark(speaker, words),
        "said": visible(one.said),
        "said_at": words.clock(one.said_at) if one.said_at is not None else "",
        "href": href_of(part.page, one.said_at, out) if one.said_at is not None else "",
    }


def _tone(speaker: Speaker, words: Wording) -> list[tuple[str, str]]:
    affect = speaker.affect
    if affect is None or not _tells(speaker):
        return []
    pairs = [*zip(CLASSES, affect.class_shares, strict=True), ("unsure", affect.unsure_share)]
    shares = ", ".join(f"{words(key)} {words.percent(share)}" for key, share in pairs if share >= 0.005)

    def mean(found: Estimate | None) -> str:
        if found is None:
            return words.number(None)
        told = [words.number(value, 2, sign=True) for value in (found.mean, found.low, found.high)]
        return f"{told[0]} ({told[1]} … {told[2]})"

    return [
        (words("tone"), shares),
        (words("mean_valence"), mean(affect.valence)),
        (words("mean_arousal"), mean(affect.arousal)),
    ]


def _remark(speaker: Speaker, words: Wording) -> str:
    """Why nothing is said of somebody's tone; empty if something is."""
    if speaker.not_scored is not None:
        return words("ns_not_asked") if speaker.not_scored == "not_asked" else words("sec_not_scored")
    if speaker.affect is None:
        return words("ns_nothing")
    return "" if _tells(speaker) else words("little_judged", seconds=words.seconds(speaker.affect.judged_s, 0))


def _chart(
    part: Part, lines: Sequence[tuple[int, Trajectory]], longest_s: float, axes: Sequence[str], words: Wording
) -> dict[str, Any]:
    """Lines and bands of a chart, from the section's start; all charts of a section are equally long and high."""
    scale = (WIDTH - LEFT - RIGHT) / max(longest_s, 1e-9)
    step_s = next((step for step in TICK_STEPS_S if longest_s / step <= 5), TICK_STEPS_S[-1])
    rows = []
    for k, axis in enumerate(axes):
        top = TOP + k * (HIGH + APART)
        drawn = [_drawn(place, line, axis, part.start_s, scale, top + HIGH / 2) for place, line in lines]
        rows.append({"name": words(axis), "top": top, "middle": top + HIGH / 2, "bottom": top + HIGH, "lines": drawn})
    return {
        "width": WIDTH,
        "height": TOP + len(axes) * (HIGH + APART) - APART + BOTTOM,
        "left": LEFT,
        "right": WIDTH - RIGHT,
        "end": round(LEFT + (part.end_s - part.start_s) * scale, 1),
        "rows": rows if lines else [],
        "ticks": [
            (round(LEFT + t * scale, 1), words.clock(t)) for t in range(0, int(longest_s) + 1, step_s)
        ],
    }  # fmt: skip


def _drawn(place: int, line: Trajectory, axis: str, start_s: float, scale: float, middle: float) -> dict[str, object]:
    every = max(1, len(line.times_s) // MOST_POINTS)
    times = [LEFT + (t - start_s) * scale for t in line.times_s[::every]]
    low, mean, high = (list(getattr(line, name))[::every] for name in (f"{axis}_low", axis, f"{axis}_high"))

    def points(values: Sequence[float], xs: Sequence[float]) -> list[str]:
        return [f"{x:.1f},{middle - max(-1.0, min(1.0, y)) * HIGH / 2:.1f}" for x, y in zip(xs, values, strict=True)]

    found = []
    for a, b in stretches(mean):
        band = points(high[a:b], times[a:b]) + points(low[a:b], times[a:b])[::-1]
        found.append((" ".join(points(mean[a:b], times[a:b])), " ".join(band)))
    return {"place": place % _COLOURS, "dash": _DASHES[place % len(_DASHES)], "stretches": found}
