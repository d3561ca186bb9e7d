"""Quotes -> Markdown and Word; makes strings and bytes, and computes nothing."""

from __future__ import annotations

import io
import re
import zipfile
from typing import TYPE_CHECKING

from pipeline.export.quotes import Quote, quotes_of
from pipeline.records import Conversation

if TYPE_CHECKING:
    from docx.document import Document

_SPECIAL = re.compile(r"[\\`*_\[\]<>&~|$#]")
_AT_START = re.compile(r"^(\+|-|=|!|\d+(?=[.)]))")


def quotes_md(conversation: Conversation) -> str:
    """Timecoded quotes as CommonMark; what people wrote is escaped and stays text."""
    quotes = quotes_of(conversation)
    facts = "\n".join(f"- {_escaped(name)}{quotes.colon}{_escaped(value)}" for name, value in quotes.facts)
    blocks = [f"# {_escaped(quotes.title)}", facts, *(_escaped(limit) for limit in quotes.limits), "---"]
    return "\n\n".join([*blocks, *(_quote_md(quote, quotes.colon) for quote in quotes.quotes)]) + "\n"


def quotes_docx(conversation: Conversation) -> bytes:
    """Timecoded quotes as a Word document; the same conversation gives the same bytes."""
    import docx
    from docx.oxml.ns import qn
    from docx.shared import Pt

    quotes = quotes_of(conversation)
    document = docx.Document()
    about = document.core_properties
    about.title, about.author, about.comments = quotes.title[:255], "Ressenti", ""
    about.language = quotes.lang
    for language in document.styles.element.iter(qn("w:lang")):
        language.set(qn("w:val"), {"en": "en-GB", "fr": "fr-FR"}[quotes.lang])
    document.styles["Normal"].font.size = Pt(10.5)
    document.add_heading(quotes.title, level=1)
    for name, value in quotes.facts:
        line = document.add_paragraph(style="List Bullet")
        line.add_run(f"{name}{quotes.colon}").bold = True
        line.add_run(value)
    for limit in quotes.limits:
        document.add_paragraph().add_run(limit).italic = True
    for quote in quotes.quotes:
        _add_quote(document, quote, quotes.colon)
    out = io.BytesIO()
    document.save(out)
    return _without_clock(out.getvalue())


def _quote_md(quote: Quote, colon: str) -> str:
    heard = " · ".join(map(_escaped, quote.heard))
    said = f"> {_escaped(quote.said)}" if quote.quoted else _escaped(quote.said)
    remarks = [f"{_escaped(name)}{colon}{_escaped(text)}" for name, text in quote.remarks]
    return "\n\n".join([f"**[{quote.time}] {_escaped(quote.speaker)}** · {heard}", said, *remarks])


def _add_quote(document: Document, quote: Quote, colon: str) -> None:
    head = document.add_paragraph()
    head.paragraph_format.keep_with_next = True
    head.add_run(f"[{quote.time}] {quote.speaker}").bold = True
    head.add_run(" · " + " · ".join(quote.heard))
    document.add_paragraph(quote.said, style="Quote" if quote.quoted else None)
    for name, text in quote.remarks:
        document.add_paragraph().add_run(f"{name}{colon}{text}")


def _escaped(text: str) -> str:
    """Text of which CommonMark makes the same text: no emphasis, link, HTML, entity, list or heading in it."""
    inside = _SPECIAL.sub(lambda found: "\\" + found[0], text)
    return _AT_START.sub(lambda found: f"{found[0]}\\" if found[0].isdigit() else "\\" + found[0], inside)


def _without_clock(data: bytes) -> bytes:
    """The same zip archive with the earliest date that the format knows, not the hour of writing."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.compress_type, info.external_attr, info.create_system = zipfile.ZIP_DEFLATED, 0o600 << 16, 3
            new.writestr(info, old.read(name))
    return out.getvalue()
