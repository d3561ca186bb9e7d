"""`ressenti evaluate`: one command and one module per question about accuracy and speed."""

from __future__ import annotations

import typer

from ressenti.pipeline.cli.commands import Commands
from ressenti.pipeline.cli.evaluate.activation import activation
from ressenti.pipeline.cli.evaluate.diarization import diarization
from ressenti.pipeline.cli.evaluate.emotion import emotion
from ressenti.pipeline.cli.evaluate.label import label
from ressenti.pipeline.cli.evaluate.redaction import redaction
from ressenti.pipeline.cli.evaluate.sounds import sounds
from ressenti.pipeline.cli.evaluate.speed import speed
from ressenti.pipeline.cli.evaluate.stability import stability
from ressenti.pipeline.cli.evaluate.trajectory import trajectory
from ressenti.pipeline.cli.evaluate.voices import voices
from ressenti.pipeline.cli.evaluate.words import words

app = typer.Typer(cls=Commands, help="Measure accuracy and speed on data with a known truth.", no_args_is_help=True)
app.command()(diarization)
app.command()(emotion)
app.command()(activation)
app.command()(trajectory)
app.command()(stability)
app.command()(label)
app.command()(speed)
app.command()(voices)
app.command()(words)
app.command()(redaction)
app.command()(sounds)


@app.callback()
def evaluate() -> None:
    """Measure accuracy and speed on data with a known truth."""
