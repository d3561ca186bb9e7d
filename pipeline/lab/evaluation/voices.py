"""How well embeddings tell speakers apart: `python -m ressenti.pipeline.lab.evaluation.voices FOLDER`.

Pairs of clips of labelled speech, of one speaker and of two, by cosine; equal error rates of CAM++, of CAM++ with a
rectifier after its last layer (which it must not have: of the two, the variant that tells speakers apart better is the
one that was trained), and of the GE2E encoder.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import typer

from ressenti.pipeline import audio
from ressenti.pipeline.audio import RATE_HZ, Samples
from ressenti.pipeline.audio.mel import HOP, FloatArray, mel_power
from ressenti.pipeline.config import AudioOptions
from ressenti.pipeline.lab.labelled_speech.corpora import Clip, read_clips
from ressenti.pipeline.models import campplus, voice_encoder

SEED = 0


@dataclass(frozen=True)
class VoiceFigures:
    """Mean cosine of pairs of one speaker and of two, and the rate at which equal shares of both are judged wrongly."""

    model: str
    same: float
    other: float
    equal_error: float


def equal_error_rate(same: npt.NDArray[np.floating], other: npt.NDArray[np.floating]) -> float:
    """Share of wrong decisions at the threshold where as many pairs of one speaker are refused as of two accepted."""
    thresholds = np.sort(np.concatenate([same, other]))
    refused = np.searchsorted(np.sort(same), thresholds) / len(same)
    accepted = 1 - np.searchsorted(np.sort(other), thresholds) / len(other)
    at = int(np.argmin(np.abs(refused - accepted)))
    return float(refused[at] + accepted[at]) / 2


def rectified(vectors: FloatArray) -> FloatArray:
    """Embeddings of unit length as a rectifier after the last layer would have made them."""
    out = np.maximum(vectors, 0)
    unit: FloatArray = out / (np.linalg.norm(out, axis=1, keepdims=True) + np.float32(1e-9))
    return unit


def ge2e(voices: Sequence[Samples]) -> FloatArray:
    """Embeddings (n, 256) of an earlier built-in diarizer: the mean of windows of 1.6 s at the trained level."""
    rows = []
    length = round(1.6 * RATE_HZ / HOP)
    for samples in voices:
        mel = mel_power(samples, voice_encoder.BANDS)
        level_dbfs = 10 * np.log10(np.mean((samples.astype(np.float32) / 32768) ** 2) + 1e-12)
        mel = mel * np.float32(10 ** (max(0.0, voice_encoder.LEVEL_DBFS - level_dbfs) / 10))
        starts = range(0, max(1, len(mel) - length + 1), length // 2)
        mean = voice_encoder.embeddings(np.stack([mel[start : start + length] for start in starts])).mean(axis=0)
        rows.append(mean / np.linalg.norm(mean))
    return np.stack(rows)


MODELS: dict[str, Callable[[Sequence[Samples]], FloatArray]] = {
    "CAM++": campplus.embed_samples,
    "CAM++, rectified": lambda voices: rectified(campplus.embed_samples(voices)),
    "GE2E": ge2e,
}


def figures_of(clips: Sequence[Clip], longest_s: float) -> list[VoiceFigures]:
    """Figures over all pairs of clips; `longest_s` of each is heard, from its middle."""
    voices = [middle_of(clip.path, longest_s) for clip in clips]
    speakers = np.array([f"{clip.corpus} {clip.speaker}" for clip in clips])
    first, second = np.triu_indices(len(clips), 1)
    one = speakers[first] == speakers[second]
    out = []
    for name, embed in MODELS.items():
        vectors = embed(voices)
        cosines = (vectors[first] * vectors[second]).sum(axis=1)
        same, other = cosines[one], cosines[~one]
        out.append(VoiceFigures(name, float(same.mean()), float(other.mean()), equal_error_rate(same, other)))
    return out


def middle_of(path: Path, longest_s: float) -> Samples:
    """The middle of a clip, at most so long."""
    samples: Samples = audio.load(path, AudioOptions(remove_hum=False), trusted=True)[1].samples[0]
    most = round(longest_s * RATE_HZ)
    start = max(0, (len(samples) - most) // 2)
    heard: Samples = samples[start : start + most]
    return heard


def chosen(clips: Sequence[Clip], most: int) -> list[Clip]:
    """At most so many clips of each speaker that has two or more, drawn by a fixed seed."""
    rng = np.random.default_rng(SEED)
    out: list[Clip] = []
    for who in sorted({clip.who for clip in clips}):
        own = [clip for clip in clips if clip.who == who]
        if len(own) > 1:
            out += [own[i] for i in sorted(rng.permutation(len(own))[:most])]
    return out


def main(
    folder: Annotated[Path, typer.Argument(help="labelled speech: a manifest, or a folder with one")],
    seconds: Annotated[float, typer.Option(help="of each clip that are heard")] = 3.0,
    most: Annotated[int, typer.Option(help="clips of each speaker")] = 8,
) -> None:
    """Print how well each embedding tells the speakers of a corpus apart."""
    clips = chosen(read_clips(folder, labelled=False), most)
    typer.echo(f"{len({clip.who for clip in clips})} speakers, {len(clips)} clips, {seconds:g} s of each at most")
    for row in figures_of(clips, seconds):
        typer.echo(
            f"{row.model:17} same speaker {row.same:5.2f}, other {row.other:5.2f}, EER {100 * row.equal_error:4.1f} %"
        )


if __name__ == "__main__":
    typer.run(main)
