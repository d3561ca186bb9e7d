"""Who speaks in each frame, and segments from frames, with windows and embeddings made by hand."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ressenti.pipeline.config import DiarizationOptions
from ressenti.pipeline.diarization.assignment import Spoken, assign, segments_of
from ressenti.pipeline.diarization.local_voices import FRAME_S, FRAMES, LocalVoices, edge_s
from ressenti.pipeline.diarization.stretches import Stretch, links_of
from voices_by_hand import made

OPTIONS = DiarizationOptions()
CENTRES = np.eye(3, 8, dtype=np.float32)


def embedded(owners: list[int], tilt: float = 0.1) -> np.ndarray:
    """Embeddings near the centres of these speakers."""
    x = CENTRES[owners] + tilt * np.eye(8, dtype=np.float32)[7]
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


def spoken(
    voices: LocalVoices,
    pieces: list[tuple[int, int, int]],
    speech: list[tuple[int, int]],
    speakers: int = 2,
    embeddings: np.ndarray | None = None,
) -> Spoken:
    """By pieces (first, last, owner) and frames in which the speech detector hears speech."""
    cut = [Stretch(first, last) for first, last, _ in pieces]
    frames = np.zeros(voices.frames, dtype=bool)
    for first, last in speech:
        frames[first:last] = True
    x = embedded([owner for *_, owner in pieces]) if embeddings is None else embeddings
    return assign(voices, frames, frames, cut, links_of(voices, cut), x, CENTRES[:speakers])


def runs(flags: np.ndarray) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(int), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def test_overlap_of_two_known_voices_has_both_speakers() -> None:
    voices = made(FRAMES, {0: [(0, 50, 260), (1, 200, 400)]})
    found = spoken(voices, [(50, 200, 0), (260, 400, 1)], [(50, 400)])
    assert runs(found.speaking[:, 0]) == [(50, 260)]
    assert runs(found.speaking[:, 1]) == [(200, 400)]
    assert found.alone.sum(axis=1).max() == 1
    assert np.array_equal(found.alone.any(axis=1), found.speaking.any(axis=1))
    assert not (found.alone & ~found.speaking).any()
    assert found.confidence.min() >= 0
    assert found.confidence.max() <= 1
    assert found.confidence[100, 0] > 0.95
    assert found.confidence[100, 1] < 0.05


def test_overlap_with_a_voice_that_is_never_alone_goes_to_whom_other_windows_name() -> None:
    """In the second window, voice 2 speaks only at once with voice 0; the first one knows whose it is."""
    voices = made(900, {0: [(0, 100, 450), (1, 460, 560), (1, 400, 450)], 300: [(0, 600, 800), (0, 300, 480)]})
    voices.speaking[1, 100:150, 2] = True
    voices.chance[1, 100:150, 2] = 0.9
    found = spoken(voices, [(100, 300, 0), (460, 560, 1), (600, 800, 0)], [(100, 800)])
    assert found.speaking[410:440].all()


def test_where_the_speech_detector_hears_nothing_nobody_speaks() -> None:
    voices = made(FRAMES, {0: [(0, 50, 400)]})
    found = spoken(voices, [(50, 180, 0), (220, 400, 0)], [(50, 180), (220, 400)])
    assert runs(found.speaking[:, 0]) == [(50, 180), (220, 400)]
    assert not found.speaking[:, 1].any()


def test_where_only_the_speech_detector_hears_the_nearest_speaker_speaks_with_less_confidence() -> None:
    voices = made(FRAMES, {0: [(0, 50, 150), (1, 400, 500)]})
    found = spoken(voices, [(50, 150, 0), (400, 500, 1)], [(50, 200), (350, 500)])
    assert runs(found.speaking[:, 0]) == [(50, 200)]
    assert runs(found.speaking[:, 1]) == [(350, 500)]
    assert found.confidence[180, 0] == pytest.approx(found.confidence[140, 0] / 2, abs=0.02)


def test_a_piece_that_no_window_hears_goes_to_its_embedding() -> None:
    voices = made(FRAMES, {0: [(0, 50, 150), (1, 400, 500)]})
    found = spoken(voices, [(50, 150, 0), (200, 300, 1), (400, 500, 1)], [(50, 150), (200, 300), (400, 500)])
    assert runs(found.alone[:, 1]) == [(200, 300), (400, 500)]


def test_a_short_piece_whose_embedding_errs_follows_its_windows_voice() -> None:
    voices = made(FRAMES, {0: [(0, 50, 250), (0, 300, 335), (1, 400, 560)]})
    x = embedded([0, 1, 1])
    x[1] = (0.55 * CENTRES[1] + 0.45 * CENTRES[0]) / np.linalg.norm(0.55 * CENTRES[1] + 0.45 * CENTRES[0])
    found = spoken(voices, [(50, 250, 0), (300, 335, 0), (400, 560, 1)], [(50, 250), (300, 335), (400, 560)], 2, x)
    assert found.alone[310, 0]
    assert found.confidence[310, 0] < found.confidence[100, 0]


def test_one_speaker_has_no_overlap() -> None:
    voices = made(FRAMES, {0: [(0, 50, 260), (1, 200, 400)]})
    found = spoken(voices, [(50, 200, 0), (260, 400, 0)], [(50, 400)], speakers=1)
    assert runs(found.speaking[:, 0]) == [(50, 400)]


def flags_of(frames: int, *spans: tuple[int, int, int]) -> np.ndarray:
    out = np.zeros((frames, 3), dtype=bool)
    for speaker, first, last in spans:
        out[first:last, speaker] = True
    return out


def cut(flags: np.ndarray, **options: float) -> list[tuple[int, int, int]]:
    sure = np.ones(flags.shape, np.float32)
    rows = segments_of(flags, sure, OPTIONS.model_copy(update=options))
    at = {edge_s(frame): frame for frame in range(len(flags) + 1)}
    return [(at[start], at[end], speaker) for start, end, speaker, _ in rows]


def test_a_gap_is_filled_only_where_nobody_else_speaks() -> None:
    assert cut(flags_of(300, (0, 10, 100), (0, 110, 200))) == [(10, 200, 0)]
    assert cut(flags_of(300, (0, 10, 100), (0, 110, 200), (1, 102, 109))) == [
        (10, 100, 0),
        (102, 109, 1),
        (110, 200, 0),
    ]
    assert cut(flags_of(300, (0, 10, 100), (0, 110, 200), (1, 50, 100))) == [(10, 200, 0), (50, 100, 1)]
    assert cut(flags_of(300, (0, 10, 100), (0, 118, 200))) == [(10, 100, 0), (118, 200, 0)]


def test_short_segments_are_left_out_after_gaps_are_filled() -> None:
    assert cut(flags_of(300, (0, 10, 14), (1, 100, 104), (1, 108, 112))) == [(100, 112, 1)]
    assert cut(flags_of(300, (0, 10, 14)), min_speech_s=0) == [(10, 14, 0)]
    assert cut(flags_of(300)) == []


def test_the_confidence_of_a_segment_is_the_mean_of_its_frames_without_gaps() -> None:
    flags = flags_of(100, (0, 10, 40), (0, 45, 75))
    sure = np.zeros((100, 3), np.float32)
    sure[10:40, 0], sure[45:75, 0] = 0.5, 0.9
    ((*_, confidence),) = segments_of(flags, sure, OPTIONS)
    assert confidence == pytest.approx(0.7)


@given(
    st.lists(st.tuples(st.sampled_from([-1, 0, 1, 2]), st.integers(1, 30)), max_size=40),
    st.floats(0, 1),
    st.floats(0, 0.5),
)
def test_exclusive_segments_never_overlap(said: list[tuple[int, int]], fill_gap_s: float, min_speech_s: float) -> None:
    who = np.repeat([speaker for speaker, _ in said], [length for _, length in said]).astype(int)
    flags = np.zeros((len(who), 3), dtype=bool)
    flags[np.flatnonzero(who >= 0), who[who >= 0]] = True
    options = OPTIONS.model_copy(update={"fill_gap_s": fill_gap_s, "min_speech_s": min_speech_s})
    rows = segments_of(flags, np.ones(flags.shape, np.float32), options)
    assert all(before[1] <= after[0] for before, after in pairwise(rows))
    assert all(end - start >= min(min_speech_s, FRAME_S) * 0.5 for start, end, *_ in rows)
    middles = [(int(((start + end) / 2 - edge_s(0)) / FRAME_S), speaker) for start, end, speaker, _ in rows]
    assert all(who[frame] in {-1, speaker} for frame, speaker in middles)
