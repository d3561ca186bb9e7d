"""The languages that people read reports and exports in: their texts and their number format.

A language is a file `locales/LANG.json` of texts beside the page and one beside the exports, and its format here.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal, get_args

from ressenti.pipeline.errors import ConfigError

Lang = Literal["en", "fr", "es"]
NO_BREAK_SPACE, NARROW_SPACE = "\u00a0", "\u202f"


@dataclass(frozen=True)
class Format:
    """How a language writes numbers and signs, and what office programs call it.

    `percent` stands between a number and its percent sign; `zero_is_one` is whether zero takes the singular; `tight`
    are signs that a narrow no-break space stands before, `wide` those with a no-break space.
    """

    decimal: str
    percent: str
    zero_is_one: bool
    tight: str
    wide: str
    tag: str


FORMATS: dict[Lang, Format] = {
    "en": Format(".", "", zero_is_one=False, tight="", wide="", tag="en-GB"),
    "fr": Format(",", NARROW_SPACE, zero_is_one=True, tight=";?!%", wide=":»", tag="fr-FR"),
    "es": Format(",", NARROW_SPACE, zero_is_one=False, tight="%", wide="", tag="es-ES"),
}


def check_lang(lang: str) -> None:
    """Raise `ConfigError` for a language without texts."""
    if lang not in get_args(Lang):
        raise ConfigError(f"lang: got {lang!r}; expected one of {', '.join(get_args(Lang))}.")


def lang_of(report: object) -> Lang:
    """The language of a stored group of report options; English if it names none that is known."""
    lang = report.get("lang") if isinstance(report, dict) else None
    return next((known for known in get_args(Lang) if known == lang), "en")


@cache
def texts_of(package: str, lang: Lang) -> dict[str, Any]:
    """Texts by key, from `locales/LANG.json` of a package, with the language's no-break spaces."""
    text = (resources.files(package) / "locales" / f"{lang}.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(_spaced(text, FORMATS[lang]))
    return loaded


def localized(number: str, lang: Lang) -> str:
    """A formatted number with a real minus sign and the language's decimal sign."""
    return number.replace("-", "\u2212").replace(".", FORMATS[lang].decimal)


def _spaced(text: str, form: Format) -> str:
    """Put no-break spaces before signs and inside quotation marks, as the language asks for."""
    if form.wide:
        text = re.sub(f" ([{form.wide}])", f"{NO_BREAK_SPACE}\\1", text).replace("« ", f"«{NO_BREAK_SPACE}")
    return re.sub(f" ([{form.tight}])", f"{NARROW_SPACE}\\1", text) if form.tight else text
