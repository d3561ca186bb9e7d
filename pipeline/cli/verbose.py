"""`--verbose`: what the program logs, on the terminal."""

from __future__ import annotations

import logging

from rich.markup import escape

from ressenti.pipeline.cli.console import Terminal

_LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)


class _Lines(logging.Handler):
    """Prints what is logged beside the progress bars, each in a line."""

    def __init__(self, terminal: Terminal) -> None:
        super().__init__()
        self._terminal = terminal

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record: which part of the program says what."""
        try:
            text = record.getMessage()
        except (TypeError, ValueError) as exc:  # arguments that do not fit the message
            text = f"{record.msg!r} ({exc})"
        room = record.name.partition(".")[2] or record.name
        self._terminal.note(f"[dim]{escape(f'{room}: {text}')}[/]")


def speak(terminal: Terminal, often: int) -> None:
    """Print what is logged: once asked, steps, counts and decisions; twice, also names and paths; else nothing."""
    logger = logging.getLogger("ressenti")
    for handler in logger.handlers[:]:
        if isinstance(handler, _Lines):  # of a command before, in the same process
            logger.removeHandler(handler)
            logger.setLevel(logging.NOTSET)
    if often:
        logger.setLevel(_LEVELS[min(often, 2)])
        logger.addHandler(_Lines(terminal))
