"""Terminal summary of an analysed recording: speakers, scored turns, and speakers without emotion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.markup import escape

from ressenti.pipeline.cli.console import Terminal, counted
from ressenti.pipeline.models.use import HOW_TO_GET
from ressenti.pipeline.records import Conversation, Speaker
from ressenti.pipeline.voices import LITTLE_S


def tell(conversation: Conversation, seconds: float, paths: Mapping[str, Path], terminal: Terminal) -> None:
    """Print what was found in a recording and which files were written."""
    minutes, rest = divmod(round(conversation.recording.duration_s), 60)
    count, fewer = len(conversation.people), _fewer(conversation)
    many = next((n.values for n in conversation.diarization.notes if n.key == "more_than_roles"), None)
    advice = "" if fewer or many else ": give --speakers if you know it"
    low = f", low confidence{advice}" if conversation.diarization.count_confidence == "low" else ""
    terminal.say(
        f"[green]✓[/] [bold]{escape(conversation.recording.name)}[/]  {minutes}:{rest:02d}, "
        f"{counted(count, 'speaker')} ({conversation.diarization.count}{fewer}{low})"
        f"{_licence(conversation)}  [dim]{seconds:.1f} s[/]"
    )
    for path in paths.values():
        terminal.say(f"    {escape(str(path))}")
    _tell_notes(conversation, terminal)
    _tell_voices(conversation.speakers, terminal)
    judged = [turn for turn in conversation.turns if turn.emotion is not None]
    if judged:
        terminal.say(f"    {counted(len(judged), 'turn')} scored, {sum(turn.unsure for turn in judged)} of them unsure")
    if any(turn.unjudged == "no_model" for turn in conversation.turns):
        terminal.say(
            "    [yellow]tone: activation alone, no classes[/]: no installed model for these allows commercial use. "
            f"Get one: {HOW_TO_GET}"
        )
    _tell_words(conversation, terminal)
    if many:
        terminal.say(
            f"    [yellow]found {many['found']} speakers for {many['roles']} roles, probably too many: "
            f"try --speakers {many['roles']}[/]"
        )
    _tell_unscored(conversation.speakers, terminal, advise=not many)


def _licence(conversation: Conversation) -> str:
    """That tone comes from weights that forbid commercial use, or may; nothing if the user said that it is research."""
    if conversation.config.get("use"):
        return ""
    used = [model for model in conversation.models if model.task == "emotion"]
    if bound := [model for model in used if model.commercial is False]:
        return f", [yellow]tone: research use only[/] ({escape(bound[0].licence or bound[0].name)})"
    unknown = any(model.commercial is None for model in used)
    return ", [yellow]tone: licence of the model not known[/]" if unknown else ""


def _tell_words(conversation: Conversation, terminal: Terminal) -> None:
    """Print how many words were recognised and in which languages, and how many were dropped."""
    found = conversation.transcription
    if found is None:
        return
    spoken = ", ".join(dict.fromkeys(own.language for own in found.languages if own.language)) or "language not known"
    dropped = sum(one.words for one in found.dropped)
    more = f", {dropped} dropped" if dropped else ""
    terminal.say(f"    {counted(len(conversation.words), 'word')} recognised ({spoken}{more})")
    if unknown := [own.speaker for own in found.languages if own.language is None]:
        terminal.say(
            f"    [yellow]language of {', '.join(unknown)} not known for sure, so no words: give it with "
            "--spoken-language[/]"
        )


def _tell_notes(conversation: Conversation, terminal: Terminal) -> None:
    """Print the notes on the recording and on channels of several voices, in the page's wording."""
    shared = (note for note in conversation.diarization.notes if note.key == "channel_voices")
    notes = (*conversation.recording.notes, *shared)
    if not notes:
        return
    from ressenti.reports.wording import Wording

    words = Wording("en")
    for note in notes:
        terminal.say(f"    [yellow]{escape(words.note(note))}[/]")


def _tell_voices(speakers: Sequence[Speaker], terminal: Terminal) -> None:
    """Print which names known voices propose, with the likeness and its limit."""
    for speaker in speakers:
        found = speaker.voice
        if found is not None:
            what = f"[bold]{escape(found.name)}[/], proposed by voice" if found.name else "unknown voice"
            little = ", [yellow]under 10 s of speech[/]" if found.speech_s < LITTLE_S else ""
            terminal.say(f"    {speaker.label}: {what} ({found.score:.2f}, limit {found.limit:.2f}{little})")


def _tell_unscored(speakers: Sequence[Speaker], terminal: Terminal, *, advise: bool) -> None:
    """Print whose emotion was not computed, one line per reason, and how to set roles."""
    if all(speaker.not_scored == "not_asked" for speaker in speakers):
        terminal.say("    [yellow]no speaker has a role in --emotion-for: no emotion computed[/]")
    for reason, why in (
        ("unconfirmed", "role not confirmed"),
        ("restricted", "restricted role"),
        ("unknown_role", "unknown role, which the law may protect"),
    ):
        those = [speaker for speaker in speakers if speaker.not_scored == reason]
        if not those:
            continue
        who = ", ".join(f"{s.label} ({s.role}{'?' if s.role_source == 'guess' else ''})" if s.role else s.label
                        for s in those)  # fmt: skip
        named = ",".join(f"{speaker.label}=ROLE" for speaker in those)
        how = f". Listen, then set their roles: --roles {named}" if reason == "unconfirmed" and advise else ""
        if reason == "unknown_role":
            how = f". Use client, participant or similar, or allow it: --emotion-for {those[0].role}"
        terminal.say(f"    [yellow]emotion not computed for {escape(who)}: {why}{how}[/]")


def _fewer(conversation: Conversation) -> str:
    """The requested number of speakers, if fewer were found."""
    notes = {note.key: note.values for note in conversation.diarization.notes}
    short = notes.get("fewer_speakers")
    return f", {short['asked']} requested but only {short['found']} found" if short else ""
