"""Pieces of one person's speech -> speaker embeddings (CAM++, 192 values of unit length each)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ressenti.pipeline.audio import Samples, fbank, without_tones
from ressenti.pipeline.audio.mel import FloatArray
from ressenti.pipeline.diarization.stretches import Stretch
from ressenti.pipeline.models import campplus, parallel, segmentation
from ressenti.pipeline.models.memory import give_back
from ressenti.pipeline.progress import Progress, ignore_progress

_GRID = 25  # rows of features; pieces are shortened to a multiple, so that several go through the network together
_AT_ONCE = 128  # pieces


def embed(samples: Samples, pieces: Sequence[Stretch], progress: Progress = ignore_progress) -> FloatArray:
    """Embeddings (pieces, 192) of 16 kHz samples (n,); a short piece is heard with what is around it."""
    out = np.empty((len(pieces), campplus.WIDTH), dtype=np.float32)
    for begin in range(0, len(pieces), _AT_ONCE):
        part = pieces[begin : begin + _AT_ONCE]
        features = list(parallel.each(lambda piece: _features(samples, piece), part))
        out[begin : begin + len(part)] = campplus.embed(features)
        give_back()
        progress("speakers", begin + len(part), len(pieces))
    return out


def _features(samples: Samples, piece: Stretch) -> FloatArray:
    """Features (rows, 80) of a piece, from its middle; beeps are no voice and are taken out."""
    start = max(0, segmentation.FIRST + segmentation.STEP * piece.first - segmentation.STEP // 2)
    length = (piece.last - piece.first) * segmentation.STEP
    rows = max(_GRID, fbank.frame_count(length) // _GRID * _GRID)
    wanted = fbank.WINDOW + (rows - 1) * fbank.HOP
    start = max(0, min(start + (length - wanted) // 2, len(samples) - wanted))
    heard = without_tones(samples[start : start + wanted])
    return fbank.log_mel(np.pad(heard, (0, wanted - len(heard))))  # a recording may be shorter still
