"""The licence that a folder with a model states: `license` in the front matter of its README.md, as on the hub.

A folder without one has no known licence. `license` is an identifier of the hub; where it is `other`, or one that is
not listed here, `license_name` is its name and `commercial: true` or `false` says whether it allows commercial use::

    ---
    license: apache-2.0
    ---

Whoever writes it answers for it; the report shows what is stated.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ressenti.pipeline.files.untrusted import RefusedError, parse_yaml, read_text

CARD = "README.md"
_LARGEST = 1 << 20  # bytes; published cards have 5 kB
_LONGEST = 200  # characters of a licence's name
ALLOWING = {  # commercial use, as the hub names licences; some ask for attribution or the same licence
    "afl-3.0": "AFL-3.0",
    "apache-2.0": "Apache-2.0",
    "bsd": "BSD",
    "bsd-2-clause": "BSD-2-Clause",
    "bsd-3-clause": "BSD-3-Clause",
    "bsl-1.0": "BSL-1.0",
    "cc-by-2.0": "CC BY 2.0",
    "cc-by-2.5": "CC BY 2.5",
    "cc-by-3.0": "CC BY 3.0",
    "cc-by-4.0": "CC BY 4.0",
    "cc-by-sa-3.0": "CC BY-SA 3.0",
    "cc-by-sa-4.0": "CC BY-SA 4.0",
    "cc0-1.0": "CC0-1.0",
    "isc": "ISC",
    "mit": "MIT",
    "mpl-2.0": "MPL-2.0",
    "unlicense": "Unlicense",
    "zlib": "Zlib",
}
FORBIDDING = {
    "cc-by-nc-2.0": "CC BY-NC 2.0",
    "cc-by-nc-3.0": "CC BY-NC 3.0",
    "cc-by-nc-4.0": "CC BY-NC 4.0",
    "cc-by-nc-nd-3.0": "CC BY-NC-ND 3.0",
    "cc-by-nc-nd-4.0": "CC BY-NC-ND 4.0",
    "cc-by-nc-sa-2.0": "CC BY-NC-SA 2.0",
    "cc-by-nc-sa-3.0": "CC BY-NC-SA 3.0",
    "cc-by-nc-sa-4.0": "CC BY-NC-SA 4.0",
}


@dataclass(frozen=True)
class Stated:
    """A licence, None if none is stated, and whether it allows commercial use, None if that is not known."""

    licence: str | None = None
    commercial: bool | None = None

    @property
    def not_commercial(self) -> str | None:
        """Why the model must not be used commercially; None if its licence is stated and allows it."""
        if self.licence is None:
            return "its licence is not known"
        if self.commercial is None:
            return f"whether its licence ({self.licence}) allows this use is not known"
        return None if self.commercial else f"its licence ({self.licence}) forbids this use"


def stated_in(folder: Path) -> Stated:
    """What a folder's card states; nothing where there is no card, or one that cannot be read."""
    try:
        text = read_text(folder / CARD, _LARGEST)
        found = parse_yaml(_front_matter(text))
    except (OSError, RefusedError):
        return Stated()
    return _stated(found) if isinstance(found, dict) else Stated()


def _stated(found: dict[str, Any]) -> Stated:
    given = found.get("license")
    if not isinstance(given, str) or not given.strip():
        return Stated()
    key = given.strip().casefold()
    if key in ALLOWING or key in FORBIDDING:
        return Stated((ALLOWING | FORBIDDING)[key], key in ALLOWING)
    name, allowed = found.get("license_name"), found.get("commercial")
    named = name.strip() if isinstance(name, str) and name.strip() else given.strip()
    return Stated(" ".join(named.split())[:_LONGEST], allowed if isinstance(allowed, bool) else None)


def _front_matter(text: str) -> str:
    """What stands between the first line `---` and the next one; empty if there is none."""
    lines = text.splitlines()
    if not lines or lines[0].strip() != "---":
        return ""
    end = next((k for k, line in enumerate(lines[1:], 1) if line.strip() == "---"), 0)
    return "\n".join(lines[1:end])
