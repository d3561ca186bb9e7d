"""The sound of a page that is written again, taken from the page that it replaces."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ressenti.pipeline.files.paths import is_there
from ressenti.pipeline.files.untrusted import RefusedError, read_bounded
from ressenti.pipeline.language import Lang
from ressenti.pipeline.records import Conversation
from ressenti.pipeline.records.intervals import union_s, without

_MOST_BYTES = 1 << 30  # of an MP3
_ROUNDED_S = 0.001


@dataclass(frozen=True)
class KeptSound:
    """The sound of an earlier page: the MP3, or why it is lost; if it lies beside the page, and if there was none.

    `unread` says that something lies there that is no page, or a damaged one.
    """

    sound: bytes | None = None
    beside: bool = False
    lost: str = ""
    mute: bool = False
    unread: bool = False
    lang: Lang | None = None


def kept_sound(page: Path, sidecar: Path, conversation: Conversation) -> KeptSound:
    """What of an earlier page fits the conversation: its language, and its sound if silenced spans are silent in it.

    `sidecar` is where a sound beside the page lies.
    """
    from ressenti.reports.saved_page import read_page

    before = read_page(page)
    if before is None and is_there(page):
        return KeptSound(lost=f"{page.name} cannot be read as a page of Ressenti", unread=True)
    if before is None:
        return KeptSound()
    if before.sound is None:
        return KeptSound(mute=True, lang=before.lang)
    beside = isinstance(before.sound, str)
    if before.sha256 != conversation.recording.sha256:
        return KeptSound(None, beside, "the page's sound is of another recording", lang=before.lang)
    bleeps = union_s([(span.start_s, span.end_s) for span in conversation.bleeps])
    if any(end - start > _ROUNDED_S for start, end in without(bleeps, union_s(before.silenced))):
        return KeptSound(None, beside, "the page's sound has to be silenced anew", lang=before.lang)
    if isinstance(before.sound, bytes):
        return KeptSound(before.sound, beside, lang=before.lang)
    try:
        return KeptSound(read_bounded(sidecar, _MOST_BYTES), beside, lang=before.lang)
    except (OSError, RefusedError):
        return KeptSound(None, beside, f"{sidecar.name} cannot be read", lang=before.lang)
