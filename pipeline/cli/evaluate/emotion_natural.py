"""`ressenti evaluate emotion --natural`: the model in talk as it mostly is, neutral with some other emotion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from ressenti.pipeline.cli.console import Terminal, interval, number
from ressenti.pipeline.rounding import rounded

if TYPE_CHECKING:
    from ressenti.pipeline.config import Config
    from ressenti.pipeline.emotion.interface import EmotionModel
    from ressenti.pipeline.lab.evaluation.emotion import Cut
    from ressenti.pipeline.lab.evaluation.natural import InTalk
    from ressenti.pipeline.progress import Progress

Row = dict[str, Any]
Key = tuple[str, str, str]
"""Model, condition, corpus."""


def hear_corpora(
    cuts: Sequence[Cut], model: EmotionModel, config: Config, progress: Progress
) -> dict[str, list[InTalk]]:
    """Clips as scored in talk, by corpus, of those in which a speaker has neutral clips and others."""
    from ressenti.pipeline.lab.evaluation.natural import hear_naturally

    out = {}
    for corpus in sorted({cut.clip.corpus for cut in cuts}, reverse=True):
        heard = hear_naturally([cut for cut in cuts if cut.clip.corpus == corpus], model, config, progress)
        if heard:
            out[corpus] = heard
    return out


def natural_rows(heard: Mapping[Key, Sequence[InTalk]], config: Config) -> list[Row]:
    """Figures of each model, condition and corpus."""
    from ressenti.pipeline.lab.evaluation.natural import natural_figures

    return [
        {"model": name, "condition": place, "corpus": corpus} | rounded(asdict(natural_figures(items, config)))
        for (name, place, corpus), items in heard.items()
    ]


def show_natural(rows: Sequence[Row], terminal: Terminal) -> None:
    """Print the figures of each corpus."""
    from ressenti.pipeline.lab.evaluation.natural import NEUTRAL, SECONDS, TIMES

    table = Table(box=None, pad_edge=False, title="In mostly neutral talk", title_justify="left")
    table.add_column("corpus, model, condition", no_wrap=True)
    for heading in (
        *("clips", "neutral", "right", "95 %", "macro F1", "95 %", "skill", "95 %"),
        *("sure", "right", "sure, not neutral", "right", "tense found", "for sure", "false/h"),
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            f"{escape(row['corpus'])}, {escape(row['model'])}, {row['condition']}",
            str(row["clips"]),
            number(row["always_neutral"]),
            number(row["accuracy"]),
            interval(row["accuracy_interval"]),
            number(row["macro_f1"], 3),
            interval(row["macro_f1_interval"]),
            number(row["brier_skill"]),
            interval(row["brier_skill_interval"]),
            *(number(row[key]) for key in ("sure_share", "sure_right", "sure_other", "sure_other_right")),
            *(number(row[key]) for key in ("tension_recall", "tension_sure")),
            number(row["false_tension_per_h"], 1),
        )
    terminal.show(table, width=190)
    terminal.say(
        f"[dim]{TIMES} conversations of {SECONDS:g} s for each speaker, {NEUTRAL:.0%} of the clips neutral, the others "
        "of the speaker's other classes equally; clips are repeated. The model expects what its configuration says. "
        "neutral: what always saying Neutral gets right. skill: Brier skill against the classes' shares. tense found: "
        "of the tense clips; false/h: sure Tension in an hour of neutral speech.[/]"
    )
