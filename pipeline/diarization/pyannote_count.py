"""How many speakers a pyannote pipeline is asked for, and what its clustering made of it."""

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
    """Between how many speakers the clustering may find; `loosened` where an exact number was made an upper bound.

    Nobody's upper bound is none: one of our own would drop VBx's result where it finds more.
    """

    at_least: int
    at_most: int | None
    loosened: bool = False


def bounds_of(count: Count, k_means: bool) -> Bounds:
    """Bounds for a count.

    An exact number, and bounds that meet, are the same to pyannote.audio (`set_num_speakers`). VBx, where `k_means`
    is True, keeps its own count when it lies within the bounds; where it does not, it drops its result and groups all
    voices by k-means. With the number given that doubled the error on recordings of many speakers (VoxConverse,
    DER 11.1 -> 22.4), and gained a little on two-party calls (Simsamu, 19.25 -> 18.38; both from LINAGORA's
    benchmark). So one or two are asked for as they are, and of more the number is an upper bound.
    """
    if count.exactly is None:
        return Bounds(count.at_least, count.at_most)
    if k_means and count.exactly > 2:
        return Bounds(1, count.exactly, loosened=True)
    return Bounds(count.exactly, count.exactly)


_PRINTING = {"pyannote.audio.pipelines.clustering", "pyannote.audio.utils.vbx"}


def _print_nothing(*_: object, **__: object) -> None:
    """Stands in for `print` in the modules of clustering."""


class WatchedClustering:
    """Stands in for a pipeline's clustering for one recording: says when it begins, and what its own count was.

    `own` is the count that VBx found when left alone, None with other clusterings; `used` is how many groups it was
    made to find in the end, None where that is its own.
    """

    def __init__(self, clustering: Any, bounds: Bounds, k_means: bool, progress: Progress) -> None:
        self._clustering = clustering
        self._bounds = bounds
        self._k_means = k_means
        self._progress = progress
        for module in _PRINTING & sys.modules.keys():
            vars(sys.modules[module])["print"] = _print_nothing  # to redirect stdout would be to do it for all threads
        self.own: int | None = None
        self.used: int | None = None

    def __call__(self, **given: Any) -> Any:
        """(hard clusters, soft clusters, centroids) of the clustering; what it prints is dropped."""
        self._progress("clustering", 0, None)
        return self._vbx(given) if self._k_means else self._clustering(**given)

    def _vbx(self, given: dict[str, Any]) -> Any:
        """VBx's own result where its count is allowed, else k-means of as many voices as are allowed and there are."""
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
    """What the reader must know of how the number of speakers came about."""
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
