"""Set the number of speakers for a pyannote pipeline, and note how its clustering used it."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import Any

from ressenti.pipeline.diarization.interface import Count
from ressenti.pipeline.progress import Progress
from ressenti.pipeline.records import Note


@dataclass(frozen=True)
class Bounds:
    """Minimum and maximum number of speakers; `loosened` if an exact number was turned into a maximum.

    If the user sets no maximum, set none: ours would discard VBx's result whenever it finds more speakers.
    """

    at_least: int
    at_most: int | None
    loosened: bool = False


def bounds_of(count: Count, k_means: bool) -> Bounds:
    """Bounds for a count.

    pyannote.audio treats an exact number and equal bounds alike (`set_num_speakers`). VBx (`k_means` is True) keeps its
    own count within the bounds; outside them, it discards its result and groups all voices by k-means. With the number
    given, that doubled the error on recordings of many speakers (VoxConverse, DER 11.1 -> 22.4) and gained a little on
    two-party calls (Simsamu, 19.25 -> 18.38; both from LINAGORA's benchmark). So one or two speakers are requested
    exactly, and a higher number becomes a maximum.
    """
    if count.exactly is None:
        return Bounds(count.at_least, count.at_most)
    if k_means and count.exactly > 2:
        return Bounds(1, count.exactly, loosened=True)
    return Bounds(count.exactly, count.exactly)


_PRINTING = {"pyannote.audio.pipelines.clustering", "pyannote.audio.utils.vbx"}


def _print_nothing(*_: object, **__: object) -> None:
    """Replacement for `print` in the clustering modules."""


class WatchedClustering:
    """Wrapper of a pipeline's clustering for one recording: reports when it starts, and records its counts.

    `own` is the count that VBx finds without bounds (None for other clusterings); `used` is the count it was forced to
    (None if it was not).
    """

    def __init__(self, clustering: Any, bounds: Bounds, k_means: bool, progress: Progress) -> None:
        self._clustering = clustering
        self._bounds = bounds
        self._k_means = k_means
        self._progress = progress
        for module in _PRINTING & sys.modules.keys():
            vars(sys.modules[module])["print"] = _print_nothing  # redirecting stdout would affect all threads
        self.own: int | None = None
        self.used: int | None = None

    def __call__(self, **given: Any) -> Any:
        """Return (hard clusters, soft clusters, centroids) of the clustering; its prints are dropped."""
        self._progress("clustering", 0, None)
        return self._vbx(given) if self._k_means else self._clustering(**given)

    def _vbx(self, given: dict[str, Any]) -> Any:
        """VBx's own result if its count is within the bounds, else k-means with the nearest count that is possible."""
        alone = self._clustering(**{**given, "num_clusters": None, "min_clusters": 1, "max_clusters": math.inf})
        self.own = len(alone[2])
        self._progress("clustering", 0, None)
        voices, *_ = self._clustering.filter_embeddings(given["embeddings"], segmentations=given["segmentations"])
        most = min(max(1, len(voices)), self._bounds.at_most or len(voices) or 1)
        wanted = min(max(self.own, self._bounds.at_least), most)
        if wanted == self.own:
            return alone
        self.used = wanted
        exactly = {"num_clusters": wanted, "min_clusters": wanted, "max_clusters": wanted}
        return self._clustering(**{**given, **exactly})


def notes_of(count: Count, bounds: Bounds, clustering: WatchedClustering, found: int) -> tuple[Note, ...]:
    """Notes for the reader on how the number of speakers was found."""
    notes = []
    if clustering.used is not None and clustering.own is not None:
        notes.append(Note("count_forced", {"own": clustering.own, "used": clustering.used}))
    asked = count.exactly or count.at_least
    if found < asked:
        notes.append(Note("fewer_speakers", {"asked": asked, "found": found}))
        if bounds.loosened:
            notes.append(Note("count_as_bound", {"asked": asked}))
    elif count.exactly is not None and clustering.own == found == asked:
        notes.append(Note("count_agrees", {"asked": asked}))
    return tuple(notes)
