"""Token classifiers in transformers' format that mark people's names; no code of a model runs, no pickle is read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from ressenti.pipeline.errors import ModelError
from ressenti.pipeline.files.untrusted import short
from ressenti.pipeline.models.text_model import (
    TOKENS,
    WEIGHTS,
    labels_of,
    longest,
    network_of,
    read_checked,
    settings_of,
    tokenizer_of,
)
from ressenti.pipeline.records import ModelInfo

__all__ = ["WEIGHTS", "NameModel", "check"]

SURE = 0.5  # a piece of text is a name if the labels of persons together reach this probability
_PERSON = re.compile(r"([BIESLU][-_])?(PER|PERSON)", re.IGNORECASE)


class NameModel:
    """A model in a folder. It is loaded for the texts of one conversation, and released afterwards."""

    def __init__(self, folder: Path, info: ModelInfo) -> None:
        self._folder, self.info = folder, info

    def find(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        """For each text, the characters [start, end) of each piece of it that is part of a person's name.

        A text that is longer than the model reads at once is read in parts that overlap.
        """
        import torch

        settings = settings_of(self._folder, TOKENS)
        people = [k for k, label in labels_of(self._folder, settings).items() if _PERSON.fullmatch(label)]
        tokenizer = tokenizer_of(self._folder, settings, TOKENS)
        model = network_of(self._folder, settings, TOKENS)
        most = longest(settings)
        split = {"truncation": True, "max_length": most, "stride": most // 8, "return_overflowing_tokens": True}
        out: list[list[tuple[int, int]]] = []
        for text in texts:
            parts = tokenizer(text, return_offsets_mapping=True, **split)
            found: list[tuple[int, int]] = []
            for pieces, places in zip(parts["input_ids"], parts["offset_mapping"], strict=True):
                with torch.inference_mode():
                    scores = model(input_ids=torch.tensor([pieces])).logits[0].softmax(-1)
                if not torch.isfinite(scores).all():
                    raise ModelError(f"{self.info.name}: gave NaN or infinity. Its weights may be damaged.")
                shares = scores[:, people].sum(-1).tolist()
                found += [(a, b) for (a, b), share in zip(places, shares, strict=True) if b > a and share >= SURE]
            out.append(sorted(set(found)))
        return out


def check(folder: Path) -> None:
    """Raise `ModelError` for a folder that holds no token classifier with a label for persons, without loading it."""
    settings = settings_of(folder, TOKENS)
    labels = labels_of(folder, settings)
    if not any(map(_PERSON.fullmatch, labels.values())):
        raise ModelError(
            f"{folder}: labels {short(', '.join(labels.values()), 200)}; expected one for persons (PER, B-PER, I-PER "
            "or PERSON). Use a model that finds names."
        )
    read_checked(folder, TOKENS)
