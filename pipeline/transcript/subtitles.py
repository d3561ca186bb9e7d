"""SubRip and WebVTT -> words."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ressenti.pipeline.errors import TranscriptError
from ressenti.pipeline.transcript.cues import Spoken, between, check_times, plain, speaker_in

if TYPE_CHECKING:
    from webvtt import Caption

_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?\s([^<>]*)>")
_TIMES = re.compile(r"^[^\n]*-->[^\n]*$", re.MULTILINE)


def read_srt(text: str, name: str) -> list[Spoken]:
    """Read the words of SubRip, even if cues have no numbers."""
    import webvtt
    from webvtt.errors import MalformedFileError

    try:
        captions = webvtt.from_buffer(io.StringIO(text), format="srt").captions
    except MalformedFileError:
        captions = _captions(_TIMES.sub(lambda line: line.group().replace(",", "."), text), name)
    return _words(captions, name)


def read_vtt(text: str, name: str) -> list[Spoken]:
    """Read the words of WebVTT; `<v Name>` gives the speaker."""
    return _words(_captions(text, name), name)


def _captions(text: str, name: str) -> list[Caption]:
    import webvtt
    from webvtt.errors import MalformedFileError

    headed = text if text.startswith("WEBVTT") else f"WEBVTT\n\n{text}"
    try:
        return list(webvtt.from_string(headed).captions)
    except MalformedFileError as exc:
        raise TranscriptError(f"{name}: not subtitles ({exc}); expected SubRip or WebVTT. Export it again.") from exc


def _words(captions: Sequence[Caption], name: str) -> list[Spoken]:
    words = []
    for number, caption in enumerate(captions, 1):
        span = check_times(_seconds(caption.start), _seconds(caption.end), f"{name}: cue {number}")
        parts = _VOICE.split(caption.raw_text)  # text before the first voice, then voices and texts alternating
        pairs: list[tuple[str, str | None]] = []
        for voice, part in zip([None, *parts[1::2]], parts[::2], strict=True):
            speaker, rest = speaker_in(part)
            pairs += [(word, plain(voice) if voice else speaker) for word in plain(rest).split()]
        words += between(*span, [word for word, _ in pairs], [speaker for _, speaker in pairs])
    return words


def _seconds(stamp: str) -> float:
    hours, minutes, seconds = stamp.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
