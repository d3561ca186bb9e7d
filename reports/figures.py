"""Numbers -> plotly figures (pure): who spoke when, trajectories, the plane, class shares."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pipeline.records import CLASSES, Conversation, Turn
from reports.scoring import shown_classes
from reports.summary import is_scored, options_of, titles_of
from reports.wording import Wording

if TYPE_CHECKING:
    import plotly.graph_objects as go

CLASS_COLOURS = {  # Okabe & Ito 2008, told apart by the colour-blind; the letter in each bar says the same
    "Pleased": "#E69F00",
    "Relaxed": "#009E73",
    "Neutral": "#8C8C8C",
    "Sad": "#0072B2",
    "Tension": "#D55E00",
}
SPEAKER_COLOURS = ("#332288", "#AA3377", "#117733", "#B8860B", "#444444", "#2A9D8F", "#882255", "#5566AA")  # Tol 2021
_DASHES = ("solid", "dash", "dot", "dashdot")
_SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross", "x", "star", "hexagon")
TICK_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
_PALE = "#DDE1E6"
_GRID = "#E8EBEF"
_INK = "#1F2933"


def make_figures(conversation: Conversation, words: Wording) -> dict[str, go.Figure]:
    """The figures of a page by name; those of emotion are left out where nobody's was judged."""
    figures = {"timeline": timeline(conversation, words)}
    if is_scored(conversation):
        figures["trajectory"] = trajectory(conversation, words)
        figures["plane"] = plane(conversation, words)
        figures["shares"] = shares(conversation, words)
    return figures


def timeline(conversation: Conversation, words: Wording) -> go.Figure:
    """One lane per speaker, a bar per turn: its class as colour and letter; hatched: unsure, pale: not judged."""
    import plotly.graph_objects as go

    titles = _titles(conversation, words)
    scored = is_scored(conversation)
    figure = go.Figure()
    for key in (*CLASSES, "none"):
        for unsure in (False, True):
            turns = [t for t in conversation.turns if _key(t) == key and t.unsure == unsure]
            if not turns:
                continue
            name = words(key) if key != "none" else words("not_judged" if scored else "speech")
            figure.add_bar(
                name=f"{name} ({words('n_unsure')})" if unsure else name,
                showlegend=False,  # the page has a legend of its own, one entry per class
                orientation="h",
                y=[t.speaker for t in turns],
                base=_short([t.start_s for t in turns]),
                x=_short([t.duration_s for t in turns]),
                marker=_bar_style(key, unsure, scored),
                text=[words(f"letter_{key}") if key != "none" else "" for _ in turns],
                textposition="inside",
                insidetextanchor="middle",
                textangle=0,
                textfont={"color": "#000" if unsure or key == "Pleased" else "#fff"},
                customdata=[t.index for t in turns],
                hovertext=[_hover(t, conversation, titles, words) for t in turns],
                hovertemplate="%{hovertext}<extra></extra>",
                width=0.62,
            )
    lanes = [s.label for s in conversation.speakers]
    figure.update_layout(
        **_base(words, height=70 + 52 * len(lanes), top=8),
        barmode="overlay",
        uniformtext={"mode": "hide", "minsize": 9},
        yaxis=_lane_axis(lanes, titles),
        xaxis=_time_axis(conversation, words),
    )
    return figure


def trajectory(conversation: Conversation, words: Wording) -> go.Figure:
    """Valence above, arousal below: each speaker's smoothed line, its 95 % band and the points."""
    from plotly.subplots import make_subplots

    titles = _titles(conversation, words)
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.06)
    order = [s.label for s in conversation.speakers]
    for line in conversation.trajectories:
        style = _style(order.index(line.speaker))
        times = _short(line.times_s)
        for row, axis in ((1, "valence"), (2, "arousal")):
            group = {"legendgroup": line.speaker, "row": row, "col": 1}
            low, middle, high = (list(getattr(line, name)) for name in (f"{axis}_low", axis, f"{axis}_high"))
            for start, end in _stretches(middle):
                figure.add_scatter(
                    x=times[start:end] + times[start:end][::-1],
                    y=_short(high[start:end] + low[start:end][::-1]),
                    fill="toself",
                    fillcolor=_with_alpha(style["colour"], 0.14),
                    mode="lines",
                    line={"width": 0},
                    hoverinfo="skip",
                    showlegend=False,
                    **group,
                )
            figure.add_scatter(
                x=_short([p.time_s for p in line.points]),
                text=[f"{titles[line.speaker]}<br>{words.clock(p.time_s)}" for p in line.points],
                y=_short([getattr(p, axis) for p in line.points]),
                mode="markers",
                marker={"color": style["colour"], "symbol": style["symbol"], "size": 6, "opacity": 0.45},
                customdata=[p.turn for p in line.points],
                hovertemplate=f"%{{text}} · {words(axis)} %{{y:.2f}}<extra></extra>",
                showlegend=False,
                **group,
            )
            figure.add_scatter(
                x=times,
                text=[f"{titles[line.speaker]}<br>{words.clock(t)}" for t in line.times_s],
                y=_short(middle),
                mode="lines",
                name=titles[line.speaker],
                line={"color": style["colour"], "width": 2.5, "dash": style["dash"]},
                connectgaps=False,
                hovertemplate=f"%{{text}} · {words(axis)} %{{y:.2f}}<extra></extra>",
                showlegend=row == 1,
                **group,
            )
    scale = {
        "range": [-1, 1],
        "dtick": 0.5,
        "zeroline": True,
        "zerolinecolor": "#AAB2BD",
        "gridcolor": _GRID,
        "automargin": True,
        "fixedrange": True,
    }
    figure.update_layout(
        **_base(words, height=470),
        yaxis={**scale, "title": {"text": words("valence")}},
        yaxis2={**scale, "title": {"text": words("arousal")}},
        xaxis={**_time_axis(conversation, words), "title": None},
        xaxis2=_time_axis(conversation, words),
    )
    return figure


def plane(conversation: Conversation, words: Wording) -> go.Figure:
    """The valence-arousal plane: where the classes lie, every judged point, each speaker's mean with its interval."""
    import plotly.graph_objects as go

    titles = _titles(conversation, words)
    anchors = options_of(conversation, "affect")["anchors"]
    figure = go.Figure()
    figure.add_scatter(
        x=[anchors[name][0] for name in CLASSES],
        y=[anchors[name][1] for name in CLASSES],
        mode="markers+text",
        text=[words(name) for name in CLASSES],
        textposition=["top left" if anchors[name][0] > 0.5 else "top center" for name in CLASSES],
        textfont={"size": 12, "color": "#52606D"},
        marker={"size": 26, "color": [CLASS_COLOURS[name] for name in CLASSES], "opacity": 0.28},
        hoverinfo="skip",
        showlegend=False,
    )
    order = [s.label for s in conversation.speakers]
    for line in conversation.trajectories:
        style = _style(order.index(line.speaker))
        figure.add_scatter(
            x=_short([p.valence for p in line.points]),
            y=_short([p.arousal for p in line.points]),
            mode="markers",
            legendgroup=line.speaker,
            showlegend=False,
            marker={
                "color": style["colour"],
                "symbol": style["symbol"],
                "opacity": 0.4,
                "size": [round(5 + 2 * min(8.0, p.weight_s) ** 0.5, 1) for p in line.points],
            },
            customdata=[p.turn for p in line.points],
            text=[f"{titles[line.speaker]}<br>{words.clock(p.time_s)}" for p in line.points],
            hovertemplate="%{text} · (%{x:.2f}, %{y:.2f})<extra></extra>",
        )
        affect = conversation.speaker(line.speaker).affect
        if affect is None or affect.valence is None or affect.arousal is None:
            continue
        figure.add_scatter(
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
            error_x=_error(affect.valence.mean, affect.valence.low, affect.valence.high, style["colour"]),
            error_y=_error(affect.arousal.mean, affect.arousal.low, affect.arousal.high, style["colour"]),
            text=[titles[line.speaker]],
            hovertemplate="%{text}<br>(%{x:.2f}, %{y:.2f})<extra></extra>",
        )
    scale = {
        "range": [-1, 1],
        "zeroline": True,
        "zerolinecolor": "#AAB2BD",
        "gridcolor": _GRID,
        "dtick": 0.5,
        "automargin": True,
    }
    figure.update_layout(
        **_base(words, height=460),
        xaxis={**scale, "title": {"text": words("valence_axis")}, "fixedrange": True},
        yaxis={**scale, "title": {"text": words("arousal_axis")}, "fixedrange": True},
    )
    return figure


def shares(conversation: Conversation, words: Wording) -> go.Figure:
    """Share of each speaker's judged time by class; what is unsure, hatched."""
    import plotly.graph_objects as go

    titles = _titles(conversation, words)
    speakers = [s for s in conversation.speakers if s.affect is not None]
    lanes = [s.label for s in speakers]
    figure = go.Figure()
    for k, key in enumerate((*CLASSES, "unsure")):
        values = [s.affect.class_shares[k] if k < len(CLASSES) else s.affect.unsure_share for s in speakers if s.affect]
        figure.add_bar(
            name=words(key),
            showlegend=False,
            orientation="h",
            y=lanes,
            x=_short(values),
            marker=_bar_style(key, key == "unsure", scored=True),
            text=[words.percent(v) if v >= 0.04 else "" for v in values],
            textposition="inside",
            insidetextanchor="middle",
            textangle=0,
            textfont={"color": "#000" if key in ("unsure", "Pleased") else "#fff"},
            hovertext=[
                f"{titles[lane]}<br>{words(key)} {words.percent(v, 1)}" for lane, v in zip(lanes, values, strict=True)
            ],
            hovertemplate="%{hovertext}<extra></extra>",
            width=0.62,
        )
    figure.update_layout(
        **_base(words, height=60 + 52 * len(lanes), top=8),
        barmode="stack",
        uniformtext={"mode": "hide", "minsize": 9},
        xaxis={
            "range": [0, 1],
            "tickvals": [0, 0.25, 0.5, 0.75, 1],
            "ticktext": [words.percent(v) for v in (0, 0.25, 0.5, 0.75, 1)],
            "gridcolor": _GRID,
            "automargin": True,
            "fixedrange": True,
        },
        yaxis=_lane_axis(lanes, titles),
    )
    return figure


def _titles(conversation: Conversation, words: Wording) -> dict[str, str]:
    """Speakers' titles for plotly, which would read tags in them as its own."""
    return {label: html.escape(title, quote=False) for label, title in titles_of(conversation, words).items()}


def _lane_axis(lanes: Sequence[str], titles: dict[str, str]) -> dict[str, Any]:
    """Lanes by label, the first at the top, under their titles: names may be alike, or numbers."""
    return {
        "type": "category",
        "categoryorder": "array",
        "categoryarray": list(lanes)[::-1],
        "tickvals": list(lanes),
        "ticktext": [titles[lane] for lane in lanes],
        "automargin": True,
        "fixedrange": True,
    }


def _key(turn: Turn) -> str:
    return turn.emotion.top if turn.emotion else "none"


def _style(position: int) -> dict[str, str]:
    return {
        "colour": SPEAKER_COLOURS[position % len(SPEAKER_COLOURS)],
        "dash": _DASHES[position % len(_DASHES)],
        "symbol": _SYMBOLS[position % len(_SYMBOLS)],
    }


def _bar_style(key: str, unsure: bool, scored: bool) -> dict[str, Any]:
    if key == "none":
        return {"color": _PALE if scored else "#5B7083", "line": {"color": "#9AA5B1", "width": 1 if scored else 0}}
    colour = CLASS_COLOURS.get(key, "#52606D")
    if not unsure:
        return {"color": colour, "line": {"width": 0}}
    pattern = {"shape": "/", "fgcolor": colour, "bgcolor": "#FFFFFF", "size": 6, "solidity": 0.35}
    return {"color": colour, "line": {"color": colour, "width": 1}, "pattern": pattern}


def _hover(turn: Turn, conversation: Conversation, titles: dict[str, str], words: Wording) -> str:
    lines = [f"{titles[turn.speaker]}", f"{words.clock(turn.start_s, 1)} · {words.seconds(turn.duration_s)}"]
    if turn.emotion is not None:
        mark = f" ({words('n_unsure')})" if turn.unsure else ""
        shown = shown_classes(turn, conversation)
        lines.append(", ".join(f"{words(name)} {words.percent(score)}" for name, score in shown) + mark)
    elif turn.unjudged:
        lines.append(words(f"u_{turn.unjudged}"))
    return "<br>".join(lines)


def _stretches(values: list[float | None]) -> list[tuple[int, int]]:
    """Index ranges without None."""
    out, start = [], None
    for i, value in enumerate([*values, None]):
        if value is not None and start is None:
            start = i
        elif value is None and start is not None:
            out.append((start, i))
            start = None
    return out


def _time_axis(conversation: Conversation, words: Wording) -> dict[str, Any]:
    """Seconds on a linear axis with ticks as clock times; the page's script makes new ticks when it is zoomed.

    Not a plotly date axis: that reads numbers of two or four digits as years.
    """
    duration_s = conversation.recording.duration_s
    step_s = next((step for step in TICK_STEPS_S if duration_s / step <= 8), TICK_STEPS_S[-1])
    ticks = list(range(0, int(duration_s) + 1, step_s))
    return {
        "range": [0, round(duration_s, 3)],
        "tickmode": "array",
        "tickvals": ticks,
        "ticktext": [words.clock(t) for t in ticks],
        "title": {"text": words("time"), "standoff": 8},
        "automargin": True,
        "gridcolor": _GRID,
        "zeroline": False,
    }


def _error(mean: float, low: float, high: float, colour: str) -> dict[str, Any]:
    return {
        "type": "data",
        "symmetric": False,
        "array": [round(high - mean, 3)],
        "arrayminus": [round(mean - low, 3)],
        "color": colour,
        "thickness": 2,
    }


def _base(words: Wording, height: int, top: int = 36) -> dict[str, Any]:
    return {
        "height": height,
        "margin": {"l": 10, "r": 16, "t": top, "b": 36},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "system-ui, -apple-system, Segoe UI, Roboto, sans-serif", "size": 13, "color": _INK},
        "legend": {"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom", "traceorder": "normal"},
        "hoverlabel": {"align": "left"},
        "template": "none",
        "separators": ", " if words.lang == "fr" else ".,",
    }


def _short(values: Sequence[float | None]) -> list[float | None]:
    return [None if v is None else round(v, 3) for v in values]


def _with_alpha(colour: str, alpha: float) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha})"
