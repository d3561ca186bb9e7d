"""The command line: the only place that knows both the pipeline and the reports."""

from __future__ import annotations

from pipeline.cli.app import main

__all__ = ["main"]
