"""The command line: the only place that knows both the pipeline and the reports."""

from __future__ import annotations

INTERRUPTED = 130


def main() -> None:
    """Run the command line; Ctrl-C ends it without a traceback, even during imports."""
    try:
        from ressenti.pipeline.cli.app import main as run
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None
    run()
