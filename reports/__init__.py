"""Conversation -> one self-contained HTML page. Knows nothing of audio or models."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ressenti.pipeline.language import Lang
    from ressenti.pipeline.records import Conversation

__all__ = ["report_html"]


def report_html(conversation: Conversation, lang: Lang | None = None, sound: bytes | str | None = None) -> str:
    """The page of a conversation: one HTML document that makes no request, in `lang` or the conversation's language.

    `sound` is what it plays: an MP3 made by `ressenti.page_sound`, the name of an MP3 beside the page, or None. The
    same conversation, analysed or read back from its JSON, gives the same page. Raises `ConfigError` for an unknown
    language.
    """
    from ressenti.pipeline import store
    from ressenti.pipeline.language import check_lang
    from ressenti.reports.page import render

    if lang is not None:
        check_lang(lang)
    return render(store.loads(store.dumps(conversation)), lang, sound=sound)
