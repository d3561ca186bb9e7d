"""What could not be analysed, and why: `failures.json` for the program, `errors.csv` for people."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from ressenti.pipeline.errors import LibraryError
from ressenti.pipeline.library.folder import Library, read_json
from ressenti.pipeline.library.metadata import Metadata
from ressenti.pipeline.records.call_metadata import CALL_METADATA
from ressenti.pipeline.store import write_whole
from ressenti.pipeline.text import guarded, visible

FAILURES, ERRORS = "failures.json", "errors.csv"
_ADVICE = re.compile(r"(?<=[.)])\s+(?=[A-ZÀ-Þ])")


@dataclass(frozen=True)
class Failure:
    """A recording that could not be analysed.

    `sha256`, `program` and `options` say of which bytes and how (None if they could not be read); `deaths` counts the
    worker processes that ended with it. `at` is when, as ISO 8601 in UTC.
    """

    path: str
    code: int
    error: str
    message: str
    at: str
    sha256: str | None = None
    program: str = ""
    options: str = ""
    deaths: Annotated[int, Field(ge=0)] = 0
    metadata: Metadata = field(default_factory=Metadata)

    @property
    def conversation(self) -> str | None:
        """The id that its conversation would have."""
        return f"c-{self.sha256[:16]}" if self.sha256 else None

    @property
    def parts(self) -> tuple[str, str]:
        """What happened, and what to do: the first sentence of the message, and the others."""
        first, *others = _ADVICE.split(self.message, maxsplit=1)
        return first, others[0] if others else ""


COLUMNS = ("path", "code", "error", "message", "what_to_do", "conversation", "at", *CALL_METADATA)


def read_failures(library: Library) -> dict[str, Failure]:
    """The library's failures by path; raises `LibraryError` if they are damaged."""
    path = library.root / FAILURES
    try:
        data = read_json(path)
        found = TypeAdapter(list[Failure]).validate_python(data.get("failures"))
    except FileNotFoundError:
        return {}
    except ValidationError as exc:
        raise LibraryError(f"{path}: damaged. Run `ressenti library check` to mend the library.") from exc
    return {failure.path: failure for failure in found}


def write_failures(library: Library, failures: Mapping[str, Failure]) -> None:
    """Write both files, or none of them."""
    ordered = [failures[path] for path in sorted(failures)]
    data = {"failures": [asdict(failure) for failure in ordered]}
    write_whole(
        {
            library.root / FAILURES: json.dumps(data, indent=1, sort_keys=True) + "\n",
            library.root / ERRORS: errors_csv(ordered),
        }
    )


def errors_csv(failures: Iterable[Failure]) -> str:
    """One row for each failure; texts are guarded against spreadsheets that would run them."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for failure in failures:
        message, advice = failure.parts
        known = [getattr(failure.metadata, name) or "" for name in CALL_METADATA]
        cells = [failure.path, failure.code, failure.error, message, advice, failure.conversation or "", failure.at]
        writer.writerow([guarded(visible(cell)) if isinstance(cell, str) else cell for cell in (*cells, *known)])
    return out.getvalue()


def shown_path(path: Path) -> str:
    """A recording's path as it is stored and shown; control characters and bytes that are no text become codes."""
    return visible(str(path))
