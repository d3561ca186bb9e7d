"""Conversations -> a reproducible sample of turns for blind labelling (pure)."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import sqrt

from ressenti.pipeline.errors import LabelsError
from ressenti.pipeline.lab.evaluation.labels import Rating
from ressenti.pipeline.records import CLASSES, Conversation, ModelInfo, Turn

STRATA = (*CLASSES, "unsure")
_ID_DIGITS = 12


@dataclass(frozen=True)
class Item:
    """A turn of the sample with the model's answer, which raters must not see.

    `guess` is the model's class, sure or not, as its index in `CLASSES`.
    """

    sha256: str
    turn: Turn
    guess: int
    valence: float | None
    arousal: float | None

    @property
    def id(self) -> str:
        """The ID that raters see: the start of the recording's SHA-256, and the turn's number."""
        return f"{self.sha256[:_ID_DIGITS]}-{self.turn.index}"

    @property
    def stratum(self) -> str:
        """The stratum it was drawn from: the model's class, or unsure."""
        return "unsure" if self.turn.unsure else CLASSES[self.guess]


@dataclass(frozen=True)
class Sample:
    """Turns in labelling order; `sizes` is the total number of turns in each stratum."""

    items: tuple[Item, ...]
    sizes: Mapping[str, int]
    seed: int
    count: int
    model: ModelInfo

    @cached_property
    def key(self) -> str:
        """16 hexadecimal digits that identify this sample without revealing the model's answers."""
        turns = [f"{i.sha256} {i.turn.index} {i.turn.start_s:.3f} {i.turn.end_s:.3f}" for i in self.items]
        return _digest("\n".join([f"{self.seed} {self.count}", *turns]))[:16]

    def weights(self, answered: Iterable[str]) -> dict[str, float]:
        """How many turns each answered item represents: its stratum's size over its stratum's answers.

        Strata are sampled unequally, so figures without these weights would describe the sample, not the calls
        (Horvitz and Thompson 1952). Counting answers rather than draws lets a rater stop early: the order is random.
        """
        ids = set(answered)
        counts = Counter(item.stratum for item in self.items if item.id in ids)
        return {i.id: self.sizes[i.stratum] / counts[i.stratum] for i in self.items if i.id in ids}


def draw(conversations: Sequence[Conversation], count: int, seed: int) -> Sample:
    """Draw `count` judged turns, stratified by the model's class (or unsure), or all turns if there are fewer.

    The same conversations, count and seed give the same sample, whatever their order: turns are drawn by a hash of the
    seed and the turn, without a random number generator. Another hash gives the labelling order, which reveals nothing
    about the strata. Raises `LabelsError` if nothing was judged, two conversations are of one recording, or different
    models judged them.
    """
    model = _one_model(conversations)
    twice = [sha for sha, n in Counter(c.recording.sha256 for c in conversations).items() if n > 1]
    if twice:
        names = ", ".join(c.recording.name for c in conversations if c.recording.sha256 == twice[0])
        raise LabelsError(f"{names}: several conversations of the same recording; expected one of each. Remove one.")
    strata: dict[str, list[Item]] = {name: [] for name in STRATA}
    for item in (item for conversation in conversations for item in _items(conversation)):
        strata[item.stratum].append(item)
    sizes = {name: len(members) for name, members in strata.items()}
    drawn: list[Item] = []
    for name, n in allocate(sizes, count).items():
        drawn += sorted(strata[name], key=lambda item: _luck("draw", seed, item))[:n]
    return Sample(tuple(sorted(drawn, key=lambda item: _luck("order", seed, item))), sizes, seed, count, model)


def allocate(sizes: Mapping[str, int], count: int) -> dict[str, int]:
    """How many to draw from each stratum: in proportion to the square root of its size, at least one, at most all.

    A compromise (power allocation, Bankier 1988): equal shares would spend the raters' time on rare classes, and
    proportional shares would miss them. Each draw goes to the stratum furthest below its share.
    """
    given = {name: min(1, size) for name, size in sizes.items()}
    for _ in range(count - sum(given.values())):
        open_ = [name for name, size in sizes.items() if given[name] < size]
        if not open_:
            break
        given[max(open_, key=lambda name: sqrt(sizes[name]) / (given[name] + 0.5))] += 1
    return given


def check_sample(sample: Sample, ratings: Sequence[Rating]) -> None:
    """Raise `LabelsError` if labels belong to another sample than these conversations give, or none has a class."""
    ids = {item.id for item in sample.items}
    for rating in ratings:
        if rating.sample != sample.key or not {answer.item for answer in rating.labels} <= ids:
            raise LabelsError(
                f"{rating.rater}: labels of sample {rating.sample}; these conversations give sample {sample.key} "
                f"(seed {sample.seed}, turns: {sample.count}). Give all NAME.json files that the page was made from, "
                "unchanged."
            )
    if not any(answer.place is not None for rating in ratings for answer in rating.labels):
        raise LabelsError("these labels contain no class; expected at least one. Label some turns first.")


def _items(conversation: Conversation) -> Iterable[Item]:
    places = conversation.places()
    for turn in conversation.turns:
        if turn.emotion is None:
            continue
        valence, arousal = places.get(turn.index) or (None, None)
        yield Item(conversation.recording.sha256, turn, CLASSES.index(turn.emotion.top), valence, arousal)


def _one_model(conversations: Sequence[Conversation]) -> ModelInfo:
    judged = [c for c in conversations if any(turn.emotion is not None for turn in c.turns)]
    models = {(m.name, m.sha256, _correction(m)): m for c in judged for m in c.models if m.task == "emotion"}
    if not models:
        raise LabelsError("no turn of these conversations has emotion scores. Give conversations with emotion scores.")
    if len({(name, sha) for name, sha, _ in models}) == 1 < len(models):
        raise LabelsError(
            "some of these conversations were analysed with scores corrected by labels, some without, or by other "
            "labels; expected one way. Analyse them with one config."
        )
    if len(models) > 1:
        names = ", ".join(sorted(f"{name} ({(sha or 'no hash')[:12]})" for name, sha, _ in models))
        raise LabelsError(
            f"several emotion models judged these conversations: {names}; expected one. Analyse them with one model."
        )
    return next(iter(models.values()))


def _correction(model: ModelInfo) -> str:
    return next((str(note.values) for note in model.notes if note.key == "calibrated"), "")


def _luck(purpose: str, seed: int, item: Item) -> str:
    return _digest(f"{purpose} {seed} {item.sha256} {item.turn.index}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
