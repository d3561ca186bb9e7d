"""Text classifiers in transformers' format that tell sentiment; no code of a model runs, no pickle is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ressenti.pipeline.errors import ModelError
from ressenti.pipeline.files.untrusted import short
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
        """Judge each text; one that is too long is judged in parts, and counts by their lengths."""
        settings = settings_of(self._folder, TEXTS)
        columns = columns_of(labels_of(self._folder, settings), self._folder, self._known, self._given)
        tokenizer = tokenizer_of(self._folder, settings, TEXTS)
        network = network_of(self._folder, settings, TEXTS)
        out = []
        for k, text in enumerate(texts):
            progress("sentiment", k, len(texts))
            out.append(self._judged(text, tokenizer, network, longest(settings), columns))
        progress("sentiment", len(texts), len(texts))
        return out

    def _judged(
        self,
        text: str,
        tokenizer: Any,
        network: torch.nn.Module,
        most: int,
        columns: Sequence[Sequence[int]],
    ) -> Shares:
        import torch

        def pieces_of(part: str) -> list[int]:
            return list(tokenizer(part, truncation=False, verbose=False)["input_ids"])

        total, sums = 0, torch.zeros(len(columns), dtype=torch.float64)
        for part in parts_of(text, lambda part: len(pieces_of(part)), most):
            pieces = pieces_of(part)
            with torch.inference_mode():
                shares = network(input_ids=torch.tensor([pieces])).logits[0].double().softmax(-1)
            if not torch.isfinite(shares).all():
                raise ModelError(f"{self.info.name}: gave NaN or infinity. Its weights may be damaged.")
            sums += len(pieces) * torch.stack([shares[list(own)].sum() for own in columns])
            total += len(pieces)
        negative, neutral, positive = (sums / total).tolist()
        return negative, neutral, positive


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
