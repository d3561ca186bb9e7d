"""Labelled speech: reading it, the class of each label, and the speakers that training must never use."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from ressenti.pipeline.errors import ConfigError, NotFoundError
from ressenti.pipeline.files.paths import existing, is_file
from ressenti.pipeline.records import CLASSES

EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
CLASS_OF = {"happy": 0, "calm": 1, "neutral": 2, "sad": 3, "angry": 4}
"""Index in `CLASSES` of each emotion that has a class, following the seed model's published RAVDESS table."""

VALENCE_AROUSAL = {
    "neutral": (0.0, 0.0),
    "calm": (0.65, -0.55),
    "happy": (0.80, 0.45),
    "sad": (-0.65, -0.30),
    "angry": (-0.50, 0.70),
    "fearful": (-0.60, 0.60),
    "disgust": (-0.60, 0.20),
    "surprised": (0.25, 0.70),
}
"""Valence and arousal of acted emotions, after Russell 1980 and NRC-VAD; acted joy and anger are more aroused."""

_FEWEST_SPEAKERS = 3  # in a corpus, to leave one out
_SOUND = (".wav", ".flac", ".opus", ".ogg", ".mp3")
_SYNONYMS = {  # unambiguous other names of the emotions
    "anger": "angry",
    "calmness": "calm",
    "disgusted": "disgust",
    "fear": "fearful",
    "happiness": "happy",
    "joy": "happy",
    "joyful": "happy",
    "sadness": "sad",
    "surprise": "surprised",
}
_LABELS = {
    **{name: name for name in EMOTIONS},
    **{CLASSES[k].lower(): name for name, k in CLASS_OF.items()},
    **_SYNONYMS,
}


@dataclass(frozen=True)
class Clip:
    """One labelled clip; `emotion` is one of `EMOTIONS`, or empty if only `valence` and `arousal` are known.

    `split` is the training part that the manifest assigns, or empty.
    """

    path: Path
    corpus: str
    speaker: str
    emotion: str
    valence: float | None = None
    arousal: float | None = None
    split: str = ""

    @property
    def label(self) -> int | None:
        """Index in `CLASSES`; None for an emotion without a class."""
        return CLASS_OF.get(self.emotion)

    @property
    def who(self) -> tuple[str, str]:
        """The speaker, unique across corpora."""
        return self.corpus, self.speaker


@cache
def held_out() -> frozenset[tuple[str, str]]:
    """(corpus, speaker) pairs that training must never use, from `held_out.csv`; `*` is a whole corpus."""
    with (resources.files(__package__) / "held_out.csv").open(encoding="utf-8") as file:
        return frozenset((row["corpus"], row["speaker"]) for row in csv.DictReader(file))


def read_clips(source: Path, *, labelled: bool = True) -> list[Clip]:
    """Read every labelled clip of a manifest or folder, in a fixed order; with `labelled=False`, unlabelled speech too.

    A manifest is a CSV (commas or semicolons) with the columns `path` (relative to the manifest), `speaker`, `label` or
    `emotion` (one of the eight emotions or five classes, in any case; also `anger`, `joy` and the like) and, if known,
    `valence` and `arousal` in [-1, 1]. A folder contains `labels.csv`, several `CORPUS/labels.csv`, or RAVDESS files
    with their original names (`03-01-05-01-02-01-12.wav`); `speakers.csv` lists speech without labels. Raises
    `NotFoundError` if none of these is found, `ConfigError` for an invalid manifest.
    """
    existing(source, "a CSV manifest of labelled speech, or a folder with labels.csv in it")
    names = ("labels.csv",) if labelled else ("labels.csv", "speakers.csv")
    manifests = [source] if is_file(source) else [source / name for name in names if is_file(source / name)]
    manifests = manifests or sorted(path for name in names for path in source.glob(f"*/{name}"))
    clips = [clip for path in manifests for clip in _read_manifest(path, labelled=labelled)]
    clips = list({clip.path: clip for clip in reversed(clips)}.values())  # labels.csv comes first and says more
    clips = clips or [clip for path in sorted(source.rglob("*")) if (clip := _ravdess(path)) is not None]
    if not clips:
        raise NotFoundError(
            f"{source}: no labelled speech; expected a CSV manifest (path,speaker,label), a folder with labels.csv "
            "or CORPUS/labels.csv in it, or RAVDESS files with their original names."
        )
    return sorted(clips, key=lambda clip: str(clip.path))


def split(clips: Sequence[Clip]) -> tuple[list[Clip], list[Clip]]:
    """Split clips into those for training and those held out; no speaker is in both."""
    return [c for c in clips if not is_held_out(c)], [c for c in clips if is_held_out(c)]


def is_held_out(clip: Clip) -> bool:
    """Whether training must never use a clip."""
    return clip.who in held_out() or (clip.corpus, "*") in held_out()


def unseen(clips: Sequence[Clip]) -> list[Clip]:
    """Clips of speakers that our models were not trained on: held-out speakers of our corpora, all of other corpora."""
    ours = {corpus for corpus, _ in held_out()}
    return [clip for clip in clips if clip.corpus not in ours or is_held_out(clip)]


def seen(clips: Sequence[Clip]) -> list[Clip]:
    """Clips of our corpora whose speakers trainings may use."""
    ours = {corpus for corpus, _ in held_out()}
    return [clip for clip in clips if clip.corpus in ours and not is_held_out(clip)]


def left_out(clips: Sequence[Clip]) -> frozenset[tuple[str, str]]:
    """Speakers left out of a network's training: every third of each corpus with three or more.

    Corpora number men and women in turn, so every second or fourth speaker would be of one sex.
    """
    out: set[tuple[str, str]] = set()
    for corpus in sorted({clip.corpus for clip in clips}):
        speakers = sorted({clip.speaker for clip in clips if clip.corpus == corpus})
        out |= {(corpus, speaker) for speaker in speakers[1::3] if len(speakers) >= _FEWEST_SPEAKERS}
    return frozenset(out)


def _ravdess(path: Path) -> Clip | None:
    """Parse a RAVDESS file name: modality-channel-emotion-intensity-statement-repetition-actor; None if not speech."""
    fields = path.stem.split("-")
    if path.suffix.lower() not in _SOUND or len(fields) != 7 or not all(f.isdigit() and len(f) == 2 for f in fields):
        return None
    emotion = int(fields[2]) - 1
    if fields[1] != "01" or not 0 <= emotion < len(EMOTIONS):
        return None
    return Clip(path, "ravdess", f"actor{fields[6]}", EMOTIONS[emotion])


def _corpus_of(path: Path, manifest: Path) -> str:
    """The corpus of a clip: the innermost folder named like a known corpus, else the manifest's folder."""
    known = {corpus for corpus, speaker in held_out() if speaker != "*"}
    folders = [part for part in reversed(path.resolve().parent.parts) if part in known]
    return folders[0] if folders else manifest.resolve().parent.name


def _read_manifest(path: Path, *, labelled: bool) -> list[Clip]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = file.readline()
            file.seek(0)
            separator = ";" if header.count(";") > header.count(",") else ","  # French spreadsheets write semicolons
            rows = list(csv.DictReader(file, delimiter=separator))
    except UnicodeDecodeError as exc:
        raise ConfigError(
            f"{path}: is not in UTF-8 (byte {exc.start} is {exc.object[exc.start]:#04x}); expected a CSV in UTF-8. If "
            "a spreadsheet wrote it (in Windows-1252 or Latin-1), save it again as “CSV UTF-8”."
        ) from exc
    except (OSError, csv.Error) as exc:
        raise ConfigError(f"{path}: cannot be read ({exc}); expected a CSV in UTF-8 with path,speaker,label.") from exc
    if not rows:
        raise ConfigError(f"{path}: no clips; expected columns path, speaker and label, and a row for each clip.")
    columns = set(rows[0])
    told = columns & {"label", "emotion"} or {"valence", "arousal"} <= columns
    if not {"path", "speaker"} <= columns or (labelled and not told):
        raise ConfigError(
            f"{path}: columns {', '.join(sorted(map(str, columns))) or 'none'}; expected path, speaker and label "
            "(or emotion), or valence and arousal."
        )
    name = "label" if "label" in columns else "emotion"
    return [_row(path, number, row, name) for number, row in enumerate(rows, start=2)]


def _row(manifest: Path, number: int, row: dict[str, str], name: str) -> Clip:
    if not (row["path"] or "").strip() or not (row["speaker"] or "").strip():
        raise ConfigError(
            f"{manifest}, line {number}: path {row['path']!r}, speaker {row['speaker']!r}; expected both."
        )
    label = (row.get(name) or "").strip().lower()
    if label and label not in _LABELS:
        raise ConfigError(
            f"{manifest}, line {number}: unknown label {row[name]!r}; expected one of {', '.join(CLASSES)} "
            f"or {', '.join(EMOTIONS)}."
        )
    values = [(row.get(axis) or "").strip() for axis in ("valence", "arousal")]
    try:
        valence, arousal = (float(value) if value else None for value in values)
    except ValueError as exc:
        raise ConfigError(f"{manifest}, line {number}: valence, arousal {values}; expected numbers.") from exc
    if any(value is not None and not -1 <= value <= 1 for value in (valence, arousal)):
        raise ConfigError(f"{manifest}, line {number}: valence, arousal {values}; expected values in [-1, 1].")
    path = manifest.parent / row["path"]
    corpus = (row.get("corpus") or "").strip() or _corpus_of(path, manifest)
    part = (row.get("split") or "").strip().lower()
    return Clip(path, corpus, row["speaker"], _LABELS.get(label, ""), valence, arousal, part)
