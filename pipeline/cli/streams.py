"""Standard output and error as they may be: closed, full, a pipe that nobody reads, or of an encoding without ✓."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TextIO

_PLAIN = str.maketrans({"✓": "ok", "…": "...", "–": "-", "→": "->", "·": "-", "×": "x", "≤": "<="})


def open_all() -> None:
    """Have standard streams that were closed go nowhere; else the next file that is opened would take their place."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


class Stream:
    """A standard stream that is written to as long as that is possible; what is written never fails for it.

    `lost` says that a part could not be written, for another reason than that nobody reads on.
    """

    def __init__(self, *, stderr: bool = False) -> None:
        self._name = "stderr" if stderr else "stdout"
        self._over = False
        self.lost = False

    def write(self, text: str) -> int:
        """Write text, with plain signs where the encoding lacks others."""
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
        """Hand over what was written."""
        stream = self._stream()
        if stream is not None:
            try:
                stream.flush()
            except (OSError, ValueError) as exc:
                self._end(exc)

    def isatty(self) -> bool:
        """Whether somebody watches."""
        stream = self._stream()
        return stream is not None and not stream.closed and stream.isatty()

    def fileno(self) -> int:
        """The number of the stream itself, by which rich asks for the width of the terminal."""
        stream = self._stream()
        if stream is None:
            raise OSError("no such stream")
        return stream.fileno()

    @property
    def encoding(self) -> str:
        """The encoding of the stream itself."""
        return getattr(self._stream(), "encoding", None) or "utf-8"

    def _stream(self) -> TextIO | None:
        return None if self._over else getattr(sys, self._name)

    def _end(self, exc: Exception) -> None:
        """Write no more, and see that what is still waiting to be written does not fail when Python ends."""
        stream = self._stream()
        self._over = True
        self.lost = not isinstance(exc, BrokenPipeError)
        with suppress(OSError, ValueError, AttributeError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())  # type: ignore[union-attr]
            os.close(nowhere)


def _plain(text: str, encoding: str) -> str:
    return text.translate(_PLAIN).encode(encoding, "backslashreplace").decode(encoding)
