"""Rules between the fields of a stored conversation, beyond their types (pure).

1. Speaker labels and turn indices are unique, and each turn belongs to an existing speaker.
2. Times are within the recording (plus one second, for a last frame): turns, segments, windows, words, silenced spans,
   omissions and personal data, points, silences, holds, interruptions, monologues, moments, sounds.
3. At most 100 turns overlap at any time; a file with more is not a conversation and takes hours.
4. Windows are within their turn, and a turn's overlap is at most its duration.
5. Words, also those found before a person wrote others (once for each turn), omissions, points and corrections belong
   to existing turns; trajectories, interruptions, monologues, segments, embeddings, channels, languages, moments,
   sounds and corrections belong to existing speakers (corrections may also add S1 to S99); spans to ignore begin within
   the recording; each speaker has at most one trajectory, and one channel, which the recording has.
6. A trajectory's seven lines have one length, its times and those of its points are in order, and its band is
   low <= middle <= high, all three or none.
7. Class shares and the unsure share add up to at most 1; an estimate has low <= high.
8. Moments have the figures that their kind needs, and so do notes with counts.
9. Levels are at most one step longer than the recording.
10. The options are valid for `pipeline.config`, with the types of the schema; `trajectory.step_s` gives at most 200,000
    times for the recording.
11. Exclusive segments do not overlap.
12. Each speaker has at most one language of recognised words, and none exactly if its source is `unknown`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from heapq import heappop, heappush
from itertools import chain, pairwise
from typing import Any

from ressenti.pipeline.config import Config
from ressenti.pipeline.errors import CorrectionsError
from ressenti.pipeline.records import (
    CLASSES,
    NEW_LABEL,
    Conversation,
    Moment,
    Note,
    Omission,
    PersonalData,
    Trajectory,
    Turn,
    Word,
)

MOST_AT_ONCE = 100
MOST_GRID = 200_000
BEYOND_S = 1.0
_ROUNDED = 2e-6  # twice the possible change by rounding to six decimals
_TOLD_BY: dict[str, tuple[str, ...]] = {
    "tension": ("tension", "low", "high", "usual"),
    "valence": ("change", "from", "to", "z"),
    "arousal": ("change", "from", "to", "z"),
    "activated": ("activation", "low", "high"),
    "silence": ("seconds",),
    "monologue": ("seconds",),
    "interruption": ("overlap_s",),
    "laughter": ("confidence",),
    "crying": ("confidence",),
    "contrast": ("confidence", "share"),
}
_COUNTED: dict[str, tuple[str, ...]] = {
    "more_than_roles": ("found", "roles"),
    "fewer_speakers": ("asked", "found"),
    "channel_voices": ("channel", "voices"),
}


class BrokenRuleError(ValueError):
    """A rule that a stored conversation breaks; the message starts with the field."""


def check(conversation: Conversation, config: Config) -> None:
    """Raise `BrokenRuleError` for the first broken rule; `config` are the conversation's options.

    Raises `CorrectionsError` for corrections of turns or speakers that do not exist.
    """
    points = conversation.recording.duration_s / config.trajectory.step_s
    _check(points <= MOST_GRID, f"config.trajectory.step_s: {points:,.0f} points; expected at most {MOST_GRID:,}")
    _unique("speakers", [s.label for s in conversation.speakers])
    _unique("turns", [t.index for t in conversation.turns])
    _known(conversation)
    _inside(conversation, config)
    _at_once(conversation.turns)
    for k, turn in enumerate(conversation.turns):
        _turn(turn, f"turns.{k}")
    for k, line in enumerate(conversation.trajectories):
        _trajectory(line, f"trajectories.{k}")
    _figures(conversation)
    for k, moment in enumerate(conversation.moments):
        _moment(moment, f"moments.{k}")
    for place, note in _notes(conversation):
        _numbers(note.values, _COUNTED.get(note.key, ()), place)
    _levels(conversation)
    _apart(conversation)


def _check(holds: bool, message: str) -> None:
    if not holds:
        raise BrokenRuleError(message)


def _unique(field: str, keys: Sequence[object]) -> None:
    seen: set[object] = set()
    for key in keys:
        _check(key not in seen, f"{field}: {key!r} occurs twice; expected each once")
        seen.add(key)


def _known(conversation: Conversation) -> None:
    """Check that all turns and speakers referred to exist."""
    turns = {t.index for t in conversation.turns}
    labels = {s.label for s in conversation.speakers}
    points = chain.from_iterable(line.points for line in conversation.trajectories)
    of_turns: list[tuple[str, Iterable[int | None]]] = [
        ("words", (w.turn for w in conversation.words)),
        ("words_found", (f.turn for f in conversation.words_found)),
        ("words_found", (w.turn for f in conversation.words_found for w in f.words)),
        ("omissions", (o.turn for o in conversation.omissions)),
        ("trajectories", (p.turn for p in points)),
    ]
    for field, found in of_turns:
        strange = next((turn for turn in found if turn is not None and turn not in turns), None)
        _check(strange is None, f"{field}: turn {strange} does not exist")
    exchange, found_by, said = conversation.exchange, conversation.diarization, conversation.transcription
    of_speakers: list[tuple[str, Iterable[str | None]]] = [
        ("turns", (t.speaker for t in conversation.turns)),
        ("turns.original", (t.original.speaker for t in conversation.turns if t.original)),
        ("trajectories", (line.speaker for line in conversation.trajectories)),
        ("diarization.segments", (s.speaker for s in found_by.segments)),
        ("diarization.exclusive", (s.speaker for s in found_by.exclusive)),
        ("diarization.embeddings", (label for label, _ in found_by.embeddings)),
        ("diarization.channels", (label for label, _ in found_by.channels)),
        ("transcription.languages", (own.speaker for own in said.languages) if said else ()),
        ("moments", (m.speaker for m in conversation.moments)),
        ("sounds", (s.speaker for s in conversation.sounds)),
        ("exchange.monologues", (m.speaker for m in exchange.monologues) if exchange else ()),
        ("exchange.interruptions", (who for i in exchange.interruptions for who in (i.by, i.of)) if exchange else ()),
    ]
    for field, who in of_speakers:
        unknown = next((label for label in who if label is not None and label not in labels), None)
        _check(unknown is None, f"{field}: speaker {unknown!r} does not exist")
    _corrections(conversation, turns, labels)
    _unique("words_found", [found.turn for found in conversation.words_found])
    _unique("trajectories", [line.speaker for line in conversation.trajectories])
    _unique("diarization.embeddings", [label for label, _ in found_by.embeddings])
    _unique("diarization.channels", [label for label, _ in found_by.channels])
    languages = said.languages if said else ()
    _unique("transcription.languages", [own.speaker for own in languages])
    for k, own in enumerate(languages):
        known = (own.source == "unknown") == (own.language is None)
        _check(known, f"transcription.languages.{k}: expected no language exactly if its source is unknown")
    last = max((channel for _, channel in found_by.channels), default=1)
    there = conversation.recording.channels
    _check(last <= there, f"diarization.channels: channel {last} does not exist; the recording has {there}")


def _corrections(conversation: Conversation, turns: set[int], labels: set[str]) -> None:
    """Check that corrections refer to existing turns and speakers; raises `CorrectionsError`, as for other sources."""
    strange = next((c.turn for c in conversation.corrections.turns if c.turn not in turns), None)
    if strange is not None:
        raise CorrectionsError(
            f"corrections.turns: turn {strange} does not exist. Use the corrections of this recording."
        )
    named = conversation.corrections.speakers
    new = next((label for label in named if label not in labels and not NEW_LABEL.fullmatch(label)), None)
    if new is not None:
        raise CorrectionsError(
            f"corrections: speaker {new!r} does not exist; expected one of {', '.join(sorted(labels))}, or a new one "
            f"such as S{len(labels) + 1}."
        )
    duration_s = conversation.recording.duration_s
    late = next((span for span in conversation.corrections.ignored if span.start_s >= duration_s), None)
    if late is not None:
        raise CorrectionsError(
            f"corrections.ignored: {late.start_s:g}-{late.end_s:g} s is outside the recording, which is "
            f"{duration_s:g} s long. Use the corrections of this recording."
        )


def _inside(conversation: Conversation, config: Config) -> None:
    """Check that everything ends within the recording."""
    end_s = conversation.recording.duration_s + BEYOND_S
    exchange, step_s = conversation.exchange, config.trajectory.step_s
    for field, ends in (
        ("turns", (t.end_s for t in conversation.turns)),
        ("diarization.segments", (s.end_s for s in conversation.diarization.segments)),
        ("diarization.exclusive", (s.end_s for s in conversation.diarization.exclusive)),
        ("words", (w.end_s for w in conversation.words)),
        ("words_found", (w.end_s for found in conversation.words_found for w in found.words)),
        ("bleeps", (b.end_s for b in conversation.bleeps)),
        ("omissions", (o.end_s for o in conversation.omissions)),
        ("personal_data", (p.end_s for p in conversation.personal_data)),
        ("moments", (m.end_s for m in conversation.moments)),
        ("sounds", (s.end_s for s in conversation.sounds)),
        ("trajectories", (t - step_s for line in conversation.trajectories for t in line.times_s)),
        ("trajectories", (p.time_s for line in conversation.trajectories for p in line.points)),
        ("exchange.silences", (s.end_s for s in exchange.silences) if exchange else ()),
        ("exchange.holds", (s.end_s for s in exchange.holds) if exchange else ()),
        ("exchange.monologues", (m.end_s for m in exchange.monologues) if exchange else ()),
        ("exchange.interruptions", (i.time_s + i.overlap_s for i in exchange.interruptions) if exchange else ()),
    ):
        last = max(ends, default=0.0)
        _check(last <= end_s, f"{field}: {last:g} s is after the end of the recording ({end_s - BEYOND_S:g} s)")
    timed: tuple[tuple[str, Sequence[Word | Omission | PersonalData]], ...] = (
        ("words", conversation.words),
        ("words_found", [word for found in conversation.words_found for word in found.words]),
        ("omissions", conversation.omissions),
        ("personal_data", conversation.personal_data),
    )
    for field, spans in timed:
        late = next((s for s in spans if s.start_s > s.end_s), None)
        _check(late is None, f"{field}: one ends before it starts" + (f", at {late.start_s:g} s" if late else ""))


def _at_once(turns: Sequence[Turn]) -> None:
    ends: list[float] = []
    for turn in sorted(turns, key=lambda t: t.start_s):
        while ends and ends[0] <= turn.start_s:
            heappop(ends)
        heappush(ends, turn.end_s)
        _check(
            len(ends) <= MOST_AT_ONCE,
            f"turns: {len(ends)} overlap at {turn.start_s:g} s; expected at most {MOST_AT_ONCE}",
        )


def _turn(turn: Turn, field: str) -> None:
    windows = turn.windows + (turn.original.windows if turn.original else ())
    inside = all(
        turn.start_s - _ROUNDED <= w.start_s and w.end_s <= turn.end_s + _ROUNDED
        and w.weight_s <= turn.duration_s + _ROUNDED for w in windows
    )  # fmt: skip
    _check(inside, f"{field}.windows: a window is outside its turn or longer")
    _check(
        turn.overlap_s <= turn.duration_s + _ROUNDED, f"{field}.overlap_s: {turn.overlap_s:g} s is longer than the turn"
    )


def _trajectory(line: Trajectory, field: str) -> None:
    lines = (line.valence, line.valence_low, line.valence_high, line.arousal, line.arousal_low, line.arousal_high)
    count = len(line.times_s)
    _check(all(len(one) == count for one in lines), f"{field}: lines differ in length; expected {count} values each")
    _check(all(a < b for a, b in pairwise(line.times_s)), f"{field}.times_s: not in time order")
    _check(all(a.time_s <= b.time_s for a, b in pairwise(line.points)), f"{field}.points: not in time order")
    for name, (middle, low, high) in (("valence", lines[:3]), ("arousal", lines[3:])):
        for m, l, h in zip(middle, low, high, strict=True):  # noqa: E741  # low
            fits = (m is l is h is None) if m is None or l is None or h is None else l <= m <= h
            _check(fits, f"{field}.{name}: got low {l}, middle {m}, high {h}; expected low <= middle <= high")


def _figures(conversation: Conversation) -> None:
    for k, speaker in enumerate(conversation.speakers):
        affect, field = speaker.affect, f"speakers.{k}.affect"
        if affect is None:
            continue
        total = sum(affect.class_shares) + affect.unsure_share
        _check(total <= 1 + 10 * _ROUNDED, f"{field}: the shares add up to {total:g}; expected at most 1")
        for name in ("valence", "arousal", "valence_change", "arousal_change"):
            found = getattr(affect, name)
            _check(found is None or found.low <= found.high, f"{field}.{name}: low is above high")


def _moment(moment: Moment, field: str) -> None:
    _numbers(moment.values, _TOLD_BY[moment.kind], field)
    _check(isinstance(moment.values.get("by_person", 0), int | float), f"{field}.values.by_person: expected a number")
    if moment.kind == "interruption":
        _check(isinstance(moment.values.get("of"), str), f"{field}.values.of: expected a speaker")
    if moment.kind == "contrast":
        for name, known in (("voice", CLASSES), ("words", ("negative", "positive"))):
            told = f"{field}.values.{name}: expected one of {', '.join(known)}"
            _check(moment.values.get(name) in known, told)
    _check(
        moment.speaker is not None or moment.kind in ("silence", "laughter", "crying"), f"{field}.speaker: is missing"
    )


def _numbers(values: dict[str, Any], names: Sequence[str], field: str) -> None:
    for name in names:
        _check(isinstance(values.get(name), int | float), f"{field}.values.{name}: expected a number")


def _notes(conversation: Conversation) -> Iterator[tuple[str, Note]]:
    yield "layout_reason", conversation.layout_reason
    for field, notes in (
        ("recording.notes", conversation.recording.notes),
        ("diarization.notes", conversation.diarization.notes),
        *((f"models.{k}.notes", m.notes) for k, m in enumerate(conversation.models)),
    ):
        yield from ((f"{field}.{k}", note) for k, note in enumerate(notes))


def _levels(conversation: Conversation) -> None:
    levels = conversation.levels
    if levels is None:
        return
    lasts_s, most_s = len(levels.dbfs) * levels.step_s, conversation.recording.duration_s + BEYOND_S + levels.step_s
    _check(lasts_s <= most_s, f"levels: {lasts_s:g} s long; expected at most {most_s:g} s")


def _apart(conversation: Conversation) -> None:
    ordered = sorted(conversation.diarization.exclusive, key=lambda s: s.start_s)
    strange = next((b for a, b in pairwise(ordered) if b.start_s < a.end_s - _ROUNDED), None)
    _check(
        strange is None,
        "diarization.exclusive: segments overlap" + (f" at {strange.start_s:g} s" if strange else ""),
    )
