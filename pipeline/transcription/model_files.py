"""The files of a Whisper model in CTranslate2's format: which are read, how large they may be, and their hashes."""

from __future__ import annotations

from pathlib import Path

from ressenti.pipeline.errors import ModelError
from ressenti.pipeline.files.hashes import digest_of

WEIGHTS = "model.bin"
_NEEDED = (WEIGHTS, "config.json", "tokenizer.json")
READ = (*_NEEDED, "preprocessor_config.json", "vocabulary.json", "vocabulary.txt")
"""Names of all files that faster-whisper reads."""
MOST_BYTES = 16 << 20
"""The largest that a file beside the weights may be; those of Whisper's largest model have 3 MB."""

Stamp = tuple[tuple[str, int, int], ...]


def stamp_of(folder: Path) -> Stamp:
    """Name, size and time of change of each file of a model that is there.

    Raises `ModelError` where one is missing that is needed, is no plain file, or is too large.
    """
    missing = [name for name in _NEEDED if not (folder / name).is_file()]
    if missing:
        raise ModelError(
            f"{folder}: has no {', '.join(missing)}; expected a Whisper model in CTranslate2's format, as "
            "faster-whisper reads it. Convert it with ct2-transformers-converter, with --copy_files tokenizer.json."
        )
    found = []
    for path in (folder / name for name in READ):
        if not path.exists():
            continue
        if not path.is_file():
            raise ModelError(f"{path}: is no plain file; expected one of a Whisper model. Install it again.")
        about = path.stat()
        if path.name != WEIGHTS and about.st_size > MOST_BYTES:
            raise ModelError(
                f"{path}: {about.st_size:,} bytes; expected at most {MOST_BYTES:,}. Install the model again."
            )
        found.append((path.name, about.st_size, about.st_mtime_ns))
    return tuple(found)


def hashes_of(folder: Path) -> dict[str, str]:
    """SHA-256 by name of each file of a model; raises `ModelError` as `stamp_of` does."""
    return {name: digest_of(folder / name) for name, _, _ in stamp_of(folder)}
