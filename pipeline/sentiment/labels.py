"""Map a model's own labels to negative, neutral and positive (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ressenti.pipeline.errors import ConfigError, ModelError
from ressenti.pipeline.files.untrusted import short
from ressenti.pipeline.records import Polarity

SHIPPED: tuple[tuple[Polarity, tuple[str, ...]], ...] = (
    ("negative", ("negative", "neg", "very negative", "1 star", "2 stars")),
    ("neutral", ("neutral", "neu", "3 stars")),
    ("positive", ("positive", "pos", "very positive", "4 stars", "5 stars")),
)
"""Labels that mean the same in every published model; a `LABEL_0` does not."""

_MEANT: dict[str, Polarity] = {label: polarity for polarity, labels in SHIPPED for label in labels}
_ORDER: tuple[Polarity, ...] = ("negative", "neutral", "positive")


def columns_of(
    labels: Mapping[int, str], source: Path, known: Mapping[str, Polarity], given: Mapping[str, Polarity] | None
) -> tuple[tuple[int, ...], ...]:
    """The places of the labels that mean negative, neutral and positive, in this order.

    What is `given` (`sentiment.labels`) comes first, then what the registry says (`known`), then `SHIPPED`. A model
    without neutral always says one of the others. Raises `ConfigError` if what is given does not name all labels of
    this model, or has neither negative nor positive; `ModelError` if nobody knows what a label means.
    """
    there = ", ".join(labels.values())
    if given is not None and set(given) != set(labels.values()):
        raise ConfigError(
            f"sentiment.labels: got {short(', '.join(given), 200)}; expected the labels of this model: "
            f"{short(there, 200)}."
        )
    meant = {k: (given or known).get(label) or _shipped(label, given) for k, label in labels.items()}
    if strange := [labels[k] for k, polarity in meant.items() if polarity is None]:
        raise ModelError(
            f"{source}: label {short(repr(strange[0]))}; expected labels whose meaning is known. Say what each means: "
            f"sentiment: {{labels: {{{short(strange[0])}: negative, ...}}}}."
        )
    found = tuple(tuple(k for k, polarity in meant.items() if polarity == one) for one in _ORDER)
    if not found[0] or not found[2]:
        raise (ConfigError if given is not None else ModelError)(
            f"{'sentiment.labels' if given is not None else source}: labels {short(there, 200)}; expected at least one "
            "that means negative and one that means positive. Use a model of sentiment."
        )
    return found


def _shipped(label: str, given: object) -> Polarity | None:
    return None if given is not None else _MEANT.get(label.strip().casefold().replace("_", " "))
