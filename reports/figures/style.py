"""What all figures share: colours, symbols, axes and rounding (pure)."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ressenti.pipeline.language import FORMATS
from ressenti.pipeline.records import Conversation, Turn
from ressenti.reports.emotion_model import shown_classes
from ressenti.reports.page_options import titles_of
from ressenti.reports.who_spoke import doubt_of
from ressenti.reports.wording import Wording

if TYPE_CHECKING:
    import plotly.graph_objects as go

Trace = dict[str, Any]

CLASS_COLOURS = {  # Okabe & Ito 2008, distinct for the colour-blind; patterns and letters repeat them
    "Pleased": "#E69F00",
    "Relaxed": "#009E73",
    "Neutral": "#8C8C8C",
    "Sad": "#0072B2",
    "Tension": "#D55E00",
}
CLASS_PATTERNS = {"Pleased": ".", "Relaxed": "-", "Neutral": "", "Sad": "|", "Tension": "x"}  # as in page.css
UNSURE = "#6B7886"  # hatched on white for every class: only sure turns have the colour of a class
SPEAKER_COLOURS = ("#332288", "#AA3377", "#117733", "#B8860B", "#444444", "#2A9D8F", "#882255", "#5566AA")  # Tol 2021
DARK_COLOURS = (
    "#A79BFF",
    "#F07CBF",
    "#5CC98A",
    "#E5B94E",
    "#C2C8D0",
    "#62D2C6",
    "#E08BB0",
    "#9DB0F5",
)  # on dark ground
# what stands for a colour on dark ground
DARK_OF = {
    **dict(zip(SPEAKER_COLOURS, DARK_COLOURS, strict=True)),
    "#1F2933": "#E6E9EE",
    "#E8EBEF": "#323B46",
    "#AAB2BD": "#56616E",
    "#DDE1E6": "#48525F",
    "#9AA5B1": "#6B7683",
    "#FFFFFF": "#1D232B",
    "#6B7886": "#A9B3C0",
    "#A9B3BE": "#6B7683",
    "#5B7083": "#8FA3B5",
    "#52606D": "#A9B3C0",
    "#EEF1F5": "#262D36",
    "#F6F0E2": "#39321F",
}
DASHES = ("solid", "dash", "dot", "dashdot")
SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross", "x", "star", "hexagon")
BIN_STEPS_S = (5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
TICK_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
PALE = "#DDE1E6"
GRID = "#E8EBEF"
INK = "#1F2933"


def scatter(**fields: Any) -> Trace:
    """Points or a line, with plotly's fields."""
    return {"type": "scatter", **fields}


def bar(**fields: Any) -> Trace:
    """Bars, with plotly's fields."""
    return {"type": "bar", **fields}


def subplot(row: int) -> dict[str, str]:
    """The axes of the subplot in a row of `make_subplots` with one column."""
    return {"xaxis": "x", "yaxis": "y"} if row == 1 else {"xaxis": f"x{row}", "yaxis": f"y{row}"}


def figure(traces: Sequence[Trace], layout: go.Layout | dict[str, Any], **further: Any) -> go.Figure:
    """A figure of traces with a layout; `further` adds to the layout.

    plotly would look at every value of the traces twice, which takes most of the time of a long page. A test looks.
    """
    import plotly.graph_objects as go

    return go.Figure(data=list(traces), layout=go.Layout(layout, **further), _validate=False)


def titles_shown(conversation: Conversation, words: Wording) -> dict[str, str]:
    """Speakers' titles, escaped because plotly interprets tags."""
    return {label: html.escape(title, quote=False) for label, title in titles_of(conversation, words).items()}


def lane_axis(lanes: Sequence[str], titles: dict[str, str]) -> dict[str, Any]:
    """Lanes by label, the first at the top, shown by title: titles may be equal, or numbers."""
    return {
        "type": "category",
        "categoryorder": "array",
        "categoryarray": list(lanes)[::-1],
        "tickvals": list(lanes),
        "ticktext": [titles[lane] for lane in lanes],
        "automargin": True,
        "fixedrange": True,
    }


def key_of(turn: Turn) -> str:
    """The class of a turn as shown; `none` if it was not judged."""
    return turn.emotion.top if turn.emotion else "none"


def speaker_style(position: int) -> dict[str, str]:
    """Colour, dash and symbol of the speaker at this position of the list."""
    return {
        "colour": SPEAKER_COLOURS[position % len(SPEAKER_COLOURS)],
        "dark": DARK_COLOURS[position % len(DARK_COLOURS)],
        "dash": DASHES[position % len(DASHES)],
        "symbol": SYMBOLS[position % len(SYMBOLS)],
    }


def bar_style(key: str, unsure: bool, scored: bool) -> dict[str, Any]:
    """Style of a class's bar: its colour and pattern, hatched on white if unsure, pale if not judged."""
    if key == "none":
        return {"color": PALE if scored else "#5B7083", "line": {"color": "#9AA5B1", "width": 1 if scored else 0}}
    if unsure:
        pattern = {"shape": "/", "fgcolor": UNSURE, "bgcolor": "#FFFFFF", "size": 6, "solidity": 0.25}
        thin = {"color": "#A9B3BE", "width": 0.7}  # so that a bar of a few pixels is not all outline
        return {"color": UNSURE, "line": thin, "pattern": pattern}
    colour, shape = CLASS_COLOURS[key], CLASS_PATTERNS[key]
    pattern = {"shape": shape, "fgcolor": paler(colour, 0.65), "bgcolor": colour, "size": 7, "solidity": 0.25}
    return {"color": colour, "line": {"width": 0}, **({"pattern": pattern} if shape else {})}


def letter_style(key: str, unsure: bool) -> dict[str, Any]:
    """Style of letters in a class's bar, with a halo in the bar's colour that keeps the pattern away from them."""
    ground = "#FFFFFF" if unsure else CLASS_COLOURS.get(key, PALE)
    halo = ", ".join([f"0 0 2px {ground}"] * 4)
    colour = (
        INK if unsure else "#000" if key == "Pleased" else "#fff"
    )  # on dark ground, INK and the halo change together
    return {"color": colour, "shadow": halo, "weight": 600}


def hover_of(turn: Turn, conversation: Conversation, titles: dict[str, str], words: Wording) -> str:
    """The hover text of a turn."""
    lines = [f"{titles[turn.speaker]}", f"{words.clock(turn.start_s, 1)} · {words.seconds(turn.duration_s)}"]
    if turn.speaker_unsure:
        lines.append(doubt_of(turn, words))
    if turn.emotion is not None:
        mark = f" ({words('n_unsure')})" if turn.unsure else ""
        lines.append(", ".join(_scored(name, score, words) for name, score in shown_classes(turn)) + mark)
    elif turn.unjudged:
        lines.append(words(f"u_{turn.unjudged}"))
    if turn.original is not None and turn.unjudged != "ignored":  # then the span was set, not the turn
        lines.append(words("n_corrected"))
    return "<br>".join(lines)


def _scored(name: str, score: float | None, words: Wording) -> str:
    """A class with its score, or alone if a person set it."""
    return words(name) if score is None else f"{words(name)} {words.percent(score)}"


def rings_of(turns: Sequence[int], conversation: Conversation) -> dict[str, Any]:
    """A ring around the points of turns whose class a person set, in plotly's form; empty if there are none."""
    people = {turn.index for turn in conversation.turns if turn.by_person}
    if people.isdisjoint(turns):
        return {}
    return {"line": {"color": INK, "width": [1.5 if turn in people else 0 for turn in turns]}}


def stretches(values: list[float | None]) -> list[tuple[int, int]]:
    """Index ranges (start, end) without None."""
    out, start = [], None
    for i, value in enumerate([*values, None]):
        if value is not None and start is None:
            start = i
        elif value is None and start is not None:
            out.append((start, i))
            start = None
    return out


def time_axis(conversation: Conversation, words: Wording) -> dict[str, Any]:
    """Seconds on a linear axis with clock times as ticks; the page's script renews the ticks on zoom.

    A plotly date axis would read numbers of two or four digits as years.
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
        "gridcolor": GRID,
        "zeroline": False,
    }


def error_bar(mean: float, low: float, high: float, colour: str) -> dict[str, Any]:
    """An interval around a mean, in plotly's form."""
    return {
        "type": "data",
        "symmetric": False,
        "array": [round(high - mean, 3)],
        "arrayminus": [round(mean - low, 3)],
        "color": colour,
        "thickness": 2,
    }


def base_layout(words: Wording, height: int, top: int = 36) -> dict[str, Any]:
    """The layout that all figures start from."""
    return {
        "height": height,
        "margin": {"l": 10, "r": 24, "t": top, "b": 36},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "system-ui, -apple-system, Segoe UI, Roboto, sans-serif", "size": 13, "color": INK},
        "legend": {"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom", "traceorder": "normal"},
        "hoverlabel": {"align": "left"},
        "template": "none",
        "separators": f"{FORMATS[words.lang].decimal}{' ' if FORMATS[words.lang].decimal == ',' else ','}",
    }


def short(values: Sequence[float | None]) -> list[float | None]:
    """Round values to three decimals."""
    return [None if v is None else round(v, 3) for v in values]


def paler(colour: str, share: float) -> str:
    """Mix a colour #RRGGBB with a share of white."""
    parts = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round(part + (255 - part) * share):02X}" for part in parts)


def with_alpha(colour: str, alpha: float) -> str:
    """Make a colour #RRGGBB translucent."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha})"


def bin_s(duration_s: float, most: int = 12) -> float:
    """Length of the equal parts for shares over time (s): a round number, giving at most `most` parts."""
    return float(next((step for step in BIN_STEPS_S if duration_s / step <= most), BIN_STEPS_S[-1]))
