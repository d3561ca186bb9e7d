"""Calls drawn at random: every call has a known chance, and shares of all calls come with their interval."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as some

from ressenti.pipeline.library.sampling import allocated, share_of, strata, stratified


@given(some.dictionaries(some.text(max_size=3), some.integers(1, 500), min_size=1, max_size=20), some.data())
def test_each_stratum_gives_in_proportion_and_at_least_one(sizes: dict[str, int], data: some.DataObject) -> None:
    count = data.draw(some.integers(len(sizes), sum(sizes.values())))
    given_ = allocated(sizes, count)
    assert sum(given_.values()) == count
    for stratum, number in given_.items():
        assert 1 <= number <= sizes[stratum]


def test_large_strata_give_what_is_theirs() -> None:
    assert allocated({"a": 800, "b": 150, "c": 50}, 20) == {"a": 16, "b": 3, "c": 1}
    with pytest.raises(ValueError, match="got 1 draws from 2 strata"):
        allocated({"a": 8, "b": 3}, 1)


def test_columns_with_too_many_values_make_no_strata() -> None:
    calls: list[dict[str, str | None]] = [
        {"agent": f"a{k % 30}", "queue": f"q{k % 3}", "site": "x", "team": None if k % 2 else "t"} for k in range(300)
    ]
    assert strata(calls, ("agent", "queue"), 20) == ("queue",)
    assert strata(calls, ("agent", "queue"), 60) == ("agent", "queue")  # 30 agents, each in one queue
    assert strata(calls, ("site", "queue", "team"), 20) == ("queue", "team")
    assert strata(calls, ("queue",), 4) == ()


def test_a_sample_is_the_same_for_its_seed_in_any_order_and_stands_for_all() -> None:
    ids = [f"c-{k:03}" for k in range(200)]
    of = [("big" if k % 4 else "small",) for k in range(200)]
    drawn = stratified(ids, of, 20, 1)
    assert Counter(one.stratum for one in drawn) == {("big",): 15, ("small",): 5}
    assert sum(one.weight for one in drawn) == pytest.approx(200)
    assert [one.index for one in drawn] == sorted(one.index for one in drawn)
    turned = stratified(ids[::-1], of[::-1], 20, 1)
    assert {ids[one.index] for one in drawn} == {ids[::-1][one.index] for one in turned}
    assert {one.index for one in drawn} != {one.index for one in stratified(ids, of, 20, 2)}
    assert len(stratified(ids, of, 500, 1)) == 200


def test_weighted_shares_hit_the_truth_and_their_intervals_hold_it_as_often_as_they_say() -> None:
    """A tenth of the small stratum and half of the big one say yes; drawn 300 times."""
    of = [("big",)] * 900 + [("small",)] * 100
    yes = [k % 2 == 0 for k in range(900)] + [k % 10 == 0 for k in range(100)]
    truth = sum(yes) / 1000
    inside, shares = 0, []
    for seed in range(300):
        drawn = stratified([f"{k:04}" for k in range(1000)], of, 40, seed)
        found = share_of([one.weight for one in drawn], [yes[one.index] for one in drawn])
        assert found is not None
        inside += found.low <= truth <= found.high
        shares.append(found.share)
    assert sum(shares) / 300 == pytest.approx(truth, abs=0.01)
    assert inside / 300 >= 0.92


def test_few_answers_have_wide_intervals() -> None:
    none = share_of([1.0] * 10, [False] * 10)
    assert none is not None
    assert (none.share, none.low) == (0.0, 0.0)
    assert none.high == pytest.approx(0.278, abs=0.001)  # Wilson's for 0 of 10
    assert share_of([], []) is None
