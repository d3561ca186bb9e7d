"""strace as a witness: whatever a recording is called or says, nobody turns to the network or opens what lies beside it.

Python's audit hooks do not see what FFmpeg's libraries do.
"""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from pathlib import Path
from threading import Thread

import pytest

from campaign import called, playlists
from campaign.names import names
from campaign.program import COMMAND
from campaign.traces import asked, listening, strace, traced
from conftest import absent

pytestmark = pytest.mark.campaign
SEEN = "call:1.wav"


@pytest.fixture(autouse=True)
def witness() -> None:
    if strace() is None:
        absent("strace")


def analyze(files: list[str], out: Path) -> list[str | bytes]:
    return [
        *COMMAND,
        "analyze",
        "--words",
        "off",
        "--format",
        "json",
        "--out",
        str(out),
        "--",
        *map(os.fsencode, files),
    ]


def folder_of(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    return folder


def test_no_name_leads_beyond_its_file(tmp_path: Path, short: bool) -> None:
    folder = folder_of(tmp_path)
    with listening() as listener:
        hostile = names(listener.port)
        hostile = [name for k, name in enumerate(hostile) if not short or k % 8 == 0 or name == SEEN]
        called.put(folder, hostile)
        _, words, trace = traced(analyze(hostile, tmp_path / "out"), folder)
    assert listener.heard == []
    assert asked(trace, [playlists.CANARY]) == []
    assert SEEN in trace, words  # it was opened: the trace is of these


def test_no_content_leads_beyond_its_file(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    with listening() as listener:
        documents = playlists.documents(listener.port)
        for file, data in documents.items():
            (folder / file).write_bytes(data)
        (folder / playlists.CANARY).write_bytes(playlists.source("wav-s16").data)
        code, words, trace = traced(analyze(list(documents), tmp_path / "out"), folder)
    assert listener.heard == []
    assert asked(trace, [playlists.CANARY]) == []
    assert all(file in trace for file in documents), words
    assert code in (8, 41), words


_WAIT = "\nimport time\ntime.sleep(25)"
_OURS = """
from pathlib import Path
import ressenti.pipeline.models
ressenti.pipeline.models.onnx_session(Path(ressenti.pipeline.models.__file__).parent / "voice.onnx")
"""
_THEIRS = """
import onnxruntime
from pathlib import Path
from importlib.util import find_spec
onnxruntime.InferenceSession(str(Path(find_spec("ressenti.pipeline").origin).parent / "models" / "voice.onnx"))
"""


def test_models_send_nothing_while_they_are_loaded(tmp_path: Path) -> None:
    """ONNX Runtime 1.29 and later tells Microsoft of each process after some seconds, unless it is told not to."""
    traces = {}

    def watch(name: str, code: str) -> None:
        folder = tmp_path / name
        folder.mkdir()
        traces[name] = traced([sys.executable, "-c", code + _WAIT], folder, 120)

    threads = [Thread(target=watch, args=pair) for pair in (("ours", _OURS), ("theirs", _THEIRS))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert traces["ours"][0] == traces["theirs"][0] == 0, traces["ours"][1] + traces["theirs"][1]
    assert asked(traces["ours"][2], []) == []
    sends = tuple(map(int, version("onnxruntime").split(".")[:2])) >= (1, 29)
    assert bool(asked(traces["theirs"][2], [])) == sends  # the witness sees it where nobody forbids it


@pytest.mark.parametrize(
    "code",
    [
        "import socket; socket.create_connection(('127.0.0.1', {port}))",
        "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', {port}))",
        "import av; av.open('http:127.0.0.1:{port}?x.wav')",
        "import av; av.open('canary.wav')",
        "import av; av.open('list.txt', options={{'safe': '0'}}).demux().__next__()",
        "import subprocess; subprocess.run(['cat', 'canary.wav'])",
    ],
)
def test_the_witness_sees_who_does(tmp_path: Path, code: str) -> None:
    folder = folder_of(tmp_path)
    called.put(folder, [])
    with listening() as listener:
        _, words, trace = traced([sys.executable, "-c", code.format(port=listener.port)], folder, 60)
    assert asked(trace, [playlists.CANARY]), words + trace[-2_000:]
