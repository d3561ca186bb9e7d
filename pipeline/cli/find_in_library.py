"""`ressenti find` in a library: places, turns, moments or calls."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from rich.markup import escape

from ressenti.pipeline.cli.console import Terminal, clock, counted
from ressenti.pipeline.cli.outputs import check_free
from ressenti.pipeline.cli.tables import check_table, link_to, write_table
from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.records import CLASSES
from ressenti.pipeline.text import visible

COLUMNS = ("conversation", "recording", "date", "speaker", "start_s", "end_s", "what", "text", "page", "link")
MOST_SHOWN = 200


def find_in_library(
    folder: Path,
    text: str,
    speaker: str | None,
    label: str | None,
    moment: str | None,
    where: Sequence[str],
    since: str | None,
    until: str | None,
    out: Path | None,
    overwrite: bool,
    terminal: Terminal,
) -> None:
    """Print what is found, and write it to `out`; raises `ConfigError` for what cannot be looked for."""
    from ressenti.pipeline.content.languages import parts_of
    from ressenti.pipeline.extras import need
    from ressenti.pipeline.library.folder import open_library
    from ressenti.pipeline.library.search import Wanted, search

    need("duckdb", "ressenti find in a library")
    if text and not any(parts_of(word) for word in text.split()):
        raise ConfigError(f"got {text!r}; expected one or more words to look for.")
    if label is not None and label.casefold() not in {name.casefold() for name in CLASSES}:
        raise ConfigError(f"--class: got {label!r}; expected one of {', '.join(CLASSES)}.")
    if moment and (text or label):
        raise ConfigError("--moment: expected without words and without --class; look for one thing at a time.")
    if out is not None:
        check_free([out], overwrite)
        check_table(out)
    wanted = Wanted(text, speaker, label, moment, *narrowed(where, since, until))
    rows = []
    for hit in search(open_library(folder), wanted):
        page = str(folder / hit.page) if hit.page else None
        times = [None if t is None else f"{t:.3f}" for t in (hit.start_s, hit.end_s)]
        rows.append([hit.conversation, hit.recording, hit.date, hit.speaker, *times, hit.what, hit.text, page])
        rows[-1].append(link_to(page, hit.start_s))
        if len(rows) <= MOST_SHOWN:
            when = f" {clock(hit.start_s)}" if hit.start_s is not None else ""
            told = ": ".join(filter(None, (hit.speaker, ", ".join(filter(None, (hit.what, hit.text))))))
            name = f"[bold]{escape(visible(hit.recording))}[/]{when} {escape(visible(told))}"
            terminal.say(f"{name}  [dim]{escape(visible(page or hit.conversation))}[/]")
    if out is not None:
        write_table(out, COLUMNS, rows, terminal)
    more = f", the first {MOST_SHOWN} are shown" if len(rows) > MOST_SHOWN else ""
    calls = counted(len({row[0] for row in rows}), "conversation")
    terminal.say(
        f"{counted(len(rows), 'place')} in {calls}{more}" if text or speaker or label or moment else calls + more
    )
    if text and not rows:
        terminal.say("It may still have been said: words are misheard. Try another form, or one word of it.")
    terminal.close()


def narrowed(
    where: Sequence[str], since: str | None, until: str | None
) -> tuple[tuple[tuple[str, str], ...], str | None, str | None]:
    """Options that narrow calls, as `Wanted` has them; raises `ConfigError`."""
    return tuple(_pair(one) for one in where), _day("--since", since), _day("--until", until)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name.strip() and equals and value.strip()):
        raise ConfigError(f"--where: got {text!r}; expected NAME=VALUE, for example queue=sales.")
    return name.strip(), value.strip()


def _day(option: str, text: str | None) -> str | None:
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text).isoformat()
    except ValueError as exc:
        raise ConfigError(f"{option}: got {text!r}; expected a date such as 2026-01-31.") from exc
