"""Opening: a name is a file and nothing else, a file is read alone, and the decoder's process can do nothing else."""

import os
import shutil
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from conftest import CHECKOUT, absent, noise, write_wav
from media import tone, write
from ressenti.pipeline import audio, errors
from ressenti.pipeline.audio.decoder_process import BrokeDownError, decoding
from ressenti.pipeline.audio.files import opened
from ressenti.pipeline.audio.worker.opening import Job
from ressenti.pipeline.audio.worker.track import Limits
from ressenti.pipeline.config import AudioOptions

OPTIONS = AudioOptions(remove_hum=False)  # what is played here are steady tones
NAMES = [
    "http:127.0.0.1:1?x.wav",
    "tcp:127.0.0.1:1",
    "2026-11-28T10:30:00.wav",
    "call:1.wav",
    "concat:a.wav|b.wav",
    "file:a.wav",
    "-",
    "--help.wav",
    "pipe:0",
    "subfile,,start,0,end,9,,:a.wav",
    "data:audio.wav",
    "a%03d.wav",
    "crypto:a.wav",
    "lavfi:sine",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_the_name_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(errors.NotFoundError):
        audio.load(Path(name), OPTIONS)
    write_wav(tmp_path / name, tone())
    assert audio.load(Path(name), OPTIONS, trusted=True)[0].duration_s == pytest.approx(3)


def test_standard_input_is_not_read() -> None:
    with pytest.raises(errors.NotFoundError, match="standard input is not read"):
        audio.load(Path("-"), OPTIONS)


def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path) -> None:
    pipe, door = tmp_path / "pipe.wav", tmp_path / "door.wav"
    os.mkfifo(pipe)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(door))
        for path, kind in ((pipe, "a pipe"), (door, "a socket"), (Path("/dev/zero"), "a device")):
            with pytest.raises(errors.UnreadableError, match=f"{kind}; expected a recording in a file"):
                audio.load(path, OPTIONS)
            with pytest.raises(errors.UnreadableError, match=kind):
                audio.checked_sha256(path)


DESCRIPTIONS = {
    "a.m3u8": "#EXTM3U\n#EXTINF:10,\n{canary}\n#EXT-X-ENDLIST\n",
    "a.txt": "ffconcat version 1.0\nfile {canary}\n",
    "a.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
    "a.pls": "[playlist]\nFile1={canary}\n",
    "a.mpd": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>{canary}</BaseURL></MPD>',
    "a.wav": "#EXTM3U\n{canary}\n",
    "a.asx": '<asx version="3.0"><entry><ref href="{canary}"/></entry></asx>',
}


@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_a_file_that_names_others_is_refused(tmp_path: Path, name: str) -> None:
    canary = write_wav(tmp_path / "canary.wav", tone())
    path = tmp_path / name
    path.write_text(DESCRIPTIONS[name].format(canary=canary))
    with pytest.raises(errors.NotAudioError, match="only refers to other files"):
        audio.load(path, OPTIONS)


def with_reference(tmp_path: Path) -> Path:
    """A QuickTime file whose sound lies in canary.wav beside it."""
    whole = write(tmp_path / "whole.mov", [tone()], "pcm_s16le", 16_000).read_bytes()
    own = b"\0\0\0\x0curl \0\0\0\1"
    assert own in whole
    name = b"file://" + str(tmp_path / "canary.wav").encode() + b"\0"
    data = whole.replace(own, struct.pack(">I", 12 + len(name)) + b"url \0\0\0\0" + name)
    for box in (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"):
        at = data.rfind(box) - 4
        data = data[:at] + struct.pack(">I", struct.unpack(">I", data[at : at + 4])[0] + len(name)) + data[at + 4 :]
    path = tmp_path / "reference.mov"
    path.write_bytes(data)
    return path


def test_a_reference_movie_is_refused(tmp_path: Path) -> None:
    write_wav(tmp_path / "canary.wav", tone())
    with pytest.raises(errors.NotAudioError, match="its sound is in another file"):
        audio.load(with_reference(tmp_path), OPTIONS)


@pytest.mark.slow("runs under strace")
def test_strace_sees_no_connection_and_no_other_file(tmp_path: Path) -> None:
    if shutil.which("strace") is None:
        absent("strace")
    write_wav(tmp_path / "canary.wav", tone())
    for name, text in DESCRIPTIONS.items():
        (tmp_path / name).write_text(text.format(canary=tmp_path / "canary.wav"))
    write_wav(tmp_path / "good.wav", tone())
    with_reference(tmp_path)
    code = """
import sys
from pathlib import Path
from ressenti.pipeline import audio
from ressenti.pipeline.config import AudioOptions
from ressenti.pipeline.errors import RessentiError
for name in sys.argv[1:]:
    try:
        audio.load(Path(name), AudioOptions())
    except RessentiError:
        pass
"""
    names = [*DESCRIPTIONS, "reference.mov", "good.wav", *NAMES, "http://127.0.0.1:1/x.wav"]
    log = tmp_path / "log"
    command = ["strace", "-f", "-e", "trace=%network,openat,open", "-o", str(log), sys.executable, "-c", code, *names]
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(CHECKOUT)}, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    seen = log.read_text(errors="replace")
    assert "good.wav" in seen
    assert "canary" not in seen
    assert not [line for line in seen.splitlines() if "AF_INET" in line or "connect(" in line]


def test_the_decoder_can_open_nothing_once_it_sees_the_file() -> None:
    code = """
import os, socket, sys
sys.path += sys.argv[1:]
from worker.start import shut
shut(0)
for act in (lambda: os.open("/etc/passwd", os.O_RDONLY), lambda: socket.socket(), lambda: bytearray(3 << 30)):
    try:
        act()
    except (OSError, MemoryError) as exc:
        print(type(exc).__name__)
    else:
        print("done")
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(CHECKOUT / "pipeline" / "audio")], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["OSError", "OSError", "MemoryError"]


def test_a_file_that_grows_while_it_is_read_is_still_being_written(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", noise(60))

    def append(stage: str, completed: float, total: float | None) -> None:
        with path.open("ab") as file:
            file.write(b"\0" * 100)

    with pytest.raises(errors.StillBeingWrittenError, match="still being written"):
        audio.load(path, OPTIONS, append)


def job() -> Job:
    return Job(Limits(16_000, 43_200, 2_000, 768_000, 8))


@pytest.mark.usefixtures("own_decoder")
def test_what_the_hook_raises_ends_the_decoder(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", noise(120))

    def stop(stage: str, completed: float, total: float | None) -> None:
        raise errors.CancelledError("enough")

    before = threading.active_count()
    with pytest.raises(errors.CancelledError):
        audio.load(path, OPTIONS, stop)
    assert threading.active_count() == before
    assert not children()


def children() -> list[str]:
    listed = subprocess.run(
        ["ps", "--ppid", str(os.getpid()), "-o", "args="], capture_output=True, text=True, check=False
    )
    return [line for line in listed.stdout.splitlines() if "worker.start" in line]


def test_a_decoder_that_dies_costs_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_wav(tmp_path / "a.wav", noise(5))
    boot = "import os, sys; sys.stdout.buffer.write(bytes(8)); sys.stdout.flush(); os.kill(os.getpid(), 11)"
    monkeypatch.setattr("ressenti.pipeline.audio.decoder_process._BOOT", boot)
    with pytest.raises(errors.TruncatedError, match="the decoder failed on it"):
        audio.load(path, OPTIONS)


def test_a_decoder_that_says_nothing_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_wav(tmp_path / "a.wav", noise(5))
    boot = "import sys, time; sys.stdout.buffer.write(bytes(8)); sys.stdout.flush(); time.sleep(600)"
    monkeypatch.setattr("ressenti.pipeline.audio.decoder_process._BOOT", boot)
    monkeypatch.setattr("ressenti.pipeline.audio.decoder_process._STALLED_S", 0.1)
    with opened(path) as file, pytest.raises(BrokeDownError, match="stalled"), decoding(file, job()) as messages:
        next(messages)
    assert not children()


def test_a_decoder_that_cannot_start_is_no_fault_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_wav(tmp_path / "a.wav", noise(5))
    monkeypatch.setattr("ressenti.pipeline.audio.decoder_process._BOOT", "import nothing_of_the_kind")
    with pytest.raises(errors.RessentiError, match="the decoder could not start") as caught:
        audio.load(path, OPTIONS)
    assert type(caught.value) is errors.RessentiError


def test_a_decoder_that_is_killed_as_it_starts_costs_the_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_wav(tmp_path / "a.wav", noise(5))
    monkeypatch.setattr("ressenti.pipeline.audio.decoder_process._BOOT", "import os; os.kill(os.getpid(), 9)")
    with pytest.raises(errors.TruncatedError):
        audio.load(path, OPTIONS)


@pytest.mark.usefixtures("own_decoder")
@pytest.mark.parametrize("name", ["a.m4a", "a.webm", "a.ogg", "a.flac", "a.mp3"])
def test_the_process_and_this_one_hear_the_same(tmp_path: Path, name: str) -> None:
    codec = {"m4a": "aac", "webm": "libopus", "ogg": "libopus", "flac": "flac", "mp3": "libmp3lame"}[name[2:]]
    path = write(tmp_path / name, [tone(3, 48_000)], codec, 48_000)
    one, other = (audio.load(path, OPTIONS, trusted=trusted) for trusted in (True, False))
    assert one[0] == other[0]
    assert np.array_equal(one[1].samples, other[1].samples)
    assert one[1].positions == other[1].positions == ("FC",)


def test_a_codec_without_a_decoder_is_named(tmp_path: Path) -> None:
    data = write(tmp_path / "a.mkv", [tone()], "aac", 16_000).read_bytes()
    path = tmp_path / "b.mkv"
    path.write_bytes(data.replace(b"A_AAC", b"A_XYZ"))
    with pytest.raises(errors.NotAudioError, match="no decoder for its sound"):
        audio.load(path, OPTIONS)


@pytest.mark.parametrize("seed", range(25))
def test_flipped_bits_are_an_error_of_ours_or_right_times(tmp_path: Path, seed: int) -> None:
    random = np.random.default_rng(seed)
    name, codec, rate = [
        ("a.m4a", "aac", 16_000),
        ("a.ogg", "libopus", 48_000),
        ("a.webm", "libopus", 48_000),
        ("a.amr", "libopencore_amrnb", 8_000),
        ("a.wav", "pcm_s16le", 16_000),
    ][seed % 5]
    data = bytearray(write(tmp_path / name, [tone(6, rate)], codec, rate).read_bytes())
    for at in random.integers(0, len(data), 3):
        data[at] ^= 1 << int(random.integers(0, 8))
    path = tmp_path / f"b.{name[2:]}"
    path.write_bytes(data)
    try:
        recording, _ = audio.load(path, OPTIONS, trusted=True)
    except errors.InputError as error:
        assert error.exit_code in {8, 9, 10, 12, 13, 50}  # noqa: PT017
        assert "Errno" not in str(error)  # noqa: PT017
        assert "not permitted" not in str(error)  # noqa: PT017
    else:
        assert recording.duration_s == pytest.approx(6, abs=0.7)
