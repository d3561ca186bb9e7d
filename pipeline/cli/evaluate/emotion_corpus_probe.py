"""`ressenti evaluate emotion --tell-corpora`: whether a model's outputs reveal the corpus of a clip."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from ressenti.pipeline.cli.console import Terminal, interval, number

Row = dict[str, Any]


def show_corpora(rows: Sequence[Row], terminal: Terminal) -> None:
    """Print how well a linear classifier identifies the corpus, and its confusions."""
    first = rows[0]
    title = f"Corpus identified by a linear classifier, no shared speakers: {', '.join(map(escape, first['corpora']))}"
    table = Table(box=None, pad_edge=False, title=title, title_justify="left")
    for heading in ("model, condition", "from"):
        table.add_column(heading, no_wrap=True)
    for heading in ("speakers", "clips", "recall", "95 %", "chance"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("true: predicted", no_wrap=True)
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
        f"[dim]Equal numbers of {', '.join(first['emotions'])} clips per speaker. sound: from the log-mel bands, the "
        "upper limit. A corpus combines a room, a codec, a language and its sentences.[/]"
    )
