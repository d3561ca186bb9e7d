"""What the tests of simulated conversations share: speakers of tones, whose truth anybody can hear."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from conftest import write_wav
from ressenti.pipeline.lab.labelled_speech.corpora import Clip
from ressenti.pipeline.lab.simulation.options import Suite
from ressenti.pipeline.lab.simulation.suite import Simulated, simulate
from ressenti.pipeline.lab.simulation.voices import Utterance

RATE = 16_000
HZ = (350, 500, 700, 1000, 1400, 2000, 2800, 3100)  # of each speaker, within the band of a telephone
EMOTIONS = ("neutral", "happy", "sad", "angry")
CLEAN: dict[str, Any] = {"level_spread_db": 0}


def bursts(hz: float, seed: int) -> np.ndarray:
    """Two bursts of a tone with a pause of 0.5 s, silence around."""
    rng = np.random.default_rng(seed)
    parts = [np.zeros(int(0.2 * RATE))]
    for _ in range(2):
        count = int(rng.uniform(0.6, 1.4) * RATE)
        parts += [0.2 * np.sin(2 * np.pi * hz * np.arange(count) / RATE), np.zeros(RATE // 2)]
    return np.concatenate(parts) + rng.normal(0, 1e-5, sum(map(len, parts)))


def write_clips(folder: Path) -> list[Clip]:
    """Eight speakers of tones, two clips for each of four emotions."""
    out = []
    for k, hz in enumerate(HZ):
        for e, emotion in enumerate(EMOTIONS):
            for take in range(2):
                path = write_wav(folder / f"{k}-{emotion}-{take}.wav", bursts(hz, 100 * k + 10 * e + take))
                out.append(Clip(path, "tones", f"s{k}", emotion))
    return out


def suite(seed: int = 1, **scene: Any) -> Suite:
    options = {"minutes": 0.4, "corpora": {"tones": 1}, **scene}
    return Suite.model_validate({"seed": seed, "scenes": {"talk": options}})


def one(clips: Sequence[Clip], options: Suite) -> Simulated:
    (made,) = simulate(options, clips)
    return made


def digest(made: Simulated) -> dict[str, str]:
    return {
        end: hashlib.sha256(text if isinstance(text, bytes) else text.encode()).hexdigest()
        for end, text in made.files().items()
    }


def said(*lengths: float, emotion: str = "neutral") -> tuple[Utterance, ...]:
    return tuple(
        Utterance(np.full(int(s * RATE), 0.1, np.float32), ((0.0, s),), emotion, "", None, None, f"u{i}")
        for i, s in enumerate(lengths)
    )
