"""Text classifiers in transformers' format that tell sentiment; no code of a model runs, no pickle is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ressenti.pipeline.errors import ModelError
from ressenti.pipeline.files.untrusted import short
from ressenti.pipeline.models import parallel
from ressenti.pipeline.models.parallel import one_core_each
from ressenti.pipeline.models.text_model import (
    TEXTS,
    labels_of,
    longest,
    network_of,
    read_checked,
    settings_of,
    tokenizer_of,
)
from ressenti.pipeline.progress import Progress, ignore_progress
from ressenti.pipeline.records import ModelInfo, Polarity
from ressenti.pipeline.sentiment.interface import Shares
from ressenti.pipeline.sentiment.labels import columns_of

if TYPE_CHECKING:
    import torch

_ENDS = (".", "?", "!", "…", "。", "？", "！")


class TextClassifier:
    """A model in a folder. It is loaded for the texts of one conversation, and released afterwards."""

    def __init__(
        self,
        folder: Path,
        info: ModelInfo,
        known: Mapping[str, Polarity] | None = None,
        given: Mapping[str, Polarity] | None = None,
    ) -> None:
        self._folder, self.info = folder, info
        self._known, self._given = known or {}, given

    def check(self) -> None:
        """Raise `ModelError` or `ConfigError` if this is no model of sentiment, without loading it."""
        settings, labels = read_checked(self._folder, TEXTS)
        kind = settings.get("problem_type")
        if kind not in (None, "single_label_classification"):
            raise ModelError(
                f"{self._folder}: problem_type {short(repr(kind))}; expected a classifier whose labels exclude each "
                "other. Use another model."
            )
        columns_of(labels, self._folder, self._known, self._given)

    def judge(self, texts: Sequence[str], progress: Progress = ignore_progress) -> list[Shares]:
        """Judge each text; one that is too long is judged in parts, and counts by their lengths.

        Each part is computed on one core, several at a time, so that the answers do not depend on the cores there are.
        """
        settings = settings_of(self._folder, TEXTS)
        columns = columns_of(labels_of(self._folder, settings), self._folder, self._known, self._given)
        tokenizer = tokenizer_of(self._folder, settings, TEXTS)

        def pieces_of(part: str) -> list[int]:
            return list(tokenizer(part, truncation=False, verbose=False)["input_ids"])

        most = longest(settings)
        cut = [[pieces_of(part) for part in parts_of(text, lambda p: len(pieces_of(p)), most)] for text in texts]
        waiting = [(k, pieces) for k, parts in enumerate(cut) for pieces in parts if pieces]
        network = network_of(self._folder, settings, TEXTS)
        sums = [[0.0] * len(columns) for _ in texts]
        with one_core_each():
            found = parallel.each(lambda one: self._shares(network, one[1], columns), waiting)
            for done, ((k, pieces), shares) in enumerate(zip(waiting, found, strict=True)):
                progress("sentiment", done, len(waiting))
                sums[k] = [before + len(pieces) * share for before, share in zip(sums[k], shares, strict=True)]
        progress("sentiment", len(waiting), len(waiting))
        totals = [sum(map(len, parts)) for parts in cut]
        return [
            (a / n, b / n, c / n) if n else (0.0, 1.0, 0.0)  # characters that the model does not know say nothing
            for (a, b, c), n in zip(sums, totals, strict=True)
        ]

    def _shares(self, network: torch.nn.Module, pieces: list[int], columns: Sequence[Sequence[int]]) -> list[float]:
        """Probabilities of negative, neutral and positive for pieces of a text that are read at once."""
        import torch

        with torch.inference_mode():
            shares = network(input_ids=torch.tensor([pieces])).logits[0].double().softmax(-1)
        if not torch.isfinite(shares).all():
            raise ModelError(f"{self.info.name}: gave NaN or infinity. Its weights may be damaged.")
        return [float(shares[list(own)].sum()) for own in columns]


def parts_of(text: str, length: Callable[[str], int], most: int) -> list[str]:
    """A text in parts whose `length` is at most `most`, in order and without losing a word.

    A text that is too long is cut in two where a sentence ends, as near to its middle as may be, else between words,
    and only a word that is too long alone inside it; each half likewise.
    """
    if len(text) < 2 or length(text) <= most:
        return [text]
    words = text.split()
    if len(words) < 2:
        at = len(text) // 2
        halves = (text[:at], text[at:])
    else:
        middle = len(words) / 2
        ends = [k for k in range(1, len(words)) if words[k - 1].endswith(_ENDS)]
        near = [k for k in ends if len(words) / 4 <= k <= 3 * len(words) / 4]
        at = min(near or range(1, len(words)), key=lambda k: abs(k - middle))
        halves = (" ".join(words[:at]), " ".join(words[at:]))
    return [part for half in halves for part in parts_of(half, length, most)]
