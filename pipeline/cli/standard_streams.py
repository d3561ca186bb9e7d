"""Standard output and error that may be closed, full, an unread pipe, or in an encoding without ✓."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TextIO

_PLAIN = str.maketrans({"✓": "ok", "…": "...", "–": "-", "→": "->", "·": "-", "×": "x", "≤": "<="})


def open_all() -> None:
    """Open closed standard streams on the null device; otherwise the next opened file would take their number."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


class Stream:
    """A standard stream that never raises when written to.

    `lost` is true if output was lost for another reason than a closed pipe.
    """

    def __init__(self, *, stderr: bool = False) -> None:
        self._name = "stderr" if stderr else "stdout"
        self._over = False
        self.lost = False

    def write(self, text: str) -> int:
        """Write text, with plain characters for those that the encoding lacks."""
        stream = self._stream()
        if stream is not None:
            try:
                try:
                    stream.write(text)
                except UnicodeEncodeError:
                    stream.write(_plain(text, self.encoding))
            except (OSError, ValueError) as exc:
                self._end(exc)
        return len(text)

    def flush(self) -> None:
        """Flush the stream."""
        stream = self._stream()
        if stream is not None:
            try:
                stream.flush()
            except (OSError, ValueError) as exc:
                self._end(exc)

    def isatty(self) -> bool:
        """Whether the stream is a terminal."""
        stream = self._stream()
        return stream is not None and not stream.closed and stream.isatty()

    def fileno(self) -> int:
        """The stream's descriptor, which rich needs for the width of the terminal."""
        stream = self._stream()
        if stream is None:
            raise OSError("no such stream")
        return stream.fileno()

    @property
    def encoding(self) -> str:
        """The stream's encoding."""
        return getattr(self._stream(), "encoding", None) or "utf-8"

    def _stream(self) -> TextIO | None:
        return None if self._over else getattr(sys, self._name)

    def _end(self, exc: Exception) -> None:
        """Stop writing, and redirect the stream so that flushing it at exit does not fail."""
        stream = self._stream()
        self._over = True
        self.lost = not isinstance(exc, BrokenPipeError)
        with suppress(OSError, ValueError, AttributeError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())  # type: ignore[union-attr]
            os.close(nowhere)


def _plain(text: str, encoding: str) -> str:
    return text.translate(_PLAIN).encode(encoding, "backslashreplace").decode(encoding)
