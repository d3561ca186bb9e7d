"""Damage that knows nothing of a format: bits, cuts, pieces doubled, lost or swapped, junk, another ending."""

from __future__ import annotations

import math

import numpy as np

from campaign.cases import ANY_DAMAGE, DAMAGED, Allowed, Mutant, read_as, refused
from campaign.sources import SECONDS, Source, encoded, recipe_of, source

ENDINGS = (".wav", ".mp3", ".m4a", ".txt", ".json", ".opus", ".amr", ".webm", ".bin", ".m3u8", ".sdp", ".png", "")
_PLAIN = ("wav", "rf64", "w64", "aiff", "au", "caf")
# containers whose end may be cut without anybody knowing, or whose header promises nothing
_OPEN_ENDED = ("mp3", "adts", "ac3", "ts", "flv", "asf", "amr", "avi", "voc", "wv", "tta")


def flips(source: Source, rng: np.random.Generator) -> Mutant:
    """One to sixty-four bits at the head, in the middle, at the tail, or anywhere."""
    size = len(source.data)
    low, high = ((0, 200), (size // 4, size * 3 // 4), (size - 200, size), (0, size))[rng.integers(0, 4)]
    out = bytearray(source.data)
    for at in rng.integers(low, min(high, size), 2 ** rng.integers(0, 7)):
        out[at] ^= 1 << rng.integers(0, 8)
    return Mutant(bytes(out), ANY_DAMAGE)


def cut(source: Source, rng: np.random.Generator) -> Mutant:
    """It ends at any byte: what a header promised is missed; where none promised, what is there is read."""
    share = float(rng.uniform(0, 1)) ** (2 if rng.random() < 0.3 else 1)
    at = int(len(source.data) * share)
    data = source.data[:at]
    if at == 0:
        return Mutant(data, refused(7))
    begun = at < 6_000 or SECONDS * share < 2 or source.family in ("wv", "tta")  # not a frame may be whole
    short = frozenset({8, 9, 10, 12}) if begun else frozenset({9, 12})
    if SECONDS * (1 - share) < 0.7:
        return Mutant(data, Allowed(short | {0}, SECONDS - 1.2, SECONDS + 0.4))
    if source.declared and source.family != "caf" and source.kind != "mp4-fast":
        return Mutant(data, Allowed(short))
    if source.family in _PLAIN:
        return Mutant(data, Allowed(short | {0}, SECONDS * share - 0.4, SECONDS * share + 0.4))
    return Mutant(data, Allowed(short | {0}, 0.0, SECONDS + 0.4))


def cut_at_the_front(source: Source, rng: np.random.Generator) -> Mutant:
    """The first bytes are missing."""
    return Mutant(source.data[int(rng.integers(1, len(source.data) * 3 // 4)) :], ANY_DAMAGE)


def doubled(source: Source, rng: np.random.Generator) -> Mutant:
    """A piece comes twice."""
    a, b = sorted(rng.integers(0, len(source.data), 2))
    return Mutant(source.data[:b] + source.data[a:b] + source.data[b:], ANY_DAMAGE)


def lost(source: Source, rng: np.random.Generator) -> Mutant:
    """A piece is missing."""
    a, b = sorted(rng.integers(0, len(source.data), 2))
    return Mutant(source.data[:a] + source.data[b:] or b"x", ANY_DAMAGE)


def swapped(source: Source, rng: np.random.Generator) -> Mutant:
    """Two pieces in the other order."""
    a, b, c = sorted(rng.integers(0, len(source.data), 3))
    return Mutant(source.data[:a] + source.data[b:c] + source.data[a:b] + source.data[c:], ANY_DAMAGE)


def blanked(source: Source, rng: np.random.Generator) -> Mutant:
    """A piece of noughts or ones, as a bad disk leaves it."""
    a = int(rng.integers(0, len(source.data)))
    size = min(len(source.data) - a, int(rng.integers(1, 20_000)))
    return Mutant(source.data[:a] + (b"\0", b"\xff")[rng.integers(0, 2)] * size + source.data[a + size :], ANY_DAMAGE)


def junk_behind(source: Source, rng: np.random.Generator) -> Mutant:
    """Bytes behind the end: sound that is there is read, or the junk is called damage."""
    junk = (rng.bytes(int(rng.integers(1, 3_000))), bytes(int(rng.integers(1, 3_000))), b"\r\n")[rng.integers(0, 3)]
    longest_s = SECONDS * (1 + len(junk) / len(source.data)) + 0.4  # where it is taken for sound, as in a wav
    seconds = (SECONDS - 0.4, math.inf if source.family in (*_OPEN_ENDED, "au", "caf") else longest_s)
    sure = source.family in ("wav", "rf64", "mov") and source.kind != "wav-f32"
    return Mutant(source.data + junk, Allowed(frozenset({0} if sure else {0, 9}), *seconds))


def junk_before(source: Source, rng: np.random.Generator) -> Mutant:
    """Bytes before the beginning."""
    return Mutant(rng.bytes(int(rng.integers(1, 2_000))) + source.data, ANY_DAMAGE)


def other_ending(source: Source, rng: np.random.Generator) -> Mutant:
    """Named as if it were something else: the content decides."""
    tolerance_s = max(0.35, source.tolerance_s + 0.05)
    others = () if source.kind not in ("ac3-ac3", "mp3-mp2", "wv-wavpack", "tta-tta", "voc-u8") else (8,)
    return Mutant(source.data, read_as(SECONDS, tolerance_s, *others), ENDINGS[rng.integers(0, len(ENDINGS))])


def another_behind(first: Source, rng: np.random.Generator) -> Mutant:
    """Another recording, in another container, behind the first."""
    kinds = ("wav-s16", "mp3-cbr", "mp4-aac", "ogg-opus", "webm-opus", "flac-flac")
    other = source(kinds[rng.integers(0, len(kinds))])
    return Mutant(first.data + other.data, Allowed(DAMAGED, 0.0, 400.0))


def untouched(source: Source, rng: np.random.Generator) -> Mutant:
    """The control: nothing is wrong with it."""
    return Mutant(source.data, read_as(SECONDS, source.tolerance_s + 0.05))


def dropped(source: Source, rng: np.random.Generator) -> Mutant:
    """Packets that were never sent, in the middle; the time stamps of the others tell when they are."""
    recipe = recipe_of(source.kind)
    begin, share = rng.uniform(0.2, 0.5), rng.uniform(0.02, 0.3)
    data = encoded(recipe, keep=lambda i, count: not begin <= i / count < begin + share)
    return Mutant(data, read_as(SECONDS, 0.4))


MUTATORS = (
    (flips, None),
    (flips, None),
    (cut, None),
    (cut, None),
    (cut_at_the_front, None),
    (doubled, None),
    (lost, None),
    (swapped, None),
    (blanked, None),
    (junk_behind, None),
    (junk_before, None),
    (other_ending, None),
    (another_behind, None),
    (untouched, None),
    (dropped, ("mp4-aac", "mp4-fast", "mp4-fragments", "mp4-alac", "mp4-opus", "mkv-aac", "mkv-opus", "mkv-s16",
               "mkv-flac", "webm-opus", "webm-live", "ts-aac", "ts-mp2", "asf-wma", "flv-mp3", "flv-aac", "ogg-opus")),
)  # fmt: skip
