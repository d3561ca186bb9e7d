"""Who takes part and what the recording is called, for the top of the page (pure)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from ressenti.pipeline.records import Conversation, Speaker
from ressenti.reports.page_options import titles_of
from ressenti.reports.wording import Wording

_ENDING = re.compile(r"\.[A-Za-z0-9]{1,5}$")
_DAY = re.compile(r"(?<!\d)((?:19|20)\d\d)[-_.]?(\d\d)[-_.]?(\d\d)(?!\d)(?:[T _-]?(\d\d)[-:_.hH]?(\d\d)(?!\d{5}))?")


@dataclass(frozen=True)
class Party:
    """Somebody who speaks: `place` is the position in the list of speakers, which sets the colour."""

    label: str
    title: str
    place: int
    share: str
    basis: str


def parties_of(conversation: Conversation, words: Wording) -> tuple[Party, ...]:
    """The people of a conversation with their share of talk and what their role rests on."""
    titles = titles_of(conversation, words)
    return tuple(
        Party(s.label, titles[s.label], place, words.percent(s.talk.share if s.talk else 0.0), role_basis(s, words))
        for place, s in enumerate(conversation.speakers)
        if s.is_person
    )


def role_basis(speaker: Speaker, words: Wording) -> str:
    """What a role rests on; empty without a role."""
    return words(f"role_by_{speaker.role_source}") if speaker.role and speaker.role_source else ""


def called(conversation: Conversation) -> str:
    """What the recording is called: the name of its file without the ending."""
    name = conversation.recording.name
    return _ENDING.sub("", name) or name


def when(conversation: Conversation, words: Wording) -> str:
    """The day, and the time of day, that the name of the recording gives; empty if it gives none."""
    found = _DAY.search(conversation.recording.name)
    if not found:
        return ""
    year, month, day, hour, minute = found.groups()
    try:
        told = date(int(year), int(month), int(day))
    except ValueError:
        return ""
    known = hour is not None and int(hour) < 24 and int(minute) < 60
    return words.date(told, f"{int(hour)}:{minute}" if known else "")
