"""`ressenti evaluate label`: validates the emotion model on the user's calls with blind labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from ressenti.pipeline import store
from ressenti.pipeline.cli import outputs, stored_conversations
from ressenti.pipeline.cli.console import Terminal, counted, number
from ressenti.pipeline.errors import ConfigError, NotAConversationError
from ressenti.pipeline.extras import need
from ressenti.pipeline.files.paths import is_folder
from ressenti.pipeline.language import Lang
from ressenti.pipeline.records import Conversation, Validation

if TYPE_CHECKING:
    from ressenti.pipeline.lab.evaluation.labelling import Sample
    from ressenti.pipeline.lab.evaluation.labels import Rating


def label(
    conversations: Annotated[list[Path], typer.Argument(help="NAME.json files written by analyze, or their folders.")],
    read: Annotated[
        list[Path] | None, typer.Option("--read", help="Labels saved by a rater; repeat for each rater.")
    ] = None,
    recordings: Annotated[
        Path | None, typer.Option(help="Folder of the recordings.  [default: beside each NAME.json]")
    ] = None,
    turns: Annotated[int | None, typer.Option(min=6, help="Number of turns to label.  [default: 100]")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed for drawing turns.  [default: 1]")] = None,
    lang: Annotated[Lang | None, typer.Option(help="Language of the page.  [default: en]")] = None,
    out: Annotated[Path | None, typer.Option(help="The page to write; with --read, the result (JSON).")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing result.")] = False,
) -> None:
    """Validate the emotion model on your own calls, with labels from blind raters.

    Without --read, draws turns of every class that the model found (rare classes more often) and writes one page with
    their sound. Each rater opens it in a browser and saves a NAME.labels.json. With --read, reports how well the raters
    agree (Krippendorff's alpha) and how well the model agrees with them (F1, weighted back to all turns), and writes
    the result to --out, for `report: {validation: FILE}` in a config. With enough labels, the result also corrects the
    model's scores in later analyses: how sure they are, and which classes to expect.
    """
    terminal = Terminal()
    given = {"--recordings": recordings, "--turns": turns, "--seed": seed, "--lang": lang}
    if read:
        need("krippendorff", "--read")
        unfit = [name for name, value in given.items() if value is not None]
        if unfit:
            raise ConfigError(
                f"{', '.join(unfit)}: only for making the page; --read takes the sample from the labels. Drop it."
            )
        _read_back(_load(conversations, terminal), read, out, overwrite, terminal)
        return
    if out is None:
        raise ConfigError("--out is missing; expected the page to write, for example --out labels.html.")
    outputs.check_free([out], overwrite)
    _make_page(
        _load(conversations, terminal), recordings, (turns or 100, 1 if seed is None else seed, lang), out, terminal
    )


def _make_page(
    conversations: dict[Path, Conversation],
    folder: Path | None,
    requested: tuple[int, int, Lang | None],
    out: Path,
    terminal: Terminal,
) -> None:
    from ressenti.pipeline.lab.evaluation.clips import LONGEST_S, clips_of
    from ressenti.pipeline.lab.evaluation.labelling import draw
    from ressenti.reports.labelling import LabelItem, LabelSheet, render_labelling

    count, seed, lang = requested
    sample = draw(list(conversations.values()), count, seed)
    items, seconds = {}, 0.0
    with terminal.progress(out.name) as progress:
        for clip in clips_of(sample, conversations, folder):
            items[clip.item] = LabelItem(clip.item, clip.mp3, clip.cut)
            seconds += clip.seconds
            progress("clips", len(items), len(sample.items))
    sheet = LabelSheet(tuple(items[i.id] for i in sample.items), sample.key, sample.seed, sample.count, LONGEST_S)
    store.write_whole({out: render_labelling(sheet, lang or "en")})
    recordings = len({item.sha256 for item in sample.items})
    fewer = f" (all there are; {count} requested)" if len(items) < count else ""
    terminal.say(
        f"[green]✓[/] {counted(len(items), 'turn')}{fewer} of {counted(recordings, 'recording')} → "
        f"[bold]{escape(str(out))}[/]"
    )
    terminal.say(f"    {seconds / 60:.1f} min of sound to hear, with one key for each turn.")
    terminal.say("    It contains the sound of the recordings, so it is as confidential as they are.")
    terminal.say(
        "    Each rater opens it alone and saves labels. Then run: ressenti evaluate label ... --read NAME.labels.json "
        "--out validation.json"
    )


def _read_back(
    conversations: dict[Path, Conversation],
    files: Sequence[Path],
    out: Path | None,
    overwrite: bool,
    terminal: Terminal,
) -> None:
    from ressenti.pipeline.lab.evaluation.agreement import validate
    from ressenti.pipeline.lab.evaluation.labelling import draw
    from ressenti.pipeline.lab.evaluation.labels import asked_for, read_rating
    from ressenti.pipeline.store.validation import dump_validation

    if out is not None:
        outputs.check_free([out], overwrite)
    ratings = [read_rating(path) for path in files]
    sample = draw(list(conversations.values()), *asked_for(ratings))
    result, why = _corrected(validate(sample, ratings), sample, ratings, conversations.values())
    for line in _lines(result):
        terminal.say(line)
    terminal.say(escape(f"Correction of the scores: {_correction(result)} ({why})"))
    terminal.out.print(_table(result))
    if out is not None:
        store.write_whole({out: dump_validation(result)})
        terminal.say(f"[green]✓[/] [bold]{escape(str(out))}[/]. To show it in reports, add to a config:")
        terminal.say(escape(f"    report: {{validation: {out}}}"))


def _corrected(
    result: Validation, sample: Sample, ratings: Sequence[Rating], conversations: Iterable[Conversation]
) -> tuple[Validation, str]:
    """The result with the correction that the labels support, and why; one that was used already stays as it is."""
    from ressenti.pipeline.lab.evaluation.calibration import calibration_of

    if any(note.key == "calibrated" for note in sample.model.notes):
        used = [c.validation for c in conversations if c.validation and c.validation.calibration]
        return replace(result, calibration=used[0].calibration if used else None), "as used for these conversations"
    found, why = calibration_of(sample, [{answer.item: answer for answer in rating.labels} for rating in ratings])
    return replace(result, calibration=found), why


def _correction(result: Validation) -> str:
    found = result.calibration
    if found is None:
        return "none, they stay as published"
    shares = ", ".join(f"{name} {100 * share:.0f} %" for name, share in found.priors.items())
    return f"temperature {number(found.temperature)}, expected {shares}"


def _lines(result: Validation) -> list[str]:
    """The lines printed above the table; undefined figures are dashes."""
    n = number
    raters, speakers = counted(result.raters, "rater"), counted(result.speakers, "speaker")
    recordings = counted(result.recordings, "recording")
    interval = f"no interval: {speakers}, at least 4 needed"
    if result.macro_f1_low is not None:
        interval = f"95 % interval {n(result.macro_f1_low)} to {n(result.macro_f1_high)}, over {speakers}"
    alphas = f"class {n(result.alpha_class)}, valence {n(result.alpha_valence)}, arousal {n(result.alpha_arousal)}"
    sure = f"{n(result.right_sure)} of sure turns ({result.sure_turns} labelled)"
    return [
        escape(f"{result.model}: {result.turns} of {result.drawn} turns labelled, from {recordings}"),
        f"{raters}, “cannot tell”: {result.abstentions}; agreement (Krippendorff's alpha): {alphas}",
        f"Model against raters: macro F1 {n(result.macro_f1)} ({interval})",
        f"    class right: {n(result.right)} of turns, {sure}",
        f"    concordance: valence {n(result.concordance_valence)}, arousal {n(result.concordance_arousal)}",
    ]


def _table(result: Validation) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("class")
    table.add_column("F1", justify="right")
    table.add_column("labels", justify="right")
    for figure in result.classes:
        table.add_row(figure.name, number(figure.f1), f"{figure.support:g}")
    return table


def _load(sources: Sequence[Path], terminal: Terminal) -> dict[Path, Conversation]:
    """Conversations by file, without corrections; in a folder, other files are reported and skipped."""
    from ressenti.pipeline.derive import uncorrected

    found: dict[Path, Conversation] = {}
    for source in sources:
        if not is_folder(source):
            found[source] = uncorrected(store.load(source))
            continue
        for path in stored_conversations.analysed(store.conversations_in(source)):
            try:
                found[path] = uncorrected(store.load(path))
            except NotAConversationError as error:
                terminal.note(f"[yellow]skipped[/] {escape(str(error))}")
    return found
