"""Conversation -> a table of what its words tell: pace, questions, greetings, keywords, phrases, personal data."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from ressenti.pipeline.content import content_of
from ressenti.pipeline.export.csv_locale import CsvLocale, csv_locale_of, metadata_columns
from ressenti.pipeline.records import Conversation

COLUMNS = (
    "conversation",
    "recording",
    "what",
    "name",
    "speaker",
    "speaker_name",
    "role",
    "start_s",
    "end_s",
    "value",
    "unit",
    "text",
    "state",
    "must",
)
Row = dict[str, str | float | int | None]


def said_csv(conversation: Conversation, metadata: Sequence[tuple[str, str]] = ()) -> str:
    """One row per figure and per place, numbers with up to three decimals (`ressenti.pipeline.export.csv_locale`).

    `what` is `words`, `pace` (of a whole conversation without times, or of a minute), `questions`, `sentences`,
    `hesitations`, `greeting`, `farewell`, `price`, `keyword`, `phrase` or `personal_data` (`name` is its kind). A
    phrase has one row for each place, or one row without times; its `state` is `said`, `not_found` or `unknown`
    (could not be told), and `must` is 1 if it must be said. Metadata have columns of their own, after all others.
    """
    locale = csv_locale_of(conversation)
    out, about = io.StringIO(), metadata_columns(metadata, locale)
    writer = csv.DictWriter(out, (*COLUMNS, *about), lineterminator="\n", restval="", delimiter=locale.separator)
    writer.writeheader()
    own: Row = {"conversation": conversation.id, "recording": conversation.recording.name}
    known = {speaker.label: speaker for speaker in conversation.speakers}
    for row in _rows(conversation):
        speaker = known.get(str(row.get("speaker")))
        who: Row = {"speaker_name": speaker.name, "role": speaker.role} if speaker else {}
        writer.writerow({key: _cell(value, locale) for key, value in (own | who | row).items()} | about)
    return locale.mark + out.getvalue()


def _cell(value: str | float | None, locale: CsvLocale) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return locale.text(value)
    return str(value) if isinstance(value, int) else locale.number(value)


def _rows(conversation: Conversation) -> Iterator[Row]:
    content = content_of(conversation)
    for s in content.speakers:
        own: Row = {"speaker": s.speaker}
        yield own | {"what": "words", "value": s.words, "unit": "words", "text": s.language}
        yield own | {"what": "pace", "value": s.words_per_min, "unit": "words/min"}
        for pace in s.paces:
            minute: Row = {"start_s": pace.start_s, "end_s": pace.start_s + 60}
            yield own | minute | {"what": "pace", "value": pace.words_per_min, "unit": "words/min"}
        yield own | {"what": "questions", "value": s.questions, "unit": "sentences"}
        yield own | {"what": "sentences", "value": s.sentences, "unit": "sentences"}
        yield own | {"what": "hesitations", "value": s.hesitations_per_min, "unit": "1/min"}
    for m in content.mentions:
        yield {"what": m.kind, "speaker": m.speaker, "start_s": m.start_s, "end_s": m.end_s, "text": m.text}
    for k in content.keywords:
        yield {"what": "keyword", "name": k.term, "speaker": " ".join(k.speakers), "start_s": k.first_s,
               "value": k.count, "unit": "times"}  # fmt: skip
        if k.distinct is not None:
            yield {"what": "keyword_distinctness", "name": k.term, "value": k.distinct, "unit": "z"}
    for p in content.phrases:
        told: Row = {"what": "phrase", "name": p.name, "state": p.state, "must": int(p.must)}
        for place in p.places:
            own = {"speaker": place.speaker, "start_s": place.start_s, "end_s": place.end_s, "text": place.text}
            yield told | own
        if not p.places:
            yield told
    for found in conversation.personal_data:
        yield {"what": "personal_data", "name": found.kind, "start_s": found.start_s, "end_s": found.end_s}
