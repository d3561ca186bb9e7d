"""A disk without room is code 32, whatever was to be written and whoever writes it."""

import ast
import errno
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from conftest import CHECKOUT, noise
from ressenti.pipeline.audio import encode
from ressenti.pipeline.cli.app import app, main
from ressenti.pipeline.cli.console import Terminal
from ressenti.pipeline.errors import DiskFullError, OutputError, RessentiError
from ressenti.pipeline.files.disk import is_full, writing

Make = Callable[[Path], None]


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), True),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), True),
        (OSError(errno.EFBIG, "File too large"), True),
        (RuntimeError("I/O error: No space left on device (os error 28)"), True),
        (OSError(errno.EACCES, "Permission denied"), False),
        (RuntimeError("I/O error: Permission denied (os error 13)"), False),
        (ValueError("28"), False),
        (DiskFullError("a: no room left (os error 28)"), True),
        (OutputError("what stood before said (os error 28)"), False),
    ],
)
def test_what_says_that_there_is_no_room(error: Exception, full: bool) -> None:
    assert is_full(error) is full
    with pytest.raises(type(error)):
        raise error
    assert Terminal().fail(error) == (32 if full else 30 if isinstance(error, OutputError) else 1)
    if not isinstance(error, RessentiError):
        kinds = DiskFullError if full else OutputError if isinstance(error, OSError) else type(error)
        with pytest.raises(kinds) as caught, writing(Path("target")):
            raise error
        assert type(caught.value) is kinds
        assert not isinstance(caught.value, RessentiError) or (caught.value.__cause__ is error)


def test_errors_of_ours_come_out_of_writing_as_they_are() -> None:
    mine = OutputError("mine")
    with pytest.raises(OutputError) as caught, writing(Path("target")):
        raise mine
    assert caught.value is mine


def checkpoint(path: Path) -> None:
    from ressenti.pipeline.lab.training.fit import _Whole

    _Whole().save_checkpoint({"weights": np.zeros(100_000)}, path)


def weights(path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    with writing(path):  # as `ressenti.pipeline.lab.training.finetune` calls `write_model`
        save_file({"w": torch.zeros(100_000)}, path)


def plan(path: Path) -> None:
    from ressenti.pipeline.lab.training.resume import Plan, go_on

    go_on(Plan({"weights of the base": "a" * 400_000}), path.parent, path)


def heard(path: Path) -> None:
    from ressenti.pipeline.lab.training.clip_features import _keep

    _keep({f"clip {k}": np.random.default_rng(k).normal(size=(30, 769)) for k in range(5)}, path)


def repeated(path: Path) -> None:
    from ressenti.pipeline.audio import Audio
    from ressenti.pipeline.lab.evaluation.speed import write_repeated

    with writing(path):
        write_repeated(Audio(np.zeros((1, 16_000), np.int16)), 1.0, path)


def sound(path: Path) -> None:
    encode.encode(encode.segment((noise(20) * 32767).astype(np.int16)), path.with_suffix(".wav"))


WRITERS: list[Make] = [checkpoint, weights, plan, heard, repeated, sound]


def mounted(folder: Path) -> bool:
    """Whether a disk of 64 kB could be put there; not everybody may."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(folder)]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of 64 kB."""
    small = tmp_path / "small"
    if not mounted(small):
        pytest.skip("no right to mount a small disk here")
    yield small
    subprocess.run(["umount", str(small)], check=True)


@pytest.fixture
def short_of_room(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of 64 kB or, where nobody may mount one, one in which no file may be longer."""
    small = tmp_path / "small"
    if mounted(small):
        yield small
        subprocess.run(["umount", str(small)], check=True)
        return
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, before[1]))
    try:
        yield small
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("write", WRITERS, ids=lambda write: write.__name__)
def test_whoever_writes_says_that_the_disk_is_full(short_of_room: Path, write: Make) -> None:
    with pytest.raises(DiskFullError, match="the disk is full"):
        write(short_of_room / "made")


def test_a_command_that_meets_a_full_disk_ends_with_its_code(
    full: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], sample: tuple[Path, Path]
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(full))
    out = full / "reports"
    done = CliRunner().invoke(
        app, ["analyze", str(sample[0]), "--format", "html", "--out", str(out), "--audio", "none"]
    )
    assert done.exit_code == 32, done.output
    assert not out.exists()
    arguments = ["ressenti", "evaluate", "speed", "--minutes", "0.1", "--json", str(full / "speed.json")]
    monkeypatch.setattr("sys.argv", arguments)
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 32
    assert list(full.iterdir()) == []


def test_an_error_that_nobody_translated_still_says_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(**_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/somewhere")

    monkeypatch.setattr("ressenti.pipeline.cli.app.app", broken)
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 32
    assert "the disk is full" in capsys.readouterr().err


ASIDE = {  # writers that are under `writing` where they are called, or whose errors the command line translates
    "pipeline/lab/training/base.py",  # finetune, under writing
    "pipeline/lab/training/card.py",  # finetune, under writing
    "pipeline/lab/training/voice.py",  # how the built-in weights were made
    "pipeline/lab/training/voice_lines.py",  # the same
    "pipeline/lab/training/speaker_space.py",  # the same
    "pipeline/lab/training/diarization_weights.py",  # the same
    "pipeline/lab/training/transcription_weights.py",  # the same
    "pipeline/lab/training/yamnet_weights.py",  # the same
    "pipeline/lab/training/emotion.py",  # the same
    "pipeline/cli/evaluate/speed.py",  # a few bytes, in a process whose failure is told
    "pipeline/models/installed.py",  # get, under writing
    "pipeline/models/hub.py",  # get, under writing
    "pipeline/lab/labelled_speech/acoustics.py",  # into memory
    "pipeline/lab/evaluation/speed.py",  # under writing where it is called
    "pipeline/lab/evaluation/redaction.py",  # under writing where it is called
    "pipeline/store/files.py",  # translates itself, as do the two that follow
    "pipeline/store/rename_journal.py",
    "pipeline/store/locks.py",
}


def test_no_other_place_writes_files() -> None:
    """Whoever adds one has to say what a full disk does there."""
    found = set()
    for path in sorted([*(CHECKOUT / "pipeline").rglob("*.py"), *(CHECKOUT / "reports").rglob("*.py")]):
        text = path.read_text(encoding="utf-8")
        for call in (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)):
            name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            modes = [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            opens = name == "open" and any(set(mode) <= set("rwaxb+") and set(mode) & set("wax") for mode in modes)
            if opens or name in {"write_text", "write_bytes", "savefig", "savez", "save_file"}:
                found.add(path.relative_to(CHECKOUT).as_posix())
    guarded = {
        place
        for place in found
        if "writing(" in (text := (CHECKOUT / place).read_text(encoding="utf-8")) or "in_words(" in text
    }
    assert found - guarded - ASIDE == set()
