"""strace as a witness: whatever a recording is called or says, nobody turns to the network or opens what lies beside it.

Python's audit hooks do not see what FFmpeg's libraries do.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from campaign import called, playlists
from campaign.names import names
from campaign.program import COMMAND
from campaign.traces import asked, listening, strace, traced
from conftest import absent

pytestmark = pytest.mark.campaign


@pytest.fixture(autouse=True)
def witness() -> None:
    if strace() is None:
        absent("strace")


def analyze(files: list[str], out: Path) -> list[str | bytes]:
    return [*COMMAND, "analyze", "--format", "json", "--out", str(out), "--", *map(os.fsencode, files)]


def folder_of(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    return folder


def test_no_name_leads_beyond_its_file(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    with listening() as listener:
        hostile = names(listener.port)
        called.put(folder, hostile)
        _, words, trace = traced(analyze(hostile, tmp_path / "out"), folder)
    assert listener.heard == []
    assert asked(trace, [playlists.CANARY]) == []
    assert "call:1.wav" in trace, words  # it was opened: the trace is of these


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
