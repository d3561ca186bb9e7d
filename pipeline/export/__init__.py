"""Conversation -> formats of other tools; each export is a function from a conversation to text or bytes (pure)."""

from __future__ import annotations

from ressenti.pipeline.export.call_analytics import aws
from ressenti.pipeline.export.csv_locale import with_csv_locale
from ressenti.pipeline.export.documents import quotes_docx, quotes_md
from ressenti.pipeline.export.praat import textgrid
from ressenti.pipeline.export.said import said_csv
from ressenti.pipeline.export.segments import rttm
from ressenti.pipeline.export.subtitles import srt, vtt
from ressenti.pipeline.export.tables import TABLES, parquet, turns_csv
from ressenti.pipeline.export.wording import in_language
from ressenti.pipeline.export.workbook import MomentTold, Told, workbook

__all__ = [
    "TABLES",
    "MomentTold",
    "Told",
    "aws",
    "in_language",
    "parquet",
    "quotes_docx",
    "quotes_md",
    "rttm",
    "said_csv",
    "srt",
    "textgrid",
    "turns_csv",
    "vtt",
    "with_csv_locale",
    "workbook",
]
