"""A suite and labelled speech -> its conversations, one by one, reproducible from the seed."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ressenti.pipeline.audio import RATE_HZ, Samples
from ressenti.pipeline.audio.mel import FloatArray
from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.extras import need
from ressenti.pipeline.lab.labelled_speech.acoustics import to_int16
from ressenti.pipeline.lab.labelled_speech.corpora import Clip
from ressenti.pipeline.lab.labelled_speech.truth import TruthSegment, emotions_csv, rttm
from ressenti.pipeline.lab.simulation.options import Scene, Suite
from ressenti.pipeline.lab.simulation.plan import make_plan
from ressenti.pipeline.lab.simulation.played import Bank, PlayedSound, sounds_csv, with_sounds
from ressenti.pipeline.lab.simulation.render import render, truth_of
from ressenti.pipeline.lab.simulation.voices import Voice, make_voice, name_of
from ressenti.pipeline.models import campplus

_HEARD_S = 6.0  # of a voice, to find those alike
_BABBLE = 12  # clips of other speakers for the background


@dataclass(frozen=True)
class Simulated:
    """One conversation: samples (channels, n) at 16 kHz and its truth."""

    name: str
    scene: str
    samples: Samples
    truth: tuple[TruthSegment, ...]
    sounds: tuple[PlayedSound, ...] = ()

    def files(self) -> dict[str, bytes | str]:
        """File contents by extension: the recording (FLAC), its RTTM, and the emotion of each stretch.

        `.emotions.csv` has the fields of `TruthSegment` as columns, `.sounds.csv` those of `PlayedSound`.
        """
        need("soundfile", "A simulated recording")
        import soundfile

        sound = io.BytesIO()
        soundfile.write(sound, self.samples.T, RATE_HZ, format="FLAC", subtype="PCM_16")
        return {
            ".flac": sound.getvalue(),
            ".rttm": rttm(self.truth, self.name),
            ".emotions.csv": emotions_csv(self.truth),
            **({".sounds.csv": sounds_csv(self.sounds)} if self.sounds else {}),
        }


def simulate(
    suite: Suite, clips: Sequence[Clip], only: Sequence[str] = (), sounds: Path | None = None
) -> Iterator[Simulated]:
    """Yield the conversations of a suite, or of the scenes in `only`, each with its own seed.

    `sounds` is the folder of recorded sounds for scenes in which some are played.
    Raises `ConfigError` for an unknown scene, for one that needs sounds without a folder, or if a scene's
    corpora have too few speakers.
    """
    if unknown := set(only) - set(suite.scenes):
        raise ConfigError(f"unknown scenes {', '.join(sorted(unknown))}; expected some of {', '.join(suite.scenes)}.")
    speech = _Speech(clips, "used in training" if suite.speakers == "training" else "not used in training")
    bank: Bank | None = None
    for name, scene in suite.scenes.items():
        if only and name not in only:
            continue
        if scene.playing is not None and bank is None:
            if sounds is None:
                raise ConfigError(f"scene {name} plays recorded sounds. Name their folder with --sounds.")
            bank = Bank(sounds, suite.sounds)
        for index in range(scene.conversations):
            rng = np.random.default_rng([suite.seed, zlib.crc32(name.encode()), index])
            yield _conversation(f"{name}-{index + 1:02d}", name, scene, suite, speech, rng, bank)


def _conversation(
    name: str,
    scene_name: str,
    scene: Scene,
    suite: Suite,
    speech: _Speech,
    rng: np.random.Generator,
    bank: Bank | None = None,
) -> Simulated:
    count = int(rng.integers(scene.speakers[0], scene.speakers[1] + 1))
    voices = speech.draw(scene, count, rng)
    script = suite.scripts[str(rng.choice(scene.scripts))] if scene.scripts else ()
    plan = make_plan(voices, scene, script, rng)
    others = speech.background(voices, rng) if scene.sound.noise == "babble" else None
    length_s = max(placed.end_s for placed in plan) + 0.5
    samples = render(plan, count, length_s, scene.sound, others, rng)
    truth = truth_of(plan, voices, scene.sound)
    if scene.playing is None or bank is None:
        return Simulated(name, scene_name, samples, truth)
    return Simulated(name, scene_name, *with_sounds(samples, truth, scene.playing, scene.sound, bank, rng))


def most_alike(vectors: FloatArray, count: int) -> list[int]:
    """Rows of unit vectors (n, d) that are nearest: the nearest two, then whichever is nearest to one of those."""
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -np.inf)
    found = [int(i) for i in np.unravel_index(int(np.argmax(cosines)), cosines.shape)]
    while len(found) < count:
        nearness = cosines[:, found].max(axis=1)
        nearness[found] = -np.inf
        found.append(int(np.argmax(nearness)))
    return found[:count]


class _Speech:
    """Speakers by corpus; clips are read when first needed."""

    def __init__(self, clips: Sequence[Clip], whose: str) -> None:
        self._whose = whose
        self._clips: dict[tuple[str, str], list[Clip]] = {}
        for clip in clips:
            self._clips.setdefault(clip.who, []).append(clip)
        self._voices: dict[tuple[str, str], Voice] = {}
        self._embeddings: dict[tuple[str, str], FloatArray] = {}

    def draw(self, scene: Scene, count: int, rng: np.random.Generator) -> list[Voice]:
        """Draw different speakers of one corpus, preferably those with enough speech."""
        names = sorted(scene.corpora)
        weights = np.array([scene.corpora[name] for name in names])
        corpus = str(rng.choice(names, p=weights / weights.sum()))
        speakers = sorted(who for who in self._clips if who[0] == corpus)
        order = [speakers[i] for i in rng.permutation(len(speakers))]
        needed_s = scene.minutes * 60 / count * scene.fresh_share
        chosen: list[tuple[str, str]] = []
        most = max(count, len(order) // 3) if scene.alike else count
        for who in order:
            if len(chosen) == most:
                break
            if self._voice(who).duration_s >= needed_s:
                chosen.append(who)
        spare = [who for who in order if who not in chosen and (len(chosen) >= count or self._voice(who).utterances)]
        chosen += spare[: max(0, count - len(chosen))]
        if len(chosen) < count:
            raise ConfigError(
                f"{corpus}: speakers {self._whose}: {len(chosen)}; expected {count}. "
                "Give more labelled speech, or another corpus in the scene."
            )
        voices = [self._voice(who) for who in chosen]
        return [voices[i] for i in most_alike(self._embedded(chosen), count)] if scene.alike else voices

    def background(self, voices: Sequence[Voice], rng: np.random.Generator) -> Voice:
        """Draw utterances of speakers who are not in the conversation."""
        present = {voice.name for voice in voices}
        absent = [who for who in sorted(self._clips) if name_of(who) not in present]
        drawn = [absent[i] for i in rng.permutation(len(absent))[:_BABBLE]]
        talk = tuple(u for who in drawn for u in self._voice(who).utterances[:1])
        if not talk:
            raise ConfigError("noise: babble needs speakers outside the conversation. Give more labelled speech.")
        return Voice("background", talk)

    def _embedded(self, speakers: Sequence[tuple[str, str]]) -> FloatArray:
        """Speaker embeddings (n, d) of the first seconds of each voice."""
        missing = [who for who in speakers if who not in self._embeddings]
        sounds = [np.concatenate([u.sound for u in self._voice(who).utterances]) for who in missing]
        vectors = campplus.embed_samples([to_int16(sound[: round(_HEARD_S * RATE_HZ)]) for sound in sounds])
        self._embeddings.update(zip(missing, vectors, strict=True))
        return np.stack([self._embeddings[who] for who in speakers])

    def _voice(self, who: tuple[str, str]) -> Voice:
        if who not in self._voices:
            self._voices[who] = make_voice(self._clips[who])
        return self._voices[who]
