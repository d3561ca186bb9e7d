"""The `ressenti` command and its subcommands."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.markup import escape

from pipeline.cli import evaluate, models, outputs, train
from pipeline.cli.console import Terminal
from pipeline.cli.simulate import simulate
from pipeline.config import Config, build_config, load_config, preset_names
from pipeline.errors import ConfigError, NotAConversationError, RessentiError
from pipeline.records import Conversation
from pipeline.roles import People

app = typer.Typer(
    name="ressenti",
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
    format: Annotated[str, typer.Option(help="Results to write.")] = ",".join(outputs.ENDINGS),
    out: Out = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Analyse recordings: NAME.report.html, NAME.json, NAME.turns.csv and NAME.rttm for each."""
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
            "report": _given({"lang": lang}),
        },
    )
    people = People(_listed(names), _listed(roles), allow_restricted)
    plans = outputs.plan(recordings, out, outputs.parse_formats(format))
    code = 0
    for recording, paths in plans.items():
        try:
            outputs.check_free(list(paths.values()), overwrite)
            conversation, seconds = _analyze_one(recording, options, people, paths, terminal)
            _tell(conversation, seconds, paths, terminal)
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
    from pipeline.cli import sample as sample_run

    terminal = Terminal(quiet)
    recording, reference = sample_run.locate()
    overrides: dict[str, dict[str, object]] = {"diarization": {"speakers": 2}, "report": _given({"lang": lang})}
    (paths,) = outputs.plan([recording], out, tuple(outputs.ENDINGS)).values()
    outputs.check_free(list(paths.values()), overwrite=True)
    conversation, seconds = _analyze_one(recording, load_config("default", overrides), People(), paths, terminal)
    _tell(conversation, seconds, paths, terminal)
    sample_run.tell(conversation, reference, terminal)


@app.command()
def report(
    conversations: Annotated[list[Path], typer.Argument(help="NAME.json files that analyze wrote.")],
    config: Annotated[
        str | None,
        typer.Option(help="Preset or YAML file: its anchors, smoothing, limits and language."),
    ] = None,
    lang: Language = None,
    out: Out = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Render reports again from stored conversations, without the recordings."""
    terminal = Terminal(quiet)
    chosen = load_config(config) if config else None
    code = 0
    for path, paths in outputs.plan(conversations, out, ("html",)).items():
        try:
            outputs.check_free(list(paths.values()), overwrite)
            outputs.write(_stored(path, chosen), paths, lang)
            terminal.say(f"[green]✓[/] {escape(path.name)} → [bold]{escape(str(paths['html']))}[/]")
        except Exception as error:  # noqa: BLE001  # the other conversations are still rendered
            failed = terminal.fail(error, path)
            code = code or failed
    raise typer.Exit(code)


@app.command()
def doctor(
    load: Annotated[bool, typer.Option("--load", help="Also load the heavy packages (about 10 s).")] = False,
) -> None:
    """Tell what is installed, which models would be used, their licences, and why."""
    from pipeline.cli.doctor import examine

    raise typer.Exit(examine(Terminal(), load))


def main() -> None:
    """Run the command line; errors that are ours end without a traceback."""
    try:
        app()
    except RessentiError as error:
        raise SystemExit(Terminal().fail(error)) from None


def _analyze_one(
    recording: Path, options: Config, people: People, paths: dict[str, Path], terminal: Terminal
) -> tuple[Conversation, float]:
    from pipeline.run import analyze as run

    started = time.monotonic()
    with terminal.progress(recording.name) as progress:
        conversation = run(recording, options, people, progress=progress)
        progress("report", 0, 1)
        outputs.write(conversation, paths, None)
        progress("report", 1, 1)
    return conversation, time.monotonic() - started


def _tell(conversation: Conversation, seconds: float, paths: dict[str, Path], terminal: Terminal) -> None:
    minutes, rest = divmod(round(conversation.recording.duration_s), 60)
    count, asked = len(conversation.speakers), _fewer(conversation)
    advice = "" if asked else ": give --speakers if you know it"
    low = f", low confidence{advice}" if conversation.diarization.count_confidence == "low" else ""
    terminal.say(
        f"[green]✓[/] [bold]{escape(conversation.recording.name)}[/]  {minutes}:{rest:02d}, {count} "
        f"speaker{'s' if count != 1 else ''} ({conversation.diarization.count}{asked}{low})  [dim]{seconds:.1f} s[/]"
    )
    for path in paths.values():
        terminal.say(f"    {escape(str(path))}")
    judged = [turn for turn in conversation.turns if turn.emotion is not None]
    if judged:
        terminal.say(f"    {len(judged)} turns judged, {sum(turn.unsure for turn in judged)} of them unsure")
    if all(speaker.not_scored == "not_asked" for speaker in conversation.speakers):
        terminal.say("    [yellow]nobody has a role that --emotion-for names: no emotion computed[/]")
    for speaker in conversation.speakers:
        if speaker.not_scored == "unconfirmed":
            terminal.say(
                f"    [yellow]{speaker.label}: emotion not computed, role not confirmed "
                f"({escape(speaker.role or 'none')}?). Listen, then name it: --roles {speaker.label}=ROLE[/]"
            )
        elif speaker.not_scored == "restricted":
            terminal.say(
                f"    [yellow]{speaker.label} ({escape(speaker.role or '')}): emotion not computed, restricted role[/]"
            )


def _fewer(conversation: Conversation) -> str:
    """What was asked for, where something else was found."""
    notes = {note.key: note.values for note in conversation.diarization.notes}
    short = notes.get("fewer_speakers")
    return f", {short['asked']} asked for but only {short['found']} could be told apart" if short else ""


def _stored(path: Path, chosen: Config | None) -> Conversation:
    """A stored conversation; with other options chosen, all that follows from them is derived anew."""
    from dataclasses import replace

    from pipeline import store
    from pipeline.run import derive
    from pipeline.validation import read_validation

    conversation = store.load(path)
    try:
        options = build_config(conversation.config, source=path.name)
    except ConfigError as exc:
        raise NotAConversationError(f"{exc} Expected a NAME.json that analyze wrote.") from exc
    if chosen is None:
        return conversation
    later = {group: getattr(chosen, group) for group in ("affect", "trajectory", "dynamics", "report")}
    sure = {"unsure_below": chosen.emotion.unsure_below, "thresholds": chosen.emotion.thresholds}
    options = options.model_copy(update={**later, "emotion": options.emotion.model_copy(update=sure)})
    validation = read_validation(chosen.report.validation)
    return derive(replace(conversation, config=options.model_dump(mode="json"), validation=validation), options)


def _listed(text: str) -> tuple[str, ...]:
    parts = tuple(part.strip() for part in text.split(",")) if text.strip() else ()
    if any(not part for part in parts):
        raise ConfigError(f"got {text!r}; expected values with a comma between them, none empty.")
    return parts


def _given(values: dict[str, Any]) -> dict[str, object]:
    return {key: value for key, value in values.items() if value is not None}
