"""The Excel workbook of a conversation, with what its page says."""

from __future__ import annotations

from collections.abc import Sequence

from ressenti.pipeline import export
from ressenti.pipeline.language import lang_of
from ressenti.pipeline.records import Conversation


def workbook(conversation: Conversation, metadata: Sequence[tuple[str, str]] = ()) -> bytes:
    """The workbook in the conversation's language, with what is known of its call."""
    from ressenti.reports.headline import headline, most_said
    from ressenti.reports.moments import each_moment
    from ressenti.reports.people import called, when
    from ressenti.reports.wording import Wording

    words = Wording(lang_of(conversation.config.get("report")))
    moments = tuple(
        export.MomentTold(m.kind, m.start_s, m.end_s, m.who, m.what, not m.chance, m.quote)
        for m in each_moment(conversation, words)
    )
    said = most_said(conversation, words)
    sentences = (*headline(conversation, words), *([said] if said else []))
    told = export.Told(called(conversation), when(conversation, words), sentences, moments)
    return export.workbook(conversation, told, metadata)
