"""Cuts the sound of a sample's turns from their recordings."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ressenti.pipeline.audio import encode
from ressenti.pipeline.audio.channels import Layout
from ressenti.pipeline.audio.playback import analysed_sound
from ressenti.pipeline.errors import InputError, NotFoundError
from ressenti.pipeline.files.hashes import digest_of
from ressenti.pipeline.files.paths import is_file
from ressenti.pipeline.lab.evaluation.labelling import Sample
from ressenti.pipeline.records import Conversation, Diarization, Turn

LONGEST_S = 20.0  # raters hear only the beginning of longer turns
LEVEL_DBFS = -20.0


@dataclass(frozen=True)
class Clip:
    """What a rater hears of an item, as MP3, and how long it is; `cut` if the turn goes on."""

    item: str
    mp3: bytes
    cut: bool
    seconds: float


def clips_of(sample: Sample, conversations: Mapping[Path, Conversation], folder: Path | None) -> Iterator[Clip]:
    """Yield the clips of a sample, recording by recording.

    `conversations` are keyed by the file they were read from; without a `folder`, recordings are looked for beside it.
    All recordings are found before the first is decoded. Raises `InputError` if one is missing or is not the analysed
    one.
    """
    wanted: dict[str, list[Turn]] = {}
    for item in sample.items:
        wanted.setdefault(item.sha256, []).append(item.turn)
    ids = {(item.sha256, item.turn.index): item.id for item in sample.items}
    sources = [
        (conversation, find_recording(conversation, folder or path.parent))
        for path, conversation in conversations.items()
        if conversation.recording.sha256 in wanted
    ]
    for conversation, recording in sources:
        layout = analysed_sound(recording, conversation)
        sha256 = conversation.recording.sha256
        found = conversation.diarization
        yield from (_clip(ids[sha256, turn.index], turn, layout, found) for turn in wanted[sha256])


def find_recording(conversation: Conversation, folder: Path) -> Path:
    """Find the recording of a conversation in or below a folder, by name and SHA-256."""
    known = conversation.recording
    name = Path(known.name).name
    found = [folder / name] if is_file(folder / name) else sorted(filter(is_file, folder.rglob(glob.escape(name))))
    if not found:
        raise NotFoundError(
            f"{known.name}: not found in {folder}; expected the analysed recording. "
            "Give the folder of the recordings with --recordings."
        )
    digests = {path: digest_of(path) for path in found}
    for path, digest in digests.items():
        if digest == known.sha256:
            return path
    path, digest = next(iter(digests.items()))
    raise InputError(
        f"{path}: not the analysed recording: SHA-256 {digest[:12]}..., expected {known.sha256[:12]}... "
        "Give the folder of the original with --recordings, or analyse this one."
    )


def _clip(item: str, turn: Turn, layout: Layout, found: Diarization) -> Clip:
    said_by = turn.original.speaker if turn.original else turn.speaker  # a person may have moved it to another channel
    channel = found.channel_of(said_by) - 1 if layout.mode == "split" else 0
    end_s = min(turn.end_s, turn.start_s + LONGEST_S)
    sound = encode.excerpt(layout.audio.cut(turn.start_s, end_s, channel), LEVEL_DBFS)
    return Clip(item, encode.mp3(sound), turn.duration_s > LONGEST_S, end_s - turn.start_s)
