"""Labelled clips -> training, validation and test clips; no speaker is in two of these parts."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ressenti.pipeline.affect.stats import nearness
from ressenti.pipeline.config import AffectOptions
from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.lab.labelled_speech.corpora import CLASS_OF, Clip, is_held_out
from ressenti.pipeline.records import CLASSES

PARTS = ("train", "validation", "test")
_EMOTIONS = {k: emotion for emotion, k in CLASS_OF.items()}
_OF_ALL, _OF_REST = 6, 5  # a sixth of the speakers for test, then a fifth of the rest for validation
Who = tuple[str, str]


@dataclass(frozen=True)
class Partition:
    """Clips of each part; no speaker is in two parts."""

    train: tuple[Clip, ...]
    validation: tuple[Clip, ...]
    test: tuple[Clip, ...]

    def named(self) -> dict[str, tuple[Clip, ...]]:
        """The parts by name."""
        return {"train": self.train, "validation": self.validation, "test": self.test}


def with_class(clips: Sequence[Clip], options: AffectOptions) -> tuple[list[Clip], dict[str, int]]:
    """Clips that have a class, and the number of clips without one by emotion.

    A clip with only valence and arousal gets the class of the nearest anchor, like a regression model's output.
    """
    out, none = [], Counter[str]()
    for clip in clips:
        if not clip.emotion and clip.valence is not None and clip.arousal is not None:
            anchors = [options.anchors[name] for name in CLASSES]
            near = nearness((clip.valence, clip.arousal), anchors, options.error_sd)
            out.append(replace(clip, emotion=_EMOTIONS[near.index(max(near))]))
        elif clip.label is not None:
            out.append(clip)
        else:
            none[clip.emotion or "no label"] += 1
    return out, dict(sorted(none.items()))


def divide(clips: Sequence[Clip], learned: Collection[Who], seed: int) -> Partition:
    """Divide clips by their `split`, or else draw speakers so that all parts have about the same classes.

    Held-out speakers are used for test only; speakers that the base was trained on (`learned`) are never in test.
    Raises `ConfigError` if that is not possible.
    """
    given = {clip.split for clip in clips}
    if not clips:
        raise ConfigError("no clip has a class. Add labels, or valence and arousal, to the manifest.")
    named = _as_said(clips) if given != {""} else _drawn(clips, learned, seed)
    _check(named, learned)
    return Partition(*(tuple(clip for clip in clips if clip.who in named[part]) for part in PARTS))


def missing_classes(clips: Sequence[Clip]) -> tuple[str, ...]:
    """Classes without a clip."""
    there = {clip.label for clip in clips}
    return tuple(name for k, name in enumerate(CLASSES) if k not in there)


def _as_said(clips: Sequence[Clip]) -> dict[str, frozenset[Who]]:
    wrong = sorted({clip.split for clip in clips} - set(PARTS))
    if wrong:
        count = sum(clip.split in wrong for clip in clips)
        raise ConfigError(
            f"split: {count} of {len(clips)} clips have {', '.join(repr(value) for value in wrong)}; expected "
            f"{', '.join(PARTS)} for every clip, or no such column."
        )
    named = {part: frozenset(clip.who for clip in clips if clip.split == part) for part in PARTS}
    for one, other in (("train", "validation"), ("train", "test"), ("validation", "test")):
        if both := sorted(named[one] & named[other]):
            raise ConfigError(
                f"split: {_people(both)} in both {one} and {other}; expected each speaker in one part, so that the "
                "test uses voices that the model does not know."
            )
    return named


def _drawn(clips: Sequence[Clip], learned: Collection[Who], seed: int) -> dict[str, frozenset[Who]]:
    kept = frozenset(clip.who for clip in clips if is_held_out(clip))
    others = frozenset(clip.who for clip in clips) - kept
    needed = 2 if kept else 3
    if len(others) < needed:
        more = f" besides {len(kept)} held out" if kept else ""
        raise ConfigError(
            f"{len(others)} speaker{'s' if len(others) != 1 else ''} ({_people(others) or 'none'}){more}; expected at "
            f"least {needed}, for training, validation{'' if kept else ' and test'}. Add clips of other people."
        )
    test = kept
    fresh = others - frozenset(learned)
    if not fresh and not kept:
        raise ConfigError("the base was trained on every speaker, so none is left for test. Add clips of other people.")
    fresh = frozenset(
        who for who in fresh if who[0] not in {corpus for corpus, _ in kept}
    )  # held-out speakers already test these corpora
    if fresh and len(others) > 2:
        test |= _fold(clips, others, fresh, _OF_ALL, seed, leave=2)
    rest = frozenset(clip.who for clip in clips) - test
    validation = _fold(clips, rest, rest, _OF_REST, seed, leave=1)
    return {"train": rest - validation, "validation": validation, "test": test}


def _fold(
    clips: Sequence[Clip], people: frozenset[Who], among: frozenset[Who], count: int, seed: int, leave: int
) -> frozenset[Who]:
    """Hold out about 1/count of `among`: the class-stratified fold that leaves `people` the most classes.

    At least `leave` of `people` remain.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    own = [clip for clip in clips if clip.who in among]
    labels = [clip.label for clip in own]
    count = min(count, len(among), max(Counter(labels).values()))
    folds = []
    if count > 1:
        splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about rare classes
            rows = [test for _, test in splitter.split(labels, labels, [str(clip.who) for clip in own])]
        folds = [fold for fold in (frozenset(own[i].who for i in row) for row in rows) if fold]

    def classes(of: frozenset[Who]) -> int:
        return len({clip.label for clip in clips if clip.who in of})

    fit = [fold for fold in folds if fold and len(people - fold) >= leave] or [
        frozenset([who]) for who in sorted(among)
    ]
    return max(fit, key=lambda fold: (classes(people - fold), classes(fold)))


def _check(named: dict[str, frozenset[Who]], learned: Collection[Who]) -> None:
    for part in PARTS:
        if not named[part]:
            raise ConfigError(f"no speaker for {part}; expected at least one speaker in each of {', '.join(PARTS)}.")
    touched = sorted(who for part in ("train", "validation") for who in named[part] if _is_kept(who))
    if touched:
        raise ConfigError(
            f"split: {_people(touched)}: these speakers are held out, since `ressenti evaluate emotion` counts them as "
            "unseen. Use them in test, or not at all."
        )
    if known := sorted(named["test"] & frozenset(learned)):
        raise ConfigError(
            f"{_people(known)}: in test, but the base was trained on them. Test on other speakers, or choose "
            "another base."
        )


def _is_kept(who: Who) -> bool:
    return is_held_out(Clip(Path(), who[0], who[1], ""))


def _people(of: Collection[Who]) -> str:
    names = [f"{speaker} ({corpus})" for corpus, speaker in sorted(of)]
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
