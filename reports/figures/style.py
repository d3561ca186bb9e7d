"""What all figures share: colours, symbols, axes, and how numbers are shortened (pure)."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

from pipeline.records import Conversation, Turn
from reports.options import titles_of
from reports.scoring import shown_classes
from reports.wording import Wording

CLASS_COLOURS = {  # Okabe & Ito 2008, told apart by the colour-blind; the letter in each bar says the same
    "Pleased": "#E69F00",
    "Relaxed": "#009E73",
    "Neutral": "#8C8C8C",
    "Sad": "#0072B2",
    "Tension": "#D55E00",
}
SPEAKER_COLOURS = ("#332288", "#AA3377", "#117733", "#B8860B", "#444444", "#2A9D8F", "#882255", "#5566AA")  # Tol 2021
DASHES = ("solid", "dash", "dot", "dashdot")
SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross", "x", "star", "hexagon")
BIN_STEPS_S = (5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
TICK_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
PALE = "#DDE1E6"
GRID = "#E8EBEF"
INK = "#1F2933"


def titles_shown(conversation: Conversation, words: Wording) -> dict[str, str]:
    """Speakers' titles for plotly, which would read tags in them as its own."""
    return {label: html.escape(title, quote=False) for label, title in titles_of(conversation, words).items()}


def lane_axis(lanes: Sequence[str], titles: dict[str, str]) -> dict[str, Any]:
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


def key_of(turn: Turn) -> str:
    """The class of a turn as shown, `none` where it was not judged."""
    return turn.emotion.top if turn.emotion else "none"


def speaker_style(position: int) -> dict[str, str]:
    """Colour, dash and symbol of the speaker in this place of the list."""
    return {
        "colour": SPEAKER_COLOURS[position % len(SPEAKER_COLOURS)],
        "dash": DASHES[position % len(DASHES)],
        "symbol": SYMBOLS[position % len(SYMBOLS)],
    }


def bar_style(key: str, unsure: bool, scored: bool) -> dict[str, Any]:
    """How a bar of a class looks: hatched where unsure, pale where not judged."""
    if key == "none":
        return {"color": PALE if scored else "#5B7083", "line": {"color": "#9AA5B1", "width": 1 if scored else 0}}
    colour = CLASS_COLOURS.get(key, "#52606D")
    if not unsure:
        return {"color": colour, "line": {"width": 0}}
    pattern = {"shape": "/", "fgcolor": colour, "bgcolor": "#FFFFFF", "size": 6, "solidity": 0.35}
    return {"color": colour, "line": {"color": colour, "width": 1}, "pattern": pattern}


def hover_of(turn: Turn, conversation: Conversation, titles: dict[str, str], words: Wording) -> str:
    """What is said of a turn when one points at it."""
    lines = [f"{titles[turn.speaker]}", f"{words.clock(turn.start_s, 1)} · {words.seconds(turn.duration_s)}"]
    if turn.emotion is not None:
        mark = f" ({words('n_unsure')})" if turn.unsure else ""
        shown = shown_classes(turn)
        lines.append(", ".join(f"{words(name)} {words.percent(score)}" for name, score in shown) + mark)
    elif turn.unjudged:
        lines.append(words(f"u_{turn.unjudged}"))
    if turn.original is not None:
        lines.append(words("n_corrected"))
    return "<br>".join(lines)


def stretches(values: list[float | None]) -> list[tuple[int, int]]:
    """Index ranges without None."""
    out, start = [], None
    for i, value in enumerate([*values, None]):
        if value is not None and start is None:
            start = i
        elif value is None and start is not None:
            out.append((start, i))
            start = None
    return out


def time_axis(conversation: Conversation, words: Wording) -> dict[str, Any]:
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
        "gridcolor": GRID,
        "zeroline": False,
    }


def error_bar(mean: float, low: float, high: float, colour: str) -> dict[str, Any]:
    """An interval about a mean, as plotly wants it."""
    return {
        "type": "data",
        "symmetric": False,
        "array": [round(high - mean, 3)],
        "arrayminus": [round(mean - low, 3)],
        "color": colour,
        "thickness": 2,
    }


def base_layout(words: Wording, height: int, top: int = 36) -> dict[str, Any]:
    """Layout that all figures begin with."""
    return {
        "height": height,
        "margin": {"l": 10, "r": 16, "t": top, "b": 36},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "system-ui, -apple-system, Segoe UI, Roboto, sans-serif", "size": 13, "color": INK},
        "legend": {"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom", "traceorder": "normal"},
        "hoverlabel": {"align": "left"},
        "template": "none",
        "separators": ", " if words.lang == "fr" else ".,",
    }


def short(values: Sequence[float | None]) -> list[float | None]:
    """Values with three decimals."""
    return [None if v is None else round(v, 3) for v in values]


def with_alpha(colour: str, alpha: float) -> str:
    """A colour of #RRGGBB, translucent."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha})"


def bin_s(duration_s: float, most: int = 12) -> float:
    """Length of the equal parts in which shares over time are told: at most so many, of a round number of seconds."""
    return float(next((step for step in BIN_STEPS_S if duration_s / step <= most), BIN_STEPS_S[-1]))
