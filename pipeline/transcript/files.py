"""Transcript file -> words: the only reader, for all formats and encodings."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from pathlib import Path

from ressenti.pipeline.errors import TranscriptError
from ressenti.pipeline.files.paths import is_file
from ressenti.pipeline.files.untrusted import RefusedError, read_bounded
from ressenti.pipeline.records import MOST_LETTERS, MOST_WORDS
from ressenti.pipeline.transcript.ctm import read_ctm
from ressenti.pipeline.transcript.cues import Spoken
from ressenti.pipeline.transcript.stm import read_stm
from ressenti.pipeline.transcript.subtitles import read_srt, read_vtt
from ressenti.pipeline.transcript.textgrid import read_textgrid
from ressenti.pipeline.transcript.whisper import read_whisper

MOST_BYTES = 50 << 20  # of JSON; a day of talk with word times takes 20 MiB
_MOST_TEXT_BYTES = 16 << 20  # of subtitles, STM, CTM and TextGrid, which are slow to read; a day of talk takes 3 MiB
ENDINGS = (".srt", ".vtt", ".stm", ".ctm", ".json", ".TextGrid")
_BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def read_transcript(path: Path, recording: str) -> tuple[Spoken, ...]:
    """Read the words of a transcript in order of time; `recording` is the recording's name without its ending.

    Raises `TranscriptError` for a file that cannot be read, has another format or contains no words.
    """
    readers: dict[str, Callable[[str, str], list[Spoken]]] = {
        ".srt": read_srt,
        ".vtt": read_vtt,
        ".stm": lambda text, name: read_stm(text, name, recording),
        ".ctm": lambda text, name: read_ctm(text, name, recording),
        ".json": read_whisper,
        ".textgrid": read_textgrid,
    }
    read = readers.get(path.suffix.lower())
    if read is None:
        raise TranscriptError(f"{path.name}: got the ending {path.suffix!r}; expected one of {', '.join(ENDINGS)}.")
    try:
        data = read_bounded(path, MOST_BYTES if read is read_whisper else _MOST_TEXT_BYTES)
    except RefusedError as exc:
        raise TranscriptError(f"{path.name}: {exc}. Choose another transcript, or split it.") from exc
    except OSError as exc:
        raise TranscriptError(f"{path}: cannot be read ({exc.strerror}). Check the name and the permissions.") from exc
    words = read(decoded(data, path.name), path.name)
    if not words:
        raise TranscriptError(f"{path.name}: contains no words; expected a transcript with times. Export it again.")
    if len(words) > MOST_WORDS:
        raise TranscriptError(f"{path.name}: {len(words):,} words; expected at most {MOST_WORDS:,}. Split it.")
    if long := next((word for word in words if len(word.text) > MOST_LETTERS), None):
        raise TranscriptError(
            f"{path.name}: a word of {len(long.text):,} letters at {long.start_s:g} s; expected at most "
            f"{MOST_LETTERS:,}. Fix the transcript."
        )
    return tuple(sorted(words, key=lambda word: (word.start_s, word.end_s)))


def find_transcript(folder: Path, recording: str) -> Path | None:
    """Find a recording's transcript in a folder by its name without the ending, or None; raises `TranscriptError`.

    A TextGrid counts only where there is no other: `analyze` can write one, too.
    """
    found = [p for ending in ENDINGS[:-1] if is_file(p := folder / f"{recording}{ending}")]
    found = found or [p for e in (ENDINGS[-1], ENDINGS[-1].lower()) if is_file(p := folder / f"{recording}{e}")][:1]
    if len(found) > 1:
        raise TranscriptError(
            f"{folder}: several transcripts of {recording}: {', '.join(p.name for p in found)}. Keep one."
        )
    return found[0] if found else None


def decoded(data: bytes, name: str) -> str:
    """Decode UTF-8, UTF-16 with a byte order mark, or else Windows-1252; normalises line ends."""
    encodings = [next((e for bom, e in _BOMS.items() if data.startswith(bom)), "utf-8"), "cp1252", "latin-1"]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        return text.replace("\r\n", "\n").replace("\r", "\n")
    raise TranscriptError(f"{name}: not text; expected a transcript ({', '.join(ENDINGS)}).")
