"""`ressenti evaluate emotion --tell-corpora`: whether what a model makes of clips gives their corpus away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from ressenti.pipeline.cli.console import Terminal, interval, number

Row = dict[str, Any]


def show_corpora(rows: Sequence[Row], terminal: Terminal) -> None:
    """Print how well corpora are told apart by a linear classifier, and which are taken for which."""
    first = rows[0]
    title = f"Told apart by a linear classifier, speakers apart: {', '.join(map(escape, first['corpora']))}"
    table = Table(box=None, pad_edge=False, title=title, title_justify="left")
    for heading in ("model, condition", "from"):
        table.add_column(heading, no_wrap=True)
    for heading in ("speakers", "clips", "recall", "95 %", "by chance"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("true: taken for", no_wrap=True)
    for row in rows:
        table.add_row(
            f"{escape(row['model'])}, {row['condition']}",
            row["values"],
            str(row["speakers"]),
            str(row["clips"]),
            number(row["recall"]),
            interval(row["recall_interval"]),
            number(row["chance"]),
            "; ".join(
                f"{escape(name)} {' '.join(map(str, counts))}"
                for name, counts in zip(row["corpora"], row["confusion"], strict=True)
            ),
        )
    terminal.show(table, width=160)
    terminal.say(
        f"[dim]As many clips of {', '.join(first['emotions'])} of each speaker. sound: from the log-mel bands, all "
        "that can be told. A corpus is a room, a codec, a language and its sentences in one.[/]"
    )
