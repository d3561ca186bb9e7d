"""`ressenti evaluate words`: recognised words against a reference, and words in sound without speech."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from ressenti.pipeline import store
from ressenti.pipeline.cli.console import Terminal, counted
from ressenti.pipeline.cli.options import given
from ressenti.pipeline.config import load_config
from ressenti.pipeline.errors import ConfigError, NotFoundError, RessentiError
from ressenti.pipeline.extras import need
from ressenti.pipeline.lab.evaluation.references import ENDINGS
from ressenti.pipeline.rounding import rounded

if TYPE_CHECKING:
    from ressenti.pipeline.config import Config
    from ressenti.pipeline.lab.evaluation.words import Errors, Invented, WordFigures


def words(
    folder: Annotated[Path, typer.Argument(help="Folder of recordings, with transcripts of the same names.")],
    config: Annotated[str, typer.Option(help="Preset or YAML file.")] = "default",
    model: Annotated[
        str | None, typer.Option("--words", help="Model: auto, builtin, an installed model, or its folder.")
    ] = None,
    spoken_language: Annotated[str | None, typer.Option(help="Language that is spoken.  [default: heard]")] = None,
    speakers: Annotated[int | None, typer.Option(help="Number of speakers, if it is known.")] = None,
    non_speech: Annotated[
        bool, typer.Option("--non-speech", help="Nobody speaks in these recordings: count the words all the same.")
    ] = False,
    agreement: Annotated[
        bool,
        typer.Option("--agreement", help="Without references: how well other ways of decoding agree. Not accuracy."),
    ] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the figures to this file.")] = None,
) -> None:
    """Word and character error rates, by speaker too (cpWER), times of words, and what recognising them takes.

    References are SRT, WebVTT, STM, CTM, Praat TextGrid or Whisper's JSON. Where channels are parties and the reference
    names them, words are also compared by channel. Case, punctuation and remarks in brackets do not count; French
    elisions are words of their own; numbers stay as they are written. With --non-speech, recordings need no reference:
    every word was invented. With --agreement, they need none either: words are recognised again with a beam of 5 and
    in shorter windows, and what is printed is the share of words that are equal. Ways that agree may both be wrong. The
    JSON holds the fields of `pipeline.lab.evaluation.words.WordFigures`, `Invented` or `word_agreement.Agreement`.
    """
    from ressenti.pipeline.lab.evaluation import words as lab
    from ressenti.pipeline.loaded_models import Models

    need("jiwer", "evaluate words")
    terminal, models = Terminal(), Models()
    options = load_config(
        config,
        {
            "words": given({"model": model, "language": spoken_language}),
            "diarization": given({"speakers": speakers}),
        },
    )
    if options.words.model == "off":
        raise ConfigError("evaluate words: words.model is off; expected a model. Choose one with --words.")
    if agreement and non_speech:
        raise ConfigError("evaluate words: got --agreement and --non-speech; expected one of them.")
    recordings = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in ENDINGS]
    if agreement:
        raise typer.Exit(_agreement(folder, recordings, options, json_file, terminal))
    pairs = [(path, ()) for path in recordings] if non_speech else lab.references_in(recordings)
    if not pairs:
        raise NotFoundError(
            f"{folder}: no recording with a transcript of the same name; expected NAME.wav and NAME.srt."
        )
    figures: list[WordFigures] = []
    strange: list[Invented] = []
    code = 0
    for path, reference in pairs:
        try:
            with terminal.progress(path.name) as progress:
                if non_speech:
                    strange.append(lab.invented(path, options, models, progress))
                else:
                    figures.append(lab.measure(path, reference, options, models, progress))
        except RessentiError as error:
            failed = terminal.fail(error)
            code = code or failed
    if non_speech:
        _tell_invented(strange, terminal)
    else:
        terminal.show(_table(figures))
    if json_file is not None:
        told = {"folder": str(folder), "files": [asdict(one) for one in (strange if non_speech else figures)]}
        store.write_whole({json_file: json.dumps(rounded(told), indent=1) + "\n"})
    raise typer.Exit(0 if figures or strange else code)


def _agreement(
    folder: Path, recordings: Sequence[Path], options: Config, json_file: Path | None, terminal: Terminal
) -> int:
    from ressenti.pipeline.lab.evaluation import word_agreement as lab
    from ressenti.pipeline.loaded_models import Models

    if not recordings:
        raise NotFoundError(f"{folder}: no recordings; expected a folder of some.")
    models, ways, found, code = Models(), lab.ways_of(options), [], 0
    for path in recordings:
        try:
            with terminal.progress(path.name) as progress:
                found.append(lab.agreement(path, options, ways, models, progress))
        except RessentiError as error:
            failed = terminal.fail(error)
            code = code or failed
    table = Table(
        "recording",
        "language",
        "words",
        *(f"agreement with {way} %" for way in lab.OTHER_WAYS),
        box=None,
        pad_edge=False,
    )
    rows = [(one.name, ", ".join(one.languages) or "unknown", one.ways) for one in found]
    for name, spoken, own in [*rows, ("all recordings", "", lab.total(found))] if found else []:
        shares = ["–" if way.share is None else f"{100 * way.share:.1f}" for way in own]
        table.add_row(escape(name), spoken, str(own[0].words), *shares)
    terminal.show(table)
    if json_file is not None:
        told = {"folder": str(folder), "files": [asdict(one) for one in found]}
        store.write_whole({json_file: json.dumps(rounded(told), indent=1) + "\n"})
    return 0 if found else code


def _table(figures: Sequence[WordFigures]) -> Table:
    from ressenti.pipeline.lab.evaluation.words import total

    table = Table(
        *("recording", "language", "speaker", "words", "wrong", "S / D / I", "WER %", "CER %", "time error s"),
        *("s per s", "core s per s", "peak MB"),
        box=None,
        pad_edge=False,
    )
    for one in figures:
        cost = one.cost
        spent = (cost.wall_s / cost.sound_s, cost.cpu_s / cost.sound_s)
        took = (f"{spent[0]:.3f}", f"{spent[1]:.3f}", f"{cost.peak_mb:.0f}")
        late = "–" if one.time_error_s is None else f"{one.time_error_s:.2f}"
        spoken = ", ".join(one.languages) or "unknown"
        table.add_row(escape(one.name), spoken, "all, by time", *_cells(one.all), late, *took)
        for theirs, ours, errors in one.by_speaker:
            table.add_row("", "", escape(f"{theirs or '–'} = {ours or '–'}"), *_cells(errors))
        table.add_row("", "", "all speakers (cpWER)", *_cells(one.permuted))
        for channel, errors in one.by_channel:
            table.add_row("", "", "in no turn" if channel is None else f"channel {channel}", *_cells(errors))
    if len(figures) > 1:
        table.add_row("all recordings", "", "all, by time", *_cells(total(one.all for one in figures)))
        table.add_row("", "", "all speakers (cpWER)", *_cells(total(one.permuted for one in figures)))
    return table


def _cells(found: Errors) -> list[str]:
    rates = ["–" if rate is None else f"{100 * rate:.1f}" for rate in (found.rate, found.letter_rate)]
    kinds = f"{found.substitutions} / {found.deletions} / {found.insertions}"
    return [str(found.words), str(found.count), kinds, *rates]


def _tell_invented(found: Sequence[Invented], terminal: Terminal) -> None:
    for one in found:
        if one.words:
            terminal.say(f"{escape(one.name)}: {counted(one.words, 'word')}: {escape(one.text[:200])}")
    seconds, count = sum(one.seconds for one in found), sum(one.words for one in found)
    rate = f", {60 * count / seconds:.2f} a minute" if seconds else ""
    terminal.say(f"{counted(len(found), 'recording')}, {seconds / 60:.1f} min: {counted(count, 'invented word')}{rate}")
