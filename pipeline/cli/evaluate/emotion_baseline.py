"""`ressenti evaluate emotion --baseline-seconds`: effect of the baseline's length and of a single emotion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from ressenti.pipeline.cli.console import Terminal, interval, number
from ressenti.pipeline.rounding import rounded

if TYPE_CHECKING:
    from ressenti.pipeline.config import Config
    from ressenti.pipeline.emotion.interface import EmotionModel
    from ressenti.pipeline.lab.evaluation.baseline import Talks
    from ressenti.pipeline.lab.evaluation.emotion import ClipScores, Cut
    from ressenti.pipeline.progress import Progress

Row = dict[str, Any]
Key = tuple[str, str, str]
"""Model, condition, corpus."""
_WIDTH = 160


class Course:
    """Scores of clips in simulated conversations of several lengths."""

    def __init__(self, seconds: Sequence[float], config: Config) -> None:
        self.seconds, self.config = sorted(set(seconds)), config
        self._mixed: dict[Key, dict[float, list[Talks]]] = {}
        self._single: dict[Key, dict[float, list[Talks]]] = {}

    def hear(self, cuts: Sequence[Cut], name: str, model: EmotionModel, place: str, progress: Progress) -> None:
        """Score clips in conversations of each length, with drawn emotions and with a single one."""
        from ressenti.pipeline.lab.evaluation.baseline import hear_talks

        for corpus in sorted({cut.clip.corpus for cut in cuts}):
            own = [cut for cut in cuts if cut.clip.corpus == corpus]
            for kept, one in ((self._mixed, False), (self._single, True)):
                if one and all(cut.clip.label is None for cut in own):
                    continue
                for seconds in self.seconds:
                    talks = hear_talks(
                        own,
                        seconds,
                        model,
                        self.config,
                        one_emotion=one,
                        **({"times": 1} if one else {}),
                        progress=progress,
                    )
                    kept.setdefault((name, place, corpus), {}).setdefault(seconds, []).append(talks)

    def rows(self, heard: dict[tuple[str, str, str], list[ClipScores]]) -> tuple[list[Row], list[Row]]:
        """Figures by length, and for a single emotion by class and length, plus those for clips alone and for all."""
        from ressenti.pipeline.lab.evaluation.baseline import one_emotion_figures, together
        from ressenti.pipeline.lab.evaluation.emotion import figures_of

        mixed: list[Row] = []
        single: list[Row] = []
        for (name, place, corpus), by_length in self._mixed.items():
            about = {"model": name, "condition": place, "corpus": corpus}
            alone, own = (
                [h for h in heard[name, place, which] if h.clip.corpus == corpus] for which in ("alone", "own")
            )
            parts: list[tuple[str, float | None, Talks | None, Sequence[ClipScores]]] = [("alone", None, None, alone)]
            for seconds, several in by_length.items():
                talks = together(several)
                parts.append((f"{seconds:g} s", seconds, talks, talks.heard))
            for label, asked, found, items in (*parts, ("all", None, None, own)):
                lengths = {
                    "seconds": found.seconds if found else None,
                    "different_s": found.different_s if found else None,
                    "conversations": found.conversations if found else None,
                }
                figures = asdict(figures_of(items, self.config))
                mixed.append(about | {"baseline": label, "asked_s": asked} | rounded(lengths | figures))
            single += [
                about | {"baseline": label, "asked_s": asked} | rounded(asdict(figures))
                for label, asked, items in (
                    ("alone", None, alone),
                    *(
                        (f"{s:g} s", s, together(t).heard)
                        for s, t in self._single.get((name, place, corpus), {}).items()
                    ),
                    ("all", None, own),
                )
                for figures in one_emotion_figures(items, alone)
            ]
        return mixed, single


def show_course(mixed: Sequence[Row], single: Sequence[Row], terminal: Terminal) -> None:
    """Print both tables for each model, condition and corpus."""
    from ressenti.pipeline.lab.evaluation.baseline import CONCENTRATION, TIMES

    for about in dict.fromkeys(_about(row) for row in mixed):
        terminal.show(_course(about, [row for row in mixed if _about(row) == about]), width=_WIDTH)
        terminal.out.print()
        if own := [row for row in single if _about(row) == about]:
            terminal.show(_one_emotion(about, own), width=_WIDTH)
            terminal.out.print()
    terminal.say(
        f"[dim]speech: mean seconds per conversation; different: without repetitions. Each clip occurs in {TIMES}; "
        f"emotions follow a Dirichlet distribution ({CONCENTRATION:g}). One emotion: conversations with a single "
        "emotion per speaker. alone: each clip on its own; all: all clips of a speaker, roughly balanced.[/]"
    )


def _about(row: Row) -> Key:
    return row["model"], row["condition"], row["corpus"]


def _title(about: Key, what: str) -> str:
    model, place, corpus = about
    return f"[bold]{escape(corpus)}[/], {escape(model)}, {place}: {what}"


def _course(about: Key, rows: Sequence[Row]) -> Table:
    table = Table(
        box=None, pad_edge=False, title=_title(about, "by amount of the speaker's speech"), title_justify="left"
    )
    table.add_column("baseline", no_wrap=True)
    headings = ("speech", "different", "macro F1", "95 %", "UAR", "95 %", "UAR 8", "95 %", "sure", "right", "A", "V")
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            row["baseline"],
            number(row["seconds"], 1),
            number(row["different_s"], 1),
            number(row["macro_f1"], 3),
            interval(row["macro_f1_interval"]),
            number(row["recall"]),
            interval(row["recall_interval"]),
            number(row["emotion_recall"]),
            interval(row["emotion_recall_interval"]),
            *(number(row[key]) for key in ("sure_share", "sure_right", "arousal_auc", "valence_auc")),
        )
    return table


def _one_emotion(about: Key, rows: Sequence[Row]) -> Table:
    title = _title(about, "speakers with a single emotion, by the mean of its clips")
    table = Table(box=None, pad_edge=False, title=title, title_justify="left")
    for heading in ("class", "baseline"):
        table.add_column(heading, no_wrap=True)
    headings = (
        "recall",
        "95 %",
        "vs alone",
        "95 %",
        "arousal",
        "95 %",
        "vs alone",
        "95 %",
        "valence",
        "95 %",
    )
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for label in dict.fromkeys(row["label"] for row in rows):
        for row in (row for row in rows if row["label"] == label):
            table.add_row(
                label if row["baseline"] == "alone" else "",
                row["baseline"],
                *(
                    cell
                    for key in ("recall", "recall_change", "arousal", "arousal_change", "valence")
                    for cell in (number(row[key]), _signed(row[f"{key}_interval"]))
                ),
            )
    return table


def _signed(value: dict[str, float] | None) -> str:
    """Format a signed 95 % interval from its JSON."""
    return "–" if value is None else f"{value['low']:+.2f} … {value['high']:+.2f}"
