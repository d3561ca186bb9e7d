import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from ressenti.pipeline.errors import InputError, NotFoundError
from ressenti.pipeline.lab.evaluation.diarization import compare, read_rttm, total
from ressenti.pipeline.lab.evaluation.references import find_references
from ressenti.pipeline.lab.evaluation.turn_emotions import EmotionErrors, SpokenEmotion
from ressenti.pipeline.lab.labelled_speech.truth import read_truth
from ressenti.pipeline.records import CLASSES, Segment


def test_errors_by_hand() -> None:
    truth = [Segment(0, 10, "a"), Segment(10, 20, "b")]
    found = [Segment(0, 12, "S1"), Segment(12, 19, "S2"), Segment(25, 26, "S2")]
    exact, collared = compare(found, truth, [(0, 30)]).errors
    assert (exact.reference_s, exact.confusion_s, exact.missed_s, exact.false_alarm_s) == (20, 2, 1, 1)
    assert exact.rate == pytest.approx(0.2)
    # a quarter of a second on each side of 0, 10 and 20 s is not scored
    assert collared.reference_s == pytest.approx(20 - 0.25 - 0.5 - 0.25)
    assert collared.confusion_s == pytest.approx(1.75)


def test_overlap_is_scored() -> None:
    truth = [Segment(0, 10, "a"), Segment(4, 6, "b")]
    assert compare([Segment(0, 10, "S1")], truth, [(0, 10)]).errors[0].missed_s == 2


def test_matches_say_who_is_who() -> None:
    truth = [Segment(0, 10, "anna"), Segment(10, 20, "ben")]
    matches = compare([Segment(0, 9, "S2"), Segment(11, 20, "S1")], truth, [(0, 20)]).matches
    assert dict((label, (name, seconds)) for label, name, seconds in matches) == {
        "S1": ("ben", 9.0),
        "S2": ("anna", 9.0),
    }


def test_an_rttm_of_several_recordings_is_read_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.rttm"
    path.write_text(
        "SPEAKER x 1 0.5 2.0 <NA> <NA> anna <NA> <NA>\nSPEAKER y 1 1.0 1.0 <NA> <NA> ben <NA> <NA>\n", encoding="utf-8"
    )
    assert read_rttm(path, "y") == (Segment(1.0, 2.0, "ben"),)
    with pytest.raises(NotFoundError, match="for z"):
        read_rttm(path, "z")


def test_only_what_the_uem_names_is_scored() -> None:
    truth = [Segment(0, 10, "a"), Segment(10, 20, "b")]
    found = [Segment(0, 10, "S1"), Segment(10, 15, "S2")]
    assert compare(found, truth, [(0, 15)]).errors[0].rate == 0
    assert compare(found, truth, [(0, 20)]).errors[0].missed_s == 5


def test_counts_jaccard_and_boundaries_by_hand() -> None:
    truth = [Segment(0, 10, "a"), Segment(10, 20, "b")]
    result = compare([Segment(0, 10.5, "S1"), Segment(10.5, 20, "S2")], truth, [(0, 20)])
    assert (result.speakers, result.found) == (2, 2)
    assert result.jaccard == pytest.approx((0.5 / 10.5 + 0.5 / 10) / 2)
    assert result.boundary_s == pytest.approx(0.25)
    nothing = compare([], truth, [(0, 20)])
    assert (nothing.found, nothing.boundary_s, nothing.errors[0].rate) == (0, None, 1.0)


def test_totals_weigh_by_seconds() -> None:
    one = compare([Segment(0, 1, "x")], [Segment(0, 1, "a")], [(0, 1)])
    other = compare([], [Segment(0, 3, "a")], [(0, 3)])
    assert total([one, other]).errors[0].rate == 0.75


def test_references_are_found_by_name_and_by_beginning(tmp_path: Path) -> None:
    for name in ("a.wav", "a_stereo.flac", "b.mp3", "c.wav"):
        (tmp_path / name).touch()
    line = "SPEAKER {} 1 0.5 2.0 <NA> <NA> anna <NA> <NA>\n"
    (tmp_path / "a.rttm").write_text(line.format("a"), encoding="utf-8")
    (tmp_path / "set.rttm").write_text(line.format("b"), encoding="utf-8")
    (tmp_path / "set.uem").write_text("b NA 0.0 2.0\nb NA 3.0 4.0\n", encoding="utf-8")
    found = {reference.recording.name: reference.scored for reference in find_references(tmp_path)}
    assert found == {"a.wav": None, "a_stereo.flac": None, "b.mp3": ((0.0, 2.0), (3.0, 4.0))}
    with pytest.raises(NotFoundError, match="no such file or folder"):
        find_references(tmp_path / "nowhere")


def test_totals_have_the_mean_jaccard_the_median_boundary_and_the_right_counts() -> None:
    truth = [Segment(0, 10, "a"), Segment(10, 20, "b")]
    good = compare([Segment(0, 10.5, "S1"), Segment(10.5, 20, "S2")], truth, [(0, 20)])
    poor = compare([Segment(0, 16, "S1")], truth, [(0, 20)])
    none = compare([], truth, [(0, 20)])
    result = total([good, poor, none])
    assert result.jaccard == pytest.approx((good.jaccard + poor.jaccard + 1) / 3)
    assert good.boundary_s is not None
    assert poor.boundary_s is not None
    assert result.boundary_s == pytest.approx((good.boundary_s + poor.boundary_s) / 2)  # none has no boundary
    assert (result.right, result.files, result.by_emotion) == (1, 3, ())


def test_speech_by_emotion_by_hand() -> None:
    truth = [Segment(0, 10, "anna"), Segment(10, 20, "ben"), Segment(18, 24, "anna")]
    # anna is S1; ben is S2, who loses 10-12 to S1 and 15-16 to nobody; S3 is anna again under another name
    found = [Segment(0, 12, "S1"), Segment(12, 15, "S2"), Segment(16, 20, "S2"), Segment(20, 24, "S3")]
    emotions = [
        SpokenEmotion(0, 10, "anna", "Pleased"),
        SpokenEmotion(10, 20, "ben", "Tension"),
        SpokenEmotion(18, 24, "anna", "Sad"),
        SpokenEmotion(11, 12, "anna", "Sad"),  # where she does not talk
    ]
    pleased, sad, tension = compare(found, truth, [(0, 22)], emotions=emotions).by_emotion
    assert pleased == EmotionErrors("Pleased", 10, 0, 0)
    assert sad == EmotionErrors("Sad", 2, 0, 2)  # overlap until 20, not scored after 22
    assert tension == EmotionErrors("Tension", 8, 1, 2)  # alone until 18
    assert compare(found, truth, [(0, 22)]).by_emotion == ()
    both = total([compare(found, truth, [(0, 22)], emotions=emotions)] * 2)
    assert both.by_emotion[2] == EmotionErrors("Tension", 16, 2, 4)


def test_a_found_name_that_a_reference_speaker_has_is_not_taken_for_him() -> None:
    truth = [Segment(0, 10, "S2"), Segment(10, 13, "S1")]
    found = [Segment(0, 10, "S1"), Segment(10, 13, "S1")]
    (sad,) = compare(found, truth, [(0, 13)], emotions=[SpokenEmotion(10, 13, "S1", "Sad")]).by_emotion
    assert sad == EmotionErrors("Sad", 3, 0, 3)


def in_frames(segments: Sequence[Segment], speaker: str, frames: int) -> np.ndarray:
    inside = np.zeros(frames, bool)
    for s in segments:
        if s.speaker == speaker:
            inside[round(100 * s.start_s) : round(100 * s.end_s)] = True
    return inside


def by_frames(
    found: Sequence[Segment], truth: Sequence[Segment], scored: tuple[float, float], emotions: Sequence[SpokenEmotion]
) -> dict[str, tuple[float, float, float]]:
    """Seconds spoken, missed and confused by label: frames of 10 ms, every mapping of speakers tried."""
    frames = 6000
    where = np.zeros(frames, bool)
    where[round(100 * scored[0]) : round(100 * scored[1])] = True
    speakers, labels = sorted({s.speaker for s in truth}), sorted({s.speaker for s in found})
    true = {name: in_frames(truth, name, frames) & where for name in speakers}
    guess = {name: in_frames(found, name, frames) & where for name in labels}
    guess |= {f"nobody{i}": np.zeros(frames, bool) for i in range(len(speakers))}
    best = max(
        itertools.permutations(guess, len(speakers)),
        key=lambda names: sum((true[s] & guess[n]).sum() for s, n in zip(speakers, names, strict=True)),
    )
    alone = np.sum(list(true.values()), axis=0) == 1
    spoken = np.any(list(guess.values()), axis=0)
    counts: dict[str, np.ndarray] = {}
    for s, n in zip(speakers, best, strict=True):
        for label in {e.label for e in emotions}:
            turns = [Segment(e.start_s, e.end_s, e.speaker) for e in emotions if e.label == label]
            said = in_frames(turns, s, frames) & true[s] & alone
            parts = [said.sum(), (said & ~spoken).sum(), (said & spoken & ~guess[n]).sum()]
            counts[label] = counts.get(label, np.zeros(3)) + parts
    return {label: tuple(values / 100) for label, values in counts.items() if values[0]}


@pytest.mark.parametrize("seed", range(12))
def test_speech_by_emotion_is_what_counting_frames_gives(seed: int) -> None:
    rng = np.random.default_rng(seed)

    def talk(names: Sequence[str], count: int) -> list[Segment]:
        starts, lengths = rng.integers(0, 5300, count), rng.integers(10, 700, count)
        return [Segment(a / 100, (a + b) / 100, str(rng.choice(names))) for a, b in zip(starts, lengths, strict=True)]

    truth, found = talk(["anna", "ben", "S1"], 9), talk(["S1", "S2", "S3", "S4"], 10)
    emotions = [SpokenEmotion(s.start_s, s.end_s, s.speaker, str(rng.choice(CLASSES))) for s in truth[:7]]
    result = compare(found, truth, [(2.5, 51.0)], emotions=emotions).by_emotion
    expected = by_frames(found, truth, (2.5, 51.0), emotions)
    assert [e.label for e in result] == [label for label in CLASSES if label in expected]
    for error in result:
        assert (error.reference_s, error.missed_s, error.confusion_s) == pytest.approx(expected[error.label], abs=1e-6)


def test_emotions_lie_beside_the_recording(tmp_path: Path) -> None:
    (tmp_path / "a.wav").touch()
    (tmp_path / "a.rttm").write_text("SPEAKER a 1 0.5 5.0 <NA> <NA> anna <NA> <NA>\n", encoding="utf-8")
    table = tmp_path / "a.emotions.csv"
    table.write_text("start_s,end_s,speaker,label\n0.5,2.5,anna,Sad\n2.5,5.5,anna,\n", encoding="utf-8")
    (reference,) = find_references(tmp_path)
    assert reference.emotions == (SpokenEmotion(0.5, 2.5, "anna", "Sad"),)
    table.write_text("start_s,end_s,speaker,label\n0.5,2.5,ben,Sad\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"\['ben'\] are not in the RTTM"):
        find_references(tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("start_s,end_s,speaker\n0,1,anna\n", "missing column label"),
        ("", "missing column end_s, label, speaker, start_s"),
        ("start_s,end_s,speaker,label\n0,1,anna,Sad\n1,2,anna,sad\n", "line 3: label 'sad', expected one of Pleased"),
        ("start_s,end_s,speaker,label\n2,1,anna,Sad\n", "line 2: expected finite 0 <= start_s < end_s"),
        ("start_s,end_s,speaker,label\nx,1,anna,Sad\n", "line 2: could not convert"),
        ("start_s,end_s,speaker,label\n1,,anna,\n", "line 2: expected finite"),
    ],
)
def test_emotions_that_are_none_are_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "a.emotions.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=said):
        read_truth(path)
