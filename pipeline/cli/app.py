"""The `ressenti` command and its subcommands."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.markup import escape

from pipeline.cli import evaluate, models, outputs, sound, stored, train
from pipeline.cli.additions import Additions, Bleep, Pseudonyms, Transcript
from pipeline.cli.commands import Commands
from pipeline.cli.console import Terminal, counted
from pipeline.cli.simulate import simulate
from pipeline.config import Config, load_config, preset_names
from pipeline.errors import ConfigError, NotAConversationError, RessentiError
from pipeline.records import Conversation, Speaker, ignore_progress
from pipeline.roles import People

if TYPE_CHECKING:
    from pipeline.chosen import Models

app = typer.Typer(
    name="ressenti",
    cls=Commands,
    help="Recorded conversations into reports: who spoke when, how it sounded, and how that changed. "
    "Everything stays on this machine.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


app.add_typer(evaluate.app, name="evaluate")
app.add_typer(train.app, name="train")
app.add_typer(models.app, name="models")
app.command()(simulate)

Out = Annotated[Path | None, typer.Option("--out", help="Folder for the results.  [default: beside the recording]")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace results that exist already.")]
Language = Annotated[Literal["en", "fr"] | None, typer.Option("--lang", help="Language of the report.")]
Formats = Annotated[str, typer.Option("--format", help=f"Results to write, out of {', '.join(outputs.FORMATS)}.")]
Sound = Annotated[
    sound.How | None,
    typer.Option("--audio", help="The recording's sound: in the page, beside it (NAME.report.mp3), or left out."),
]
Preset = Annotated[
    str, typer.Option("--config", help=f"Preset ({', '.join(preset_names())}) or a YAML file.", show_default=True)
]


@app.command()
def analyze(
    recordings: Annotated[list[Path], typer.Argument(help="Recordings: wav, mp3, m4a, ogg, flac, mp4, ...")],
    config: Preset = "default",
    speakers: Annotated[int | None, typer.Option(help="Number of speakers, when you know it.")] = None,
    min_speakers: Annotated[int | None, typer.Option(help="At least so many speakers.")] = None,
    max_speakers: Annotated[int | None, typer.Option(help="At most so many speakers.")] = None,
    channels: Annotated[
        Literal["auto", "mono", "split"] | None, typer.Option(help="Whether channels are speakers.")
    ] = None,
    diarizer: Annotated[
        str | None,
        typer.Option(help="auto, builtin, an installed pyannote pipeline, or a folder with one.", metavar="ID|PATH"),
    ] = None,
    trust_model: Annotated[
        bool, typer.Option("--trust-model", help="Load pickled checkpoints that no manifest names: they run code.")
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
    quiet: Quiet = False,
) -> None:
    """Analyse recordings: NAME.report.html, NAME.json, NAME.turns.csv and NAME.rttm for each, or other formats."""
    terminal = Terminal(quiet)
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
            "diarization": _given(diarization),
            "audio": _given({"channels": channels}),
            "emotion": _given({"model": emotion_model, "device": device}),
            "roles": _given({"emotion_for": _listed(emotion_for) or None}),
            "report": _given({"lang": lang, "audio": audio}),
        },
    )
    people = People(_listed(names), _listed(roles), allow_restricted)
    formats = outputs.parse_formats(format)
    sound.check(audio, formats)
    added = Additions(transcript, bleep, pseudonyms)
    added.check(len(set(recordings)))
    from pipeline.audio import file_sha256

    names_of = added.names(lambda path: path.stem, file_sha256)
    plans = outputs.plan(recordings, out, _with_sidecar(formats, options.report.audio), names_of)
    from pipeline.chosen import Models

    models = Models()
    code = 0
    for recording, paths in plans.items():
        try:
            outputs.check_free(list(paths.values()), overwrite)
            conversation, heard, seconds = _analyze_one(recording, options, people, added, paths, terminal, models)
            _tell(conversation, seconds, paths, terminal)
            added.tell(conversation, terminal, sound=heard is not None)
            sound.tell(heard, paths, terminal)
        except Exception as error:  # noqa: BLE001  # whatever happens to one, the other recordings are still done
            failed = terminal.fail(error, recording)
            code = code or failed
    raise typer.Exit(code)


@app.command()
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
    overrides: dict[str, dict[str, object]] = {"diarization": {"speakers": 2}, "report": _given({"lang": lang})}
    options = load_config("default", overrides)
    (paths,) = outputs.plan([recording], out, _with_sidecar(outputs.DEFAULT, options.report.audio)).values()
    outputs.check_free(list(paths.values()), overwrite=True)
    added = Additions(sample_run.transcript_of(recording))
    conversation, heard, seconds = _analyze_one(recording, options, People(), added, paths, terminal, Models())
    _tell(conversation, seconds, paths, terminal)
    sound.tell(heard, paths, terminal)
    sample_run.tell(conversation, reference, terminal)


@app.command()
def report(
    conversations: Annotated[list[Path], typer.Argument(help="NAME.json files that analyze wrote, or their folders.")],
    config: Annotated[
        str | None,
        typer.Option(help="Preset or YAML file: its anchors, smoothing, limits and language."),
    ] = None,
    lang: Language = None,
    recording: Annotated[
        Path | None, typer.Option(help="The recording, for the page's sound, or the folder of several.")
    ] = None,
    transcript: Transcript = None,
    audio: Sound = None,
    bleep: Bleep = "",
    pseudonyms: Pseudonyms = False,
    format: Formats = "html",
    out: Out = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Render stored conversations again: NAME.json, or the NAME.corrected.json that a page saves.

    A corrected file holds: what follows from the corrections is computed anew, for the page and for all that --format
    names.
    """
    from pipeline.corrections import is_corrected

    terminal = Terminal(quiet)
    formats = outputs.parse_formats(format)
    chosen = load_config(config) if config else None
    sound.check(audio, formats)
    how = sound.for_report(audio, chosen.report.audio if chosen else None, recording)
    sources = stored.truest(outputs.stored(_in_folders(conversations)), terminal)
    if recording is not None and not recording.is_dir() and len(sources) > 1:
        raise ConfigError(f"--recording: got a file for {len(sources)} conversations; expected the folder of all.")
    added = Additions(transcript, bleep, pseudonyms)
    added.check(len(sources))
    names_of = added.names(stored.stem_of, stored.recording_sha256)
    code = 0
    for path, paths in outputs.plan(sources, out, _with_sidecar(formats, how), names_of).items():
        try:
            outputs.check_free(list(paths.values()), overwrite)
            original = stored.load(path, chosen)
            conversation = added.apply(original, added.words(stored.stem_of(path)))
            with terminal.progress(path.name) as progress:
                source = sound.find(recording, original)
                heard = sound.make(how, paths, source, conversation, progress)
                outputs.write(conversation, paths, lang, heard)
            for written in paths.values():
                terminal.say(f"[green]✓[/] {escape(path.name)} → [bold]{escape(str(written))}[/]")
            added.tell(conversation, terminal, sound=heard is not None)
            if conversation != original or is_corrected(conversation):
                outputs.tell_stale(paths, terminal)
            sound.tell(heard, paths, terminal)
        except Exception as error:  # noqa: BLE001  # the other conversations are still rendered
            if isinstance(error, NotAConversationError) and path not in conversations:  # beside others in a folder
                terminal.err.print(f"[yellow]left out[/] {escape(str(error))}")
                continue
            failed = terminal.fail(error, path)
            code = code or failed
    raise typer.Exit(code)


@app.command()
def doctor(
    config: Preset = "default",
    load: Annotated[bool, typer.Option("--load", help="Also load the heavy packages (about 10 s).")] = False,
) -> None:
    """Tell what is installed, which models a config would use, whether they are there, their licences, and why."""
    from pipeline.cli.doctor import examine

    raise typer.Exit(examine(Terminal(), load, config))


def main() -> None:
    """Run the command line; errors that are ours end without a traceback."""
    try:
        app()
    except RessentiError as error:
        raise SystemExit(Terminal().fail(error)) from None


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
    with terminal.progress(recording.name) as progress:
        words = added.words(recording.stem)
        conversation = added.apply(run(recording, options, people, models=models, progress=progress), words)
        heard = sound.make(options.report.audio, paths, recording, conversation, ignore_progress)
        progress("report", 0, 1)
        outputs.write(conversation, paths, None, heard)
        progress("report", 1, 1)
    return conversation, heard, time.monotonic() - started


def _tell(conversation: Conversation, seconds: float, paths: dict[str, Path], terminal: Terminal) -> None:
    minutes, rest = divmod(round(conversation.recording.duration_s), 60)
    count, asked = len(conversation.speakers), _fewer(conversation)
    many = next((n.values for n in conversation.diarization.notes if n.key == "more_than_roles"), None)
    advice = "" if asked or many else ": give --speakers if you know it"
    low = f", low confidence{advice}" if conversation.diarization.count_confidence == "low" else ""
    terminal.say(
        f"[green]✓[/] [bold]{escape(conversation.recording.name)}[/]  {minutes}:{rest:02d}, "
        f"{counted(count, 'speaker')} ({conversation.diarization.count}{asked}{low})  [dim]{seconds:.1f} s[/]"
    )
    for path in paths.values():
        terminal.say(f"    {escape(str(path))}")
    judged = [turn for turn in conversation.turns if turn.emotion is not None]
    if judged:
        terminal.say(f"    {counted(len(judged), 'turn')} judged, {sum(turn.unsure for turn in judged)} of them unsure")
    if many:
        terminal.say(
            f"    [yellow]found {many['found']} speakers where there are {many['roles']} roles: probably too many; "
            f"give --speakers {many['roles']}[/]"
        )
    _tell_unscored(conversation.speakers, terminal, advise=not many)


def _tell_unscored(speakers: Sequence[Speaker], terminal: Terminal, *, advise: bool) -> None:
    """Whose emotion was not computed, a line for each reason, and how to name roles."""
    if all(speaker.not_scored == "not_asked" for speaker in speakers):
        terminal.say("    [yellow]nobody has a role that --emotion-for names: no emotion computed[/]")
    for reason, why in (
        ("unconfirmed", "role not confirmed"),
        ("restricted", "restricted role"),
        ("unknown_role", "not a role that is known, so it may be one that the law protects"),
    ):
        those = [speaker for speaker in speakers if speaker.not_scored == reason]
        if not those:
            continue
        who = ", ".join(f"{s.label} ({s.role}{'?' if s.role_source == 'guess' else ''})" if s.role else s.label
                        for s in those)  # fmt: skip
        named = ",".join(f"{speaker.label}=ROLE" for speaker in those)
        how = f". Listen, then name them: --roles {named}" if reason == "unconfirmed" and advise else ""
        if reason == "unknown_role":
            how = f". Say client, participant or the like, or ask for it by name: --emotion-for {those[0].role}"
        terminal.say(f"    [yellow]emotion not computed for {escape(who)}: {why}{how}[/]")


def _fewer(conversation: Conversation) -> str:
    """What was asked for, where something else was found."""
    notes = {note.key: note.values for note in conversation.diarization.notes}
    short = notes.get("fewer_speakers")
    return f", {short['asked']} asked for but only {short['found']} could be told apart" if short else ""


def _in_folders(sources: Sequence[Path]) -> list[Path]:
    """Files as they are, and of each folder those that hold a conversation."""
    from pipeline.store import conversations_in

    found: list[Path] = []
    for source in sources:
        found += conversations_in(source) if source.is_dir() else [source]
    return found


def _with_sidecar(formats: tuple[str, ...], how: sound.How) -> tuple[str, ...]:
    return (*formats, *outputs.SIDECAR) if how == "sidecar" and "html" in formats else formats


def _listed(text: str) -> tuple[str, ...]:
    parts = tuple(part.strip() for part in text.split(",")) if text.strip() else ()
    if any(not part for part in parts):
        raise ConfigError(f"got {text!r}; expected values with a comma between them, none empty.")
    return parts


def _given(values: dict[str, Any]) -> dict[str, object]:
    return {key: value for key, value in values.items() if value is not None}
