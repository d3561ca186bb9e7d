"""Where the space of voices comes from: `python -m ressenti.pipeline.lab.training.speaker_space LIBRISPEECH`.

CAM++ hears the voice, and with it mood, line and room. This finds the 64 directions that tell voices apart and change
least with those: linear discriminant analysis (Fisher 1936; for speaker embeddings Dehak et al. 2011), within one
speaker over moods (`labelled_speech.moods`), telephone lines and rooms. It learns from LibriSpeech (CC BY 4.0) alone,
one clip of each speaker who is not held out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import typer

from ressenti.pipeline.audio import fbank
from ressenti.pipeline.audio.mel import FloatArray
from ressenti.pipeline.extras import need
from ressenti.pipeline.files.hashes import digest_of
from ressenti.pipeline.lab.labelled_speech import acoustics
from ressenti.pipeline.lab.labelled_speech.acoustics import Sound
from ressenti.pipeline.lab.labelled_speech.corpora import Clip, read_clips, seen
from ressenti.pipeline.lab.labelled_speech.moods import MOODS, in_mood
from ressenti.pipeline.lab.labelled_speech.prepare import read
from ressenti.pipeline.models import campplus, parallel
from ressenti.pipeline.models.hashes import WEIGHTS

SEED = 5
DIRECTIONS = 64
SHRINKAGE = 0.3  # towards a spread within speakers that is alike in all directions
_LENGTHS = (50, 75, 100, 150, 200, 275, 300)  # of pieces, in hops of 10 ms
_PITCH_SPREAD = 0.06  # as in the suite of moods
_LEVEL_DBFS = -26.0
_SNR_DB = (18.0, 35.0)
_CODECS: tuple[acoustics.Codec, ...] = ("mulaw", "alaw", "gsm")


@dataclass(frozen=True)
class Pieces:
    """Embeddings (n, 192) of pieces, with their speakers and their lengths in seconds."""

    embeddings: FloatArray
    speakers: npt.NDArray[np.str_]
    seconds: npt.NDArray[np.float64]


def one_each(clips: Sequence[Clip]) -> list[Clip]:
    """The first clip of each speaker whom trainings may use."""
    first: dict[str, Clip] = {}
    for clip in seen(clips):
        first.setdefault(clip.speaker, clip)
    return list(first.values())


def sounds_of(clip: Clip, rng: np.random.Generator) -> Iterator[Sound]:
    """The clip on a telephone line and in a room, and in two moods on one of these."""
    sound = acoustics.to_float(read(clip))
    yield on_telephone(sound, rng)
    yield in_room(sound, rng)
    for name in rng.choice([mood for mood in MOODS if mood != "neutral"], 2, replace=False):
        changed = in_mood(sound, MOODS[str(name)], 1 + float(rng.normal(0, _PITCH_SPREAD)))
        yield on_telephone(changed, rng) if rng.random() < 0.5 else in_room(changed, rng)


def on_telephone(sound: Sound, rng: np.random.Generator) -> Sound:
    """Speech through a telephone line, in noise, with a tilt and a codec drawn by `rng`."""
    line = acoustics.telephone(acoustics.at_level(sound, _LEVEL_DBFS))
    line = acoustics.with_noise(line, acoustics.pink_noise(len(sound), rng), rng.uniform(*_SNR_DB))
    return acoustics.through(acoustics.tilted(line, rng.normal(0, 2)), _CODECS[rng.integers(len(_CODECS))])


def in_room(sound: Sound, rng: np.random.Generator) -> Sound:
    """Speech in a room, in noise; three in ten are close to the microphone."""
    levelled = acoustics.at_level(sound, _LEVEL_DBFS)
    if rng.random() < 0.7:
        levelled = acoustics.reverberant(levelled, rng.uniform(0.2, 0.5), rng.uniform(0, 8), rng)
    return acoustics.with_noise(levelled, acoustics.pink_noise(len(sound), rng), rng.uniform(*_SNR_DB))


def pieces_of(clips: Sequence[Clip]) -> Pieces:
    """Embedded pieces of half a second to three of each clip, as the diarizer hears them."""
    rng = np.random.default_rng(SEED)
    embeddings, speakers, seconds = [], [], []
    for number, clip in enumerate(clips):
        features = [rows for sound in sounds_of(clip, rng) for rows in _cut(acoustics.to_int16(sound), rng)]
        embeddings.append(campplus.embed(features))
        speakers += [clip.speaker] * len(features)
        seconds += [len(rows) / 100 for rows in features]
        if number % 20 == 0:
            typer.echo(f"{number} of {len(clips)} speakers", err=True)
    return Pieces(np.concatenate(embeddings), np.array(speakers), np.array(seconds))


def _cut(samples: npt.NDArray[np.int16], rng: np.random.Generator) -> Iterator[FloatArray]:
    """Features of pieces of lengths drawn by `rng`, one after the other."""
    begin = 0
    while True:
        rows = int(rng.choice(_LENGTHS))
        length = fbank.WINDOW + (rows - 1) * fbank.HOP
        if begin + length > len(samples):
            return
        yield fbank.log_mel(samples[begin : begin + length])
        begin += rows * fbank.HOP


def fit(pieces: Pieces, directions: int = DIRECTIONS, shrinkage: float = SHRINKAGE) -> tuple[FloatArray, FloatArray]:
    """Mean (192,) of all embeddings, and the directions (192, directions), the most telling first.

    A longer piece counts more: by its seconds in the mean of its speaker.
    """
    from scipy.linalg import eigh

    centred = pieces.embeddings.astype(np.float64)
    mean = centred.mean(axis=0)
    centred = centred - mean
    names, who = np.unique(pieces.speakers, return_inverse=True)
    weights = pieces.seconds / np.bincount(who, pieces.seconds)[who]
    centres = np.zeros((len(names), centred.shape[1]))
    np.add.at(centres, who, centred * weights[:, None])
    away = (centred - centres[who]) * np.sqrt(pieces.seconds / pieces.seconds.sum())[:, None]
    within, between = away.T @ away, centres.T @ centres / len(names)
    even = np.eye(len(within)) * np.trace(within) / len(within)
    _, vectors = eigh(between, (1 - shrinkage) * within + shrinkage * even)
    return mean.astype(np.float32), vectors[:, ::-1][:, :directions].astype(np.float32)


def main(
    speech: Annotated[Path, typer.Argument(help="LibriSpeech: a folder with speakers.csv")],
    out: Annotated[Path, typer.Option(help="where the space goes")] = WEIGHTS,
    keep: Annotated[Path | None, typer.Option(help="also keep the embedded pieces, as NPZ")] = None,
) -> None:
    """Write campplus_space.npz, and what is known of it as JSON."""
    need("parselmouth", "Speech in moods")
    clips = one_each(read_clips(speech, labelled=False))
    with parallel.computing(None):
        pieces = pieces_of(clips)
    if keep is not None:
        np.savez(keep, embeddings=pieces.embeddings, speakers=pieces.speakers, seconds=pieces.seconds)
    mean, directions = fit(pieces)
    path = out / "campplus_space.npz"
    np.savez(path, mean=mean, directions=directions)
    about = {
        "sha256": {path.name: digest_of(path)},
        "data": "LibriSpeech (CC BY 4.0), changed: moods, telephone lines, rooms",
        "speakers": len(clips),
        "pieces": len(pieces.seconds),
        "directions": DIRECTIONS,
        "shrinkage": SHRINKAGE,
        "seed": SEED,
    }
    path.with_suffix(".json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    typer.echo(f"{len(pieces.seconds)} pieces of {len(clips)} speakers; SHA-256 {about['sha256']}")


if __name__ == "__main__":
    typer.run(main)
