"""Sound of a page: its options, the recording it needs, and the note to the user."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from rich.markup import escape

from ressenti.pipeline.cli.console import Terminal
from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.files.paths import is_folder
from ressenti.pipeline.progress import Progress
from ressenti.pipeline.records import Conversation

How = Literal["embed", "sidecar", "none"]


def check(asked: How | None, formats: tuple[str, ...]) -> None:
    """Raise `ConfigError` if sound is requested but no page is written."""
    if asked in ("embed", "sidecar") and "html" not in formats:
        raise ConfigError(f"--audio {asked}: the sound needs a page, but none is written. Add html to --format.")


def for_report(asked: How | None, configured: How | None, recording: Path | None) -> How:
    """How a page that is rendered again gets its sound: none without a recording, otherwise `embed` by default."""
    if recording is None and asked in ("embed", "sidecar"):
        raise ConfigError(f"--audio {asked}: a stored conversation has no sound. Name the recording with --recording.")
    if recording is None:
        return "none"
    return asked or (configured if configured not in (None, "none") else None) or "embed"


def find(given: Path | None, conversation: Conversation) -> Path | None:
    """The given recording, or the conversation's recording in the given folder."""
    return given / Path(conversation.recording.name).name if given is not None and is_folder(given) else given


def make(
    how: How, paths: Mapping[str, Path], recording: Path | None, conversation: Conversation, progress: Progress
) -> bytes | None:
    """The sound of a page, or None; raises `WrongRecordingError` if the recording is not the conversation's."""
    if recording is None:
        return None
    from ressenti.pipeline.audio.playback import check_recording, page_sound

    if how == "none" or "html" not in paths:
        check_recording(recording, conversation)
        return None

    return page_sound(recording, conversation, progress)


def tell(sound: bytes | None, paths: Mapping[str, Path], terminal: Terminal) -> None:
    """Print that a result contains the recording's sound."""
    if sound is None:
        return
    where = escape(paths["mp3"].name) if "mp3" in paths else "the page"
    terminal.say(
        f"    {where} contains the recording's sound ({len(sound) / 1e6:.1f} MB), so it is as confidential; "
        "--audio none leaves it out"
    )
