"""The `ressenti` command and its subcommands."""

from __future__ import annotations

from typing import Annotated

import typer

from ressenti.pipeline.cli import evaluate, library, models, train, voices
from ressenti.pipeline.cli.analyze import analyze, sample
from ressenti.pipeline.cli.apply import apply
from ressenti.pipeline.cli.commands import Commands
from ressenti.pipeline.cli.console import Terminal
from ressenti.pipeline.cli.find import find
from ressenti.pipeline.cli.library_batch import batch
from ressenti.pipeline.cli.options import Preset
from ressenti.pipeline.cli.query import query
from ressenti.pipeline.cli.report import report
from ressenti.pipeline.cli.sample_calls import sample_calls
from ressenti.pipeline.cli.sections import sections
from ressenti.pipeline.cli.simulate import simulate
from ressenti.pipeline.cli.standard_streams import open_all
from ressenti.pipeline.errors import RessentiError
from ressenti.pipeline.files.disk import is_full
from ressenti.pipeline.version import PROGRAM

app = typer.Typer(
    name="ressenti",
    cls=Commands,
    help="Turn recorded conversations into reports: who spoke when, how they sounded, and how that changed. "
    "Everything stays on this machine.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command()(analyze)
app.command()(sample)
app.command()(batch)
app.command()(report)
app.command()(apply)
app.command()(find)
app.command()(query)
app.command("sample-calls")(sample_calls)
app.command()(sections)
app.add_typer(library.app, name="library")
app.add_typer(evaluate.app, name="evaluate")
app.add_typer(train.app, name="train")
app.add_typer(models.app, name="models")
app.add_typer(voices.app, name="voices")
app.command()(simulate)


def _tell_version(asked: bool) -> None:
    if asked:
        typer.echo(PROGRAM)
        raise typer.Exit


@app.callback()
def _options(
    _: Annotated[
        bool,
        typer.Option("--version", help="Print the version and end.", callback=_tell_version, is_eager=True),
    ] = False,
) -> None:
    pass


@app.command()
def doctor(
    config: Preset = "default",
    load: Annotated[bool, typer.Option("--load", help="Also load the heavy packages (about 10 s).")] = False,
) -> None:
    """Show what is installed, and which models a config would use, with their state and licences."""
    from ressenti.pipeline.cli.doctor import examine

    raise typer.Exit(examine(Terminal(), load, config))


def main() -> None:
    """Run the command line; a `RessentiError` ends it without a traceback."""
    open_all()
    try:
        app(prog_name="ressenti")  # also for python -m ressenti
    except RessentiError as error:
        raise SystemExit(Terminal().fail(error)) from None
    except Exception as error:
        if not is_full(error):
            raise
        raise SystemExit(Terminal().fail(error)) from None
