"""The model card's table: F1 per class with its support, means and a bootstrap interval over speakers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import softmax

from pipeline.records import CLASSES
from pipeline.training.prepare import Prepared


def f1_scores(truth: np.ndarray, guess: np.ndarray) -> np.ndarray:
    """F1 of each of the five classes from labels (n,); 0 where a class is neither there nor guessed."""
    out = np.zeros(len(CLASSES))
    for k in range(len(CLASSES)):
        hit = np.sum((truth == k) & (guess == k))
        seen = np.sum(truth == k) + np.sum(guess == k)
        out[k] = 2 * hit / seen if seen else 0.0
    return out


def calibration_error(scores: np.ndarray, truth: np.ndarray, bins: int = 10) -> float:
    """Expected calibration error of scores (n, k) in equal bins of confidence (Guo et al. 2017)."""
    confidence, right = scores.max(axis=1), scores.argmax(axis=1) == truth
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [abs(confidence[which == b].mean() - right[which == b].mean()) * np.mean(which == b) for b in set(which)]
    return float(sum(gaps))


def interval_over_speakers(truth: np.ndarray, guess: np.ndarray, speakers: Sequence[str]) -> tuple[float, float]:
    """95 % bootstrap interval of the macro F1, speakers drawn with replacement (1,000 draws, seed 0)."""
    rng = np.random.default_rng(0)
    names = sorted(set(speakers))
    rows = {name: np.flatnonzero(np.array(speakers) == name) for name in names}
    drawn = []
    for _ in range(1000):
        picked = np.concatenate([rows[name] for name in rng.choice(names, size=len(names))])
        present = np.unique(truth[picked])
        drawn.append(f1_scores(truth[picked], guess[picked])[present].mean())
    low, high = np.percentile(drawn, [2.5, 97.5])
    return float(low), float(high)


def print_table(prepared: Sequence[Prepared], truth: np.ndarray, logits: np.ndarray, *, baseline: bool) -> None:
    """Print one Markdown table: a row per corpus, the columns of the seed model's published RAVDESS table."""
    print(f"\nHeld-out speakers, {'speaker baseline from their own clips' if baseline else 'no speaker baseline'}\n")
    print("| corpus | speakers | clips | " + " | ".join(CLASSES) + " | macro F1 (95 %) | micro F1 | ECE |")
    print("|---" * (len(CLASSES) + 6) + "|")
    scores = softmax(logits, axis=1)
    for corpus in sorted({p.clip.corpus for p in prepared}, reverse=True):
        rows = np.array([p.clip.corpus == corpus for p in prepared])
        t, s = truth[rows], scores[rows]
        g = s.argmax(axis=1)
        names = [p.clip.speaker for p in prepared if p.clip.corpus == corpus]
        present = np.unique(t)
        per_class = [
            f"{f1:.2f} ({np.sum(t == k)})" if k in present else "-" for k, f1 in enumerate(f1_scores(t, g).tolist())
        ]
        low, high = interval_over_speakers(t, g, names)
        print(
            f"| {corpus} | {len(set(names))} | {len(t)} | {' | '.join(per_class)} "
            f"| {f1_scores(t, g)[present].mean():.3f} ({low:.2f}-{high:.2f}) | {np.mean(t == g):.3f} "
            f"| {calibration_error(s, t):.3f} |"
        )
