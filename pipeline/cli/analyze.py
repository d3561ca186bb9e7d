"""`ressenti analyze` and `ressenti sample`: recordings -> results."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pipeline.cli import outputs, sound
from pipeline.cli.additions import Additions, Bleep, Pseudonyms, Transcript
from pipeline.cli.console import Terminal
from pipeline.cli.options import (
    Formats,
    Language,
    Out,
    Overwrite,
    Preset,
    Quiet,
    Sound,
    Timeout,
    Verbose,
    given,
    listed,
)
from pipeline.cli.tell import tell
from pipeline.cli.verbose import speak
from pipeline.config import Config, load_config
from pipeline.records import Conversation, Progress
from pipeline.roles import People
from pipeline.watch import watched

if TYPE_CHECKING:
    from pipeline.chosen import Models


def analyze(
    recordings: Annotated[list[Path], typer.Argument(help="Recordings: wav, mp3, m4a, ogg, flac, mp4, ...")],
    config: Preset = "default",
    speakers: Annotated[int | None, typer.Option(help="Number of speakers, when you know it.")] = None,
    min_speakers: Annotated[int | None, typer.Option(help="At least so many speakers.")] = None,
    max_speakers: Annotated[int | None, typer.Option(help="At most so many speakers.")] = None,
    channels: Annotated[
        Literal["auto", "mono", "split"] | None, typer.Option(help="Whether channels are speakers.")
    ] = None,
    track: Annotated[
        int | None, typer.Option(help="Number of the sound track, where a file has several.", metavar="N", min=1)
    ] = None,
    raw: Annotated[
        str | None,
        typer.Option(help="Sound without a header: mulaw:8000, alaw:8000, s16le:8000:2.", metavar="ENCODING:RATE"),
    ] = None,
    diarizer: Annotated[
        str | None,
        typer.Option(help="auto, builtin, an installed pyannote pipeline, or a folder with one.", metavar="ID|PATH"),
    ] = None,
    trust_model: Annotated[
        bool,
        typer.Option(
            "--trust-model", help="For this run, load pickles whose SHA-256 nobody trusts: they may run code."
        ),
    ] = False,
    names: Annotated[str, typer.Option(help="Speakers' names: Anna,Ben or S2=Ben.")] = "",
    roles: Annotated[str, typer.Option(help="Speakers' roles: agent,client (a guess on mono) or S2=client.")] = "",
    emotion_for: Annotated[str, typer.Option(help="Judge emotion for these roles only.", metavar="ROLES")] = "",
    allow_restricted: Annotated[
        str | None,
        typer.Option(help="Why restricted or unconfirmed roles are judged all the same; printed.", metavar="REASON"),
    ] = None,
    lang: Language = None,
    emotion_model: Annotated[
        str | None, typer.Option(help="Emotion model: auto, builtin, an installed one, or a folder.", metavar="ID|PATH")
    ] = None,
    device: Annotated[
        Literal["auto", "cpu", "cuda"] | None, typer.Option(help="Where emotion models of transformers run.")
    ] = None,
    transcript: Transcript = None,
    audio: Sound = None,
    bleep: Bleep = "",
    pseudonyms: Pseudonyms = False,
    format: Formats = ",".join(outputs.DEFAULT),
    out: Out = None,
    overwrite: Overwrite = False,
    timeout: Timeout = None,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> None:
    """Analyse recordings: NAME.report.html, NAME.json, NAME.turns.csv and NAME.rttm for each, or other formats."""
    terminal = Terminal(quiet)
    speak(terminal, verbose)
    diarization = {
        "model": diarizer,
        "trust_model": trust_model or None,
        "speakers": speakers,
        "min_speakers": min_speakers,
        "max_speakers": max_speakers,
    }
    options = load_config(
        config,
        {
            "diarization": given(diarization),
            "audio": given({"channels": channels, "track": track, "raw": raw}),
            "emotion": given({"model": emotion_model, "device": device}),
            "roles": given({"emotion_for": listed(emotion_for) or None}),
            "report": given({"lang": lang, "audio": audio}),
            "compute": given({"timeout_s": timeout}),
        },
    )
    people = People(listed(names), listed(roles), allow_restricted)
    formats = outputs.parse_formats(format)
    sound.check(audio, formats)
    added = Additions(transcript, bleep, pseudonyms)
    added.check(len(set(recordings)))
    from pipeline.audio import file_sha256

    names_of = added.names(lambda path: path.stem, file_sha256)
    plans = outputs.plan(recordings, out, outputs.with_sidecar(formats, options.report.audio), names_of)
    from pipeline.chosen import Models

    models = Models()
    code = 0
    for recording, paths in plans.items():
        try:
            outputs.check_free(list(paths.values()), overwrite)
            conversation, heard, seconds = _analyze_one(recording, options, people, added, paths, terminal, models)
            tell(conversation, seconds, paths, terminal)
            added.tell(conversation, terminal, sound=heard is not None)
            sound.tell(heard, paths, terminal)
        except Exception as error:  # noqa: BLE001  # whatever happens to one, the other recordings are still done
            failed = terminal.fail(error, recording)
            code = code or failed
    raise typer.Exit(code)


def sample(
    out: Annotated[Path, typer.Option("--out", help="Folder for the results.")] = Path("ressenti-sample"),
    lang: Language = None,
    quiet: Quiet = False,
) -> None:
    """Analyse the real phone conversation that comes installed, and compare its speakers with the reference."""
    from pipeline.chosen import Models
    from pipeline.cli import sample as sample_run

    terminal = Terminal(quiet)
    recording, reference = sample_run.locate()
    overrides: dict[str, dict[str, object]] = {"diarization": {"speakers": 2}, "report": given({"lang": lang})}
    options = load_config("default", overrides)
    (paths,) = outputs.plan([recording], out, outputs.with_sidecar(outputs.DEFAULT, options.report.audio)).values()
    outputs.check_free(list(paths.values()), overwrite=True)
    added = Additions(sample_run.transcript_of(recording))
    conversation, heard, seconds = _analyze_one(recording, options, People(), added, paths, terminal, Models())
    tell(conversation, seconds, paths, terminal)
    sound.tell(heard, paths, terminal)
    sample_run.tell(conversation, reference, terminal)


def _analyze_one(
    recording: Path,
    options: Config,
    people: People,
    added: Additions,
    paths: dict[str, Path],
    terminal: Terminal,
    models: Models,
) -> tuple[Conversation, bytes | None, float]:
    from pipeline.run import analyze as run

    started = time.monotonic()

    def work(progress: Progress) -> tuple[Conversation, bytes | None]:
        def second_look(stage: str, completed: float, total: float | None) -> None:
            progress("sound", completed, total)

        words = added.words(recording.stem)
        conversation = added.apply(run(recording, options, people, models=models, progress=progress), words)
        heard = sound.make(options.report.audio, paths, recording, conversation, second_look)
        progress("report", 0, 1)
        outputs.write(conversation, paths, None, heard)
        progress("report", 1, 1)
        return conversation, heard

    with terminal.progress(recording.name) as progress:
        conversation, heard = watched(work, progress, options.compute.timeout_s, recording.name)
    return conversation, heard, time.monotonic() - started
