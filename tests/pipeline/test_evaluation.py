from pathlib import Path

import pytest

from pipeline.errors import NotFoundError
from pipeline.evaluation.diarization import compare, read_rttm, total
from pipeline.evaluation.references import find_references
from pipeline.records import Segment


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
    with pytest.raises(NotFoundError, match="of z"):
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
    assert total([one, other])[0].rate == 0.75


def test_references_are_found_by_name_and_by_beginning(tmp_path: Path) -> None:
    for name in ("a.wav", "a_stereo.flac", "b.mp3", "c.wav"):
        (tmp_path / name).touch()
    line = "SPEAKER {} 1 0.5 2.0 <NA> <NA> anna <NA> <NA>\n"
    (tmp_path / "a.rttm").write_text(line.format("a"), encoding="utf-8")
    (tmp_path / "set.rttm").write_text(line.format("b"), encoding="utf-8")
    (tmp_path / "set.uem").write_text("b NA 0.0 2.0\nb NA 3.0 4.0\n", encoding="utf-8")
    found = {reference.recording.name: reference.scored for reference in find_references(tmp_path)}
    assert found == {"a.wav": None, "a_stereo.flac": None, "b.mp3": ((0.0, 2.0), (3.0, 4.0))}
    with pytest.raises(NotFoundError, match="no recording"):
        find_references(tmp_path / "nowhere")
