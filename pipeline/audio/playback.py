"""Sound for playback: the analysed channels mixed to one, with bleeped spans silenced."""

from __future__ import annotations

from pathlib import Path

from ressenti.pipeline import audio
from ressenti.pipeline.audio import encode
from ressenti.pipeline.audio.channels import Layout, lay_out, mix_of
from ressenti.pipeline.config import build_config
from ressenti.pipeline.errors import WrongRecordingError
from ressenti.pipeline.progress import Progress, Watch, ignore_progress, watched
from ressenti.pipeline.records import Conversation

BIT_RATE = 24_000  # per second: 10.8 MB an hour, a third more embedded in a page


def page_sound(path: str | Path, conversation: Conversation, progress: Progress = ignore_progress) -> bytes:
    """Return a conversation's recording as MP3: mono, 16 kHz, 24 kb/s; same recording and spans, same bytes.

    Channels are mixed as for the analysis, and an inverted one does not cancel the other. The spans of `bleeps` are
    silenced before encoding. Raises `WrongRecordingError` if this is not the recording that was analysed, and the
    errors of `ressenti.pipeline.audio.load`.

    `progress` is called as by `pipeline.run.analyze`, in the stages `audio` and `sound`, and can stop it the same way.
    An hour took 25 s of one busy core and 0.4 GB of memory at most, 0.5 GB with two channels.
    """

    def work(watch: Watch) -> bytes:
        with watch.step("making the page's sound"):
            mix = mix_of(analysed_sound(Path(path), conversation, watch))
            encode.silence(mix, conversation.bleeps)
            return encode.mp3(mix, BIT_RATE, watch)

    return watched(work, progress)


def analysed_sound(path: Path, conversation: Conversation, progress: Progress = ignore_progress) -> Layout:
    """Decode the channels as in the analysis: split if it split them, otherwise by the same options."""
    check_recording(path, conversation)  # before decoding; what was decoded is checked again below
    options = build_config(conversation.config, source=conversation.recording.name).audio
    recording, sound = audio.load(path, options, progress)
    _check_same(path, conversation, recording.sha256)
    return lay_out(sound, "split" if conversation.layout == "split" else options.channels, options)


def check_recording(path: Path, conversation: Conversation) -> None:
    """Raise `WrongRecordingError` if a file is not the recording that was analysed."""
    _check_same(path, conversation, audio.checked_sha256(path))


def _check_same(path: Path, conversation: Conversation, digest: str) -> None:
    known = conversation.recording
    if digest != known.sha256:
        raise WrongRecordingError(
            f"{path}: not the recording that was analysed: SHA-256 {digest[:12]}..., expected {known.sha256[:12]}... "
            f"({known.name}). Give the original, or analyse this one."
        )
