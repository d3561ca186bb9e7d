"""The sidecar of a conversation, `ID.call.json`: metadata, where its recording lay, and how its results were made."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from ressenti.pipeline.errors import LibraryError
from ressenti.pipeline.files.paths import is_file
from ressenti.pipeline.library.folder import Library, read_json
from ressenti.pipeline.library.metadata import Metadata
from ressenti.pipeline.store.rename_journal import digest_of
from ressenti.pipeline.store.result_sets import entries

ENDING = ".call.json"
_CONVERSATION = re.compile(r"c-[0-9a-f]{16}(?=\.)")  # of a library's files
Digest = Annotated[str, Field(pattern=r"[0-9a-f]{64}")]


@dataclass(frozen=True)
class Call:
    """What is known of a conversation besides its analysis.

    `added` is when it came into the library (ISO 8601, UTC). `analysis` is the SHA-256 of all that its analysis depends
    on but the recording and the program; a page in another language has the same.
    """

    path: str
    added: Annotated[str, Field(pattern=r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")]
    analysis: Digest
    metadata: Metadata
    version: Literal[1] = 1

    def dumps(self) -> str:
        """As JSON text."""
        return json.dumps(asdict(self), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def read_call(library: Library, conversation: str) -> Call:
    """The sidecar of a conversation; raises `LibraryError` if it is absent or damaged."""
    return _read(library.folder_of(conversation) / f"{conversation}{ENDING}")


def metadata_beside(path: Path) -> tuple[tuple[str, str], ...]:
    """Names and values of what is known of a library's stored conversation; empty for any other file.

    Raises `LibraryError` if its sidecar is damaged.
    """
    found = _CONVERSATION.match(path.name)
    sidecar = path.with_name(f"{found[0]}{ENDING}") if found else None
    return tuple(_read(sidecar).metadata.texts()) if sidecar and is_file(sidecar) else ()


def _read(path: Path) -> Call:
    try:
        return TypeAdapter(Call).validate_python(read_json(path))
    except FileNotFoundError as exc:
        raise LibraryError(f"{path}: is missing. Run `ressenti batch` with the recording again.") from exc
    except ValidationError as exc:
        raise LibraryError(f"{path}: damaged. Run `ressenti batch` with the recording again.") from exc


def corrected(folder: Path, conversation: str) -> list[Path]:
    """Files that a page saved for a conversation: `ID.corrected.json`, `ID.corrected (1).json`."""
    return sorted(folder.glob(f"{conversation}.corrected*.json"))


def fingerprint(library: Library, conversation: str) -> str | None:
    """Of all files that a conversation's table rows depend on; None if its results are not whole.

    The hashes of results are those that were noted when they were written.
    """
    folder = library.folder_of(conversation)
    known = entries(folder, conversation)
    own = [known.get(f"{conversation}{ending}") for ending in (".json", ENDING)]
    if None in own:
        return None
    hashes = [entry.sha256 for entry in own if entry]
    hashes += [f"{path.name} {digest_of(path)}" for path in corrected(folder, conversation)]
    return sha256("\n".join(hashes).encode()).hexdigest()
