"""Valence and arousal over time (pure)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ressenti.pipeline.records import Conversation
from ressenti.reports.figures.style import (
    GRID,
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
from ressenti.reports.wording import Wording

if TYPE_CHECKING:
    import plotly.graph_objects as go


def trajectory(conversation: Conversation, words: Wording) -> go.Figure:
    """Valence above, arousal below: each speaker's smoothed line, its 95 % band and the points."""
    from plotly.subplots import make_subplots

    titles = titles_shown(conversation, words)
    traces = []
    empty = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.06)
    order = [s.label for s in conversation.speakers]
    for line in conversation.trajectories:
        style = speaker_style(order.index(line.speaker))
        times = short(line.times_s)
        for row, axis in ((1, "valence"), (2, "arousal")):
            group = {"legendgroup": line.speaker, **subplot(row)}
            low, middle, high = (list(getattr(line, name)) for name in (f"{axis}_low", axis, f"{axis}_high"))
            for start, end in stretches(middle):
                traces.append(
                    scatter(
                        x=times[start:end] + times[start:end][::-1],
                        y=short(high[start:end] + low[start:end][::-1]),
                        fill="toself",
                        fillcolor=with_alpha(style["colour"], 0.14),
                        mode="lines",
                        line={"width": 0},
                        hoverinfo="skip",
                        showlegend=False,
                        **group,
                    )
                )
            traces.append(
                scatter(
                    x=short([p.time_s for p in line.points]),
                    meta={"title": titles[line.speaker]},
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
                    hovertemplate=f"%{{text}} · {words(axis)} %{{y:.2f}}<extra></extra>",
                    showlegend=False,
                    **group,
                )
            )
            traces.append(
                scatter(
                    x=times,
                    meta={"title": titles[line.speaker]},
                    y=short(middle),
                    mode="lines",
                    name=titles[line.speaker],
                    line={"color": style["colour"], "width": 2.5, "dash": style["dash"]},
                    connectgaps=False,
                    hovertemplate=f"%{{text}} · {words(axis)} %{{y:.2f}}<extra></extra>",
                    showlegend=row == 1,
                    **group,
                )
            )
    scale = {
        "range": [-1, 1],
        "dtick": 0.5,
        "zeroline": True,
        "zerolinecolor": "#AAB2BD",
        "gridcolor": GRID,
        "automargin": True,
        "fixedrange": True,
    }
    empty.update_layout(
        **base_layout(words, height=470),
        yaxis={**scale, "title": {"text": words("valence")}},
        yaxis2={**scale, "title": {"text": words("arousal")}},
        xaxis={**time_axis(conversation, words), "title": None},
        xaxis2=time_axis(conversation, words),
    )
    return figure(traces, empty.layout)
