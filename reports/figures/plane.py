"""The valence-arousal plane (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import cos, log, pi, sin, sqrt
from typing import TYPE_CHECKING, Any

from ressenti.pipeline.records import CLASSES, AffectPoint, Conversation, Trajectory
from ressenti.reports.figures.style import (
    CLASS_COLOURS,
    CLASS_PATTERNS,
    GRID,
    INK,
    Trace,
    base_layout,
    error_bar,
    figure,
    rings_of,
    scatter,
    short,
    speaker_style,
    titles_shown,
    with_alpha,
)
from ressenti.reports.page_options import options_of
from ressenti.reports.wording import Wording

if TYPE_CHECKING:
    import plotly.graph_objects as go


NAME_WIDTH = 0.34  # approximate width of a class name on a phone, in units of the plane


def plane(conversation: Conversation, words: Wording) -> go.Figure:
    """The five regions, every judged point, and each speaker's path over time, 68 % ellipse and mean with interval."""
    titles = titles_shown(conversation, words)
    anchors = options_of(conversation, "affect")["anchors"]
    traces = [trace for name in CLASSES for trace in _region(name, anchors)]
    order = [s.label for s in conversation.speakers]
    for line in conversation.trajectories:
        style = speaker_style(order.index(line.speaker))
        traces.append(
            scatter(
                x=short([p.valence for p in line.points]),
                y=short([p.arousal for p in line.points]),
                mode="markers",
                legendgroup=line.speaker,
                showlegend=False,
                marker={
                    "color": style["colour"],
                    "symbol": style["symbol"],
                    "opacity": 0.4,
                    "size": [round(5 + 2 * min(8.0, p.weight_s) ** 0.5, 1) for p in line.points],
                    **rings_of([p.turn for p in line.points], conversation),
                },
                customdata=[p.turn for p in line.points],
                meta={"title": titles[line.speaker], "times": short([p.time_s for p in line.points])},
                hovertemplate="%{text} · (%{x:.2f}, %{y:.2f})<extra></extra>",
            )
        )
        traces += _path(line, style, titles[line.speaker])
        affect = conversation.speaker(line.speaker).affect
        if affect is None or affect.valence is None or affect.arousal is None:
            continue
        traces.append(
            scatter(
                x=[round(affect.valence.mean, 3)],
                y=[round(affect.arousal.mean, 3)],
                mode="markers",
                name=titles[line.speaker],
                legendgroup=line.speaker,
                marker={
                    "color": style["colour"],
                    "symbol": style["symbol"],
                    "size": 15,
                    "line": {"color": "#fff", "width": 2},
                },
                error_x=error_bar(affect.valence.mean, affect.valence.low, affect.valence.high, style["colour"]),
                error_y=error_bar(affect.arousal.mean, affect.arousal.low, affect.arousal.high, style["colour"]),
                text=[titles[line.speaker]],
                hovertemplate="%{text}<br>(%{x:.2f}, %{y:.2f})<extra></extra>",
            )
        )
    scale = {
        "range": [-1, 1],
        "zeroline": True,
        "zerolinecolor": "#AAB2BD",
        "gridcolor": GRID,
        "dtick": 0.5,
        "automargin": True,
    }
    return figure(
        traces,
        base_layout(words, height=460),
        xaxis={**scale, "title": {"text": words("valence_axis")}, "fixedrange": True},
        yaxis={**scale, "title": {"text": words("arousal_axis")}, "fixedrange": True},
        annotations=[_label(name, anchors, words) for name in CLASSES if region(name, anchors)],
    )


def _region(name: str, anchors: dict[str, tuple[float, float]]) -> list[Trace]:
    """The region where a class is the nearest, in its colour and pattern, and a cross at its anchor."""
    corners = region(name, anchors)
    area = scatter(
        x=short([x for x, _ in corners]),
        y=short([y for _, y in corners]),
        mode="lines",
        fill="toself",
        **_filled(name),
        line={"color": "#FFFFFF", "width": 1.5},
        hoverinfo="skip",
        showlegend=False,
    )
    cross = scatter(
        x=[anchors[name][0]],
        y=[anchors[name][1]],
        mode="markers",
        marker={"size": 12, "symbol": "x-thin", "line": {"color": "#52606D", "width": 1.5}},
        hoverinfo="skip",
        showlegend=False,
    )
    return [area, cross]


def _filled(name: str) -> dict[str, Any]:
    """Style of a region: like a bar of its class, but pale, so that points and paths stand out."""
    pale = with_alpha(CLASS_COLOURS[name], 0.1)
    shape = CLASS_PATTERNS[name]
    lines = {"shape": shape, "fgcolor": with_alpha(CLASS_COLOURS[name], 0.17), "bgcolor": pale, "size": 12}
    return {"fillcolor": pale, **({"fillpattern": {**lines, "solidity": 0.12}} if shape else {})}


def _label(name: str, anchors: dict[str, tuple[float, float]], words: Wording) -> dict[str, Any]:
    """The name of a region at its edge, on a pale ground above everything else."""
    x, y = label_place(region(name, anchors), top=anchors[name][1] >= 0)
    return {
        "x": round(x, 3),
        "y": round(y, 3),
        "text": words(name),
        "showarrow": False,
        "yanchor": "top" if anchors[name][1] >= 0 else "bottom",
        "yshift": -3 if anchors[name][1] >= 0 else 3,
        "font": {"size": 12, "color": INK, "weight": 600},
        "bgcolor": "rgba(255,255,255,0.8)",
        "borderpad": 2,
    }


def label_place(corners: Sequence[tuple[float, float]], top: bool) -> tuple[float, float]:
    """The position of a region's name: nearest to its upper (or lower) edge where the region is wide enough.

    Corners as `region` gives them. The name is centred at that level, or at the widest level if none is wide enough.
    """
    lowest, highest = min(y for _, y in corners), max(y for _, y in corners)
    inner = [lowest + (highest - lowest) * k / 100 for k in range(1, 100)]
    widest, place = 0.0, corners[0]
    for y in reversed(inner) if top else inner:
        across = [
            ax + (y - ay) / (by - ay) * (bx - ax)
            for (ax, ay), (bx, by) in pairwise(corners)
            if min(ay, by) <= y < max(ay, by)
        ]
        width = max(across) - min(across)
        if width > widest:
            widest, place = width, ((max(across) + min(across)) / 2, y)
        if widest >= NAME_WIDTH:
            break
    return place


def region(name: str, anchors: dict[str, tuple[float, float]]) -> list[tuple[float, float]]:
    """Corners of the part of the plane that is nearer to a class than to any other, the first repeated at the end.

    Cuts the square along the perpendicular bisectors (Sutherland & Hodgman 1974).
    """
    anchor = anchors[name]
    corners: list[tuple[float, float]] = [(-1, -1), (1, -1), (1, 1), (-1, 1)]
    for other, place in anchors.items():
        if other == name or tuple(place) == tuple(anchor):
            continue
        nx, ny = place[0] - anchor[0], place[1] - anchor[1]
        limit = (place[0] ** 2 + place[1] ** 2 - anchor[0] ** 2 - anchor[1] ** 2) / 2
        inside: list[tuple[float, float]] = []
        for (ax, ay), (bx, by) in zip(corners, corners[1:] + corners[:1], strict=True):
            a, b = nx * ax + ny * ay - limit, nx * bx + ny * by - limit
            if a <= 0:
                inside.append((ax, ay))
            if a * b < 0:
                share = a / (a - b)
                inside.append((ax + share * (bx - ax), ay + share * (by - ay)))
        corners = inside
    return corners + corners[:1]


def _path(line: Trajectory, style: dict[str, str], title: str) -> list[Trace]:
    """The smoothed path through the plane, paler at the start and with an arrow at the end, and the ellipse."""
    out = []
    there = [
        (t, v, a)
        for t, v, a in zip(line.times_s, line.valence, line.arousal, strict=True)
        if v is not None and a is not None
    ]
    if len(there) > 1:
        count = len(there)
        out.append(
            scatter(
                x=short([v for _, v, _ in there]),
                y=short([a for _, _, a in there]),
                mode="lines+markers",
                legendgroup=line.speaker,
                showlegend=False,
                line={"color": with_alpha(style["colour"], 0.55), "width": 1.5},
                marker={
                    "color": [
                        with_alpha(style["colour"], round(0.15 + 0.85 * k / (count - 1), 2)) for k in range(count)
                    ],
                    "symbol": ["circle"] * (count - 1) + ["arrow"],
                    "size": [4] * (count - 1) + [14],
                    "angleref": "previous",
                },
                meta={"title": title, "times": short([t for t, _, _ in there]), "path": True},
                hovertemplate="%{text} · (%{x:.2f}, %{y:.2f})<extra></extra>",
            )
        )
    corners = ellipse(line.points)
    if corners:
        out.append(
            scatter(
                x=short([x for x, _ in corners]),
                y=short([y for _, y in corners]),
                mode="lines",
                legendgroup=line.speaker,
                showlegend=False,
                line={"color": style["colour"], "width": 1.5, "dash": style["dash"]},
                hoverinfo="skip",
            )
        )
    return out


def ellipse(points: Sequence[AffectPoint], share: float = 0.68) -> list[tuple[float, float]]:
    """The ellipse around the weighted mean that holds `share` of a normal distribution with the points' covariance.

    The home base of Hipson & Mohammad 2021; empty with fewer than three points, or if they lie on one line.
    """
    total = sum(p.weight_s for p in points)
    if len(points) < 3:
        return []
    x = sum(p.weight_s * p.valence for p in points) / total
    y = sum(p.weight_s * p.arousal for p in points) / total
    xx = sum(p.weight_s * (p.valence - x) ** 2 for p in points) / total
    yy = sum(p.weight_s * (p.arousal - y) ** 2 for p in points) / total
    xy = sum(p.weight_s * (p.valence - x) * (p.arousal - y) for p in points) / total
    if xx * yy - xy * xy <= 1e-9:
        return []
    radius = sqrt(-2 * log(1 - share))
    a = sqrt(xx)  # Cholesky factor of the covariance, which maps a circle to the ellipse
    b = xy / a
    c = sqrt(yy - b * b)
    turns = [2 * pi * k / 72 for k in range(73)]
    return [(x + radius * a * cos(t), y + radius * (b * cos(t) + c * sin(t))) for t in turns]
