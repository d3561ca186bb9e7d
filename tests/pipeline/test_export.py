import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ressenti.pipeline import export
from ressenti.pipeline.lab.evaluation.diarization import read_rttm
from ressenti.pipeline.records import Conversation

GOLDEN = Path(__file__).parent.parent / "golden"
Make = Callable[..., Conversation]


@pytest.mark.parametrize(("name", "write"), [("call.rttm", export.rttm), ("call.turns.csv", export.turns_csv)])
def test_exports_are_as_they_were(make_conversation: Make, name: str, write: Callable[[Conversation], str]) -> None:
    made, path = write(make_conversation()), GOLDEN / name
    if os.environ.get("RESSENTI_GOLDEN") == "write":
        path.write_text(made, encoding="utf-8")
    assert made == path.read_text(encoding="utf-8")


def test_rttm_is_read_by_pyannote_and_by_us(make_conversation: Make, tmp_path: Path) -> None:
    from pyannote.database.util import load_rttm

    conversation = make_conversation()
    path = tmp_path / "call.rttm"
    path.write_text(export.rttm(conversation), encoding="utf-8")
    segments = conversation.diarization.segments
    annotation = load_rttm(str(path))["call"]
    assert annotation.labels() == ["S1", "S2"]
    assert [(s.start, s.end) for s in annotation.itersegments()] == [
        (pytest.approx(s.start_s), pytest.approx(s.end_s)) for s in segments
    ]
    assert [s.speaker for s in read_rttm(path)] == [s.speaker for s in segments]
