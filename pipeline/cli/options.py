"""Options that several commands share, and parsing of lists."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from ressenti.pipeline.cli import outputs, sound_options
from ressenti.pipeline.config import preset_names
from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.files.untrusted import short
from ressenti.pipeline.language import Lang

_MOST_LETTERS = 1_000  # of a name or a role, as records hold them
Out = Annotated[Path | None, typer.Option("--out", help="Folder for the results.  [default: beside the recording]")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]
Verbose = Annotated[
    int, typer.Option("--verbose", "-v", count=True, help="Log each step on standard error; -vv: names and paths too.")
]
Timeout = Annotated[float | None, typer.Option("--timeout", help="Time limit for each recording.", metavar="SECONDS")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace existing results.")]
SkipExisting = Annotated[bool, typer.Option("--skip-existing", help="Skip recordings that already have results.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print only one JSON line for each input on standard output.")]
Threads = Annotated[
    int | None,
    typer.Option("--threads", help="Processor cores to use; does not change results.  [default: all]", min=1),
]
Language = Annotated[Lang | None, typer.Option("--lang", help="Language of the report.")]
CsvLocale = Annotated[
    Lang | None,
    typer.Option("--csv-locale", help="CSV for spreadsheets of a country: fr, es: semicolons and decimal comma."),
]
Formats = Annotated[str, typer.Option("--format", help=f"Results to write: {', '.join(outputs.FORMATS)}.")]
Sound = Annotated[
    sound_options.How | None,
    typer.Option("--audio", help="Sound: in the page, beside it (NAME.report.mp3), or none."),
]
Use = Annotated[
    Literal["research", "commercial"] | None,
    typer.Option(
        "--use",
        help="What for: commercial never loads weights whose licence does not allow it.  "
        "[default: the config's; commercial if there is an agent or a client]",
    ),
]
Channels = Annotated[
    Literal["auto", "mono", "split"] | None,
    typer.Option("--channels", help="mono: mix the channels; split: each channel is a speaker."),
]
DiarizerModel = Annotated[
    str | None,
    typer.Option(
        "--diarizer",
        help="Diarizer: auto, builtin, an installed pyannote pipeline, or its folder.",
        metavar="ID|PATH",
    ),
]
EmotionFor = Annotated[
    str, typer.Option("--emotion-for", help="Compute emotion for these roles only.", metavar="ROLES")
]
AllowRestricted = Annotated[
    str | None,
    typer.Option(
        "--allow-restricted",
        help="Reason for scoring restricted or unconfirmed roles; the report prints it.",
        metavar="REASON",
    ),
]
EmotionWeights = Annotated[
    str | None,
    typer.Option(
        "--emotion-model", help="Emotion model: auto, builtin, an installed model, or its folder.", metavar="ID|PATH"
    ),
]
Words = Annotated[
    str | None,
    typer.Option(
        "--words",
        help="Recognise words: auto, off, builtin, an installed model, or its folder. A transcript wins.",
        metavar="auto|off|ID|PATH",
    ),
]
WordSentiment = Annotated[
    str | None,
    typer.Option(
        "--sentiment",
        help="What words say: auto (what is installed), off, an installed model of sentiment, or its folder.",
        metavar="auto|off|ID|PATH",
    ),
]
SpokenLanguage = Annotated[
    str | None,
    typer.Option(
        "--spoken-language", help="Language that is spoken: auto, en, fr or another code.", metavar="auto|CODE"
    ),
]
Preset = Annotated[
    str, typer.Option("--config", help=f"Preset ({', '.join(preset_names())}) or a YAML file.", show_default=True)
]


def listed(text: str) -> tuple[str, ...]:
    """Split a comma-separated list; raises `ConfigError` for an empty value, and for one that no record can hold."""
    parts = tuple(part.strip() for part in text.split(",")) if text.strip() else ()
    if any(not part for part in parts):
        raise ConfigError(f"got {short(repr(text), 200)}; expected values with a comma between them, none empty.")
    if long := [part for part in parts if len(part) > _MOST_LETTERS]:
        raise ConfigError(
            f"got {short(repr(long[0]))} of {len(long[0]):,} characters; expected at most {_MOST_LETTERS:,}."
        )
    return parts


def given(values: dict[str, Any]) -> dict[str, object]:
    """The values that are not None."""
    return {key: value for key, value in values.items() if value is not None}
