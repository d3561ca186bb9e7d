"""Windows of ten seconds on one line of frames, and stretches of one voice cut from them."""

import numpy as np
import pytest

from conftest import noise
from ressenti.pipeline.diarization import local_voices, stretches
from ressenti.pipeline.diarization.local_voices import FRAME_S, edge_s, frame_at
from ressenti.pipeline.diarization.stretches import Links, Stretch
from ressenti.pipeline.models import segmentation
from voices_by_hand import FRAMES, made

RATE_HZ = 16_000


def as_int16(seconds: float) -> np.ndarray:
    return (np.clip(noise(seconds), -1, 1) * 32767).astype(np.int16)


@pytest.mark.parametrize("seconds", [10.0, 10.02, 12.5, 15.0, 23.7])
def test_the_last_window_is_at_the_end(seconds: float) -> None:
    samples = round(seconds * RATE_HZ)
    starts = local_voices._starts(samples, 5.0).tolist()
    ends = [start * segmentation.STEP + segmentation.WINDOW for start in starts]
    assert starts[0] == 0
    assert samples <= ends[-1] < samples + segmentation.STEP
    assert all(end < samples for end in ends[:-1])
    assert max(np.diff(starts), default=0) <= round(5.0 / FRAME_S)
    assert starts == sorted(set(starts))


@pytest.mark.parametrize(("seconds", "windows", "frames"), [(0.001, 1, 1), (0.4, 1, 22), (9.9, 1, 585), (16.0, 3, 947)])
def test_frames_cover_the_recording(seconds: float, windows: int, frames: int) -> None:
    heard = local_voices.listen(as_int16(seconds), 5.0)
    assert (len(heard.starts), heard.frames) == (windows, frames)
    assert heard.speaking.shape == heard.chance.shape == (windows, FRAMES, 3)
    assert heard.chance.min() >= 0
    assert heard.chance.max() <= 1 + 1e-5
    covered = np.zeros(heard.frames, bool)
    for window in range(windows):
        span, length = heard.covered(window)
        assert covered[span].shape == (length,)
        covered[span] = True
    assert covered[:-2].all()  # half of a window's last frames lies beyond the samples it hears


def test_each_window_is_heard_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = as_int16(26)
    told: list[tuple[float, float | None]] = []
    whole = local_voices.listen(samples, 5.0)
    monkeypatch.setattr(local_voices, "_AT_ONCE", 2)
    parts = local_voices.listen(samples, 5.0, lambda stage, done, total: told.append((done, total)))
    assert np.array_equal(whole.speaking, parts.speaking)
    assert parts.chance == pytest.approx(whole.chance, abs=1e-5)
    assert told == [(2, 5), (4, 5), (5, 5)]


@pytest.mark.parametrize(
    ("first", "last", "windows"),
    [
        (0, 1, [0]),
        (299, 300, [0]),
        (300, 301, [0, 1]),
        (588, 589, [0, 1]),
        (589, 590, [1]),
        (888, 889, [1, 2]),
        (889, 890, [2]),
        (0, 1200, [0, 1, 2]),
    ],
)
def test_windows_over_frames(first: int, last: int, windows: list[int]) -> None:
    voices = made(1200, {0: [], 300: [], 611: []})
    assert list(voices.over(first, last)) == windows


def test_times_of_frames() -> None:
    assert [frame_at(edge_s(frame)) for frame in range(20_000)] == list(range(20_000))
    assert frame_at(0) == 0
    assert edge_s(10) - edge_s(9) == pytest.approx(FRAME_S)
    middle = (segmentation.FIRST + 7 * segmentation.STEP) / RATE_HZ
    assert (frame_at(middle - 1e-6), frame_at(middle + 1e-6)) == (7, 8)


def spans_of(*frames: tuple[int, int]) -> list[tuple[float, float]]:
    return [(edge_s(first), edge_s(last)) for first, last in frames]


def test_a_change_of_voice_without_a_pause_is_a_cut() -> None:
    voices = made(FRAMES, {0: [(0, 100, 200), (1, 200, 260)]})
    assert stretches.stretches_of(voices, spans_of((100, 260))) == [Stretch(100, 200), Stretch(200, 260)]


@pytest.mark.parametrize(("pause", "count"), [(12, 1), (18, 2)])
def test_a_short_pause_is_bridged(pause: int, count: int) -> None:
    voices = made(FRAMES, {0: [(0, 100, 200), (0, 200 + pause, 300)]})
    found = stretches.stretches_of(voices, spans_of((100, 200), (200 + pause, 300)))
    assert found == ([Stretch(100, 300)] if count == 1 else [Stretch(100, 200), Stretch(218, 300)])


def test_overlap_is_in_no_stretch() -> None:
    voices = made(FRAMES, {0: [(0, 100, 220), (1, 200, 300)]})
    assert stretches.stretches_of(voices, spans_of((100, 300))) == [Stretch(100, 200), Stretch(220, 300)]


def test_what_only_the_speech_detector_hears_is_a_stretch() -> None:
    voices = made(FRAMES, {0: [(0, 100, 200)]})
    assert stretches.stretches_of(voices, spans_of((100, 200), (300, 380))) == [Stretch(100, 200), Stretch(300, 380)]
    assert stretches.stretches_of(voices, spans_of((100, 260))) == [Stretch(100, 200), Stretch(200, 260)]


def test_what_only_the_windows_hear_is_none_but_at_the_edges_of_speech() -> None:
    voices = made(FRAMES, {0: [(0, 100, 200)]})
    assert stretches.stretches_of(voices, []) == []
    beyond = round(0.25 / FRAME_S)
    (found,) = stretches.stretches_of(voices, spans_of((140, 160)))
    assert (found.first, found.last) == (pytest.approx(140 - beyond, abs=1), pytest.approx(160 + beyond, abs=1))


def test_a_voice_goes_on_in_the_next_window_under_another_number() -> None:
    """The windows' middles are at 294.5 and 594.5: from frame 445 on, the second one counts."""
    voices = made(900, {0: [(0, 350, 560)], 300: [(2, 350, 560)]})
    assert stretches.stretches_of(voices, spans_of((350, 560))) == [Stretch(350, 560)]
    other = made(900, {0: [(0, 350, 445), (1, 445, 560)], 300: [(2, 350, 445), (1, 445, 560)]})
    assert stretches.stretches_of(other, spans_of((350, 560))) == [Stretch(350, 445), Stretch(445, 560)]


def test_between_windows_that_do_not_meet_the_nearest_frame_counts() -> None:
    """With windows each ten seconds; what is heard at the end of the second one is not heard before its beginning."""
    voices = made(1182, {0: [(0, 500, 589)], 593: [(0, 593, 700), (1, 1170, 1182)]})
    found = stretches.stretches_of(voices, spans_of((500, 700)))
    assert found == [Stretch(500, 591), Stretch(591, 700)]


def test_pieces_are_equal_parts_of_stretches_long_enough() -> None:
    pieces = stretches.pieces_of([Stretch(0, 20), Stretch(100, 500), Stretch(600, 650)], 0.5, 3.0)
    assert [(p.first, p.last) for p in pieces] == [(100, 233), (233, 367), (367, 500), (600, 650)]
    assert max(p.duration_s for p in pieces) <= 3.0
    assert stretches.pieces_of([Stretch(0, 20)], 0.0, 3.0) == [Stretch(0, 20)]
    assert pieces[-1].duration_s == pytest.approx(50 * 0.016875)


def test_a_piece_is_linked_with_the_voice_of_each_window_that_speaks_alone_in_it() -> None:
    voices = made(900, {0: [(0, 350, 560), (1, 100, 200)], 300: [(2, 350, 560)]})
    links = stretches.links_of(voices, [Stretch(100, 200), Stretch(350, 560), Stretch(700, 750)])
    assert links.windows == 2
    assert list(zip(links.piece.tolist(), links.voice.tolist(), strict=True)) == [(0, 1), (1, 0), (1, 3 + 2)]


@pytest.mark.parametrize(("alone", "count"), [(68, 0), (72, 1)])
def test_a_voice_that_speaks_in_little_of_a_piece_is_not_the_pieces(alone: int, count: int) -> None:
    voices = made(FRAMES, {0: [(0, 100, 200), (1, 100 + alone, 200)]})
    assert len(stretches.links_of(voices, [Stretch(100, 200)]).piece) == count


def test_links_of_some_of_the_pieces() -> None:
    links = Links(np.array([0, 1, 1, 3]), np.array([2, 0, 3, 5]), 2).only(np.array([False, True, False, True]))
    assert (links.piece.tolist(), links.voice.tolist(), links.windows) == ([0, 0, 1], [0, 3, 5], 2)
    none = stretches.links_of(made(FRAMES, {0: []}), [Stretch(0, 50)])
    assert (len(none.piece), len(none.voice)) == (0, 0)
