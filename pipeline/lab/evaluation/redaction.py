"""Is personal data silenced that a voice tells, and is anything silenced in talk that holds none?

A synthetic voice (espeak-ng) tells made-up numbers in talk of two voices: one asks, the other answers. The truth is
where the number is in the sound. What is measured is the whole way, with recognised words.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.lab.labelled_speech.made_up_numbers import told
from ressenti.pipeline.records import Conversation

SEED = 7
_PAUSE_S = 0.7
_ASKS = {
    "en": {
        "card": "What is your card number, please?", "iban": "Could you give me your IBAN?",
        "nir": "What is your social security number?", "phone": "What is your telephone number?",
        "email": "What is your email address?", "birth": "What is your date of birth?",
    },
    "fr": {
        "card": "Quel est votre numéro de carte, s'il vous plaît ?", "iban": "Pouvez-vous me donner votre IBAN ?",
        "nir": "Quel est votre numéro de sécurité sociale ?", "phone": "Quel est votre numéro de téléphone ?",
        "email": "Quelle est votre adresse e-mail ?", "birth": "Quelle est votre date de naissance ?",
    },
}  # fmt: skip
_VOICES = {"en": ("en-gb+f3", "en-us+m3"), "fr": ("fr+f3", "fr+m3")}  # who asks, who answers

Sound = npt.NDArray[np.int16]


@dataclass(frozen=True)
class Told:
    """A made-up number in a recording: its text, and when it is said (s)."""

    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Silenced:
    """Of the numbers told in one recording: how many were silenced whole, nine tenths or more of each."""

    kind: str
    language: str
    told: int
    silenced: int
    missed: tuple[str, ...]


def make_talk(path: Path, kind: str, language: str, count: int) -> tuple[Told, ...]:
    """Write a recording in which so many numbers are told; `ConfigError` without espeak-ng."""
    if shutil.which("espeak-ng") is None:
        raise ConfigError(
            "espeak-ng: is not installed; expected the speech synthesiser. On Debian: apt install espeak-ng"
        )
    dice = random.Random(f"{SEED} {kind} {language}")  # noqa: S311  # repeatable, not secret
    asking, answering = _VOICES[language]
    parts: list[Sound] = []
    found: list[Told] = []
    rate_hz = 0
    for _ in range(count):
        words, first, last = told(kind, language, dice, aloud=True)
        lines = (
            (asking, _ASKS[language][kind]),
            (answering, " ".join(words[:first])),
            (answering, " ".join(words[first : last + 1])),
            (answering, " ".join(words[last + 1 :])),
        )
        for k, (voice, line) in enumerate(lines):
            sound, rate_hz = _spoken(voice, line, path.with_suffix(".line.wav"))
            start = sum(map(len, parts))
            parts.append(sound)
            if k == 2:
                found.append(Told(line, start / rate_hz, (start + len(sound)) / rate_hz))
            if k in (0, 3):
                parts.append(np.zeros(int(_PAUSE_S * rate_hz), np.int16))
    path.with_suffix(".line.wav").unlink()
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(np.concatenate(parts).astype("<i2").tobytes())
    return tuple(found)


def silenced(kind: str, language: str, numbers: Sequence[Told], conversation: Conversation) -> Silenced:
    """Compare what was told with what is silenced in a redacted conversation."""
    missed = []
    for one in numbers:
        covered_s = sum(span.overlap_s(one.start_s, one.end_s) for span in conversation.bleeps)
        if covered_s < 0.9 * (one.end_s - one.start_s):
            missed.append(one.text)
    return Silenced(kind, language, len(numbers), len(numbers) - len(missed), tuple(missed))


def _spoken(voice: str, line: str, path: Path) -> tuple[Sound, int]:
    """Samples (n,) of a line and their rate, without the silence at their ends."""
    subprocess.run(["espeak-ng", "-v", voice, "-s", "150", "-w", str(path), "--", line], check=True)  # noqa: S603, S607
    with wave.open(str(path), "rb") as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > 50)
        return samples[loud[0] : loud[-1] + 1] if len(loud) else samples, file.getframerate()
