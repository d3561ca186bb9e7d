"""Texts and number formats of the page's languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, cast

from ressenti.pipeline.language import FORMATS, Lang, localized, texts_of
from ressenti.pipeline.records import Note

Text = str | dict[str, str]
"""A text, or its forms for one and other counts (counting the value that `by` names, else `n`)."""


def _texts(lang: Lang) -> dict[str, Text]:
    return texts_of(__package__ or "", lang)


class _Filled(dict[str, object]):
    """Values to fill in; a value that a note lacks, perhaps written by another program, becomes a dash."""

    def __missing__(self, key: str) -> str:
        return "–"


@dataclass(frozen=True)
class Wording:
    """One language: texts by key, and number formats."""

    lang: Lang

    def __call__(self, key: str, **values: object) -> str:
        """The text of a key in the form that its count takes, with values filled in; KeyError for an unknown key."""
        return self._form(key, values).format(**values)

    def _form(self, key: str, values: Mapping[str, object]) -> str:
        text = _texts(self.lang)[key]
        if isinstance(text, dict):
            text = text[self.plural(cast("int", values[text.get("by", "n")]))]
        return text

    def plural(self, count: int) -> Literal["one", "other"]:
        """The form that a count takes."""
        return "one" if count == 1 or (count == 0 and FORMATS[self.lang].zero_is_one) else "other"

    def family(self, prefix: str) -> dict[str, str]:
        """All texts whose keys start with `prefix`, with their placeholders, for scripts that fill them in."""
        found = _texts(self.lang).items()
        return {key: text for key, text in found if key.startswith(prefix) and isinstance(text, str)}

    def listed(self, parts: Sequence[str]) -> str:
        """Items joined for a sentence: A, B and C."""
        return (
            parts[0] if len(parts) == 1 else self("and", first=", ".join(parts[:-1]), last=parts[-1]) if parts else ""
        )

    def note(self, note: Note) -> str:
        """The text of a note, with numbers in this language's format; a note of labels lists each with its class."""
        if note.key == "labels":
            pairs = (
                f"{label} → {self(str(name)) if name else self('labels_no_class')}"
                for label, name in note.values.items()
            )
            return self("note_labels", pairs=", ".join(pairs))
        values = _Filled(
            (key, self.number(value, 1).rstrip("0").rstrip(".,") if isinstance(value, float) else value)
            for key, value in note.values.items()
        )
        return self._form(f"note_{note.key}", values).format_map(values)

    def number(self, value: float | None, decimals: int = 2, sign: bool = False) -> str:
        """A number with `decimals` decimals; a dash for None."""
        if value is None:
            return "–"
        if round(value, decimals) == 0:
            value, sign = 0.0, False  # no "-0.00"
        return localized(f"{value:{'+' if sign else ''}.{decimals}f}", self.lang)

    def percent(self, share: float | None, decimals: int = 0) -> str:
        """A share between 0 and 1 as a percentage; a dash for None."""
        return "–" if share is None else f"{self.number(100 * share, decimals)}{FORMATS[self.lang].percent}%"

    def seconds(self, value: float | None, decimals: int = 1) -> str:
        """Seconds with their unit; a dash for None."""
        return "–" if value is None else f"{self.number(value, decimals)}\u00a0s"

    def length(self, seconds: float) -> str:
        """How long something lasts, alike everywhere on the page: 1.2 s, 36 s, 2:05 min, 1:02:05 h."""
        if seconds < 9.95:
            return self.seconds(seconds)
        if seconds < 59.5:
            return self.seconds(seconds, 0)
        return self("minutes_value" if seconds < 3599.5 else "hours_value", time=self.clock(seconds))

    def sentence(self, parts: Sequence[str]) -> str:
        """Parts of a sentence as one, with a capital and a full stop."""
        text = self("stop", text=self.listed(parts))
        return text[:1].upper() + text[1:]

    def date(self, day: date, time: str = "") -> str:
        """A day, and the time of day if there is one."""
        month = self("months").split(", ")[day.month - 1]
        told = self("date_value", day=day.day, month=month, year=day.year)
        return self("date_time", date=told, time=time) if time else told

    def clock(self, seconds: float, decimals: int = 0) -> str:
        """A time in the recording as m:ss or h:mm:ss, with `decimals` decimals of a second."""
        ticks = round(seconds * 10**decimals)
        whole, part = divmod(ticks, 10**decimals)
        hours, rest = divmod(whole, 3600)
        minutes, secs = divmod(rest, 60)
        text = f"{hours}:{minutes:02d}:{secs:02d}" if hours else f"{minutes}:{secs:02d}"
        return f"{text}{FORMATS[self.lang].decimal}{part:0{decimals}d}" if decimals else text

    def speaker(self, label: str, name: str, role: str | None, guess: bool = False) -> str:
        """A speaker's title on the page: name or numbered label, with the role, which is marked if it is a guess."""
        shown = name or self("speaker_n", n=label.removeprefix("S"))
        return f"{shown} ({self.role(role, guess)})" if role else shown

    def role(self, role: str, guess: bool = False) -> str:
        """A preset's role in this language, any other as the user wrote it; marked if it is a guess."""
        shown = str(_texts(self.lang).get(f"role_{role}", role))
        return self("guessed", role=shown) if guess else shown

    def exact(self, value: float, unit: str = "\u00a0s") -> str:
        """A configured value with all its decimals, and its unit."""
        return localized(f"{value:.10g}", self.lang) + unit
