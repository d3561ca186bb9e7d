"""Arousal and valence over time (pure)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from ressenti.pipeline.records import Conversation, Trajectory
from ressenti.reports.figures.style import (
    GRID,
    Trace,
    base_layout,
    figure,
    rings_of,
    scatter,
    short,
    speaker_style,
    stretches,
    subplot,
    time_axis,
    titles_shown,
    with_alpha,
)
from ressenti.reports.page_options import is_long, valence_tells
from ressenti.reports.wording import Wording

if TYPE_CHECKING:
    import plotly.graph_objects as go

Axis = Literal["arousal", "valence"]
APART = 4  # speakers from which on each has a row of their own
MINUTE_S = 60.0


def trajectory(conversation: Conversation, words: Wording) -> go.Figure:
    """Arousal above, valence below: each speaker's smoothed line, its 95 % band and the points.

    From four speakers on, each has a row of their own. Valence is left out where it tells nothing. A long recording is
    shown by minute, until a part of it is chosen.
    """
    from plotly.subplots import make_subplots

    titles, lines = titles_shown(conversation, words), conversation.trajectories
    axes: tuple[Axis, ...] = ("arousal", "valence") if valence_tells(conversation) else ("arousal",)
    apart = len(lines) >= APART
    rows: list[tuple[Axis, Sequence[Trajectory]]] = [
        (axis, own) for axis in axes for own in ([[line] for line in lines] if apart else [lines])
    ]
    empty = make_subplots(
        rows=len(rows),
        cols=1,
        shared_xaxes=True,
        vertical_spacing=0.06 if not apart else 0.3 / len(rows),
        subplot_titles=[f"{titles[own[0].speaker]} · {words(axis)}" for axis, own in rows] if apart else None,
    )
    traces = [
        trace
        for row, (axis, own) in enumerate(rows, 1)
        for line in own
        for trace in _line(line, axis, row, conversation, titles, words)
    ]
    scale = {
        "range": [-1, 1],
        "dtick": 1 if apart else 0.5,
        "zeroline": True,
        "zerolinecolor": "#AAB2BD",
        "gridcolor": GRID,
        "automargin": True,
        "fixedrange": True,
    }
    layout: dict[str, Any] = base_layout(words, height=70 + (120 * len(rows) if apart else 200 * len(rows)))
    for row, (axis, _) in enumerate(rows, 1):
        number = row if row > 1 else ""
        layout[f"yaxis{number}"] = {**scale, "title": None if apart else {"text": words(axis)}}
        layout[f"xaxis{number}"] = {
            **time_axis(conversation, words),
            **({"title": None, "showticklabels": False} if row < len(rows) else {}),
        }
    empty.update_layout(**layout, showlegend=not apart)
    return figure(traces, empty.layout)


def _line(
    line: Trajectory, axis: Axis, row: int, conversation: Conversation, titles: dict[str, str], words: Wording
) -> list[Trace]:
    """A speaker's band, points and line on one axis, and all of them by minute for a long recording."""
    style = speaker_style([s.label for s in conversation.speakers].index(line.speaker))
    group = {"legendgroup": line.speaker, **subplot(row)}
    low, middle, high = (list(getattr(line, name)) for name in (f"{axis}_low", axis, f"{axis}_high"))
    drawn = _drawn(line.times_s, low, middle, high, style)
    points = scatter(
        x=short([p.time_s for p in line.points]),
        y=short([getattr(p, axis) for p in line.points]),
        mode="markers",
        marker={
            "color": style["colour"],
            "symbol": style["symbol"],
            "size": 6,
            "opacity": 0.45,
            **rings_of([p.turn for p in line.points], conversation),
        },
        customdata=[p.turn for p in line.points],
    )
    traces = [*drawn[:-1], points, drawn[-1]]
    meta: dict[str, Any] = {"title": titles[line.speaker], "axis": axis}
    if axis == "arousal":
        points["meta"] = {"valence": short([p.valence for p in line.points])}  # read out together
    if is_long(conversation):
        by_minute = _drawn(*_minutes(line.times_s, low, middle, high), style)
        traces = [{**trace, "visible": False, "meta": {**trace.get("meta", {}), "level": "turn"}} for trace in traces]
        traces += [{**trace, "meta": {"level": "minute"}} for trace in by_minute]
    hover = f"%{{text}} · {words(axis)} %{{y:.2f}}<extra></extra>"
    out = []
    for trace in traces:
        if trace.get("fill"):
            level = trace.get("meta")
            out.append(
                {**trace, **group, "hoverinfo": "skip", "showlegend": False, **({"meta": level} if level else {})}
            )
            continue
        told = {**meta, **trace.get("meta", {})}
        shown = row == 1 and trace["mode"] == "lines"
        named = {"name": titles[line.speaker]} if trace["mode"] == "lines" else {}
        out.append({**trace, **group, **named, "meta": told, "hovertemplate": hover, "showlegend": shown})
    return out


def _drawn(
    times_s: Sequence[float],
    low: list[float | None],
    middle: list[float | None],
    high: list[float | None],
    style: dict[str, str],
) -> list[Trace]:
    """A band for each stretch with values, and the line through all."""
    times = short(times_s)
    bands = [
        scatter(
            x=times[start:end] + times[start:end][::-1],
            y=short(high[start:end] + low[start:end][::-1]),
            fill="toself",
            fillcolor=with_alpha(style["colour"], 0.14),
            mode="lines",
            line={"width": 0},
        )
        for start, end in stretches(middle)
    ]
    line = {"color": style["colour"], "width": 2.5, "dash": style["dash"]}
    return [*bands, scatter(x=times, y=short(middle), mode="lines", line=line, connectgaps=False)]


def _minutes(
    times_s: Sequence[float], *values: list[float | None]
) -> tuple[list[float], list[float | None], list[float | None], list[float | None]]:
    """Middles of the minutes, and the means of values in them; None in minutes without a value."""
    found: dict[int, list[list[float]]] = defaultdict(lambda: [[] for _ in values])
    for k, time in enumerate(times_s):
        for own, one in zip(found[int(time // MINUTE_S)], values, strict=True):
            value = one[k]
            if value is not None:
                own.append(value)
    minutes = range(max(found, default=-1) + 1)
    means = [
        [sum(own) / len(own) if (own := found[minute][column]) else None for minute in minutes]
        for column in range(len(values))
    ]
    return [(minute + 0.5) * MINUTE_S for minute in minutes], means[0], means[1], means[2]
