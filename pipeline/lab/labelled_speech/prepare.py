"""Labelled clips -> samples of their speech, decoded and cut like recordings."""

from __future__ import annotations

from ressenti.pipeline import audio
from ressenti.pipeline.audio import RATE_HZ, Audio, Samples
from ressenti.pipeline.audio.channels import lay_out
from ressenti.pipeline.config import AudioOptions, DiarizationOptions
from ressenti.pipeline.diarization.vad import detect_speech
from ressenti.pipeline.errors import NotFoundError
from ressenti.pipeline.files.paths import is_there
from ressenti.pipeline.lab.labelled_speech.corpora import Clip


def read(clip: Clip) -> Samples:
    """Read the samples (n,) of a clip, channels mixed; raises a subclass of `InputError`."""
    if not is_there(clip.path):
        raise NotFoundError(f"{clip.path}: no such clip; paths are relative to the manifest's folder. Fix the path.")
    options = AudioOptions(min_duration_s=0.1, silent_dbfs=-90.0)
    _, sound = audio.load(clip.path, options, trusted=True)  # thousands of short clips of a corpus
    samples: Samples = lay_out(sound, "mono", options).audio.samples[0]
    return samples


def speech_of(samples: Samples, options: DiarizationOptions) -> Samples:
    """Speech in samples (n,) without its pauses, as in an analysis; all samples if there is no speech."""
    return Audio(samples[None]).joined(detect_speech(samples, options) or [(0.0, len(samples) / RATE_HZ)])
