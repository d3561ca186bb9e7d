"""How many people there are and who is who, from embeddings made by hand."""

import tracemalloc
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from ressenti.pipeline.config import DiarizationOptions
from ressenti.pipeline.diarization import clustering
from ressenti.pipeline.diarization.clustering import Speakers, apart, find_speakers, k_means, nearest_to
from ressenti.pipeline.diarization.interface import Count
from ressenti.pipeline.diarization.stretches import Links

OPTIONS = DiarizationOptions()
WIDTH = 64
NONE = Links(np.zeros(0, np.int64), np.zeros(0, np.int64), 1)


def directions(count: int, seed: int = 0) -> np.ndarray:
    """Directions (count, WIDTH) at right angles."""
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(WIDTH, count)))[0].T


def around(centres: np.ndarray, truth: Sequence[int] | np.ndarray, spread: float = 0.4, seed: int = 0) -> np.ndarray:
    """Embeddings near centres: the mean cosine of two of one centre is 1 / (1 + spread**2)."""
    rng = np.random.default_rng(seed)
    x = centres[np.asarray(truth)] + rng.normal(0, spread / np.sqrt(WIDTH), size=(len(truth), WIDTH))
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


def seconds(count: int, each_s: float = 2.0) -> np.ndarray:
    return np.full(count, each_s)


def found(x: np.ndarray, count: Count | None = None, links: Links = NONE, **options: Any) -> Speakers:
    settings = DiarizationOptions.model_validate(options)
    return find_speakers(x, seconds(len(x)), links, count or Count(), settings)


def same_partition(a: np.ndarray, b: np.ndarray) -> bool:
    return len(set(zip(a.tolist(), b.tolist(), strict=True))) == len(set(a.tolist())) == len(set(b.tolist()))


def linked(voices: Sequence[int]) -> Links:
    """Each piece in a window: pieces 2 w and 2 w + 1 are what these voices say in window w."""
    windows = np.repeat(np.arange(len(voices) // 2), 2)
    return Links(np.arange(len(voices)), windows * 3 + np.asarray(voices), len(voices) // 2)


@pytest.mark.parametrize("people", [1, 2, 3, 5, 8])
def test_tight_groups_are_people(people: int) -> None:
    truth = np.arange(30 * people) % people
    x = around(directions(people), truth)
    speakers = found(x)
    assert len(speakers.centres) == people
    assert same_partition(nearest_to(x, speakers.centres), truth)
    assert np.linalg.norm(speakers.centres, axis=1) == pytest.approx(np.ones(people), abs=1e-4)


@pytest.mark.parametrize("counts", [[30, 30], [50, 5], [20, 20, 20, 20]])
def test_a_given_number_is_found(counts: list[int]) -> None:
    truth = np.repeat(np.arange(len(counts)), counts)
    x = around(directions(len(counts)), truth)
    speakers = found(x, Count(exactly=len(counts)))
    assert same_partition(nearest_to(x, speakers.centres), truth)


def test_a_given_number_is_found_where_a_free_one_is_not() -> None:
    """Two voices that are alike, cosine .9, and never heard in one window."""
    base, other = directions(2)
    centres = np.stack([base, 0.9 * base + np.sqrt(1 - 0.9**2) * other])
    truth = np.repeat([0, 1], 40)
    x = around(centres, truth, spread=0.1)
    assert len(found(x).centres) == 1
    assert same_partition(nearest_to(x, found(x, Count(exactly=2)).centres), truth)


def with_a_rare_voice(minutes: int) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings of somebody who speaks in two ways, cosine .6, and of somebody who says one sentence each minute."""
    base, other, rare = directions(3)
    centres = np.stack([base, 0.6 * base + 0.8 * other, rare])
    ways = np.tile([0, 1] * 14 + [2], minutes)
    return around(centres, ways, spread=0.1), (ways == 2).astype(np.int64)


@pytest.mark.parametrize("minutes", [1, 5])
def test_a_given_number_is_that_of_a_free_count_that_finds_as_many(minutes: int) -> None:
    """K-means alone would part the one who says much."""
    x, truth = with_a_rare_voice(minutes)
    parted = nearest_to(x, k_means(x, seconds(len(x)), 2))
    assert not same_partition(parted, truth)
    assert same_partition(nearest_to(x, found(x, Count(exactly=2)).centres), truth)


@pytest.mark.parametrize(("length_s", "people"), [(40, 1), (80, 1), (100, 2)])
def test_a_given_number_is_forced_only_where_there_is_enough_speech(length_s: int, people: int) -> None:
    """One voice, cosine .8 between its two ways to speak, of which a user says that it is two people's."""
    x = alike(0.8, length_s // 2)
    assert len(found(x, Count(exactly=2)).centres) == people


def alike(cosine: float, count: int = 60) -> np.ndarray:
    """Embeddings that change to and fro between two centres of this likeness."""
    base, other = directions(2)
    centres = np.stack([base, cosine * base + np.sqrt(1 - cosine**2) * other])
    return around(centres, np.arange(count) % 2, spread=0.1)


def test_voices_that_windows_tell_apart_are_two_people_although_their_embeddings_are_alike() -> None:
    x = alike(0.85)
    assert len(found(x, links=linked([0, 1] * 30)).centres) == 2
    assert len(found(x, links=linked([0, 0] * 30)).centres) == 1
    assert len(found(x).centres) == 1


def test_one_voice_that_changes_is_one_person_if_windows_hear_one_voice() -> None:
    """Average linkage keeps the two groups apart; always the same voice of a window, they are one person's."""
    x = alike(0.5)
    assert len(found(x, links=linked([1, 1] * 30)).centres) == 1
    assert len(found(x, links=linked([1, 2] * 30)).centres) == 2
    assert len(found(x).centres) == 2


def test_how_often_windows_tell_clusters_apart() -> None:
    """Three windows: two voices, one voice of both, and half a second too little of cluster 1."""
    links = Links(np.array([0, 1, 2, 3, 4, 5]), np.array([0, 1, 3, 3, 6, 7]), 3)
    share, windows = apart(np.array([2.0, 2, 2, 2, 2, 0.4]), links, np.array([0, 1, 0, 1, 0, 1]))
    assert windows.tolist() == [[3, 2], [2, 2]]
    assert share == pytest.approx(np.array([[0, 0.5], [0.5, 0]]))
    share, windows = apart(np.array([2.0, 2]), NONE, np.array([0, 1]))
    assert (share.tolist(), windows.tolist()) == ([[0, 0], [0, 0]], [[0, 0], [0, 0]])


def test_a_cluster_in_two_voices_of_a_window_is_partly_apart() -> None:
    links = Links(np.array([0, 1, 2]), np.array([0, 1, 1]), 1)
    share, _ = apart(np.array([3.0, 1, 2]), links, np.array([0, 0, 1]))
    assert share[0, 1] == pytest.approx(0.75)


def test_clusters_are_apart_in_the_mean_of_the_windows_that_have_both() -> None:
    rng = np.random.default_rng(0)
    links = Links(np.sort(rng.integers(0, 60, 120)), rng.integers(0, 3 * 12, 120), 12)
    lasting, labels = rng.uniform(0.1, 3, 60), rng.integers(0, 5, 60)
    share, windows = apart(lasting, links, np.append(labels[:-1], 4))
    spoken = np.zeros((12, 3, 5))
    for piece, voice in zip(links.piece, links.voice, strict=True):
        spoken[voice // 3, voice % 3, [*labels[:-1], 4][piece]] += lasting[piece]
    for i in range(5):
        for j in range(5):
            both = [w for w in spoken if w[:, i].sum() >= 0.5 and w[:, j].sum() >= 0.5]
            common = [np.minimum(w[:, i] / w[:, i].sum(), w[:, j] / w[:, j].sum()).sum() for w in both]
            assert windows[i, j] == len(both)
            assert share[i, j] == pytest.approx(1 - np.mean(common) if both else 0, abs=1e-5)


def test_hundreds_of_clusters_take_little_memory() -> None:
    """Four hours of eight people, as many clusters in each of twenty blocks."""
    windows, rng = 2_880, np.random.default_rng(0)
    links = Links(np.arange(3 * windows), np.arange(3 * windows), windows)
    labels = np.repeat(np.arange(windows) // 144 * 8, 3) + rng.integers(0, 8, 3 * windows)
    tracemalloc.start()
    try:
        share, _ = apart(np.full(3 * windows, 3.0), links, labels)
        assert tracemalloc.get_traced_memory()[1] < 100e6
    finally:
        tracemalloc.stop()
    assert share.shape == (160, 160)


def test_bounds_are_kept() -> None:
    x = around(directions(3), np.arange(90) % 3)
    assert len(found(x, Count(at_most=2)).centres) == 2
    assert len(found(x, Count(at_most=1)).centres) == 1
    assert len(found(x, Count(at_least=5)).centres) == 5
    assert len(found(x, Count(at_least=2, at_most=4)).centres) == 3
    many = around(directions(11), np.arange(220) % 11)
    assert len(found(many).centres) == 8
    assert len(found(many, Count(at_most=20)).centres) == 11
    assert len(found(many, Count(at_least=10)).centres) >= 10


def test_a_number_that_was_forced_is_not_sure() -> None:
    x = around(directions(3), np.arange(90) % 3)
    assert found(x).margin > OPTIONS.sure_margin
    assert found(x, Count(at_least=5)).margin == 0
    near = around(
        np.stack([directions(2)[0], directions(2)[0] * 0.55 + directions(2)[1] * 0.835]), np.arange(60) % 2, 0.1
    )
    assert found(near).margin < OPTIONS.sure_margin


def test_a_stray_piece_is_no_speaker() -> None:
    truth = np.array([0, 1] * 40 + [2])
    assert len(found(around(directions(3), truth)).centres) == 2


def test_short_pieces_do_not_decide_who_is_there() -> None:
    truth = np.array([0, 1] * 30 + [2] * 40)
    x, lasting = around(directions(3), truth), np.where(truth == 2, 0.6, 2.0)
    assert len(find_speakers(x, lasting, NONE, Count(), OPTIONS).centres) == 2
    assert len(find_speakers(x, np.full(100, 0.6), NONE, Count(), OPTIONS).centres) == 3  # if all are short


@pytest.mark.parametrize("k", [3, 4, 5])
def test_voices_that_repeat_exactly_do_not_break_the_clustering(k: int) -> None:
    x = around(directions(2), np.repeat([0, 1], 6), spread=0)
    with np.errstate(all="raise"):
        centres = found(x, Count(exactly=k)).centres
        assert len(found(x).centres) == 2
    assert len(centres) == 2


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("wanted", [Count(), Count(exactly=5), Count(at_least=3)])
def test_fewer_pieces_than_speakers_asked_for(count: int, wanted: Count) -> None:
    x = around(directions(2), np.arange(count))
    assert 1 <= len(found(x, wanted).centres) <= count


def test_the_same_twice() -> None:
    x = np.random.default_rng(0).normal(size=(200, WIDTH)).astype(np.float32)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    for count in (Count(), Count(exactly=4), Count(at_least=3)):
        first, second = found(x, count), found(x, count)
        assert np.array_equal(first.centres, second.centres)
        assert first.margin == second.margin


def test_k_means_weighs_by_seconds() -> None:
    base, other = directions(2)
    x = np.stack([base, other]).astype(np.float32)
    (centre,) = k_means(x, np.array([3.0, 1.0]), 1)
    assert centre == pytest.approx((3 * base + other) / np.sqrt(10), abs=1e-5)


def four_hours(repeated: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two voices for 4 hours, and a third one for 40 s in the third hour."""
    truth = np.arange(4 * 3600 // 2) % 2
    truth[5_000:5_040:2] = 2
    if repeated:
        block = around(directions(3), np.arange(360) % 2)
        return np.tile(block, (20, 1)), np.tile(np.arange(360) % 2, 20), seconds(7_200)
    return around(directions(3), truth), truth, seconds(len(truth))


def test_four_hours_are_linked_in_blocks_and_forty_seconds_of_a_third_voice_are_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    x, truth, lasting = four_hours()
    sizes: list[int] = []
    inner = clustering._linked

    def watched(embeddings: np.ndarray, *rest: Any) -> np.ndarray:
        sizes.append(len(embeddings))
        return inner(embeddings, *rest)

    monkeypatch.setattr(clustering, "_linked", watched)
    speakers = find_speakers(x, lasting, NONE, Count(), OPTIONS)
    assert len(speakers.centres) == 3
    assert same_partition(nearest_to(x, speakers.centres), truth)
    assert len(sizes) == 20
    assert sum(sizes) == len(x)
    assert max(sizes) < 3_000


@pytest.mark.parametrize("each_s", [0.1, 0.5, 3.0])
def test_no_block_has_too_many_pieces(each_s: float) -> None:
    blocks = list(clustering._blocks(seconds(10_000, each_s)))
    assert [block.start for block in blocks] == [0, *(block.stop for block in blocks[:-1])]
    assert blocks[-1].stop == 10_000
    assert max(block.stop - block.start for block in blocks) <= 3_000
    assert max(block.stop - block.start for block in blocks) * each_s <= 720 + each_s


def test_sound_that_repeats_exactly_from_block_to_block() -> None:
    x, truth, lasting = four_hours(repeated=True)
    speakers = find_speakers(x, lasting, NONE, Count(), OPTIONS)
    assert same_partition(nearest_to(x, speakers.centres), truth)


@pytest.mark.parametrize("count", [Count(), Count(exactly=2)])
def test_clustering_of_a_long_recording_is_told_all_the_way(count: Count) -> None:
    x, _, lasting = four_hours()
    calls: list[tuple[float, float | None]] = []
    find_speakers(x, lasting, NONE, count, OPTIONS, lambda stage, done, total: calls.append((done, total)))
    assert len(calls) > 10
    assert calls[-1] == (1, 1)


def test_what_progress_raises_stops_the_clustering() -> None:
    x, _, lasting = four_hours()
    calls: list[str] = []

    def hook(stage: str, completed: float, total: float | None) -> None:
        calls.append(stage)
        if len(calls) == 5:
            raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        find_speakers(x, lasting, NONE, Count(), OPTIONS, hook)
    assert calls == ["clustering"] * 5
