"""Quotes -> Markdown and Word documents; formats only, without computing anything."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence
from copy import deepcopy
from typing import TYPE_CHECKING

from ressenti.pipeline.export.quotes import Quote, quotes_of
from ressenti.pipeline.extras import need
from ressenti.pipeline.language import FORMATS
from ressenti.pipeline.records import Conversation

if TYPE_CHECKING:
    from docx.document import Document
    from docx.text.paragraph import Paragraph

_SPECIAL = re.compile(r"[\\`*_\[\]<>&~|$#]")
_AT_START = re.compile(r"^(\+|-|=|!|\d+(?=[.)]))")


def quotes_md(conversation: Conversation, metadata: Sequence[tuple[str, str]] = ()) -> str:
    """Timecoded quotes as CommonMark; user text is escaped."""
    quotes = quotes_of(conversation, metadata)
    facts, made = (
        "\n".join(f"- {_escaped(name)}{quotes.colon}{_escaped(value)}" for name, value in pairs)
        for pairs in (quotes.facts, quotes.made)
    )
    blocks = [f"# {_escaped(quotes.title)}", facts, *(_escaped(limit) for limit in quotes.limits), "---"]
    blocks += [_quote_md(quote, quotes.colon) for quote in quotes.quotes]
    return "\n\n".join([*blocks, "---", f"## {_escaped(quotes.heading)}", made]) + "\n"


def quotes_docx(conversation: Conversation, metadata: Sequence[tuple[str, str]] = ()) -> bytes:
    """Timecoded quotes as a Word document; the same conversation gives the same bytes."""
    need("docx", "--format quotes-docx", "or choose quotes-md")
    import docx
    from docx.oxml.ns import qn

    quotes = quotes_of(conversation, metadata)
    document = docx.Document()
    about = document.core_properties
    about.title, about.author, about.comments = quotes.title[:255], "Ressenti", ""
    about.language = quotes.lang
    for language in document.styles.element.iter(qn("w:lang")):
        language.set(qn("w:val"), FORMATS[quotes.lang].tag)
    _lay_out(document)
    document.add_heading(quotes.title, level=1)
    _add_pairs(document, quotes.facts, quotes.colon)
    for limit in quotes.limits:
        document.add_paragraph(limit, style="Caption")
    end = document.add_heading(quotes.heading, level=2)
    models = _models(document)
    for quote in quotes.quotes:
        _add_quote(end, models, quote, quotes.colon)
    _add_pairs(document, quotes.made, quotes.colon)
    out = io.BytesIO()
    document.save(out)
    return _without_clock(out.getvalue())


def _quote_md(quote: Quote, colon: str) -> str:
    heard = " · ".join(map(_escaped, quote.heard))
    said = [f"> {_escaped(quote.said)}" if quote.quoted else _escaped(quote.said)] if quote.said else []
    remarks = [f"{_escaped(name)}{colon}{_escaped(text)}" for name, text in quote.remarks]
    return "\n\n".join([f"**[{quote.time}] {_escaped(quote.speaker)}** · {heard}", *said, *remarks])


def _lay_out(document: Document) -> None:
    """Set up an A4 page with indented quotes close to their speaker, and limits in small print."""
    from docx.shared import Cm, Pt, RGBColor

    page = document.sections[0]
    page.page_width, page.page_height = Cm(21), Cm(29.7)
    page.left_margin = page.right_margin = Cm(2.3)
    page.top_margin = page.bottom_margin = Cm(2)
    styles = document.styles
    styles["Normal"].font.size = Pt(10.5)
    styles["Normal"].paragraph_format.space_after = Pt(6)
    styles["List Bullet"].paragraph_format.space_after = Pt(0)
    styles["Quote"].font.italic = False
    small = styles["Caption"]
    small.font.size, small.font.bold, small.font.color.rgb = Pt(9), False, RGBColor(0x55, 0x55, 0x55)
    small.paragraph_format.space_before, small.paragraph_format.space_after = Pt(6), Pt(0)


def _add_pairs(document: Document, pairs: Sequence[tuple[str, str]], colon: str) -> None:
    for name, value in pairs:
        line = document.add_paragraph(style="List Bullet")
        line.add_run(f"{name}{colon}").bold = True
        line.add_run(value)


def _models(document: Document) -> dict[str, Paragraph]:
    """Template paragraphs for quotes, by style, removed from the document again."""
    from docx.shared import Cm, Pt

    models = {style: document.add_paragraph(style=style) for style in ("Normal", "Quote", "Caption")}
    head = models["Normal"].paragraph_format
    head.keep_with_next, head.space_before, head.space_after = True, Pt(10), Pt(2)
    for style, model in models.items():
        if style != "Normal":
            model.paragraph_format.left_indent = Cm(0.6)
        model._p.getparent().remove(model._p)  # noqa: SLF001  # docx has no public way to remove a paragraph
    return models


def _copied(model: Paragraph, end: Paragraph) -> Paragraph:
    """Copy a paragraph and insert it before `end`: docx itself would search all paragraphs and styles each time."""
    from docx.text.paragraph import Paragraph

    element = deepcopy(model._p)  # noqa: SLF001  # docx has no public way to copy a paragraph
    end._p.addprevious(element)  # noqa: SLF001
    return Paragraph(element, end._parent)  # noqa: SLF001


def _add_quote(end: Paragraph, models: dict[str, Paragraph], quote: Quote, colon: str) -> None:
    """Add a quote before the `end` paragraph."""
    head = _copied(models["Normal"], end)
    head.add_run(f"[{quote.time}] {quote.speaker}").bold = True
    head.add_run(" · " + " · ".join(quote.heard))
    lines = [(quote.said, "Quote" if quote.quoted else "Caption")] if quote.said else []
    lines += [(f"{name}{colon}{text}", "Caption") for name, text in quote.remarks]
    for text, style in lines:
        _copied(models[style], end).add_run(text)


def _escaped(text: str) -> str:
    """Escape text for CommonMark, so that it has no emphasis, link, HTML, entity, list or heading."""
    inside = _SPECIAL.sub(lambda found: "\\" + found[0], text)
    return _AT_START.sub(lambda found: f"{found[0]}\\" if found[0].isdigit() else "\\" + found[0], inside)


def _without_clock(data: bytes) -> bytes:
    """Rewrite a zip archive with the format's earliest date instead of the time of writing."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.compress_type, info.external_attr, info.create_system = zipfile.ZIP_DEFLATED, 0o600 << 16, 3
            new.writestr(info, old.read(name))
    return out.getvalue()
