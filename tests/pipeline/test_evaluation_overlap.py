import itertools
from collections.abc import Sequence

import pytest

from ressenti.pipeline.config import DynamicsOptions, TurnOptions
from ressenti.pipeline.lab.evaluation.diarization import Comparison, compare, total
from ressenti.pipeline.lab.evaluation.exchanges import Event, Hits, add_hits, events_of, hits
from ressenti.pipeline.lab.evaluation.overlap import add_overlaps, overlap_of
from ressenti.pipeline.records import Segment

NAMES = {"S1": "a", "S2": "b", "S3": "c"}
TRUTH = [Segment(0, 10, "a"), Segment(8, 20, "b")]  # two seconds of overlap


def test_overlap_by_hand() -> None:
    found = [Segment(0, 9, "S1"), Segment(8, 20, "S2"), Segment(15, 18, "S1")]
    overlap = overlap_of(found, TRUTH, [(0, 20)], NAMES)
    assert (overlap.speech_s, overlap.true_s, overlap.found_s, overlap.both_s) == pytest.approx((20, 2, 4, 1))
    assert (overlap.precision, overlap.recall, overlap.f1) == pytest.approx((1 / 4, 1 / 2, 1 / 3))
    assert overlap.invented == pytest.approx(3 / 20)
    assert (overlap.reference_s, overlap.missed_s) == pytest.approx((4, 1))
    assert (overlap.false_alarm_s, overlap.confusion_s) == (0, 0)
    assert overlap.rate == pytest.approx(1 / 4)


@pytest.mark.parametrize(
    ("found", "errors"),
    [
        ([], (4, 0, 0)),
        ([Segment(0, 20, "S1")], (2, 0, 0)),
        ([Segment(0, 20, "S3")], (2, 0, 2)),
        ([Segment(0, 20, "S1"), Segment(0, 20, "S3")], (0, 0, 2)),
        ([Segment(0, 20, "S1"), Segment(0, 20, "S2"), Segment(0, 20, "S3")], (0, 2, 0)),
        ([Segment(0, 20, "S1"), Segment(0, 20, "unmatched")], (0, 0, 2)),
        ([Segment(8, 10, "S1"), Segment(8, 10, "S2")], (0, 0, 0)),
    ],
)
def test_errors_in_overlap_by_hand(found: Sequence[Segment], errors: tuple[float, float, float]) -> None:
    overlap = overlap_of(found, TRUTH, [(0, 20)], NAMES)
    assert (overlap.missed_s, overlap.false_alarm_s, overlap.confusion_s) == pytest.approx(errors)
    assert overlap.rate == pytest.approx(sum(errors) / 4)


def test_overlap_counts_where_it_is_scored() -> None:
    found = [Segment(0, 20, "S1"), Segment(9, 20, "S2")]
    overlap = overlap_of(found, TRUTH, [(0, 9), (9.5, 12)], NAMES)
    assert (overlap.speech_s, overlap.true_s, overlap.found_s, overlap.both_s) == pytest.approx((11.5, 1.5, 2.5, 0.5))
    both = add_overlaps([overlap, overlap])
    assert (both.true_s, both.rate) == (pytest.approx(3), overlap.rate)


def test_overlap_of_nothing_has_no_ratio() -> None:
    alone = overlap_of([Segment(0, 5, "S1")], [Segment(0, 5, "a")], [(0, 5)], NAMES)
    assert (alone.precision, alone.recall, alone.f1, alone.rate, alone.invented) == (None, None, None, None, 0)
    silence = overlap_of([], [], [(0, 5)], {})
    assert (silence.speech_s, silence.invented) == (0, None)
    same = overlap_of(
        [Segment(0, 5, "S1"), Segment(1, 3, "S1")], [Segment(0, 5, "a"), Segment(2, 4, "a")], [(0, 5)], {}
    )
    assert (same.true_s, same.found_s) == (0, 0)  # nobody overlaps himself


def test_events_by_the_rules_of_the_product() -> None:
    segments = [
        Segment(0, 5, "a"),
        Segment(4, 9, "b"),  # interrupts: one second
        Segment(8.8, 12, "a"),  # too short an overlap for one
        Segment(10, 10.5, "b"),  # inside
    ]
    interruptions, backchannels = events_of(segments, TurnOptions(), DynamicsOptions())
    assert interruptions == [Event(4, 5, "b")]
    assert backchannels == [Event(10, 10.5, "b")]
    short, _ = events_of(segments, TurnOptions(), DynamicsOptions(interruption_s=0.1))
    assert [e.speaker for e in short] == ["b", "a"]


def test_events_are_matched_one_to_one_with_the_same_speaker() -> None:
    true = [Event(1, 2, "a"), Event(5, 6, "b"), Event(9, 10, "a")]
    found = [
        Event(1.5, 3, "S1"),
        Event(1.8, 2.5, "S1"),  # a second one for the same
        Event(5, 6, "S1"),  # somebody else
        Event(10, 11, "S1"),  # touches, but does not overlap
        Event(5, 6, "unmatched"),
    ]
    assert hits(found, true, NAMES, [(0, 20)]) == Hits(true=3, found=5, right=1)
    assert hits(found, true, NAMES, [(4, 20)]) == Hits(2, 3, 0)
    assert hits([], true, NAMES, [(0, 20)]) == Hits(3, 0, 0)
    # the longest matching: the first found event could take either, the second only the first
    two = [Event(0, 10, "S1"), Event(0, 2, "S1")]
    assert hits(two, [Event(1, 2, "a"), Event(8, 9, "a")], NAMES, [(0, 20)]).right == 2


def test_ratios_of_events() -> None:
    some = Hits(4, 5, 3)
    assert (some.precision, some.recall, some.f1) == pytest.approx((0.6, 0.75, 2 / 3))
    assert (Hits(0, 0, 0).precision, Hits(0, 0, 0).recall, Hits(0, 0, 0).f1) == (None, None, None)
    assert (Hits(0, 2, 0).f1, Hits(2, 0, 0).f1) == (0, 0)
    assert add_hits([some, Hits(1, 1, 1)]) == Hits(5, 6, 4)


def test_a_comparison_has_overlap_and_events() -> None:
    truth = [*TRUTH, Segment(14, 14.6, "a")]
    found = [Segment(0, 9.2, "S9"), Segment(8, 20, "S4")]
    result = compare(found, truth, [(0, 20)])
    assert (result.interruptions, result.backchannels) == (Hits(1, 1, 1), Hits(1, 0, 0))
    assert (result.overlap.true_s, result.overlap.both_s) == pytest.approx((2.6, 1.2))
    none = compare(found, truth, [(0, 20)], dynamics=DynamicsOptions(interruption_s=3))
    assert none.interruptions == Hits(0, 0, 0)
    assert not result.sure


def counted(speakers: int, found: int, *, sure: bool) -> Comparison:
    """A comparison of recordings in which so many speak one after the other, and so many are found."""
    truth, heard = ([Segment(k, k + 1, f"{name}{k}") for k in range(n)] for name, n in (("a", speakers), ("S", found)))
    return compare(heard, truth, [(0, 10)], sure=sure)


def test_counts_of_speakers_add_up() -> None:
    counts = [(1, 1, True), (1, 2, True), (1, 4, False), (2, 2, True), (3, 2, True), (3, 3, False), (5, 2, False)]
    whole = total([counted(speakers, found, sure=sure) for speakers, found, sure in counts])
    assert (whole.files, whole.right, whole.near) == (7, 3, 5)
    assert (whole.sure, whole.sure_right) == (4, 2)
    assert (whole.monologues, whole.split) == (3, 2)


def test_totals_of_overlap_and_events_are_sums() -> None:
    truth = [*TRUTH, Segment(14, 14.6, "a")]
    found = [Segment(0, 9.2, "S9"), Segment(8, 20, "S4")]
    one = compare(found, truth, [(0, 20)])
    whole = total(list(itertools.repeat(one, 3)))
    assert whole.interruptions == Hits(3, 3, 3)
    assert whole.backchannels == Hits(3, 0, 0)
    assert whole.overlap.f1 == pytest.approx(one.overlap.f1)
    assert whole.overlap.speech_s == pytest.approx(3 * one.overlap.speech_s)
