"""`--verbose`: log messages on the terminal."""

from __future__ import annotations

import logging

from rich.markup import escape

from ressenti.pipeline.cli.console import Terminal

_LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)


class _Lines(logging.Handler):
    """Prints log messages beside the progress bars, one per line."""

    def __init__(self, terminal: Terminal) -> None:
        super().__init__()
        self._terminal = terminal

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record with the part of the program that it comes from."""
        try:
            text = record.getMessage()
        except (TypeError, ValueError) as exc:  # arguments that do not fit the message
            text = f"{record.msg!r} ({exc})"
        room = record.name.removeprefix("ressenti.").removeprefix("pipeline.")
        self._terminal.note(f"[dim]{escape(f'{room}: {text}')}[/]")


def speak(terminal: Terminal, often: int) -> None:
    """Print log messages: nothing at 0, steps, counts and decisions at 1, also names and paths at 2."""
    logger = logging.getLogger("ressenti")
    for handler in logger.handlers[:]:
        if isinstance(handler, _Lines):  # of an earlier command in the same process
            logger.removeHandler(handler)
            logger.setLevel(logging.NOTSET)
    if often:
        logger.setLevel(_LEVELS[min(often, 2)])
        logger.addHandler(_Lines(terminal))
