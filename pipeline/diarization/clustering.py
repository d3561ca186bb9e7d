"""Cluster embeddings into speakers: k-means for a given count, average linkage for a free one (pure, seeded)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ressenti.pipeline.audio.mel import FloatArray
from ressenti.pipeline.diarization.interface import Count
from ressenti.pipeline.progress import Progress, ignore_progress

Labels = npt.NDArray[np.int64]
_MOST = 2500  # embeddings linked directly; more are first grouped into half as many small clusters
_MOST_SPEAKERS = 8  # if the user gives no bound
_SMALLEST = 0.02  # a cluster with a smaller share of the windows (or fewer than 3) is not a separate speaker


def cluster(embeddings: FloatArray, count: Count, distance: float, progress: Progress = ignore_progress) -> Labels:
    """Speaker index of each embedding (n, d) of unit length; n at least 1.

    Uses spherical k-means for a given count. Otherwise uses average linkage on cosine distance (Murtagh 1983) up to
    `distance`, and k-means if the result is outside the bounds.
    """
    labels = _clustered(embeddings, count, distance, progress)
    progress("clustering", 1, 1)
    return labels


def _clustered(embeddings: FloatArray, count: Count, distance: float, progress: Progress) -> Labels:
    n = len(embeddings)
    if count.exactly is not None:
        return _kmeans(embeddings, min(count.exactly, n), progress)
    labels = _linkage(embeddings, distance, progress)
    found = len(np.unique(labels))
    most = count.at_most or max(_MOST_SPEAKERS, count.at_least)
    wanted = min(max(found, count.at_least), most, n)
    return labels if wanted == found else _kmeans(embeddings, wanted, progress)


def assign(embeddings: FloatArray, centroids: FloatArray) -> Labels:
    """Index of the most similar of centroids (k, d) for each embedding (n, d)."""
    nearest: Labels = np.argmax(embeddings @ centroids.T, axis=1).astype(np.int64)
    return nearest


def centroids_of(embeddings: FloatArray, labels: Labels) -> FloatArray:
    """Mean direction of each cluster 0..k-1, shape (k, d), of unit length."""
    means = np.stack([embeddings[labels == k].mean(axis=0) for k in range(int(labels.max()) + 1)])
    directions: FloatArray = (means / (np.linalg.norm(means, axis=1, keepdims=True) + 1e-9)).astype(np.float32)
    return directions


def _kmeans(embeddings: FloatArray, k: int, progress: Progress, tries: int = 10, rounds: int = 50) -> Labels:
    """Spherical k-means with k-means++ starts (Arthur & Vassilvitskii 2007); the best of several seeded tries."""
    rng = np.random.default_rng(0)
    best, best_fit = np.zeros(len(embeddings), dtype=np.int64), -np.inf
    k = min(k, len(np.unique(embeddings.round(4), axis=0)))
    if k == 1:
        return best
    for _ in range(tries):
        centres = embeddings[[int(rng.integers(len(embeddings)))]]
        while len(centres) < k:
            progress("clustering", 0, None)
            far = np.maximum(1 - (embeddings @ centres.T).max(axis=1).astype(np.float64), 0) + 1e-12
            centres = np.vstack([centres, embeddings[rng.choice(len(embeddings), p=far / far.sum())]])
        labels = assign(embeddings, centres)
        for _ in range(rounds):
            progress("clustering", 0, None)
            empty = [i for i in range(k) if not np.any(labels == i)]
            worst = np.argsort((embeddings @ centres.T).max(axis=1))
            labels[worst[: len(empty)]] = empty  # each empty cluster takes one of the worst-fitting embeddings
            labels = _renumber(labels)  # taking an embedding may have emptied another cluster
            centres = centroids_of(embeddings, labels)
            moved = assign(embeddings, centres)
            if np.array_equal(moved, labels):
                break
            labels = moved
        fit = float((embeddings @ centres.T).max(axis=1).sum())
        if fit > best_fit:
            best, best_fit = labels, fit
    return _renumber(best)


def _linkage(embeddings: FloatArray, distance: float, progress: Progress) -> Labels:
    from scipy.cluster.hierarchy import fcluster, linkage

    if len(embeddings) < 2:
        return np.zeros(len(embeddings), dtype=np.int64)
    gathered = None
    points = embeddings
    if len(embeddings) > _MOST:
        gathered = _kmeans(embeddings, _MOST // 2, progress, tries=1, rounds=5)
        points = centroids_of(embeddings, gathered)
    progress("clustering", 0, None)
    tree = linkage(points.astype(np.float64), "average", metric="cosine")
    labels = _renumber(fcluster(tree, distance, "distance").astype(np.int64))
    if gathered is not None:
        labels = labels[gathered]
    sizes = np.bincount(labels)
    large = np.flatnonzero(sizes >= max(3, _SMALLEST * len(labels)))
    if len(large) == 0:
        large = np.array([int(np.argmax(sizes))])
    centres = centroids_of(embeddings, labels)[large]
    small = ~np.isin(labels, large)
    out = np.searchsorted(large, labels).astype(np.int64)
    out[small] = assign(embeddings[small], centres)
    return _renumber(out)


def _renumber(labels: Labels) -> Labels:
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)
