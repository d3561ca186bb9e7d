from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ressenti.pipeline.config import EmotionOptions, TurnOptions
from ressenti.pipeline.records import Segment, Turn, union_s
from ressenti.pipeline.turns import clear_spans, make_turns, plan_windows, windows_of

OPTIONS = TurnOptions(merge_gap_s=0.8)


def segments(*rows: tuple[float, float, str]) -> list[Segment]:
    return [Segment(*row) for row in rows]


def spans(turns: tuple[Turn, ...]) -> list[tuple[float, float, str]]:
    return [(t.start_s, t.end_s, t.speaker) for t in turns]


def test_short_pauses_join_and_long_ones_split() -> None:
    turns = make_turns(segments((0, 1, "A"), (1.5, 2, "A"), (3.5, 4, "A")), OPTIONS)
    assert spans(turns) == [(0, 2, "A"), (3.5, 4, "A")]


def test_another_voice_in_the_pause_splits() -> None:
    turns = make_turns(segments((0, 1, "A"), (1.1, 1.3, "B"), (1.4, 2, "A")), OPTIONS)
    assert spans(turns) == [(0, 1, "A"), (1.1, 1.3, "B"), (1.4, 2, "A")]


def test_a_backchannel_over_speech_does_not_split() -> None:
    turns = make_turns(segments((0, 5, "A"), (2, 2.5, "B"), (5.3, 6, "A")), OPTIONS)
    assert spans(turns) == [(0, 6, "A"), (2, 2.5, "B")]
    assert [t.overlap_s for t in turns] == [0.5, 0.5]


def test_order_and_numbers_follow_time() -> None:
    turns = make_turns(segments((3, 4, "B"), (0, 1, "A")), OPTIONS)
    assert [t.index for t in turns] == [0, 1]
    assert [t.speaker for t in turns] == ["A", "B"]


def test_what_is_clear_of_others() -> None:
    heard = segments((0, 5, "A"), (1, 1.5, "B"), (4.6, 6, "B"))
    turn = make_turns(heard, OPTIONS)[0]
    assert clear_spans(turn, heard, min_s=0.8) == [(0, 1, 1), (1.5, 4.6, pytest.approx(3.1))]
    assert clear_spans(turn, heard, min_s=2.0) == [(1.5, 4.6, pytest.approx(3.1))]


def test_pauses_are_not_speech_to_be_judged() -> None:
    heard = segments((0.1, 0.4, "A"), (0.9, 1.2, "A"))
    (turn,) = make_turns(heard, OPTIONS)
    assert clear_spans(turn, heard, min_s=0.8) == []
    assert clear_spans(turn, heard, min_s=0.5) == [(0.1, 1.2, pytest.approx(0.6))]


def test_a_turn_wholly_overlapped_has_nothing_clear() -> None:
    heard = segments((0, 5, "A"), (1, 2, "B"))
    assert clear_spans(make_turns(heard, OPTIONS)[1], heard, min_s=0.1) == []


def test_long_spans_are_windowed_to_their_end() -> None:
    windows = windows_of([(0, 3, 2.5), (10, 31, 20)], EmotionOptions())
    assert windows[0] == (0, 3, 2.5)
    assert windows[1][0] == 10
    assert windows[-1][1] == 31
    assert all(end - start == 8 for start, end, _ in windows[1:])


def test_what_is_heard_of_a_window_has_no_pauses() -> None:
    heard = segments((0, 5, "A"), (5.4, 6.2, "A"), (6.5, 12, "A"), (20, 21, "B"))
    first, second = plan_windows(make_turns(heard, OPTIONS)[0], heard, EmotionOptions())
    assert (first.start_s, first.end_s) == (0, 8)
    assert first.speech == ((0, 5), (5.4, 6.2), (6.5, 8))
    assert (second.start_s, second.end_s) == (4, 12)
    assert second.speech == ((4, 5), (5.4, 6.2), (6.5, 12))


def test_a_window_of_nothing_but_a_pause_is_taken_whole() -> None:
    heard = segments((0, 4, "A"), (13.5, 20, "A"))
    (turn,) = make_turns(heard, TurnOptions(merge_gap_s=10))
    silent = plan_windows(turn, heard, EmotionOptions())[1]
    assert silent.speech == ((silent.start_s, silent.end_s),) == ((4, 12),)


times = st.integers(0, 600).map(lambda n: n / 10)
some_segments = st.lists(
    st.tuples(times, st.integers(1, 80).map(lambda n: n / 10), st.sampled_from("ABC")).map(
        lambda row: Segment(row[0], row[0] + row[1], row[2])
    ),
    min_size=1,
    max_size=25,
)


@given(some_segments)
def test_turns_keep_every_second_of_speech_and_add_only_pauses(heard: list[Segment]) -> None:
    turns = make_turns(heard, OPTIONS)
    for speaker in "ABC":
        speech = union_s([(s.start_s, s.end_s) for s in heard if s.speaker == speaker])
        own = [(t.start_s, t.end_s) for t in turns if t.speaker == speaker]
        assert union_s([*speech, *own]) == union_s(own)
        pauses = sum(b - a for a, b in union_s(own)) - sum(b - a for a, b in speech)
        assert pauses <= OPTIONS.merge_gap_s * len(speech) + 1e-6
        assert all(a[1] < b[0] for a, b in pairwise(own))
    assert [t.index for t in turns] == list(range(len(turns)))
    assert all(0 <= t.overlap_s <= t.duration_s + 1e-9 for t in turns)


@given(some_segments)
def test_clear_spans_lie_in_the_turn_and_touch_nobody(heard: list[Segment]) -> None:
    for turn in make_turns(heard, OPTIONS):
        for start, end, speech_s in clear_spans(turn, heard, min_s=0.3):
            assert turn.start_s <= start < end <= turn.end_s
            assert 0.3 <= speech_s <= end - start + 1e-9
            assert not any(s.speaker != turn.speaker and s.start_s < end and s.end_s > start for s in heard)


@given(some_segments)
def test_what_is_heard_is_own_speech_and_touches_nobody(heard: list[Segment]) -> None:
    for turn in make_turns(heard, OPTIONS):
        for window in plan_windows(turn, heard, EmotionOptions(min_judged_s=0.3)):
            own = union_s([(s.start_s, s.end_s) for s in heard if s.speaker == turn.speaker])
            assert all(any(start <= a < b <= end for start, end in own) for a, b in window.speech)
            assert all(window.start_s <= a < b <= window.end_s for a, b in window.speech)
            others = [s for s in heard if s.speaker != turn.speaker]
            assert not any(s.start_s < b and s.end_s > a for s in others for a, b in window.speech)


@given(st.floats(0.8, 300), st.floats(0, 1000))
@example(8.5, 0.0)
@example(9.0, 0.0)
def test_windows_cover_a_span_and_their_weights_add_up(length: float, start: float) -> None:
    windows = windows_of([(start, start + length, length)], EmotionOptions())
    assert abs(sum(w for _, _, w in windows) - length) < 1e-6
    covered = union_s([(a, b + 1e-9) for a, b, _ in windows])
    assert len(covered) == 1
    assert covered[0][0] == start
    assert abs(covered[0][1] - start - length) < 1e-6
    assert all(b - a <= 8 + 1e-9 for a, b, _ in windows)


def test_exclusive_segments_cut_and_the_others_mark_overlap() -> None:
    heard = segments((0, 10, "A"), (4, 6, "B"), (9, 14, "B"))
    exclusive = segments((0, 4.5, "A"), (4.5, 5.5, "B"), (5.5, 9.5, "A"), (9.5, 14, "B"))
    turns = make_turns(exclusive, OPTIONS, heard)
    assert [(t.speaker, t.start_s, t.end_s, t.overlap_s) for t in turns] == [
        ("A", 0, 4.5, 0.5),
        ("B", 4.5, 5.5, 1.0),
        ("A", 5.5, 9.5, 1.0),
        ("B", 9.5, 14, 0.5),
    ]
    assert clear_spans(turns[2], heard, min_s=0.8) == [(6, 9, 3)]


@pytest.mark.parametrize(
    ("confidences", "expected"),
    [((0.9, 0.5), 0.8), ((0.9, None), None), ((None, None), None), ((0.0, 0.0), 0.0), ((1.0, 1.0), 1.0)],
)
def test_a_turn_is_as_sure_of_its_speaker_as_its_segments_by_length(
    confidences: tuple[float | None, float | None], expected: float | None
) -> None:
    first, last = confidences
    others = [Segment(4.5, 5.0, "B", 0.1)]
    turns = make_turns([Segment(0, 3, "A", first), *others, Segment(3.2, 4.2, "A", last)], OPTIONS)
    assert [(t.speaker, t.speaker_confidence) for t in turns] == [("A", expected), ("B", 0.1)]


def test_a_mean_of_confidences_is_as_exact_as_it_is_stored() -> None:
    (turn,) = make_turns([Segment(0, 1, "A", 0.7), Segment(1.1, 1.4, "A", 2 / 3)], OPTIONS)
    assert turn.speaker_confidence == round((0.7 + 0.3 * 2 / 3) / 1.3, 6)
