"""Read speech -> the same speech in moods, by Praat: pitch, its range, tempo and tilt change as they do in people.

For choosing thresholds: no emotional speech with a free licence is to be had. This is no emotion, so nothing is trained
or measured on it. Directions follow Banse & Scherer 1996 (anger, joy: higher, wider, faster, more energy above 1 kHz;
sadness: the reverse); how far each goes is ours.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from ressenti.pipeline import store
from ressenti.pipeline.audio import RATE_HZ
from ressenti.pipeline.extras import need
from ressenti.pipeline.lab.labelled_speech.acoustics import Sound, to_float
from ressenti.pipeline.lab.labelled_speech.corpora import is_held_out, read_clips
from ressenti.pipeline.lab.labelled_speech.prepare import read

SEED = 3
_LOWEST_HZ, _HIGHEST_HZ = 75, 500  # of the pitch that Praat looks for
_HINGE_HZ = 1_000.0
_SPREAD = 0.06  # standard deviation of the pitch between clips of one mood, as a share
_PEAK = 0.7


@dataclass(frozen=True)
class Mood:
    """Factors of median pitch, pitch range, formants and duration, and the tilt above 1 kHz in dB."""

    pitch: float = 1.0
    pitch_range: float = 1.0
    formants: float = 1.0
    duration: float = 1.0
    tilt_db: float = 0.0


MOODS = {
    "neutral": Mood(),
    "angry": Mood(1.45, 1.5, 1.05, 0.92, 7),
    "happy": Mood(1.3, 1.7, 1.03, 0.95, 4),
    "sad": Mood(0.9, 0.5, 0.99, 1.15, -6),
    "calm": Mood(0.95, 0.7, 1.0, 1.08, -3),
}


def in_mood(sound: Sound, mood: Mood, pitch: float = 1.0) -> Sound:
    """Speech (n,) at 16 kHz in a mood, its median pitch times `pitch` besides; Praat's "Change gender" (PSOLA)."""
    import parselmouth
    from parselmouth.praat import call

    made = parselmouth.Sound(sound.astype(np.float64), RATE_HZ)
    if mood != Mood():
        found = made.to_pitch(0.01, _LOWEST_HZ, _HIGHEST_HZ)
        lowest_hz, median_hz = (call(found, "Get quantile", 0, 0, share, "Hertz") for share in (0, 0.5))
        wanted_hz = median_hz * mood.pitch * pitch if np.isfinite(median_hz) else 0  # 0: as it is
        widest = median_hz / (median_hz - lowest_hz) if median_hz > lowest_hz else np.inf  # then the lowest is at 0 Hz
        pitch_range = mood.pitch_range if mood.pitch_range < widest else 0.9 * widest
        shape = (_LOWEST_HZ, _HIGHEST_HZ, mood.formants, wanted_hz, pitch_range, mood.duration)
        made = call(made, "Change gender", *shape)
    out = _tilted(made.values[0], mood.tilt_db)
    scaled: Sound = (out * (_PEAK / max(1e-6, float(np.abs(out).max())))).astype(np.float32)
    return scaled


def _tilted(sound: np.ndarray, tilt_db: float) -> np.ndarray:
    """Raise what lies above 1 kHz, smoothly over two octaves."""
    hz = np.fft.rfftfreq(len(sound), 1 / RATE_HZ)
    gain_db = tilt_db / (1 + np.exp(-2 * np.log2(np.maximum(hz, 1) / _HINGE_HZ)))
    return np.fft.irfft(np.fft.rfft(sound) * 10 ** (gain_db / 20), len(sound))


def main(
    folder: Annotated[Path, typer.Argument(help="speech: a folder with speakers.csv, or a manifest")],
    out: Annotated[Path, typer.Argument(help="folder for the clips and their labels.csv")],
    speakers: Annotated[int, typer.Option(help="how many, drawn by a fixed seed")] = 60,
) -> None:
    """Write clips of speakers whom trainings may use, in each mood."""
    need("parselmouth", "Speech in moods")
    need("soundfile", "Speech in moods")
    import soundfile

    clips = [clip for clip in read_clips(folder, labelled=False) if not is_held_out(clip)]
    rng = np.random.default_rng(SEED)
    files: dict[Path, bytes | str] = {}
    rows = []
    for place in rng.permutation(len(clips))[:speakers]:
        clip = clips[place]
        for name, mood in MOODS.items():
            made = in_mood(to_float(read(clip)), mood, 1 + float(rng.normal(0, _SPREAD)))
            flac = io.BytesIO()
            soundfile.write(flac, made, RATE_HZ, format="FLAC", subtype="PCM_16")
            files[out / f"{clip.speaker}-{name}.flac"] = flac.getvalue()
            rows.append((f"{clip.speaker}-{name}.flac", clip.speaker, name))
    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerows([("path", "speaker", "label"), *rows])
    store.write_whole({**files, out / "labels.csv": table.getvalue()})
    typer.echo(f"{len(rows)} clips of {len({who for _, who, _ in rows})} speakers")


if __name__ == "__main__":
    typer.run(main)
