"""What is logged: nothing that anybody sees unless asked for, and nothing of people at INFO."""

import logging
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from conftest import CHECKOUT, SEGMENTS, by_loudness, noise, write_wav
from ressenti import People, analyze, with_transcript
from ressenti.pipeline.diarization.fake import FakeDiarizer
from ressenti.pipeline.emotion.fake import FakeEmotion

QUIET = """
import logging, os, signal, sys, warnings
# by threadpoolctl when it is imported, and against what onnxruntime would send
ADDED = {"KMP_DUPLICATE_LIB_OK", "ORT_DISABLE_TELEMETRY"}
state = lambda: (
    {k: v for k, v in os.environ.items() if k not in ADDED}, sorted(f for f in map(str, warnings.filters) if "plotly" not in f), [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)],
    logging.root.handlers[:], logging.root.level, os.getcwd(), sys.excepthook,
)
import locale
import scipy.cluster.hierarchy  # which, like plotly, adds a filter of its own when it is imported
before, spoken = state(), locale.setlocale(locale.LC_ALL)
from ressenti import Models, analyze, dumps, loads, page_sound, turns_frame
from ressenti.reports import report_html
conversation = analyze(sys.argv[1], models=Models())
turns_frame(conversation)
report_html(loads(dumps(conversation)), sound=page_sound(sys.argv[1], conversation))
after = state()
assert before == after, [(a, b) for a, b in zip(before, after) if a != b]
assert spoken == locale.setlocale(locale.LC_ALL)
ours = [logging.getLogger(n) for n in logging.root.manager.loggerDict if n.split(".")[0] == "ressenti"]
handlers = [type(h) for logger in ours for h in logger.handlers]
assert handlers == [logging.NullHandler], handlers
assert {logger.level for logger in ours} == {logging.NOTSET}
assert "torch" not in sys.modules
"""


def test_an_analysis_prints_nothing_and_leaves_the_program_as_it_was(ten_seconds: Path) -> None:
    hubs = ("HF_", "TRANSFORMERS_", "PYANNOTE_")  # another test may have set them in this process
    own = {name: value for name, value in os.environ.items() if not name.startswith(hubs)}
    surroundings = {**own, "PYTHONPATH": str(CHECKOUT)}
    command = [sys.executable, "-W", "default", "-c", QUIET, str(ten_seconds)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, env=surroundings)
    assert done.returncode == 0, done.stderr
    assert (done.stdout, done.stderr) == ("", "")


def test_steps_counts_and_decisions_are_told_but_nobody_and_no_place(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "Secret Client"
    folder.mkdir()
    path = write_wav(folder / "Zoe Hidden.wav", noise(30))
    (folder / "said.srt").write_text("1\n00:00:01,000 --> 00:00:03,000\nsalary confidential\n", encoding="utf-8")
    caplog.set_level(logging.DEBUG, logger="ressenti")
    made = analyze(
        path,
        people=People(names=("Zoe Hidden", "Max Hidden"), allow_restricted="a private reason"),
        diarizer=FakeDiarizer(SEGMENTS),
        emotion_model=FakeEmotion(by_loudness),
    )
    with_transcript(made, folder / "said.srt")
    told = "\n".join(r.getMessage() for r in caplog.records if r.levelno >= logging.INFO)
    for what in (
        "recording: 30.0 s, 1 channels",
        "layout: mono",
        "decoding took",
        "2 speakers",
        "6 turns",
        "scored: 5",
    ):
        assert what in told
    for secret in ("Hidden", "Secret", "confidential", "salary", "private", str(tmp_path)):
        assert secret not in told
    assert str(path) in "\n".join(r.getMessage() for r in caplog.records if r.levelno == logging.DEBUG)
    assert all(r.name.startswith("ressenti.") for r in caplog.records)


def test_excerpts_leave_the_warnings_of_other_threads_alone() -> None:
    from ressenti.pipeline.audio import encode

    before = list(warnings.filters)
    for _ in range(3):
        encode.loudness_dbfs(noise(0.1).astype("int16"))
    assert list(warnings.filters) == before
