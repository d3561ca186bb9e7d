"""Nothing but `models get` goes near the network: what leads beyond this machine is refused, and never tried."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import CHECKOUT

REFUSE = """
import sys

def refuse(event, arguments):
    asks = event in ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname")
    if not asks or "127.0.0.1" in str(arguments) or isinstance(arguments[-1], (str, bytes)) and event == "socket.connect":
        return  # loopback, and the sockets by which a process talks to itself
    print("TRIED", event, arguments, file=sys.stderr)
    raise PermissionError(f"{event} refused")

sys.addaudithook(refuse)
"""


def offline(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process that says TRIED on its standard error where it asks for a name or an address."""
    return subprocess.run(
        [sys.executable, "-c", REFUSE + code],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={**os.environ, "HF_ENDPOINT": "http://192.0.2.1", **environment},
        cwd=CHECKOUT,
    )


def test_the_refusal_refuses() -> None:
    tried = offline("import urllib.request\nurllib.request.urlopen('http://example.invalid')")
    assert "TRIED" in tried.stderr


@pytest.mark.slow("loads pyannote.audio in processes of their own")
def test_analyze_and_doctor_with_pyannote_audio_imported_try_no_connection(ten_seconds: Path, tmp_path: Path) -> None:
    code = f"""
from ressenti.pipeline.cli.app import app
from ressenti.pipeline.models.torchaudio_import import import_pyannote_audio
import_pyannote_audio()
import huggingface_hub.constants
assert huggingface_hub.constants.HF_HUB_OFFLINE
for command in (["analyze", {str(ten_seconds)!r}, "--out", {str(tmp_path)!r}], ["doctor", "--load"], ["models", "list"]):
    try:
        app(command)
    except SystemExit as done:
        assert done.code in (0, None), (command, done.code)
"""
    done = offline(code)
    assert done.returncode == 0, done.stderr
    assert "TRIED" not in done.stderr
    assert (tmp_path / "call.report.html").is_file()
    assert "loaded" in done.stdout


def test_the_built_in_way_opens_no_socket_at_all(ten_seconds: Path, tmp_path: Path) -> None:
    code = f"""
sys.addaudithook(lambda event, arguments: event == "socket.__new__" and print("OPENED", arguments, file=sys.stderr))
from ressenti.pipeline.cli.app import app
for command in (["analyze", {str(ten_seconds)!r}, "--out", {str(tmp_path)!r}], ["doctor"], ["models", "verify"]):
    try:
        app(command)
    except SystemExit as done:
        assert done.code in (0, None), (command, done.code)
"""
    done = offline(code)
    assert done.returncode == 0, done.stderr
    assert "OPENED" not in done.stderr
