"""Talk and turn-taking: who speaks how much, part by part, and who interrupts (pure)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ressenti.pipeline.records import Conversation
from ressenti.reports.figures.style import (
    GRID,
    bar,
    base_layout,
    bin_s,
    figure,
    scatter,
    short,
    speaker_style,
    time_axis,
    titles_shown,
)
from ressenti.reports.speech_time import by_part, spoken
from ressenti.reports.wording import Wording

if TYPE_CHECKING:
    import plotly.graph_objects as go


def talk(conversation: Conversation, words: Wording) -> go.Figure:
    """Seconds of speech of each speaker in equal parts of the recording; triangles are interruptions."""
    titles = titles_shown(conversation, words)
    step, parts = talk_by_part(conversation)
    traces = []
    duration_s = conversation.recording.duration_s
    order = [s.label for s in conversation.speakers]
    for label, values in parts.items():
        ends = [min((k + 1) * step, duration_s) for k in range(len(values))]
        traces.append(
            bar(
                name=titles[label],
                x=short([(k * step + end) / 2 for k, end in enumerate(ends)]),
                y=short(values),
                width=short([(end - k * step) * 0.92 for k, end in enumerate(ends)]),
                marker={"color": speaker_style(order.index(label))["colour"]},
                hovertext=[
                    f"{titles[label]}<br>{words.clock(k * step)}–{words.clock(end)}<br>{words.seconds(v)}"
                    for k, (end, v) in enumerate(zip(ends, values, strict=True))
                ],
                hovertemplate="%{hovertext}<extra></extra>",
            )
        )
    interruptions = conversation.exchange.interruptions if conversation.exchange else ()
    if interruptions:
        top = max((sum(values) for values in zip(*parts.values(), strict=True)), default=step)
        traces.append(
            scatter(
                name=words("interruptions_marked"),
                x=short([i.time_s for i in interruptions]),
                y=short([1.08 * top] * len(interruptions)),
                mode="markers",
                marker={
                    "symbol": "triangle-down",
                    "size": 11,
                    "color": [speaker_style(order.index(i.by))["colour"] for i in interruptions],
                    "line": {"color": "#fff", "width": 1},
                },
                text=[
                    words("interrupts", who=titles[i.by], whom=titles[i.of], seconds=words.seconds(i.overlap_s))
                    for i in interruptions
                ],
                hovertemplate="%{text}<extra></extra>",
            )
        )
    return figure(
        traces,
        base_layout(words, height=280),
        barmode="stack",
        xaxis=time_axis(conversation, words),
        yaxis={
            "title": {"text": words("seconds_spoken")},
            "gridcolor": GRID,
            "rangemode": "tozero",
            "automargin": True,
            "fixedrange": True,
        },
    )


def talk_by_part(conversation: Conversation) -> tuple[float, dict[str, list[float]]]:
    """Length of the parts (s), and each speaker's seconds of talk by part: talk time, without bridged pauses."""
    step = bin_s(conversation.recording.duration_s)
    count = int(-(-conversation.recording.duration_s // step))
    parts = {s.label: [0.0] * count for s in conversation.people}
    for label, spans in ((k, v) for k, v in spoken(conversation).items() if k in parts):
        for start, end in spans:
            for k, share in by_part(start, end, step, count):
                parts[label][k] += share * (end - start)
    return step, parts
