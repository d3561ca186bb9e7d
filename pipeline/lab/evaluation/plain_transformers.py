"""The obvious way to score turns, for comparison: transformers' own pipeline, one turn at a time, in float32."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ressenti.pipeline.config import EmotionOptions
from ressenti.pipeline.emotion.checkpoint import open_checkpoint, weight_shapes
from ressenti.pipeline.emotion.interface import Excerpt
from ressenti.pipeline.emotion.model_outputs import reading_of
from ressenti.pipeline.errors import ConfigError
from ressenti.pipeline.files.paths import is_file
from ressenti.pipeline.models import forbid_network
from ressenti.pipeline.models.installed import Installed, verify
from ressenti.pipeline.models.torchaudio_import import import_torchaudio
from ressenti.pipeline.progress import Progress, ignore_progress
from ressenti.pipeline.records import EmotionScores, ModelInfo


class ObviousEmotion:
    """`transformers.pipeline("audio-classification")` on a model with the stock head, on the CPU.

    `found` is a folder or an installed model, as `ressenti.pipeline.emotion.locate` returns it.

    It uses the same activation and label map as Ressenti, so the scores can be compared. Raises `ConfigError` for
    another head, whose weights the pipeline would leave random.
    """

    learned: frozenset[tuple[str, str]] = frozenset()

    def __init__(self, found: Path | Installed | None, options: EmotionOptions) -> None:
        if found is None or (isinstance(found, Path) and is_file(found / "emotion.json")):
            raise ConfigError("obvious: the built-in model is not a transformers model. Give another one or a folder.")
        forbid_network()
        import_torchaudio()
        import torch
        from transformers import pipeline

        if isinstance(found, Installed):
            verify(found)
            folder, known, name = found.folder, found.known, found.id
        else:
            folder, known, name = found, None, str(found)
        checkpoint = open_checkpoint(folder)
        self._reading = reading_of(checkpoint, options, known)
        if self._reading.labels is None or "projector.weight" not in weight_shapes(checkpoint):
            raise ConfigError(
                f"obvious:{name}: the transformers pipeline does not load this model's head and would leave it random; "
                "expected a model with projector.weight. Choose another model."
            )
        build: Any = pipeline  # overloaded for every task
        self._pipeline = build("audio-classification", model=str(folder), dtype=torch.float32, device="cpu")
        self.parts: tuple[ModelInfo, ...] = ()
        self.info = ModelInfo("emotion", f"obvious:{name}", None, checkpoint.sha256)

    def score(self, excerpts: Sequence[Excerpt], progress: Progress = ignore_progress) -> list[EmotionScores]:
        """Class scores of each excerpt, in order."""
        labels = self._reading.labels
        out: list[EmotionScores] = []
        for excerpt in excerpts:
            sound = excerpt.samples.astype(np.float32) / np.float32(32768)
            found = self._pipeline(sound, top_k=None, function_to_apply="none")
            logits = {row["label"]: row["score"] for row in found}
            out.append(self._reading.scores(np.array([logits[name] for name in labels.labels] if labels else [])))
            progress("emotion", len(out), len(excerpts))
        return out
