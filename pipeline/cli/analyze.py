"""`ressenti analyze` and `ressenti sample`: recordings -> results."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.markup import escape

from ressenti.pipeline import store
from ressenti.pipeline.cli import outputs, sound_options
from ressenti.pipeline.cli.batch import Batch, Rules
from ressenti.pipeline.cli.console import Terminal
from ressenti.pipeline.cli.edits import Additions, Bleep, Phrases, Pseudonyms, Redact, RedactNames, Transcript
from ressenti.pipeline.cli.made_from import made_from, without_words
from ressenti.pipeline.cli.options import (
    AllowRestricted,
    AsJson,
    Channels,
    CsvLocale,
    DiarizerModel,
    EmotionFor,
    EmotionWeights,
    Formats,
    Language,
    Out,
    Overwrite,
    Preset,
    Quiet,
    SkipExisting,
    Sound,
    SpokenLanguage,
    Threads,
    Timeout,
    Use,
    Verbose,
    Words,
    WordSentiment,
    given,
    listed,
)
from ressenti.pipeline.cli.summary_line import tell
from ressenti.pipeline.cli.verbose import speak
from ressenti.pipeline.config import Config, load_config
from ressenti.pipeline.edits.bleeps import parse_spans, parse_time
from ressenti.pipeline.progress import Progress, watched
from ressenti.pipeline.records import Conversation
from ressenti.pipeline.roles import People, unused_names, use_of
from ressenti.pipeline.version import PROGRAM

if TYPE_CHECKING:
    from ressenti.pipeline.loaded_models import Models


def analyze(
    recordings: Annotated[list[Path], typer.Argument(help="Recordings: wav, mp3, m4a, ogg, flac, mp4, ...")],
    config: Preset = "default",
    use: Use = None,
    speakers: Annotated[int | None, typer.Option(help="Number of speakers, if you know it.")] = None,
    min_speakers: Annotated[int | None, typer.Option(help="Minimum number of speakers.")] = None,
    max_speakers: Annotated[int | None, typer.Option(help="Maximum number of speakers.")] = None,
    channels: Channels = None,
    track: Annotated[int | None, typer.Option(help="Number of the sound track to analyse.", metavar="N", min=1)] = None,
    start: Annotated[
        str, typer.Option(help="Leave out what comes before this time: seconds or m:ss.", metavar="TIME")
    ] = "",
    end: Annotated[
        str, typer.Option(help="Leave out what comes after this time: seconds or m:ss.", metavar="TIME")
    ] = "",
    ignore: Annotated[
        str, typer.Option(help="Leave out these spans: 63-71 or 1:03-1:11, separated by commas.", metavar="SPANS")
    ] = "",
    raw: Annotated[
        str | None,
        typer.Option(
            help="Format of sound without a header: mulaw:8000, alaw:8000, s16le:8000:2.", metavar="ENCODING:RATE"
        ),
    ] = None,
    diarizer: DiarizerModel = None,
    trust_model: Annotated[
        bool,
        typer.Option("--trust-model", help="For this run, load untrusted pickles. They may run code."),
    ] = False,
    names: Annotated[str, typer.Option(help="Speakers' names: Anna,Ben or S2=Ben.")] = "",
    roles: Annotated[str, typer.Option(help="Speakers' roles: agent,client (a guess with mono) or S2=client.")] = "",
    voices: Annotated[
        bool,
        typer.Option(
            "--voices",
            help="Name speakers by known voices (`ressenti voices`), biometric data: Regulation (EU) 2016/679, art. 9.",
        ),
    ] = False,
    emotion_for: EmotionFor = "",
    allow_restricted: AllowRestricted = None,
    lang: Language = None,
    emotion_model: EmotionWeights = None,
    device: Annotated[
        Literal["auto", "cpu", "cuda"] | None, typer.Option(help="Device for wav2vec2 emotion models.")
    ] = None,
    words: Words = None,
    spoken_language: SpokenLanguage = None,
    vocabulary: Annotated[
        Path | None, typer.Option(help="Text file of names and words to expect.", metavar="FILE")
    ] = None,
    sentiment: WordSentiment = None,
    transcript: Transcript = None,
    audio: Sound = None,
    bleep: Bleep = "",
    pseudonyms: Pseudonyms = False,
    redact: Redact = False,
    redact_names: RedactNames = None,
    phrases: Phrases = None,
    csv_locale: CsvLocale = None,
    format: Formats = ",".join(outputs.DEFAULT),
    out: Out = None,
    overwrite: Overwrite = False,
    timeout: Timeout = None,
    skip_existing: SkipExisting = False,
    threads: Threads = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> None:
    """Analyse recordings. Writes NAME.report.html, NAME.json, NAME.turns.csv and NAME.rttm, or other formats."""
    terminal = Terminal(quiet or as_json)
    speak(terminal, verbose)
    diarization = {
        "model": diarizer,
        "trust_model": trust_model or None,
        "speakers": speakers,
        "min_speakers": min_speakers,
        "max_speakers": max_speakers,
    }
    if speakers is not None:
        diarization["channel_voices"] = "auto"  # of presets, `speakers` is a number for one channel alone
    options = load_config(
        config,
        {
            **({"use": use} if use else {}),
            "audio": given({"channels": channels, "track": track, "raw": raw, **_left_out(start, end, ignore)}),
            "diarization": given(diarization),
            "words": given(
                {"model": words, "language": spoken_language, "vocabulary": str(vocabulary) if vocabulary else None}
            ),
            "emotion": given({"model": emotion_model, "device": device}),
            "sentiment": given({"model": sentiment}),
            "roles": given({"emotion_for": listed(emotion_for) or None}),
            "voices": given({"use": _by_voice(voices, pseudonyms)}),
            "content": given({"redact": redact or None, "redact_names": redact_names, "phrases": phrases or None}),
            "report": given({"lang": lang, "audio": audio, "csv_locale": csv_locale}),
            "compute": given({"threads": threads, "timeout_s": timeout}),
        },
    )
    people = People(listed(names), listed(roles), allow_restricted)
    names_by = options.content.redact_names
    added = Additions(
        transcript,
        bleep,
        pseudonyms,
        redact or options.content.redact or names_by != "off",
        redact_names=names_by if transcript else "off",  # else they were looked for in the analysis
        use=use_of(options, people),
        sentiment=options.sentiment if transcript or bleep else None,
    )
    added.check(len(set(recordings)))
    formats = outputs.parse_formats(format)
    outputs.check_csv_locale(csv_locale, formats)
    sound_options.check(audio, formats)
    from ressenti.pipeline.audio import checked_sha256

    names_of = added.names(lambda path: path.stem, checked_sha256)
    read = [Path(config), *added.read(path.stem for path in recordings)]
    plans = outputs.plan(recordings, out, outputs.with_sidecar(formats, options.report.audio), names_of, read)
    from ressenti.pipeline.loaded_models import Models

    job = Job(options, people, added, terminal, Models())
    raise typer.Exit(Batch(terminal, Rules(overwrite, skip_existing, as_json), job.made).run(plans, job.work))


def sample(
    out: Annotated[Path, typer.Option("--out", help="Folder for the results.")] = Path("ressenti-sample"),
    lang: Language = None,
    use: Use = None,
    quiet: Quiet = False,
) -> None:
    """Analyse the included sample phone conversation, and compare its speakers and words with the human reference."""
    from ressenti.pipeline.cli import sample as sample_run
    from ressenti.pipeline.loaded_models import Models

    terminal = Terminal(quiet)
    recording, reference = sample_run.locate()
    of_use = {"use": use} if use else {}
    options = load_config("default", {**of_use, "diarization": {"speakers": 2}, "report": given({"lang": lang})})
    (plan,) = outputs.plan([recording], out, outputs.with_sidecar(outputs.DEFAULT, options.report.audio))
    job = Job(options, People(), Additions(), terminal, Models())
    with store.claim(plan.folder, plan.stem):
        outputs.check_free(list(plan.paths.values()), overwrite=True)
        conversation = job.work(plan)
    sample_run.tell(conversation, reference, terminal)
    if (transcript := sample_run.transcript_of(recording)) is not None:
        sample_run.tell_words(conversation, transcript, terminal)
    terminal.close()


def _left_out(start: str, end: str, ignore: str) -> dict[str, object]:
    """The options of what the user leaves out, as far as they are given."""
    spans = [(s.start_s, s.end_s) for s in parse_spans(ignore, "--ignore")] if ignore else None
    return {
        "start_s": parse_time(start, "--start") if start else None,
        "end_s": parse_time(end, "--end") if end else None,
        "ignore": spans,
    }


def _by_voice(asked: bool, pseudonyms: bool) -> bool | None:
    """Whether known voices name speakers; None leaves it to the config. Pseudonyms have no names, so nobody listens."""
    return False if pseudonyms else asked or None


@dataclass(frozen=True)
class Job:
    """The work on each recording of one command."""

    options: Config
    people: People
    added: Additions
    terminal: Terminal
    models: Models

    def work(self, plan: outputs.Plan) -> Conversation:
        """Analyse a recording, write its results, print a summary, and return the conversation."""
        from ressenti.pipeline.run import analyze as run

        started = time.monotonic()
        recording, options = plan.source, self.options

        def work(progress: Progress) -> tuple[Conversation, bytes | None]:
            def second_look(stage: str, completed: float, total: float | None) -> None:
                progress("sound", completed, total)

            words = self.added.words(recording.stem)
            found = run(
                recording,
                without_words(options) if words else options,
                self.people,
                models=self.models,
                progress=progress,
            )
            conversation = self.added.apply(found, words, progress)
            page_sound = sound_options.make(options.report.audio, plan.paths, recording, conversation, second_look)
            progress("report", 0, 1)
            outputs.write(conversation, plan, self._made(plan, found.recording.sha256), None, page_sound)
            progress("report", 1, 1)
            return conversation, page_sound

        with self.terminal.progress(recording.name) as progress:
            conversation, page_sound = watched(work, progress, options.compute.timeout_s, recording.name)
        tell(conversation, time.monotonic() - started, plan.paths, self.terminal)
        self._tell_unused_names(conversation)
        self.added.tell(conversation, self.terminal, sound=page_sound is not None)
        sound_options.tell(page_sound, plan.paths, self.terminal)
        return conversation

    def _tell_unused_names(self, conversation: Conversation) -> None:
        """Warn of names for speakers that are not there."""
        labels = [speaker.label for speaker in conversation.people]
        if unused := unused_names(self.people.names, labels):
            self.terminal.note(
                f"[yellow]--names: not used: {escape(', '.join(unused))}[/]; {escape(conversation.recording.name)} has "
                f"{', '.join(labels)}"
            )

    def made(self, plan: outputs.Plan) -> store.Made:
        """Describe what the recording's results would be made from; raises errors of reading and model choice."""
        from ressenti.pipeline.audio import checked_sha256

        return self._made(plan, checked_sha256(plan.source))

    def _made(self, plan: outputs.Plan, source: str) -> store.Made:
        return store.Made(source, PROGRAM, made_from(self.options, self.people, self.added, plan.source.stem))
