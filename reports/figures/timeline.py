"""Who spoke when, and how it sounded: a lane per speaker (pure)."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from ressenti.pipeline.records import CLASSES, Conversation, Sound, Turn, union_s
from ressenti.reports.figures.style import (
    INK,
    Trace,
    bar,
    bar_style,
    base_layout,
    figure,
    hover_of,
    key_of,
    lane_axis,
    letter_style,
    scatter,
    short,
    time_axis,
    titles_shown,
)
from ressenti.reports.page_options import EXPRESSIVE, is_long, is_scored
from ressenti.reports.speech_time import spoken
from ressenti.reports.wording import Wording

if TYPE_CHECKING:
    import plotly.graph_objects as go

_PLAYED = "played"  # the lane of what a telephone system plays
_SILENCE, _HOLD = "#EEF1F5", "#F6F0E2"
_COLOUR_OF = {"music": "#B8860B", "tone": "#5B7083"}
MINUTE_S = 60.0
SHORTEST_OVERLAP_S = 0.1  # shorter ones are within the error of boundaries


def timeline(conversation: Conversation, words: Wording) -> go.Figure:
    """One lane per speaker, one bar per turn: class by colour, pattern, letter; hatched if unsure, pale if not judged.

    Dark strokes below are overlap, dashed ones above unsure speakers, grey bands silences. The customdata of a bar is
    the index of its turn.
    """
    titles = titles_shown(conversation, words)
    scored = is_scored(conversation)
    traces = []
    for key in (*CLASSES, "none"):
        for unsure in (False, True):
            turns = [t for t in conversation.turns if key_of(t) == key and t.unsure == unsure]
            if not turns:
                continue
            traces.append(
                bar(
                    name=_name_of(key, unsure, scored, words),
                    showlegend=False,  # the page has its own legend, with one entry per class
                    orientation="h",
                    y=[t.speaker for t in turns],
                    base=short([t.start_s for t in turns]),
                    x=short([t.duration_s for t in turns]),
                    marker=bar_style(key, unsure, scored),
                    text=[_letter(t, words) for t in turns],
                    textposition="inside",
                    insidetextanchor="middle",
                    textangle=0,
                    textfont=letter_style(key, unsure),
                    customdata=[t.index for t in turns],
                    hovertext=[hover_of(t, conversation, titles, words) for t in turns],
                    hovertemplate="%{hovertext}<extra></extra>",
                    width=0.62,
                )
            )
    if is_long(conversation):
        traces = [{**trace, "visible": False, "meta": {"level": "turn"}} for trace in traces]
        traces += _by_minute(conversation, titles, words)
    lanes = [s.label for s in conversation.speakers]
    played = _played(conversation, words)
    if played:
        lanes.append(_PLAYED)
        titles = {**titles, _PLAYED: words("lane_played")}
    vocal = _vocal(conversation, titles, words)
    return figure(
        [*traces, *_overlaps(conversation, words), *_doubts(conversation, words), *played, *vocal],
        base_layout(words, height=70 + 52 * len(lanes), top=8),
        barmode="overlay",
        uniformtext={"mode": "hide", "minsize": 9},
        yaxis=lane_axis(lanes, titles),
        xaxis=time_axis(conversation, words),
        shapes=[
            _band(span.start_s, span.end_s, colour)
            for spans, colour in (
                (conversation.exchange.silences if conversation.exchange else (), _SILENCE),
                (conversation.exchange.holds if conversation.exchange else (), _HOLD),
            )
            for span in spans
        ],
    )


def _by_minute(conversation: Conversation, titles: dict[str, str], words: Wording) -> list[Trace]:
    """A bar for each speaker and minute: as long as the speech in it, with the class that most of it has."""
    scored = is_scored(conversation)
    seconds: dict[tuple[str, int], dict[tuple[str, bool], float]] = defaultdict(lambda: defaultdict(float))
    for turn in conversation.turns:
        for minute in range(int(turn.start_s // MINUTE_S), int(turn.end_s // MINUTE_S) + 1):
            inside = min(turn.end_s, (minute + 1) * MINUTE_S) - max(turn.start_s, minute * MINUTE_S)
            if inside > 0:
                seconds[turn.speaker, minute][key_of(turn), turn.unsure] += inside
    bars: dict[tuple[str, bool], list[tuple[str, int, float]]] = defaultdict(list)
    for (speaker, minute), own in seconds.items():
        bars[max(own, key=lambda key: own[key])].append((speaker, minute, min(MINUTE_S, sum(own.values()))))
    return [
        bar(
            name=_name_of(key, unsure, scored, words),
            showlegend=False,
            orientation="h",
            y=[speaker for speaker, _, _ in own],
            base=[minute * MINUTE_S for _, minute, _ in own],
            x=short([length for _, _, length in own]),
            marker=bar_style(key, unsure, scored),
            hovertext=[
                f"{titles[speaker]}<br>{words.clock(minute * MINUTE_S)}–{words.clock((minute + 1) * MINUTE_S)} · "
                f"{words.length(length)}<br>{_name_of(key, unsure, scored, words)}"
                for speaker, minute, length in own
            ],
            hovertemplate="%{hovertext}<extra></extra>",
            width=0.62,
            meta={"level": "minute"},
        )
        for (key, unsure), own in bars.items()
    ]


def _name_of(key: str, unsure: bool, scored: bool, words: Wording) -> str:
    name = words(key) if key != "none" else words("not_judged" if scored else "speech")
    return f"{name} ({words('n_unsure')})" if unsure else name


def _letter(turn: Turn, words: Wording) -> str:
    """The first letter of the class, with a question mark if unsure and a star if a person corrected the turn."""
    key = key_of(turn)
    if key == "none":
        return ""
    return words(f"letter_{key}") + ("?" if turn.unsure else "") + ("*" if turn.original is not None else "")


def _overlaps(conversation: Conversation, words: Wording) -> list[Trace]:
    """A dark stroke along the foot of a lane where another speaker speaks too."""
    spans = overlaps(conversation)
    if not spans:
        return []
    return [
        bar(
            name=words("overlap"),
            showlegend=False,
            orientation="h",
            y=[label for _, _, label in spans],
            base=short([start for start, _, _ in spans]),
            x=short([end - start for start, end, _ in spans]),
            marker={"color": INK},
            width=0.08,
            offset=-0.42,
            hovertext=[words("n_overlap", seconds=words.seconds(end - start)) for start, end, _ in spans],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    ]


def _doubts(conversation: Conversation, words: Wording) -> list[Trace]:
    """A dashed stroke above each turn whose speaker is unsure; the turn's own hover text says so in words."""
    turns = [turn for turn in conversation.turns if turn.speaker_unsure]
    if not turns:
        return []
    dashes = {"shape": "|", "fgcolor": INK, "bgcolor": "#FFFFFF", "size": 8, "solidity": 0.6}
    return [
        bar(
            name=words("speaker_unsure"),
            showlegend=False,
            orientation="h",
            y=[turn.speaker for turn in turns],
            base=short([turn.start_s for turn in turns]),
            x=short([turn.duration_s for turn in turns]),
            marker={"color": INK, "line": {"width": 0}, "pattern": dashes},
            width=0.09,
            offset=0.34,
            customdata=[turn.index for turn in turns],
            hoverinfo="skip",
        )
    ]


def overlaps(conversation: Conversation) -> list[tuple[float, float, str]]:
    """(start, end, speaker) wherever a speaker overlaps another, in seconds.

    By turns; by speech if turns were cut from segments without overlap.
    """
    told = [(t.speaker, t.start_s, t.end_s) for t in conversation.turns]
    if conversation.diarization.exclusive:
        told = [(label, *span) for label, spans in spoken(conversation).items() for span in spans]
    out: list[tuple[float, float, str]] = []
    for label in dict.fromkeys(speaker for speaker, _, _ in told):
        others = union_s([(start, end) for speaker, start, end in told if speaker != label])
        spans = union_s([(start, end) for speaker, start, end in told if speaker == label])
        k = 0
        for start, end in spans:
            while k < len(others) and others[k][1] <= start:
                k += 1
            j = k
            while j < len(others) and others[j][0] < end:
                out.append((max(start, others[j][0]), min(end, others[j][1]), label))
                j += 1
    return [(start, end, label) for start, end, label in out if end - start >= SHORTEST_OVERLAP_S]


def _played(conversation: Conversation, words: Wording) -> list[Trace]:
    """Music and tones, in a lane of their own."""
    sounds = [s for s in conversation.sounds if s.played]
    if not sounds:
        return []
    return [
        bar(
            name=words("lane_played"),
            showlegend=False,
            orientation="h",
            y=[_PLAYED] * len(sounds),
            base=short([s.start_s for s in sounds]),
            x=short([s.end_s - s.start_s for s in sounds]),
            marker={"color": [_COLOUR_OF[s.kind] for s in sounds]},
            width=0.3,
            hovertext=[sound_text(s, {}, words) for s in sounds],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    ]


def _vocal(conversation: Conversation, titles: dict[str, str], words: Wording) -> list[Trace]:
    """A mark on the lane of whoever laughs, coughs or the like."""
    sounds = [s for s in conversation.sounds if not s.played and s.speaker]
    if not sounds:
        return []
    return [
        scatter(
            name=words("vocal_sounds"),
            showlegend=False,
            mode="markers",
            x=short([(s.start_s + s.end_s) / 2 for s in sounds]),
            y=[s.speaker for s in sounds],
            marker={
                "symbol": ["star" if s.kind in EXPRESSIVE else "diamond" for s in sounds],
                "size": 11,
                "color": "#FFFFFF",
                "line": {"color": INK, "width": 1.5},
            },
            hovertext=[sound_text(s, titles, words) for s in sounds],
            hovertemplate="%{hovertext}<extra></extra>",
            meta={"tone": [s.kind in EXPRESSIVE for s in sounds]},
        )
    ]


def sound_text(sound: Sound, titles: dict[str, str], words: Wording) -> str:
    """What is heard, when, and how sure that is."""
    who = f"{titles[sound.speaker]}<br>" if sound.speaker in titles else ""
    times = f"{words.clock(sound.start_s, 1)} · {words.seconds(sound.end_s - sound.start_s)}"
    return f"{who}{words(f'sound_{sound.kind}')} {words.percent(sound.confidence)}<br>{times}"


def _band(start_s: float, end_s: float, colour: str) -> dict[str, Any]:
    return {
        "type": "rect",
        "xref": "x",
        "yref": "paper",
        "x0": round(start_s, 3),
        "x1": round(end_s, 3),
        "y0": 0,
        "y1": 1,
        "fillcolor": colour,
        "line": {"width": 0},
        "layer": "below",
    }
