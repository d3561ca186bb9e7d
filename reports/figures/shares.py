"""Class shares of each speaker's judged time, in all and over time (pure)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ressenti.pipeline.records import CLASSES, Conversation
from ressenti.reports.figures.style import (
    GRID,
    bar,
    bar_style,
    base_layout,
    bin_s,
    figure,
    lane_axis,
    letter_style,
    short,
    subplot,
    time_axis,
    titles_shown,
)
from ressenti.reports.speech_time import by_part, judged, spoken
from ressenti.reports.wording import Wording

if TYPE_CHECKING:
    import plotly.graph_objects as go


def shares(conversation: Conversation, words: Wording) -> go.Figure:
    """Share of each speaker's judged time by class; unsure is hatched."""
    titles = titles_shown(conversation, words)
    speakers = [s for s in conversation.speakers if s.affect is not None]
    lanes = [s.label for s in speakers]
    traces = []
    for k, key in enumerate((*CLASSES, "unsure")):
        values = [s.affect.class_shares[k] if k < len(CLASSES) else s.affect.unsure_share for s in speakers if s.affect]
        traces.append(
            bar(
                name=words(key),
                showlegend=False,
                orientation="h",
                y=lanes,
                x=short(values),
                marker=bar_style(key, key == "unsure", scored=True),
                text=[words.percent(v) if v >= 0.04 else "" for v in values],
                textposition="inside",
                insidetextanchor="middle",
                textangle=0,
                textfont=letter_style(key, key == "unsure"),
                hovertext=[
                    f"{titles[lane]}<br>{words(key)} {words.percent(v, 1)}"
                    for lane, v in zip(lanes, values, strict=True)
                ],
                hovertemplate="%{hovertext}<extra></extra>",
                width=0.62,
            )
        )
    return figure(
        traces,
        base_layout(words, height=60 + 52 * len(lanes), top=8),
        barmode="stack",
        uniformtext={"mode": "hide", "minsize": 9},
        xaxis={
            "range": [0, 1],
            "tickvals": [0, 0.25, 0.5, 0.75, 1],
            "ticktext": [words.percent(v) for v in (0, 0.25, 0.5, 0.75, 1)],
            "gridcolor": GRID,
            "automargin": True,
            "fixedrange": True,
        },
        yaxis=lane_axis(lanes, titles),
    )


def shares_over_time(conversation: Conversation, words: Wording) -> go.Figure:
    """Seconds of judged speech by class in equal parts of the recording, one row per scored speaker."""
    from plotly.subplots import make_subplots

    titles = titles_shown(conversation, words)
    speakers = [s for s in conversation.speakers if s.affect is not None]
    step, bins = seconds_by_class(conversation)
    traces = []
    empty = make_subplots(
        rows=len(speakers),
        cols=1,
        shared_xaxes=True,
        vertical_spacing=0.28 / len(speakers),
        subplot_titles=[titles[s.label] for s in speakers],
    )
    ends = [min((k + 1) * step, conversation.recording.duration_s) for k in range(len(bins[speakers[0].label]))]
    middles = [(k * step + end) / 2 for k, end in enumerate(ends)]
    for row, speaker in enumerate(speakers, 1):
        for k, key in enumerate((*CLASSES, "unsure")):
            values = [part[k] for part in bins[speaker.label]]
            traces.append(
                bar(
                    name=words(key),
                    showlegend=False,
                    x=short(middles),
                    y=short([v or None for v in values]),  # empty bars have no outline
                    width=short([(end - i * step) * 0.92 for i, end in enumerate(ends)]),
                    marker=bar_style(key, key == "unsure", scored=True),
                    hovertext=[
                        f"{titles[speaker.label]}<br>{words.clock(i * step)}–{words.clock(end)}<br>"
                        f"{words(key)} {words.seconds(v)}"
                        for i, (end, v) in enumerate(zip(ends, values, strict=True))
                    ],
                    hovertemplate="%{hovertext}<extra></extra>",
                    meta={"who": speaker.label},
                    **subplot(row),
                )
            )
    axes = {f"xaxis{row if row > 1 else ''}": time_axis(conversation, words) for row in range(1, len(speakers) + 1)}
    for name in list(axes)[:-1]:
        axes[name] = {**axes[name], "title": None, "showticklabels": False}
    scales = {
        f"yaxis{row if row > 1 else ''}": {
            "title": {"text": words("seconds_judged")},
            "gridcolor": GRID,
            "rangemode": "tozero",
            "automargin": True,
            "fixedrange": True,
        }
        for row in range(1, len(speakers) + 1)
    }
    empty.update_layout(**base_layout(words, height=80 + 150 * len(speakers)), barmode="stack", **axes, **scales)
    return figure(traces, empty.layout)


def seconds_by_class(conversation: Conversation) -> tuple[float, dict[str, list[list[float]]]]:
    """Length of the parts (s), and each scored speaker's judged seconds by part, for each class and unsure.

    Speech counts in the part in which it is spoken, under its turn's class.
    """
    step = bin_s(conversation.recording.duration_s)
    count = int(-(-conversation.recording.duration_s // step))
    bins = {s.label: [[0.0] * 6 for _ in range(count)] for s in conversation.speakers if s.affect is not None}
    speech = spoken(conversation)
    for turn in conversation.turns:
        if turn.emotion is None or turn.speaker not in bins:
            continue
        key = len(CLASSES) if turn.unsure else CLASSES.index(turn.emotion.top)
        for start, end, seconds in judged(turn, speech[turn.speaker]):
            for k, share in by_part(start, end, step, count):
                bins[turn.speaker][k][key] += seconds * share
    return step, bins
