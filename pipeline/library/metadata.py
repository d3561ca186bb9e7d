"""What is known of a call besides its recording: who, where, when, as a manifest tells it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import Field

from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.files.untrusted import short
from ressenti.pipeline.records.call_metadata import CALL_METADATA
from ressenti.pipeline.text import plain

MOST_LETTERS = 1_000  # of a cell
MOST_COLUMNS = 100  # besides those with a name of their own

_HALF = re.compile("[\ud800-\udfff]")
Cell = Annotated[str, Field(min_length=1, max_length=MOST_LETTERS)]


@dataclass(frozen=True)
class Metadata:
    """Metadata of a call; `date` is ISO 8601 without an offset, `more` are further names and values, by name."""

    call_id: Cell | None = None
    agent: Cell | None = None
    queue: Cell | None = None
    date: Cell | None = None
    direction: Cell | None = None
    language: Cell | None = None
    more: Annotated[tuple[tuple[Cell, Cell], ...], Field(max_length=MOST_COLUMNS)] = ()

    def __bool__(self) -> bool:
        return self != Metadata()

    def texts(self) -> Iterator[tuple[str, str]]:
        """Names and values of all that is known."""
        for name in CALL_METADATA:
            if (value := getattr(self, name)) is not None:
                yield name, value
        yield from self.more

    def value(self, name: str) -> str | None:
        """The value of a name, whose case and accents do not count; None if it is not known."""
        wanted = plain(name)
        return next((value for known, value in self.texts() if plain(known) == wanted), None)


def metadata_of(cells: Mapping[str, object], where: str) -> Metadata:
    """Metadata from a row's cells by name; empty cells are left out. `where` begins the message of a `ConfigError`."""
    texts = {name: text for name, value in cells.items() if (text := text_of(value))}
    long = next((name for name, text in texts.items() if len(text) > MOST_LETTERS), None)
    if long is not None:
        raise ConfigError(f"{where}: {long} has {len(texts[long])} characters; expected at most {MOST_LETTERS}.")
    own = {name: texts.pop(name) for name in CALL_METADATA if name in texts}
    if "date" in own:
        own["date"] = _date(own["date"], where)
    if len(texts) > MOST_COLUMNS:
        raise ConfigError(f"{where}: {len(texts)} further columns; expected at most {MOST_COLUMNS}. Leave some out.")
    return Metadata(**own, more=tuple(sorted(texts.items())))


def text_of(value: object) -> str:
    """A cell as text without spaces around it; dates as ISO 8601, whole numbers without a point, nothing as ''."""
    if value is None or value != value:  # noqa: PLR0124  # NaN
        return ""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    return _HALF.sub("\ufffd", str(value)).replace("\x00", "\ufffd").strip()


def _date(text: str, where: str) -> str:
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is not None:
            found = found.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError) as exc:
        raise ConfigError(
            f"{where}: date: got {short(text)!r}; expected a date such as 2026-01-31 or 2026-01-31T14:05:00."
        ) from exc
    return found.isoformat()
