"""Unlabelled sound unlike the training data -> how much of it comes out unsure, and the classes of the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ressenti.pipeline import audio, turns
from ressenti.pipeline.affect import points as affect
from ressenti.pipeline.audio import RATE_HZ, Samples
from ressenti.pipeline.audio.channels import lay_out
from ressenti.pipeline.config import AudioOptions, Config
from ressenti.pipeline.diarization.vad import detect_speech
from ressenti.pipeline.emotion.interface import EmotionModel, Excerpt
from ressenti.pipeline.errors import NotFoundError
from ressenti.pipeline.files.paths import existing, is_file, is_folder
from ressenti.pipeline.lab.evaluation.generated import generated
from ressenti.pipeline.lab.labelled_speech.acoustics import to_int16
from ressenti.pipeline.records import CLASSES, Segment, Turn, Window, mean_scores

GENERATED = "generated"
_SOUND = {".wav", ".flac", ".opus", ".ogg", ".oga", ".mp3", ".m4a", ".aac", ".amr", ".webm", ".mp4", ".mkv", ".aiff"}
_SPEAKER = "S1"


@dataclass(frozen=True)
class AnswerShares:
    """Answers for a sound: seconds judged, the share that came out unsure, and the shares of the classes (5,).

    The shares add up to 1 and are None if nothing was judged.
    """

    judged_s: float
    unsure: float | None
    classes: tuple[float, ...] | None


@dataclass(frozen=True)
class Doubt:
    """Answers for a sound as the product analyses it, and as if all of it were speech.

    `heard` covers what the speech detector lets through, as turns of one speaker; `taken` covers everything, in pieces
    as long as the windows of long turns. What the detector rejects does no harm, but shows nothing about the model.
    """

    name: str
    length_s: float
    heard: AnswerShares
    taken: AnswerShares


def check_source(source: str) -> None:
    """Raise `NotFoundError` if a source does not exist."""
    if source != GENERATED:
        existing(Path(source), f"a sound file, a folder of them, or {GENERATED}")


def sounds_of(source: str) -> Iterator[tuple[str, Samples | Path]]:
    """Names and paths of the sounds of a file or folder; for `generated`, names and synthetic samples."""
    if source == GENERATED:
        yield from ((name, to_int16(sound)) for name, sound in generated().items())
        return
    check_source(source)
    path = Path(source)
    files = [path] if is_file(path) else sorted(p for p in path.rglob("*") if p.suffix.lower() in _SOUND)
    if not files:
        raise NotFoundError(f"{path}: no sound files; expected files that end in {', '.join(sorted(_SOUND))}.")
    yield from ((str(file.relative_to(path)) if is_folder(path) else file.name, file) for file in files)


def samples_of(sound: Samples | Path) -> Samples:
    """Samples (n,) of a sound, channels mixed; raises a subclass of `InputError`."""
    if not isinstance(sound, Path):
        return sound
    options = AudioOptions(min_duration_s=0.1, silent_dbfs=-120.0)
    samples: Samples = lay_out(audio.load(sound, options)[1], "mono", options).audio.samples[0]
    return samples


def doubt_of(name: str, samples: Samples, model: EmotionModel, config: Config) -> Doubt:
    """A model's answers for samples (n,), taken as one speaker."""
    length_s = len(samples) / RATE_HZ
    spans = detect_speech(samples, config.diarization)
    whole = config.emotion.window_s
    pieces = [(k * whole, min(length_s, (k + 1) * whole)) for k in range(int(length_s / whole) + 1)]
    apart = [Segment(start, end, _SPEAKER) for start, end in pieces if end - start >= config.emotion.min_judged_s]
    heard = turns.make_turns([Segment(start, end, _SPEAKER) for start, end in spans], config.turns)
    taken = [Turn(index, _SPEAKER, s.start_s, s.end_s) for index, s in enumerate(apart)]
    return Doubt(
        name,
        length_s,
        _told(samples, heard, [Segment(start, end, _SPEAKER) for start, end in spans], model, config),
        _told(samples, taken, apart, model, config),
    )


def _told(
    samples: Samples, cut: Sequence[Turn], segments: Sequence[Segment], model: EmotionModel, config: Config
) -> AnswerShares:
    plans = [turns.plan_windows(turn, segments, config.emotion) for turn in cut]
    sound = audio.Audio(samples[None])
    scores = iter(model.score([Excerpt(sound.joined(w.speech), _SPEAKER) for plan in plans for w in plan]))
    seconds = dict.fromkeys([*CLASSES, "unsure"], 0.0)
    for plan in plans:
        windows = [affect.placed(Window(w.start_s, w.end_s, w.weight_s, next(scores)), config.affect) for w in plan]
        if (mean := mean_scores(windows)) is not None:
            key = "unsure" if affect.is_unsure(mean, config.emotion) else mean.top
            seconds[key] += sum(window.weight_s for window in windows)
    return _shares(seconds)


def together(told: Sequence[AnswerShares]) -> AnswerShares:
    """Merge the answers for several sounds, by seconds."""
    seconds = dict.fromkeys([*CLASSES, "unsure"], 0.0)
    for one in told:
        for name, share in zip(seconds, (*(one.classes or (0.0,) * len(CLASSES)), one.unsure or 0.0), strict=True):
            seconds[name] += share * one.judged_s
    return _shares(seconds)


def _shares(seconds: dict[str, float]) -> AnswerShares:
    judged_s = sum(seconds.values())
    if judged_s <= 0:
        return AnswerShares(0.0, None, None)
    return AnswerShares(judged_s, seconds["unsure"] / judged_s, tuple(seconds[name] / judged_s for name in CLASSES))
