"""`ressenti library`: check a library, and delete recordings from it."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from ressenti.pipeline.cli.commands import Commands
from ressenti.pipeline.cli.console import Terminal, counted
from ressenti.pipeline.cli.options import Language
from ressenti.pipeline.cli.query import LibraryFolder
from ressenti.pipeline.errors import ConfigError, LibraryError
from ressenti.pipeline.extras import need
from ressenti.pipeline.text import visible

app = typer.Typer(
    cls=Commands,
    help="Libraries that `ressenti batch` wrote: mend them, and delete recordings from them.",
    no_args_is_help=True,
)


@app.command()
def check(library: LibraryFolder) -> None:
    """Find and mend what a crash or a deleted file left; the exit code is 57 if something is left to do."""
    need("pyarrow", "ressenti library check", extra="library")
    from ressenti.pipeline.library.check import check as look
    from ressenti.pipeline.library.folder import open_library

    terminal, found = Terminal(), open_library(library)
    mended = left = 0
    with found.alone():
        for finding in look(found):
            mended, left = mended + finding.mended, left + (not finding.mended)
            mark = "[green]mended[/]" if finding.mended else "[yellow]to do[/]"
            terminal.say(f"{mark} {escape(visible(finding.text))}")
    terminal.say(f"{mended} mended, {left} to do" if mended or left else "everything is as it should be")
    terminal.close()
    raise typer.Exit(LibraryError.exit_code if left else 0)


@app.command()
def overview(library: LibraryFolder, lang: Language = None) -> None:
    """Write the page over all conversations anew: LIBRARY/index.html. `ressenti batch` does so, too, when it ends."""
    from ressenti.pipeline.library.folder import open_library
    from ressenti.pipeline.library.overview import write_overview

    terminal, found = Terminal(), open_library(library)
    with found.alone():
        path = write_overview(found, lang)
    terminal.say(f"[green]✓[/] [bold]{escape(str(path))}[/]")
    terminal.close()


@app.command()
def forget(
    library: LibraryFolder,
    ids: Annotated[
        list[str] | None,
        typer.Option("--id", help="Id of a conversation (c-...) or of a call; may be repeated.", metavar="ID"),
    ] = None,
    older_than: Annotated[
        str | None,
        typer.Option(
            help="All recordings from before: 90d, 12w, 6m, 2y. Their date, or when they came in.", metavar="SPAN"
        ),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
) -> None:
    """Delete everything of recordings: results, pages, rows, failures, log lines. They stay away until `batch --again`.

    `forgotten.json` keeps a dated record without content. The recordings themselves are not deleted.
    """
    need("pyarrow", "ressenti library forget", extra="library")
    from ressenti.pipeline.library.folder import open_library
    from ressenti.pipeline.library.forget import days_of
    from ressenti.pipeline.library.forget import forget as delete
    from ressenti.pipeline.library.overview import language_of, write_overview

    if bool(ids) == bool(older_than):
        raise ConfigError("expected either --id ID or --older-than SPAN.")
    terminal, found = Terminal(quiet), open_library(library)
    span = days_of(older_than) if older_than else None
    with found.alone():
        page = language_of(found)
        gone = delete(found, ids or (), span, f"older than {older_than}" if older_than else "by id")
        if page is not None:
            write_overview(found, page)
    what = [counted(gone.conversations, "conversation")]
    what += [counted(gone.failures, "failure")] if gone.failures else []
    what += [counted(gone.log_lines, "line") + " of logs"] if gone.log_lines else []
    terminal.say(f"deleted: {', '.join(what)}")
    for path in gone.recordings:
        terminal.say(f"[yellow]not deleted[/]: the recording itself, {escape(visible(path))}")
    for log in gone.logs_left:
        terminal.note(f"[yellow]not cleaned[/]: the log {escape(visible(str(log)))}; delete its lines by hand")
    if gone.conversations or gone.failures:
        terminal.say(
            "[dim]known voices, exports and backups are not part of a library: see `ressenti voices forget`[/]"
        )
    terminal.close()
    raise typer.Exit(LibraryError.exit_code if gone.logs_left else 0)
