"""The languages that people read reports and exports in: their texts and their number format."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib import resources
from typing import Any, Literal, get_args

from ressenti.pipeline.errors import ConfigError

Lang = Literal["en", "fr"]
NO_BREAK_SPACE, NARROW_SPACE = "\u00a0", "\u202f"


def check_lang(lang: str) -> None:
    """Raise `ConfigError` for a language without texts."""
    if lang not in get_args(Lang):
        raise ConfigError(f"lang: got {lang!r}; expected one of {', '.join(get_args(Lang))}.")


@cache
def texts_of(package: str, lang: Lang) -> dict[str, Any]:
    """Texts by key, from `locales/LANG.json` of a package; French ones with their no-break spaces."""
    text = (resources.files(package) / "locales" / f"{lang}.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(_spaced(text) if lang == "fr" else text)
    return loaded


def localized(number: str, lang: Lang) -> str:
    """A formatted number with a real minus sign, and a decimal comma in French."""
    number = number.replace("-", "\u2212")
    return number.replace(".", ",") if lang == "fr" else number


def _spaced(text: str) -> str:
    """Put no-break spaces into French text before punctuation and percent signs, and inside quotation marks."""
    text = re.sub(" ([:»])", f"{NO_BREAK_SPACE}\\1", text).replace("« ", f"«{NO_BREAK_SPACE}")
    return re.sub(" ([;?!%])", f"{NARROW_SPACE}\\1", text)
