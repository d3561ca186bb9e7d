"""Where voices come from: a recording of one person, or a speaker of a stored conversation and its recording.

A stored conversation holds neither sound nor embeddings, so its recording is heard again, once its SHA-256 is right.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ressenti.pipeline.audio import Audio
from ressenti.pipeline.config import AudioOptions, Config, build_config
from ressenti.pipeline.errors import ConfigError, NotFoundError, TooShortError
from ressenti.pipeline.files.paths import is_folder, is_there
from ressenti.pipeline.progress import Progress, ignore_progress
from ressenti.pipeline.records import Conversation
from ressenti.pipeline.voices.hearing import LEAST_S, HeardVoice

OTHERS_SHARE = 0.1  # of the speech: with more by others, a recording is not of one person
OTHERS_S = 2.0


def recording_of(conversation: Conversation, path: Path, given: Path | None) -> Path:
    """The recording of a stored conversation: the given one, or that of its name in the given folder or beside it."""
    where = path.parent if given is None else given
    found = where / Path(conversation.recording.name).name if is_folder(where) else where
    if not is_there(found):
        raise NotFoundError(
            f"{path.name}: holds no sound, and its recording {found} is not there. Name it, or its folder, with "
            "--recording."
        )
    return found


def hear_stored(
    conversation: Conversation,
    recording: Path,
    labels: Sequence[str],
    progress: Progress = ignore_progress,
) -> dict[str, HeardVoice]:
    """Voices of a stored conversation's speakers, heard again; who speaks too little is left out.

    Raises `WrongRecordingError` for another recording, and errors of reading it.
    """
    from ressenti.pipeline.audio import load
    from ressenti.pipeline.audio.channels import lay_out
    from ressenti.pipeline.audio.playback import check_recording
    from ressenti.pipeline.edits.corrections import corrected_segments
    from ressenti.pipeline.voices.recognition import hear_speakers

    check_recording(recording, conversation)
    options = build_config(conversation.config, source=conversation.recording.name)
    _, sound = load(recording, options.audio, progress)
    layout = lay_out(sound, options.audio.channels, options.audio)
    silenced = [(span.start_s, span.end_s) for span in conversation.bleeps]
    segments = corrected_segments(conversation)
    split = layout.mode == "split"
    channels = {label: conversation.diarization.channel_of(label) for label in labels} if split else {}
    return hear_speakers(layout.audio, channels, segments, labels, silenced, progress)


def voice_of_speaker(path: Path, label: str, recording: Path | None, progress: Progress) -> HeardVoice:
    """The voice of one speaker of a stored conversation."""
    from ressenti.pipeline import store

    conversation = store.load(path)
    labels = [speaker.label for speaker in conversation.speakers]
    if label not in labels:
        raise ConfigError(f"--speaker: no speaker {label!r}; {path.name} has {', '.join(labels)}.")
    heard = hear_stored(conversation, recording_of(conversation, path, recording), [label], progress)
    if label not in heard:
        raise _too_short(f"{path.name}, {label}")
    return heard[label]


def voice_in(path: Path, start_s: float | None, end_s: float | None, anyway: bool, progress: Progress) -> HeardVoice:
    """The voice of the one person who speaks in a recording, or in a part of it.

    Raises `ConfigError` if several people speak, unless it is wanted `anyway`: then all speech is taken for theirs.
    """
    from ressenti.pipeline.audio import RATE_HZ, load
    from ressenti.pipeline.audio.channels import lay_out
    from ressenti.pipeline.diarization.builtin import BuiltinDiarizer
    from ressenti.pipeline.diarization.interface import Count
    from ressenti.pipeline.voices.hearing import alone, hear

    options = Config()
    _, sound = load(path, AudioOptions(), progress)
    mixed = lay_out(sound, "mono", options.audio).audio
    begin, end = start_s or 0.0, mixed.duration_s if end_s is None else end_s
    if not 0 <= begin < min(end, mixed.duration_s):
        raise ConfigError(
            f"--from-s {begin:g}, --to-s {end:g}: not within the {mixed.duration_s:.1f} s of {path.name}."
        )
    part = Audio(mixed.samples[:, round(begin * RATE_HZ) : round(end * RATE_HZ)])
    found = BuiltinDiarizer(options.diarization).diarize(part, Count(1 if anyway else None), progress)
    seconds = {label: sum(e - s for s, e in alone(found.segments, label)) for label in found.speakers}
    if not seconds:
        raise _too_short(path.name)
    main = max(seconds, key=lambda label: seconds[label])
    others_s = sum(seconds.values()) - seconds[main]
    if others_s > max(OTHERS_S, OTHERS_SHARE * sum(seconds.values())):
        raise ConfigError(
            f"{path.name}: {len(seconds)} people seem to speak ({seconds[main]:.0f} s by one, {others_s:.0f} s by "
            "others); expected one. Give --from-s and --to-s where only this person speaks, or analyse it and use "
            "--speaker with its NAME.json; --anyway takes all speech for theirs."
        )
    heard = hear(part, alone(found.segments, main))
    if heard is None:
        raise _too_short(path.name)
    return heard


def _too_short(what: str) -> TooShortError:
    return TooShortError(
        f"{what}: less than {LEAST_S:g} s of speech without others; expected at least that, better 30 s or more."
    )
