"""Voices that the user stored: names and embeddings, never sound. Biometric data (Regulation (EU) 2016/679, art. 9).

They are in `voices.json` in the folder RESSENTI_VOICES, else in `voices` in the user's data folder. Only the user may
read them: the folder has mode 0700, the file 0600, and a file that others may read is refused. It is written as a whole
or not at all, and nothing of an earlier one is kept::

    {"format": "ressenti-voices", "version": 1, "voices": [{"name": "Anna", "embedding": [192 numbers],
     "speech_s": 41.5, "recordings": 2, "model_sha256": "...", "added": "2026-01-31", "changed": "2026-02-14"}]}
"""

from __future__ import annotations

import json
import os
import re
import stat
import sys
import tempfile
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field, TypeAdapter, ValidationError

from ressenti.pipeline.audio.mel import FloatArray
from ressenti.pipeline.errors import ConfigError, OutputExistsError, VoicesError
from ressenti.pipeline.files.disk import writing
from ressenti.pipeline.files.paths import data_folder, expanded, is_there
from ressenti.pipeline.files.untrusted import RefusedError, parse_json, read_text, short
from ressenti.pipeline.records import Record, Seconds, Sha256, Unit
from ressenti.pipeline.records.fields import check
from ressenti.pipeline.rounding import rounded
from ressenti.pipeline.text import visible

FILE = "voices.json"
FORMAT, VERSION = "ressenti-voices", 1
MOST = 10_000  # voices
MOST_LETTERS = 200  # of a name
_LARGEST = 64 << 20  # bytes; a voice takes 2 kB
_WAIT_S = 10.0  # for another process that is writing
_DECIMALS = 5
_DAY = r"^\d{4}-\d{2}-\d{2}$"


@dataclass(frozen=True)
class KnownVoice(Record):
    """A person's voice: the mean embedding of all speech that was added, `speech_s` seconds from some recordings.

    `model_sha256` is the encoder's: embeddings of another one mean something else.
    """

    name: Annotated[str, Field(min_length=1, max_length=MOST_LETTERS)]
    embedding: Annotated[tuple[Unit, ...], Field(min_length=2, max_length=10_000)]
    speech_s: Annotated[Seconds, Field(gt=0)]
    recordings: Annotated[int, Field(ge=1, lt=2**31)]
    model_sha256: Sha256
    added: Annotated[str, Field(pattern=_DAY)]
    changed: Annotated[str, Field(pattern=_DAY)]

    def __post_init__(self) -> None:
        check(self.name == checked_name(self.name), f"expected a plain name, got {self.name!r}")
        length = float(np.linalg.norm(self.embedding))
        check(abs(length - 1) < 1e-2, f"expected an embedding of length 1, got {length:g}")


@dataclass(frozen=True)
class _Stored(Record):
    voices: Annotated[tuple[KnownVoice, ...], Field(max_length=MOST)]

    def __post_init__(self) -> None:
        keys = [key_of(voice.name) for voice in self.voices]
        check(len(set(keys)) == len(keys), "expected each name once")


def voices_folder() -> Path:
    """The folder of the voices file: RESSENTI_VOICES, else `voices` in the user's data folder."""
    given = os.environ.get("RESSENTI_VOICES")
    return expanded(given) if given else data_folder() / "voices"


def voices_file() -> Path:
    """The file of known voices, which may not exist."""
    return voices_folder() / FILE


def checked_name(text: str) -> str:
    """A name as it is stored (NFC, without spaces around it); `ConfigError` for one that cannot be shown as it is."""
    name = " ".join(unicodedata.normalize("NFC", text).split(" ")).strip()
    if not name or len(name) > MOST_LETTERS or visible(name) != name or re.search(r"[\t\n]", name):
        raise ConfigError(
            f"got {short(visible(text).replace(chr(10), ' '))!r} as a name; expected 1 to {MOST_LETTERS} letters "
            "without control characters."
        )
    return name


def key_of(name: str) -> str:
    """Names that differ in case or accents' encoding alone are one name."""
    return unicodedata.normalize("NFC", name.strip()).casefold()


def known_voices() -> tuple[KnownVoice, ...]:
    """All stored voices, by name; `VoicesError` if the file is damaged or others may read it."""
    path = voices_file()
    try:
        _check_private(path)
        return read_voices(path)
    except FileNotFoundError:
        return ()
    except NotADirectoryError:
        return ()


def read_voices(path: Path) -> tuple[KnownVoice, ...]:
    """The voices of a file as `known_voices` or an export wrote it; `VoicesError` if it is anything else.

    Raises `FileNotFoundError` and `NotADirectoryError` where there is no file.
    """
    expected = "Expected known voices, as `ressenti voices` writes them"
    try:
        data = parse_json(read_text(path, _LARGEST))
    except (FileNotFoundError, NotADirectoryError):
        raise
    except (OSError, RefusedError) as exc:
        raise VoicesError(f"{path}: cannot be read ({exc}). {expected}.") from exc
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise VoicesError(f"{path}: JSON, but no known voices. {expected}.")
    if data.get("version") != VERSION or isinstance(data["version"], bool):
        raise VoicesError(
            f"{path}: format version {short(repr(data.get('version')))}; this program reads {VERSION}. "
            "Use the program that wrote it, or add the voices again."
        )
    try:
        fields = {key: value for key, value in data.items() if key not in ("format", "version")}
        found = TypeAdapter(_Stored).validate_json(json.dumps(fields), strict=True)
    except (ValidationError, ConfigError) as exc:
        why = exc.errors(include_url=False, include_input=False)[0] if isinstance(exc, ValidationError) else None
        where = f"{'.'.join(map(str, why['loc']))}: {why['msg']}" if why else str(exc)
        raise VoicesError(f"{path}: is invalid; {short(where, 200)}. {expected}.") from exc
    return tuple(sorted(found.voices, key=lambda voice: key_of(voice.name)))


def dumped(voices: Sequence[KnownVoice]) -> str:
    """Voices as the text of a file."""
    rows = [asdict(voice) | {"embedding": [round(x, _DECIMALS) for x in voice.embedding]} for voice in voices]
    for row in rows:
        row["speech_s"] = rounded(row["speech_s"])
    return json.dumps({"format": FORMAT, "version": VERSION, "voices": rows}, ensure_ascii=False, indent=1) + "\n"


def find(name: str, voices: Sequence[KnownVoice]) -> KnownVoice | None:
    """The voice of this name, or None."""
    return next((voice for voice in voices if key_of(voice.name) == key_of(name)), None)


def need(name: str, voices: Sequence[KnownVoice]) -> KnownVoice:
    """The voice of this name; `ConfigError` with a name that may have been meant."""
    found = find(name, voices)
    if found is not None:
        return found
    near = get_close_matches(name, [voice.name for voice in voices], n=1)
    advice = f"did you mean {near[0]}?" if near else "`ressenti voices list` shows all."
    raise ConfigError(f"no known voice is called {short(visible(name))!r}; {advice}")


def more_of(voice: KnownVoice, embedding: FloatArray, speech_s: float, day: str) -> KnownVoice:
    """A voice with more speech of the same person: the mean, weighted by seconds."""
    mean = np.asarray(voice.embedding) * voice.speech_s + np.asarray(embedding) * speech_s
    unit = mean / np.linalg.norm(mean)
    return KnownVoice(
        voice.name,
        tuple(float(x) for x in unit),
        voice.speech_s + speech_s,
        voice.recordings + 1,
        voice.model_sha256,
        voice.added,
        day,
    )


def change(how: Callable[[tuple[KnownVoice, ...]], Sequence[KnownVoice]]) -> None:
    """Read, change and write the known voices, one process at a time. Raises `VoicesError` and `OutputError`."""
    path = voices_file()
    with _alone(path):
        changed = sorted(how(known_voices()), key=lambda voice: key_of(voice.name))
        if len(changed) > MOST:
            raise VoicesError(f"{path}: {len(changed):,} voices; expected at most {MOST:,}. Forget some.")
        if changed:
            write_private(path, dumped(changed), overwrite=True)
        else:
            path.unlink(missing_ok=True)


def write_private(path: Path, text: str, *, overwrite: bool) -> None:
    """Write a file that only its user may read, whole or not at all; `OutputExistsError` if it exists."""
    if not overwrite and is_there(path):
        raise OutputExistsError(f"{path}: already exists. Add --overwrite, or choose another name.")
    with writing(path):
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent)  # mode 0600
        aside = Path(name)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the folder of voices for one process, with modes for its user alone; what a killed run left is deleted."""
    from filelock import FileLock, Timeout

    with writing(path):
        _private_folder(path.parent)
        try:
            with FileLock(path.with_name(f".{FILE}.lock"), timeout=_WAIT_S, mode=0o600):
                for left in path.parent.glob(f".{FILE}.*.partial"):
                    left.unlink(missing_ok=True)
                yield
        except Timeout as exc:
            raise VoicesError(f"{path}: another process is using it. Wait for it, or stop it.") from exc


def _private_folder(folder: Path) -> None:
    """Make a folder for its user alone; one that the user chose and that exists keeps its mode."""
    chosen = bool(os.environ.get("RESSENTI_VOICES")) and is_there(folder)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not chosen:
        with suppress(PermissionError):  # a disk without modes
            folder.chmod(0o700)


def _check_private(path: Path) -> None:
    """Raise `VoicesError` if others than the user may read or write the file."""
    if sys.platform == "win32":
        return
    about = path.stat()
    if stat.S_IMODE(about.st_mode) & 0o077:
        raise VoicesError(
            f"{path}: other users may read it (mode {stat.S_IMODE(about.st_mode):03o}); expected 600, for you alone. "
            f"Voices are biometric data. Run: chmod 600 {path}"
        )
