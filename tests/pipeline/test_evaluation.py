from pathlib import Path

import pytest

from pipeline.errors import NotFoundError
from pipeline.evaluation.diarization import compare, read_rttm
from pipeline.records import Segment


def test_errors_by_hand() -> None:
    truth = [Segment(0, 10, "a"), Segment(10, 20, "b")]
    found = [Segment(0, 12, "S1"), Segment(12, 19, "S2"), Segment(25, 26, "S2")]
    exact, collared = compare(found, truth, 30.0).errors
    assert (exact.reference_s, exact.confusion_s, exact.missed_s, exact.false_alarm_s) == (20, 2, 1, 1)
    assert exact.rate == pytest.approx(0.2)
    # a quarter of a second on each side of 0, 10 and 20 s is not scored
    assert collared.reference_s == pytest.approx(20 - 0.25 - 0.5 - 0.25)
    assert collared.confusion_s == pytest.approx(1.75)


def test_overlap_is_scored() -> None:
    truth = [Segment(0, 10, "a"), Segment(4, 6, "b")]
    assert compare([Segment(0, 10, "S1")], truth, 10.0).errors[0].missed_s == 2


def test_matches_say_who_is_who() -> None:
    truth = [Segment(0, 10, "anna"), Segment(10, 20, "ben")]
    matches = compare([Segment(0, 9, "S2"), Segment(11, 20, "S1")], truth, 20.0).matches
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
