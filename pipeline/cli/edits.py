"""Options that add to conversations: transcripts, silenced spans, pseudonyms."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer
from rich.markup import escape

from ressenti.pipeline.cli.console import Terminal, counted
from ressenti.pipeline.errors import ConfigError, TranscriptError
from ressenti.pipeline.files.paths import is_folder, is_there
from ressenti.pipeline.files.untrusted import RefusedError, read_bounded
from ressenti.pipeline.progress import Progress, ignore_progress
from ressenti.pipeline.records import Conversation, PhraseList, Use

if TYPE_CHECKING:
    from ressenti.pipeline.config import SentimentOptions
    from ressenti.pipeline.edits.names import NameFinder
    from ressenti.pipeline.sentiment.interface import SentimentModel
    from ressenti.pipeline.transcript.cues import Spoken

Transcript = Annotated[
    Path | None,
    typer.Option(
        help="Transcript with times: SRT, VTT, STM, CTM, TextGrid or Whisper JSON; for several recordings, a folder of "
        "NAME.srt, ...",
        metavar="FILE|FOLDER",
    ),
]
Bleep = Annotated[str, typer.Option(help="Silence these spans in all sound and remove their words: 63.2-71,1:30-1:32.")]
Pseudonyms = Annotated[
    bool,
    typer.Option("--pseudonyms", help="Leave names out of all results and file names. Spoken names stay in the words."),
]
Redact = Annotated[
    bool,
    typer.Option(
        "--redact",
        help="Silence card, account, security and phone numbers, addresses, dates of birth. Some may be missed.",
    ),
]
RedactNames = Annotated[
    str | None,
    typer.Option(
        help="Silence personal data, and people's names by this model: one that is installed, or its folder.",
        metavar="ID|FOLDER",
    ),
]
Phrases = Annotated[
    list[str] | None,
    typer.Option(
        help="Phrases to look for: call-center-en, call-center-fr or a YAML file; may be repeated.", metavar="NAME|FILE"
    ),
]


@dataclass(frozen=True)
class Additions:
    """Transcript, spans, pseudonyms, redaction and phrases for all recordings (or stored conversations) of a command.

    `redact_names` is the model that finds people's names for redaction, or off; it must be allowed for `use`, or else
    for what a stored conversation was analysed for. `phrases` replace those that a conversation has. `sentiment` are
    the options of the model that tells what words say, where words are brought or lost; None leaves what is told.
    """

    transcript: Path | None = None
    bleep: str = ""
    pseudonyms: bool = False
    redact: bool = False
    phrases: tuple[str, ...] = ()
    redact_names: str = "off"
    use: Use | None = None
    sentiment: SentimentOptions | None = None

    def check(self, count: int) -> None:
        """Refuse options that do not fit `count` recordings, before the analysis starts."""
        if self.transcript is not None and not is_there(self.transcript):
            raise TranscriptError(f"--transcript: {self.transcript} does not exist; expected a file or a folder.")
        if self.transcript is not None and count > 1 and not is_folder(self.transcript):
            raise ConfigError(
                f"--transcript: got one file for {count} recordings; expected a folder with one transcript for each, "
                "of the same name (call.wav, call.srt)."
            )
        self._phrases()
        _ = self._name_finder(self.use), self._sentiment_model  # refused now, if they cannot be used
        if self.bleep:
            from ressenti.pipeline.edits.bleeps import parse_spans

            parse_spans(self.bleep)
            if count > 1:
                raise ConfigError(
                    f"--bleep: got spans for {count} recordings; expected one recording. Run one command for each."
                )

    def names(self, own: Callable[[Path], str], digest: Callable[[Path], str]) -> Callable[[Path], str]:
        """Return a function that names a source's files: its own name, or a pseudonym from the recording's SHA-256.

        If the digest cannot be computed, the source keeps its name; reading it fails later with the right error.
        """
        if not self.pseudonyms:
            return own
        from ressenti.pipeline.edits.pseudonyms import pseudonym

        def name(source: Path) -> str:
            try:
                return pseudonym(digest(source))
            except Exception:  # noqa: BLE001  # reading the source raises it again
                return own(source)

        return name

    def digest(self, name: str) -> str:
        """SHA-256 of these options and of a recording's transcript."""
        from ressenti.pipeline.transcript.files import MOST_BYTES

        found = self._transcript_of(name)
        try:
            transcript_sha256 = "" if found is None else hashlib.sha256(read_bounded(found, MOST_BYTES)).hexdigest()
        except (OSError, RefusedError):  # reading the transcript raises it again
            transcript_sha256 = ""
        given = [transcript_sha256, self.bleep, self.pseudonyms, self.redact, [repr(p) for p in self._phrases()]]
        given += [] if self.redact_names == "off" else [self.redact_names]
        return hashlib.sha256(json.dumps(given).encode()).hexdigest()

    def words(self, name: str) -> tuple[Path, tuple[Spoken, ...]] | None:
        """Path and words of a recording's transcript, or None."""
        from ressenti.pipeline.transcript.files import read_transcript

        path = self._transcript_of(name)
        return None if path is None else (path, read_transcript(path, name))

    def read(self, names: Iterable[str]) -> list[Path]:
        """Paths of the recordings' transcripts, which must not be overwritten."""
        found = []
        for name in names:
            with suppress(TranscriptError):  # reading it raises it again
                found.append(self._transcript_of(name))
        return [path for path in found if path is not None]

    def _transcript_of(self, name: str) -> Path | None:
        from ressenti.pipeline.transcript.files import find_transcript

        given = self.transcript
        return find_transcript(given, name) if given is not None and is_folder(given) else given

    def _phrases(self) -> tuple[PhraseList, ...]:
        from ressenti.pipeline.content import read_phrases

        return tuple(map(read_phrases, self.phrases))

    @cached_property
    def _name_finders(self) -> dict[Use | None, NameFinder | None]:
        return {}

    def _name_finder(self, use: Use | None) -> NameFinder | None:
        """What finds people's names, checked once for each use of results; None if names are not looked for."""
        from ressenti.pipeline.names import choose

        if use not in self._name_finders:
            self._name_finders[use] = choose(self.redact_names, use)
        return self._name_finders[use]

    @cached_property
    def _sentiment_model(self) -> SentimentModel | None:
        """What tells the sentiment of words, checked once for all conversations; None if nobody asks."""
        if self.sentiment is None:
            return None
        from ressenti.pipeline.sentiment import choose

        return choose(self.sentiment, self.use)

    def _judged(self, conversation: Conversation, progress: Progress) -> Conversation:
        """What the words say of those turns of which it is not told, or no longer."""
        if self.sentiment is None or self._sentiment_model is None:
            return conversation
        from ressenti.pipeline.config import build_config
        from ressenti.pipeline.derive import derive
        from ressenti.pipeline.sentiment.turns import with_sentiment

        config = build_config(conversation.config, source=conversation.recording.name)
        told = with_sentiment(conversation, self._sentiment_model, self.sentiment, config.words.unsure_below, progress)
        return conversation if told is conversation else derive(told, config)

    def apply(
        self,
        conversation: Conversation,
        read: tuple[Path, tuple[Spoken, ...]] | None,
        progress: Progress = ignore_progress,
    ) -> Conversation:
        """Apply all options to a conversation; spans that are already silenced stay silenced."""
        from ressenti.pipeline.content import with_background
        from ressenti.pipeline.edits.bleeps import parse_spans, with_bleeps
        from ressenti.pipeline.edits.pseudonyms import pseudonymised
        from ressenti.pipeline.edits.redaction import with_redaction
        from ressenti.pipeline.edits.words import with_words

        if read is not None:
            conversation = with_words(conversation, read[1])
        if self.phrases:
            conversation = replace(conversation, phrases=self._phrases())
        if self.redact:
            use = self.use or cast("Use | None", conversation.config.get("use"))  # as it was analysed
            conversation = with_redaction(conversation, names=self._name_finder(use))
        conversation = with_bleeps(conversation, parse_spans(self.bleep) if self.bleep else ())
        conversation = self._judged(conversation, progress)
        conversation = with_background(conversation, needed=False)
        return pseudonymised(conversation) if self.pseudonyms else conversation

    def tell(self, conversation: Conversation, terminal: Terminal, *, sound: bool) -> None:
        """Print what was applied, and what to check."""
        has_words = bool(conversation.words or conversation.omissions)
        if self.transcript is not None and not has_words:
            terminal.say(f"    [yellow]no words: {escape(str(self.transcript))} has no transcript of this recording[/]")
        elif self.transcript is not None:
            outside = sum(word.turn is None for word in conversation.words)
            terminal.say(f"    {counted(len(conversation.words), 'word')}, {outside} outside all turns")
            if conversation.words_beyond:
                dropped = counted(conversation.words_beyond, "word")
                terminal.say(f"    [yellow]{dropped} dropped after the end of the recording[/]")
        if conversation.bleeps:
            silenced_s = sum(span.end_s - span.start_s for span in conversation.bleeps)
            places = f", words removed in {counted(len(conversation.omissions), 'place')}" if has_words else ""
            terminal.say(f"    {silenced_s:.1f} s silenced{places}: listen and read before you share it")
        if self.redact and _wordless(conversation):
            terminal.say(
                "    [yellow]personal data was not looked for in speech without words: "
                "listen, or give --spoken-language[/]"
            )
        if self.redact:
            found = counted(len(conversation.personal_data), "place")
            terminal.say(f"    personal data found in {found}: some may be missed, read and listen before you share it")
        if self.pseudonyms and sound:
            terminal.say("    [yellow]a voice identifies a person: leave the sound out with --audio none[/]")
        if self.pseudonyms and any(turn.note for turn in conversation.turns):
            terminal.say("    [yellow]notes are unchanged: check them for names[/]")
        if self.pseudonyms and conversation.words:
            terminal.say("    [yellow]words are unchanged: they may contain names[/]")


def _wordless(conversation: Conversation) -> bool:
    """Whether somebody's speech has no words at all, as none were recognised or brought."""
    turns = {word.turn for word in conversation.words} | {place.turn for place in conversation.omissions}
    told = {turn.speaker for turn in conversation.turns if turn.index in turns}
    return any(turn.speaker not in told for turn in conversation.turns)
