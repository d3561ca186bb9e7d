"""Tables of `ressenti evaluate emotion` for labelled speech: figures by class, confusion, published results."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import resources
from typing import Any

from rich.markup import escape
from rich.table import Table

from ressenti.pipeline.cli.console import Terminal, counted, interval, number
from ressenti.pipeline.records import CLASSES

Row = dict[str, Any]
WIDTH = 180  # of the widest table


def show_figures(
    rows: Sequence[Row], protocol: str, skipped: Sequence[str], terminal: Terminal, *, details: bool
) -> None:
    """Print a table for each corpus, with notes."""
    for corpus in dict.fromkeys(row["corpus"] for row in rows):
        own = [row for row in rows if row["corpus"] == corpus]
        terminal.show(_table(corpus, protocol, own), width=WIDTH)
        for row in own:
            if row["lacks"]:
                terminal.say(
                    f"{escape(row['model'])}, {row['condition']}, {row['baseline']}: macro F1 "
                    f"{number(row['macro_f1_learned'], 3)} ({interval(row['macro_f1_learned_interval'])}) without "
                    f"{', '.join(row['lacks'])}, which the training lacks"
                )
        terminal.out.print()
    terminal.say(
        "[dim]F1 by class (own: the speaker's clips are the baseline; alone: each clip on its own). "
        "sure: share at or above the limit; right: share of these that is right; A, V: AUC of arousal and valence "
        "over all emotions. UAR 8: mean recall over those of the eight emotions that occur (chance 1/8).[/]"
    )
    if details:
        for row in rows:
            terminal.show(_confusion(row))
            terminal.show(_reliability(row))
    if any(row["corpus"] == "ravdess" for row in rows):
        terminal.say("[dim]published: all 24 actors, model not trained on RAVDESS; fewer actors here.[/]")
        terminal.show(_published_own())
    for line in skipped:
        terminal.say(f"[dim]left out: {escape(line)}[/]")


def _table(corpus: str, protocol: str, rows: Sequence[Row]) -> Table:
    first = rows[0]
    support = ", ".join(f"{name} {n}" for name, n in zip(CLASSES, first["support"], strict=True) if n)
    size = f"{counted(first['speakers'], 'speaker')}, {counted(first['clips'], 'clip')}"
    title = f"[bold]{escape(corpus)}[/], {protocol}: {size} ({support})"
    table = Table(box=None, pad_edge=False, title=title, title_justify="left")
    for heading in ("model, condition", "baseline"):
        table.add_column(heading, no_wrap=True)
    for heading in (*CLASSES, "macro F1", "95 %", "micro", "UAR", "UAR 8", "95 %", "ECE", "sure", "right", "A", "V"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        f1 = [f"{f:.2f}" if n else "–" for f, n in zip(row["f1"], row["support"], strict=True)]
        table.add_row(
            f"{escape(row['model'])}, {row['condition']}",
            row["baseline"],
            *f1,
            number(row["macro_f1"], 3),
            interval(row["macro_f1_interval"]),
            *(number(row[key]) for key in ("micro_f1", "recall", "emotion_recall")),
            interval(row["emotion_recall_interval"]),
            *(number(row[key]) for key in ("calibration_error", "sure_share", "sure_right")),
            *(number(row[key]) for key in ("arousal_auc", "valence_auc")),
        )
        if row["arousal_ccc"] is not None or row["valence_ccc"] is not None:
            spread = [interval(row[f"{axis}_ccc_interval"]) for axis in ("arousal", "valence")]
            ccc = [number(row[f"{axis}_ccc"], 3) for axis in ("arousal", "valence")]
            table.add_row(f"   CCC arousal {ccc[0]} ({spread[0]}), valence {ccc[1]} ({spread[1]})")
    if corpus == "ravdess":
        known = _published()["ravdess"]
        scores = [f"{f1:.2f}" for f1 in known["f1"]]
        table.add_row("Lajavaness, published", "–", *scores, f"{known['macro_f1']:.3f}")
    return table


def _confusion(row: Row) -> Table:
    title = f"{row['corpus']}, {escape(row['model'])}, {row['condition']}, {row['baseline']}: true class by row"
    table = Table(box=None, pad_edge=False, title=title, title_justify="left")
    for heading in ("", *CLASSES):
        table.add_column(heading, justify="right")
    for name, counts in zip(CLASSES, row["confusion"], strict=True):
        table.add_row(name, *map(str, counts))
    return table


def _reliability(row: Row) -> Table:
    table = Table(box=None, pad_edge=False, title="reliability", title_justify="left")
    for heading in ("score", "right", "share of clips"):
        table.add_column(heading, justify="right")
    for part in row["reliability"]:
        table.add_row(*(f"{part[key]:.2f}" for key in ("confidence", "accuracy", "share")))
    return table


def _published_own() -> Table:
    title = "Published for the data set of the Lajavaness card (French calls), which is not public"
    table = Table(box=None, pad_edge=False, title=title, title_justify="left")
    table.add_column("model", no_wrap=True)
    for heading in (*CLASSES, "macro F1", "micro F1"):
        table.add_column(heading, justify="right", no_wrap=True)
    for known in _published()["own data set of the card"]:
        figures = [*known["f1"], known["macro_f1"], known["micro_f1"]]
        table.add_row(known["model"].split("/")[0], *(f"{figure:.2f}" for figure in figures))
    return table


def _published() -> dict[str, Any]:
    text = (resources.files("ressenti.pipeline.lab.evaluation") / "published.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded
