"""How CSV files are written for the spreadsheets of a country: separator, decimal sign, byte order mark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import get_args

from ressenti.pipeline.language import FORMATS, Lang
from ressenti.pipeline.records import Conversation
from ressenti.pipeline.records.call_metadata import CALL_METADATA
from ressenti.pipeline.text import guarded


@dataclass(frozen=True)
class CsvLocale:
    """One way to write CSV; `mark` comes before everything else, and tells Excel that the file is UTF-8."""

    separator: str
    decimal: str
    mark: str

    def number(self, value: float) -> str:
        """A number with three decimals."""
        return f"{value:.3f}".replace(".", self.decimal)

    def text(self, value: str) -> str:
        """Text that no spreadsheet runs as a formula; NUL, at which CSV readers stop, becomes the replacement sign."""
        return guarded(value).replace("\x00", "\ufffd")


def metadata_columns(metadata: Sequence[tuple[str, str]], locale: CsvLocale) -> dict[str, str]:
    """Cells of a call's metadata by the name of their column: as in a library's tables, or `metadata.NAME`."""
    return {
        name if name in CALL_METADATA else locale.text(f"metadata.{name}"): locale.text(value)
        for name, value in metadata
    }


def csv_locale_of(conversation: Conversation) -> CsvLocale:
    """The way to write CSV that the conversation's options name; English if they name none that is known.

    A decimal comma goes with semicolons and a byte order mark: spreadsheets of such a country open the file rightly by
    a double click.
    """
    asked = _report(conversation).get("csv_locale")
    known: Lang = next((lang for lang in get_args(Lang) if lang == asked), "en")
    decimal = FORMATS[known].decimal
    return CsvLocale(";", decimal, "\ufeff") if decimal == "," else CsvLocale(",", decimal, "")


def with_csv_locale(conversation: Conversation, locale: Lang | None) -> Conversation:
    """The conversation with another way to write CSV; None leaves it unchanged."""
    if locale is None:
        return conversation
    return replace(
        conversation, config={**conversation.config, "report": {**_report(conversation), "csv_locale": locale}}
    )


def _report(conversation: Conversation) -> Mapping[str, object]:
    report = conversation.config.get("report")
    return report if isinstance(report, dict) else {}
