"""Speaker embeddings -> speakers: average linkage and merging, and k-means where a number is given (pure, seeded).

Both are on directions: embeddings have unit length, the likeness of two is their cosine, and the centre of a speaker is
the direction of the mean of their embeddings, weighted by seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from ressenti.pipeline.audio.mel import FloatArray
from ressenti.pipeline.config import DiarizationOptions
from ressenti.pipeline.diarization.interface import Count
from ressenti.pipeline.diarization.local_voices import VOICES
from ressenti.pipeline.diarization.stretches import Links
from ressenti.pipeline.progress import Progress, ignore_progress

Labels = npt.NDArray[np.int64]
Seconds = npt.NDArray[np.float64]

_BLOCK_S = 720.0  # of speech that are linked together: a linkage of n embeddings takes n * n memory
_MOST_LINKED = 3_000  # embeddings at once
_MOST_SPEAKERS = 8  # if the user gives no bound
_ROUNDS = 50
_THERE_S = 0.5  # least speech of a cluster in a window for the window to tell it from others
_FEW = 2.0  # windows that say half of what many say
_SELDOM = 0.3  # share of windows; partners in a talk have more of them in common
_MOST_CLUSTERS = 200
_SHORT_S = 90.0  # with less speech, somebody who is given need not be heard


@dataclass(frozen=True)
class Speakers:
    """Centres (k, d) of the speakers found; `margin` is how near (cosine) a decision on their number was to a limit."""

    centres: FloatArray
    margin: float = 1.0


def find_speakers(
    embeddings: FloatArray,
    seconds: Seconds,
    links: Links,
    count: Count,
    options: DiarizationOptions,
    progress: Progress = ignore_progress,
) -> Speakers:
    """Find the speakers of embeddings (n, d), n at least 1, each of so many seconds of speech, in order of time."""
    progress("clustering", 0, None)
    long = seconds >= options.clustered_s
    if long.sum() < max(2, count.exactly or count.at_least):
        long = np.ones(len(seconds), dtype=bool)
    embeddings, seconds, links = embeddings[long], seconds[long], links.only(long)
    if count.exactly is not None:
        found = _given(embeddings, seconds, links, count.exactly, options, progress)
        progress("clustering", 1, 1)
        return found
    found = _free(embeddings, seconds, links, count, options, progress)
    wanted = max(len(found.centres), count.at_least)
    if wanted > len(found.centres):
        found = Speakers(k_means(embeddings, seconds, wanted, progress), 0.0)
    progress("clustering", 1, 1)
    return found


def centres_of(embeddings: FloatArray, seconds: Seconds, labels: Labels, count: int = 0) -> FloatArray:
    """Centres (k, d) of clusters 0..k-1, at least `count`; of one without embeddings it is 0."""
    sums = np.zeros((max(count, int(labels.max()) + 1), embeddings.shape[1]))
    np.add.at(sums, labels, embeddings * seconds[:, None])
    directions: FloatArray = (sums / (np.linalg.norm(sums, axis=1, keepdims=True) + 1e-9)).astype(np.float32)
    return directions


def nearest_to(embeddings: FloatArray, centres: FloatArray) -> Labels:
    """Index of the most similar of centres (k, d) for each embedding (n, d)."""
    nearest: Labels = np.argmax(embeddings @ centres.T, axis=1).astype(np.int64)
    return nearest


def k_means(
    embeddings: FloatArray, seconds: Seconds, count: int, progress: Progress = ignore_progress, tries: int = 10
) -> FloatArray:
    """Centres (k, d) by spherical k-means with k-means++ starts (Arthur & Vassilvitskii 2007); fewer if few differ."""
    rng = np.random.default_rng(0)
    count = min(count, len(np.unique(embeddings.round(4), axis=0)))
    best, best_fit = centres_of(embeddings, seconds, np.zeros(len(embeddings), dtype=np.int64)), -np.inf
    if count == 1:
        return best
    for _ in range(tries):
        progress("clustering", 0, None)
        centres = _settled(embeddings, seconds, _spread(embeddings, seconds, count, rng))
        fit = float((embeddings @ centres.T).max(axis=1) @ seconds)
        if fit > best_fit:
            best, best_fit = centres, fit
    return best


def _spread(embeddings: FloatArray, seconds: Seconds, count: int, rng: np.random.Generator) -> FloatArray:
    """Embeddings (count, d) far from each other, drawn."""
    chosen = [int(rng.choice(len(embeddings), p=seconds / seconds.sum()))]
    while len(chosen) < count:
        far = np.maximum(1 - (embeddings @ embeddings[chosen].T).max(axis=1).astype(np.float64), 0)
        weights = (far * far + 1e-12) * seconds
        chosen.append(int(rng.choice(len(embeddings), p=weights / weights.sum())))
    return embeddings[chosen]


def _settled(embeddings: FloatArray, seconds: Seconds, centres: FloatArray) -> FloatArray:
    """Move centres to the means of what is nearest to them until nothing moves; an empty one takes the worst fit."""
    before = np.full(len(embeddings), -1)
    for _ in range(_ROUNDS):
        labels = nearest_to(embeddings, centres)
        worst = iter(np.argsort((embeddings @ centres.T).max(axis=1)).tolist())
        for empty in np.flatnonzero(np.bincount(labels, minlength=len(centres)) == 0).tolist():
            labels[next(worst)] = empty
        labels = _renumbered(labels)
        if np.array_equal(labels, before):
            break
        before = labels
        centres = centres_of(embeddings, seconds, labels)
    return centres


def _given(
    embeddings: FloatArray,
    seconds: Seconds,
    links: Links,
    count: int,
    options: DiarizationOptions,
    progress: Progress,
) -> Speakers:
    """So many speakers; of a short recording, fewer if there are not as many voices: two that are alike are one.

    They are those of a free count if it finds as many. Else they are sought by k-means, which would rather part a
    person who says much than find one who says little.
    """
    found = _free(embeddings, seconds, links, Count(at_most=count), options, progress)
    if len(found.centres) == count:
        return Speakers(found.centres)
    labels = nearest_to(embeddings, k_means(embeddings, seconds, count, progress))
    if seconds.sum() < _SHORT_S:
        labels = _merged(embeddings, seconds, links, _renumbered(labels), options, count, options.given_bonus)[0]
    return Speakers(_settled(embeddings, seconds, centres_of(embeddings, seconds, _renumbered(labels))))


def _free(
    embeddings: FloatArray,
    seconds: Seconds,
    links: Links,
    count: Count,
    options: DiarizationOptions,
    progress: Progress,
) -> Speakers:
    """Link each block into clusters, split those that hold two speakers, and merge those of one."""
    parts = []
    for block in _blocks(seconds):
        progress("clustering", 0, None)
        parts.append(_linked(embeddings[block], seconds[block], options))
    labels = _renumbered(nearest_to(embeddings, np.concatenate(parts)))  # a centre may be nearest to nothing
    labels, split_margin = _split(embeddings, seconds, links, labels, options, progress)
    most = count.at_most or max(_MOST_SPEAKERS, count.at_least)
    labels, margin = _merged(embeddings, seconds, links, labels, options, most)
    centres = _settled(embeddings, seconds, centres_of(embeddings, seconds, labels))
    spoken = np.bincount(nearest_to(embeddings, centres), seconds, minlength=len(centres))
    return Speakers(centres[spoken >= min(options.least_spoken_s, spoken.max())], min(margin, split_margin))


def apart(seconds: Seconds, links: Links, labels: Labels) -> tuple[FloatArray, FloatArray]:
    """How often clusters (k) that speak in one window are different voices of it: shares (k, k), and windows (k, k).

    0 is always the same voice, 1 always another; a window counts where both speak for some time in it.
    """
    count = int(labels.max()) + 1
    flat = np.zeros((links.windows * VOICES, count))
    np.add.at(flat, (links.voice, labels[links.piece]), seconds[links.piece])
    spoken = flat.reshape(links.windows, VOICES, count)
    total = spoken.sum(axis=1)
    window, cluster = np.nonzero(total >= _THERE_S)  # in order of windows, each with few of perhaps hundreds
    shares = spoken[window, :, cluster] / total[window, cluster][:, None]
    first, last = np.searchsorted(window, window), np.searchsorted(window, window, side="right")
    one = np.repeat(np.arange(len(window)), last - first)
    other = np.arange(len(one)) - np.repeat(np.cumsum(last - first) - last, last - first)
    pairs = cluster[one], cluster[other]
    different, windows = np.zeros((count, count)), np.zeros((count, count))
    np.add.at(different, pairs, 1 - np.minimum(shares[one], shares[other]).sum(axis=1))
    np.add.at(windows, pairs, 1)
    return (different / np.maximum(windows, 1)).astype(np.float32), windows.astype(np.float32)


def _limits(share: FloatArray, windows: FloatArray, options: DiarizationOptions) -> npt.NDArray[np.floating]:
    """The cosine from which two clusters are one speaker, by what `apart` gives.

    It is higher, the more windows tell the two apart, and a little lower where they are one voice. It is lower for two
    that hardly ever speak in the same window: partners in a talk do; somebody calm who becomes angry does not.
    """
    further = share - options.apart_share
    weight = np.where(further > 0, options.apart_weight, options.together_weight)
    own = np.diag(windows)
    fewer = np.minimum(own[:, None], own)  # windows of the cluster that speaks less
    strangers = np.clip(1 - windows / np.maximum(1, fewer) / _SELDOM, 0, 1) * fewer / (fewer + 2 * _FEW)
    limits: npt.NDArray[np.floating] = (
        options.same_speaker + weight * further * windows / (windows + _FEW) - options.never_together * strangers
    )
    return limits


def _split(
    embeddings: FloatArray,
    seconds: Seconds,
    links: Links,
    labels: Labels,
    options: DiarizationOptions,
    progress: Progress,
) -> tuple[Labels, float]:
    """Split clusters in two as long as the windows tell the halves apart; and the least margin of those left whole."""
    labels, margin = labels.copy(), 1.0
    least_s = max(options.least_spoken_s, options.least_share * min(_BLOCK_S, float(seconds.sum())))
    waiting = list(range(int(labels.max()) + 1))
    while waiting:
        progress("clustering", 0, None)
        rows = labels == waiting.pop()
        halves = k_means(embeddings[rows], seconds[rows], 2, progress, tries=3)
        if len(halves) < 2 or labels.max() > _MOST_CLUSTERS:
            continue
        side = nearest_to(embeddings[rows], halves)
        if np.bincount(side, seconds[rows]).min() < least_s:
            continue
        share, windows = apart(seconds[rows], links.only(rows), side)
        above = float(halves[0] @ halves[1] - _limits(share, windows, options)[0, 1])
        if above >= 0:
            margin = min(margin, above)
        else:
            new = int(labels.max()) + 1
            waiting += [int(labels[rows][0]), new]
            labels[np.flatnonzero(rows)[side == 1]] = new
    return labels, margin


def _merged(
    embeddings: FloatArray,
    seconds: Seconds,
    links: Links,
    labels: Labels,
    options: DiarizationOptions,
    most: int,
    bonus: float = 0.0,
) -> tuple[Labels, float]:
    """Merge clusters of one speaker, the surest first, and more if there are too many; and the least margin."""
    margin = 1.0
    while True:
        labels = _renumbered(labels)
        centres = centres_of(embeddings, seconds, labels)
        if len(centres) == 1:
            return labels, margin
        above = centres @ centres.T - _limits(*apart(seconds, links, labels), options) - bonus
        np.fill_diagonal(above, -np.inf)
        i, j = (int(k) for k in np.unravel_index(above.argmax(), above.shape))
        if above[i, j] < 0 and len(centres) <= most:
            return labels, min(margin, float(-above[i, j]))
        margin = min(margin, abs(float(above[i, j])))
        labels[labels == j] = i


def _linked(embeddings: FloatArray, seconds: Seconds, options: DiarizationOptions) -> FloatArray:
    """Centres of clusters by average linkage (Murtagh 1983), of those with enough speech."""
    from scipy.cluster.hierarchy import fcluster, linkage

    labels = np.zeros(len(embeddings), dtype=np.int64)
    if len(embeddings) > 1:
        tree = linkage(embeddings.astype(np.float64), "average", metric="cosine")
        labels = _renumbered(fcluster(tree, options.cluster_distance, "distance"))
    spoken = np.bincount(labels, seconds)
    least = max(options.least_spoken_s, options.least_share * float(spoken.sum()))
    kept = spoken >= min(least, float(spoken.max()))
    return centres_of(embeddings, seconds, labels)[kept]


def _renumbered(labels: npt.NDArray[np.integer]) -> Labels:
    """Labels 0..k-1 in the same order, none left out."""
    numbered: Labels = np.unique(labels, return_inverse=True)[1].astype(np.int64)
    return numbered


def _blocks(seconds: Seconds) -> Iterator[slice]:
    """Slices of at most `_MOST_LINKED` embeddings that hold equal parts of the speech, each of at most `_BLOCK_S`."""
    until = np.cumsum(seconds)
    count = max(1, int(np.ceil(until[-1] / _BLOCK_S)))
    edges = [0, *np.searchsorted(until, until[-1] * np.arange(1, count) / count).tolist(), len(seconds)]
    for first, last in pairwise(edges):
        for begin in range(first, last, _MOST_LINKED):
            yield slice(begin, min(last, begin + _MOST_LINKED))
