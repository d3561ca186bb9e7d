"""Corrections that pages saved, put on conversations; what follows is computed again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rich.markup import escape

from ressenti.pipeline.cli.console import Terminal, counted
from ressenti.pipeline.errors import ConfigError, CorrectionsError, NotAConversationError
from ressenti.pipeline.records import Conversation, Span
from ressenti.pipeline.store.corrections_file import CorrectionsFile, check_fits, turns_sha256

if TYPE_CHECKING:
    from ressenti.pipeline.config import Config


def with_saved(
    conversation: Conversation, saved: CorrectionsFile, name: str, *, other_turns: bool = False
) -> Conversation:
    """The conversation with these corrections instead of its own, and with what they silence.

    Personal data that its options silence is looked for in the words that people wrote, too. `name` is that of the
    file. Raises `WrongRecordingError` or `CorrectionsError` for corrections that do not fit; those that are known to be
    made on other turns fit only with `other_turns`.
    """
    from ressenti.pipeline.content import with_background
    from ressenti.pipeline.derive import derive
    from ressenti.pipeline.edits.bleeps import with_bleeps

    check_fits(saved, conversation, name)
    if saved.turns_sha256 and saved.turns_sha256 != turns_sha256(conversation) and not other_turns:
        raise CorrectionsError(
            f"{name}: made on other turns, since the recording was analysed again. Look at what it corrects; to apply "
            "it by the numbers of turns and the labels of speakers, add --other-turns."
        )
    config = _options(conversation)
    try:
        if saved.bleeps:
            duration_s = conversation.recording.duration_s
            spans = [Span(span.start_s, min(span.end_s, duration_s)) for span in saved.bleeps]
            conversation = with_bleeps(conversation, spans)
        conversation = derive(replace(conversation, corrections=saved.corrections), config)
        if any(entry.words is not None for entry in conversation.corrections.turns):
            conversation = _redacted(conversation, config)
    except CorrectionsError as exc:
        raise CorrectionsError(f"{name}: {exc}") from exc
    return with_background(conversation, needed=False)


def _options(conversation: Conversation) -> Config:
    from ressenti.pipeline.config import build_config

    try:
        return build_config(conversation.config, source=conversation.recording.name)
    except ConfigError as exc:
        raise NotAConversationError(f"{exc} Expected a NAME.json written by analyze.") from exc


def _redacted(conversation: Conversation, config: Config) -> Conversation:
    """Silence personal data in words that people wrote, as it was silenced in those that were found."""
    from ressenti.pipeline.edits.redaction import with_redaction
    from ressenti.pipeline.names import choose

    names_by = config.content.redact_names
    if not (conversation.personal_data or config.content.redact or names_by != "off"):
        return conversation
    return with_redaction(conversation, unsure_below=config.words.unsure_below, names=choose(names_by, config.use))


def tell_what_follows(before: Conversation, after: Conversation, terminal: Terminal) -> None:
    """Print whose scores are deleted, and whose tone another analysis would compute."""
    was_scored = {turn.speaker for turn in before.turns if turn.windows}
    for speaker in after.people:
        who = escape(f"{speaker.label} ({speaker.role})" if speaker.role else speaker.label)
        if speaker.not_scored and speaker.label in was_scored:
            terminal.say(f"    [yellow]scores of {who} deleted[/]: {_WHY[speaker.not_scored]}")
        waiting = sum(turn.speaker == speaker.label and turn.unjudged == "role" for turn in after.turns)
        if waiting:
            terminal.say(
                f"    [yellow]{who} may be scored, but {counted(waiting, 'turn')} have no scores[/]: "
                "analyse the recording again, with --roles"
            )


_WHY = {
    "restricted": "this role may not be scored",
    "unconfirmed": "without a role of its own, nobody knows whether this speaker may be scored",
    "unknown_role": "it is not known whether this role may be scored",
    "not_asked": "emotion was asked for other roles",
    "announcement": "an announcement has none",
}
