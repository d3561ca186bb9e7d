"""Measures the time and peak memory of each stage of an analysis."""

from __future__ import annotations

import re
import sys
import time
import wave
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from ressenti.pipeline import diarization, emotion
from ressenti.pipeline.audio import RATE_HZ, Audio
from ressenti.pipeline.config import DiarizationOptions, EmotionOptions
from ressenti.pipeline.diarization.interface import Count
from ressenti.pipeline.emotion.interface import EmotionModel, Excerpt
from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.progress import Progress, ignore_progress
from ressenti.pipeline.records import Diarization, EmotionScores, ModelInfo, Use

_LARGEST_WAV = 2**32 - 2**16  # bytes: the format counts them in 32 bits


@dataclass(frozen=True)
class Stage:
    """Seconds spent in one stage, and the peak memory of the process at its end (MB), None if unknown."""

    name: str
    seconds: float
    peak_mb: float | None


@dataclass(frozen=True)
class Measurement:
    """One analysis of `minutes` of sound with one emotion model, in its own process.

    `whole_s` is the time from start to end of the process; it exceeds the sum of the stages by Python's own start and
    end. `scores` are the class scores of every window, in order; `heard_s` is the speech that the emotion model
    scored, where two windows overlap counted twice.
    """

    minutes: float
    model: str
    stages: tuple[Stage, ...]
    whole_s: float
    scores: tuple[tuple[float, ...], ...] = ()
    heard_s: float = 0.0

    @property
    def judging_ms(self) -> float | None:
        """Mean milliseconds that the emotion model needs for four seconds of speech; None if it scored none."""
        seconds = self.seconds("emotion")
        return 4_000 * seconds / self.heard_s if seconds is not None and self.heard_s else None

    @property
    def peak_mb(self) -> float | None:
        """Peak memory of the process (MB)."""
        return max((s.peak_mb for s in self.stages if s.peak_mb is not None), default=None)

    def seconds(self, name: str) -> float | None:
        """Seconds of a stage; None if it did not run."""
        return next((stage.seconds for stage in self.stages if stage.name == name), None)


@dataclass(frozen=True)
class Ratio:
    """A model's seconds relative to the first model's, same length, same run; `emotion` is None if nothing was judged.

    `score_change` is the largest difference of any class score if both are the same model, run in different ways.
    """

    minutes: float
    model: str
    against: str
    emotion: float | None
    whole: float
    score_change: float | None = None


@dataclass
class Clock:
    """Counts the time between calls for a stage; `hook` is a progress hook, called after work.

    `last` is the time of the last call, initially the start, on `time.monotonic`.
    """

    last: float
    stage: str = "loading"
    high: float = 0.0
    spent: dict[str, tuple[float, float | None]] = field(default_factory=dict)

    def hook(self, stage: str, completed: float, total: float | None) -> None:
        """Count the time since the last call for the reporting stage."""
        self.stage = stage
        self.end(stage)

    def end(self, stage: str | None = None) -> None:
        """Count the time since the last call for a stage, by default the last one that reported."""
        now, name, high = time.monotonic(), stage or self.stage, peak_mb()
        if high is not None:
            self.high = high = max(high, self.high)  # kernel counters are approximate: a peak may seem to shrink
        before, _ = self.spent.get(name, (0.0, None))
        self.spent[name] = (before + now - self.last, high)
        self.last = now

    def stages(self) -> tuple[Stage, ...]:
        """Counted stages, in order of first appearance."""
        return tuple(Stage(name, *spent) for name, spent in self.spent.items())


class TimedDiarizer:
    """The configured diarizer, loaded after the sound as in any analysis, and timed by `Clock`."""

    models: tuple[ModelInfo, ...] = ()

    def __init__(self, options: DiarizationOptions, clock: Clock, use: Use | None = None) -> None:
        self._options, self._clock, self._use = options, clock, use

    def diarize(self, audio: Audio, count: Count, progress: Progress = ignore_progress) -> Diarization:
        """Segments with speakers, as the configured diarizer finds them."""
        self._clock.end()  # laying out channels belongs to the stage before
        diarizer = diarization.choose("split" if len(audio.samples) > 1 else "mono", self._options, self._use)
        self._clock.end("loading_diarizer")
        found = diarizer.diarize(audio, count, progress)
        self._clock.end()  # time after the last report belongs to its stage
        return found


class TimedEmotion:
    """The configured emotion model, loaded at the first turn as in any analysis, and timed."""

    def __init__(self, options: EmotionOptions, clock: Clock, use: Use | None = None, *, obvious: bool = False) -> None:
        self._options, self._clock, self._use, self._obvious = options, clock, use, obvious
        self.heard_s = 0.0

    @cached_property
    def _model(self) -> EmotionModel:
        self._clock.end("turns")
        if self._obvious:
            from ressenti.pipeline.lab.evaluation.plain_transformers import ObviousEmotion

            model: EmotionModel = ObviousEmotion(emotion.locate(self._options.model, self._use), self._options)
        else:
            model = emotion.needed(self._options, self._use)
        self._clock.end("loading_emotion")
        return model

    @cached_property
    def info(self) -> ModelInfo:
        """The model's name, version and hash."""
        return self._model.info

    @property
    def parts(self) -> tuple[ModelInfo, ...]:
        """Other models that the model uses."""
        return self._model.parts

    @property
    def learned(self) -> frozenset[tuple[str, str]]:
        """Speakers that the model was trained on."""
        return self._model.learned

    def score(self, excerpts: Sequence[Excerpt], progress: Progress = ignore_progress) -> list[EmotionScores]:
        """Scores of each excerpt, as the configured model gives them."""
        model = self._model
        self._clock.end("turns")  # placing and cutting windows belongs to the stage before
        scores = model.score(excerpts, progress)
        self._clock.end("emotion")
        self.heard_s += sum(len(excerpt.samples) for excerpt in excerpts) / RATE_HZ
        return scores


def peak_mb() -> float | None:
    """Peak memory of this process in MB; None if the system does not report it (Windows).

    On Linux a child inherits ru_maxrss from its parent, so VmHWM is used there (proc(5)).
    """
    try:
        high = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="utf-8"))
    except OSError:
        high = None
    if high:
        return int(high[1]) / 1024
    try:
        import resource
    except ImportError:
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 2**20 if sys.platform == "darwin" else most / 1024  # bytes there, kB elsewhere


def write_repeated(sound: Audio, minutes: float, target: Path) -> None:
    """Write sound as 16 kHz WAV, repeated to fill `minutes`; raises `ConfigError` if that is too long for WAV."""
    count = round(minutes * 60 * RATE_HZ)
    channels = len(sound.samples)
    if count * channels * 2 > _LARGEST_WAV:
        most = _LARGEST_WAV / channels / 2 / RATE_HZ / 60
        raise ConfigError(f"--minutes: got {minutes:g}; expected at most {most:.0f} (channels: {channels}).")
    with wave.open(str(target), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        while count > 0:
            part = sound.samples[:, :count]
            file.writeframes(np.ascontiguousarray(part.T).astype("<i2").tobytes())
            count -= part.shape[1]


def fastest(runs: Sequence[Measurement]) -> Measurement:
    """Merge repeats of one analysis: the least seconds, since other work only adds time, and the most memory."""
    stages = []
    for name in dict.fromkeys(stage.name for run in runs for stage in run.stages):
        same = [stage for run in runs for stage in run.stages if stage.name == name]
        peaks = [stage.peak_mb for stage in same if stage.peak_mb is not None]
        stages.append(Stage(name, min(stage.seconds for stage in same), max(peaks, default=None)))
    return replace(runs[0], stages=tuple(stages), whole_s=min(run.whole_s for run in runs))


def way_of(model: str) -> tuple[str | None, str]:
    """How to run a model, and its name: `int8:PATH` is PATH in int8, `obvious:PATH` by transformers' pipeline."""
    way, _, name = model.partition(":")
    return (way, name) if name and way in ("obvious", "fp32", "bf16", "int8") else (None, model)


def ratios(measured: Sequence[Measurement]) -> tuple[Ratio, ...]:
    """Compare each further model with the first, at one length."""
    first, *others = measured
    base = first.seconds("emotion")
    return tuple(
        Ratio(
            minutes=other.minutes,
            model=other.model,
            against=first.model,
            emotion=None if not base or (own := other.seconds("emotion")) is None else own / base,
            whole=other.whole_s / first.whole_s,
            score_change=_change(first, other),
        )
        for other in others
    )


def _change(first: Measurement, other: Measurement) -> float | None:
    if way_of(first.model)[1] != way_of(other.model)[1] or len(first.scores) != len(other.scores) or not first.scores:
        return None
    return float(np.abs(np.array(first.scores) - np.array(other.scores)).max())
