"""The numbers behind each figure as a table, for readers who cannot see it or want to reuse them (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ressenti.pipeline.records import CLASSES, Conversation, Estimate, Turn
from ressenti.reports.figures.shares import seconds_by_class
from ressenti.reports.figures.talk import talk_by_part
from ressenti.reports.page_options import EXPRESSIVE, is_scored, titles_of
from ressenti.reports.wording import Wording

Cell = str | float | None
Whose = str | tuple[str, int]
_TIMES = ("start_s", "end_s", "time_s")
_TONE = ("col_class", "class_by", "col_score", "col_unsure", "col_note")


@dataclass(frozen=True)
class Table:
    """Columns and rows of one figure. Numbers are rounded to a meaningful precision.

    `times` are the columns of times: seconds in a CSV file, m:ss on the page. `tone` says of each row whose tone it
    tells: a label, or a label and the index of a turn; empty if nobody's. Of such a row, only `tone_columns` go when it
    may not be told; the whole row if there are none.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    times: tuple[int, ...]
    tone: tuple[Whose, ...] = ()
    tone_columns: tuple[int, ...] = ()


def make_tables(conversation: Conversation, words: Wording) -> dict[str, dict[str, Any]]:
    """One table per figure, by the figure's name, as plain data."""
    tables = {"timeline": _timeline(conversation, words), "talk": _talk(conversation, words)}
    if is_scored(conversation):
        tables |= {
            "trajectory": _trajectory(conversation, words),
            "plane": _points(conversation, words),
            "shares": _shares(conversation, words),
            "course": _course(conversation, words),
        }
    return {
        name: {
            "columns": table.columns,
            "rows": table.rows,
            "times": table.times,
            "tone": table.tone,
            "tone_columns": table.tone_columns,
        }
        for name, table in tables.items()
    }


def _timeline(conversation: Conversation, words: Wording) -> Table:
    titles = titles_of(conversation, words)
    tells = any(turn.speaker_told for turn in conversation.turns)
    doubt = ("col_speaker_probability", "speaker_unsure") if tells else ()
    judged = ("col_class", "class_by", "col_score", "overlap_s", "col_unsure")
    columns = ("col_speaker", *doubt, "start_s", "end_s", *judged, "col_note")
    rows: list[tuple[Cell, ...]] = [
        (
            titles[t.speaker],
            *(_doubt(t, words) if tells else ()),
            round(t.start_s, 2),
            round(t.end_s, 2),
            words(t.emotion.top) if t.emotion else None,
            words("by_person" if t.by_person else "by_model") if t.emotion else None,
            round(t.emotion.confidence, 3) if t.emotion and not t.by_person else None,
            round(t.overlap_s, 2),
            words("yes") if t.unsure else "",
            words(f"u_{t.unjudged}") if t.unjudged and is_scored(conversation) else "",
        )
        for t in conversation.turns
    ]
    silences = conversation.exchange.silences if conversation.exchange else ()
    nobody = (None,) * (1 + len(doubt))
    rows += [
        (*nobody, round(s.start_s, 2), round(s.end_s, 2), None, None, None, None, "", words("one_silence"))
        for s in silences
    ]
    holds = conversation.exchange.holds if conversation.exchange else ()
    rows += [
        (*nobody, round(s.start_s, 2), round(s.end_s, 2), None, None, None, None, "", words("facts_hold"))
        for s in holds
    ]
    rows += [
        (
            titles.get(s.speaker or ""),
            *(None,) * len(doubt),
            *(round(s.start_s, 2), round(s.end_s, 2), None, None, round(s.confidence, 3), None, ""),
            words(f"sound_{s.kind}"),
        )
        for s in conversation.sounds
    ]
    tone: list[Whose] = [(t.speaker, t.index) for t in conversation.turns]
    tone += [""] * (len(silences) + len(holds))
    tone += [s.speaker or "" if s.kind in EXPRESSIVE else "" for s in conversation.sounds]
    told = tuple(k for k, name in enumerate(columns) if name in _TONE)
    return _table(words, columns, rows, tone, told)


def _doubt(turn: Turn, words: Wording) -> tuple[Cell, ...]:
    """The probability of a turn's speaker, and whether the speaker is unsure."""
    known = turn.speaker_confidence
    return None if known is None else round(known, 3), words("yes") if turn.speaker_unsure else ""


def _trajectory(conversation: Conversation, words: Wording) -> Table:
    titles = titles_of(conversation, words)
    columns = ("col_speaker", "time_s", "valence", "low", "high", "arousal", "low", "high", "col_note")
    rows: list[tuple[Cell, ...]] = [
        (titles[line.speaker], *(None if v is None else round(v, 3) for v in values), words("smoothed"))
        for line in conversation.trajectories
        for values in zip(
            line.times_s,
            line.valence,
            line.valence_low,
            line.valence_high,
            line.arousal,
            line.arousal_low,
            line.arousal_high,
            strict=True,
        )
    ]
    for line in conversation.trajectories:
        rows += [
            (
                titles[line.speaker],
                *(round(p.time_s, 3), round(p.valence, 3), None, None),
                *(round(p.arousal, 3), None, None),
                words("raw_point"),
            )
            for p in line.points
        ]
    tone: list[Whose] = [line.speaker for line in conversation.trajectories for _ in line.times_s]
    tone += [(line.speaker, p.turn) for line in conversation.trajectories for p in line.points]
    return _table(words, columns, rows, tone)


def _points(conversation: Conversation, words: Wording) -> Table:
    titles = titles_of(conversation, words)
    people = {turn.index for turn in conversation.turns if turn.by_person}
    axes = ("valence", "sd", "low", "high", "arousal", "sd", "low", "high")
    columns = ("col_speaker", "time_s", "weight_s", *axes, "class_by", "col_note")
    rows: list[tuple[Cell, ...]] = [
        (
            titles[s.label],
            None,
            round(s.affect.judged_s, 3),
            *_estimated(s.affect.valence),
            *_estimated(s.affect.arousal),
            None,
            words("mean_interval"),
        )
        for s in conversation.speakers
        if s.affect is not None
    ]
    rows += [
        (
            titles[line.speaker],
            *(round(v, 3) for v in (p.time_s, p.weight_s, p.valence, p.valence_sd)),
            *(None, None),
            *(round(v, 3) for v in (p.arousal, p.arousal_sd)),
            *(None, None),
            words("by_person" if p.turn in people else "by_model"),
            words("raw_point"),
        )
        for line in conversation.trajectories
        for p in line.points
    ]
    tone: list[Whose] = [s.label for s in conversation.speakers if s.affect is not None]
    tone += [(line.speaker, p.turn) for line in conversation.trajectories for p in line.points]
    return _table(words, columns, rows, tone)


def _estimated(found: Estimate | None) -> tuple[Cell, ...]:
    """Mean, standard deviation and interval of an estimate."""
    if found is None:
        return (None,) * 4
    return tuple(round(value, 3) for value in (found.mean, found.sd, found.low, found.high))


def _shares(conversation: Conversation, words: Wording) -> Table:
    titles = titles_of(conversation, words)
    rows: list[tuple[Cell, ...]] = [
        (
            titles[s.label],
            round(s.affect.judged_s, 1),
            *(round(v, 3) for v in (*s.affect.class_shares, s.affect.unsure_share)),
        )
        for s in conversation.speakers
        if s.affect is not None
    ]
    tone = [s.label for s in conversation.speakers if s.affect is not None]
    return _table(words, ("col_speaker", "seconds_judged", *CLASSES, "unsure"), rows, tone)


def _course(conversation: Conversation, words: Wording) -> Table:
    titles = titles_of(conversation, words)
    step, bins = seconds_by_class(conversation)
    rows: list[tuple[Cell, ...]] = [
        (titles[label], round(k * step, 1), *(round(v, 1) for v in part))
        for label, parts in bins.items()
        for k, part in enumerate(parts)
    ]
    tone = [label for label, parts in bins.items() for _ in parts]
    return _table(words, ("col_speaker", "start_s", *CLASSES, "unsure"), rows, tone)


def _talk(conversation: Conversation, words: Wording) -> Table:
    titles = titles_of(conversation, words)
    step, parts = talk_by_part(conversation)
    rows: list[tuple[Cell, ...]] = [
        (titles[label], round(k * step, 1), round(value, 1), "")
        for label, values in parts.items()
        for k, value in enumerate(values)
    ]
    for i in conversation.exchange.interruptions if conversation.exchange else ():
        who, whom, seconds = titles[i.by], titles[i.of], words.seconds(i.overlap_s)
        rows.append((who, round(i.time_s, 1), None, words("interrupts", who=who, whom=whom, seconds=seconds)))
    return _table(words, ("col_speaker", "start_s", "seconds_spoken", "col_note"), rows)


def _table(
    words: Wording,
    columns: Sequence[str],
    rows: Sequence[tuple[Cell, ...]],
    tone: Sequence[Whose] = (),
    tone_columns: tuple[int, ...] = (),
) -> Table:
    times = tuple(k for k, name in enumerate(columns) if name in _TIMES)
    return Table(tuple(words(name) for name in columns), tuple(rows), times, tuple(tone), tone_columns)
