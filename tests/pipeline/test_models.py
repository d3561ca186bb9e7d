"""`ressenti models`: against a hub on loopback and on folders that are made here."""

import hashlib
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from installing import flip, restored

from commands import Done, ressenti
from loopback_hub import COMMIT, LARGE, OLDER, Hub, Repository
from ressenti.pipeline import errors
from ressenti.pipeline.models.installed import MANIFEST, default_for, find, verify
from ressenti.pipeline.models.registry import known

FRENCH = "Lajavaness/wav2vec2-lg-xlsr-fr-speech-emotion-recognition"
GATED = "pyannote/speaker-diarization-community-1"
OLD_PIPELINE = "pyannote/speaker-diarization-3.1"
PARTS = ("pyannote/segmentation-3.0", "pyannote/wespeaker-voxceleb-resnet34-LM")
TOKEN, EXPIRED = {"HF_TOKEN": "hf_good"}, {"HF_TOKEN": "hf_expired"}
BIG = np.random.default_rng(0).bytes(24 << 20)  # larger than the 10 MB in which huggingface_hub writes
SMALL = np.random.default_rng(1).bytes(LARGE + 1)


@pytest.fixture
def hub() -> Iterator[Hub]:
    hub = Hub()
    hub.repositories[FRENCH] = Repository(
        {
            "config.json": b'{"a": 1}',
            "preprocessor_config.json": b"{}",
            "model.safetensors": BIG,
            "pytorch_model.bin": b"a pickle",
            "training_args.bin": b"another",
            "optimizer.pt": b"large",
            "README.md": b"# card",
            ".gitattributes": b"*.bin lfs",
        }
    )
    yield hub
    if hub.stall is not None:
        hub.stall.set()
    hub.close()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for models, and no token or proxy of this machine's user."""
    monkeypatch.setenv("RESSENTI_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("NO_PROXY", "*")
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "models"


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-c", "from ressenti.pipeline.cli import main; main()", "models", *map(str, arguments)]


def models_alone(
    hub: Hub | str, *arguments: str | Path, limit: Callable[[], None] | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """`ressenti models` in a process of its own, which reads HF_ENDPOINT and the like as users set them."""
    return subprocess.run(
        command(*arguments),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, "HF_ENDPOINT": url_of(hub), **environment},
        preexec_fn=limit,
    )


def models(hub: Hub | str, *arguments: str | Path, **environment: str) -> Done:
    """`ressenti models` in this process, with what huggingface_hub reads from the environment when it is imported."""
    import huggingface_hub
    from huggingface_hub import constants

    url = url_of(hub)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"HF_HUB_DISABLE_TELEMETRY": "1", **environment}.items():
            patch.setenv(name, value)
        patch.setattr(constants, "HF_HUB_OFFLINE", False)
        patch.setattr(constants, "ENDPOINT", url)
        patch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", f"{url}/{{repo_id}}/resolve/{{revision}}/{{filename}}")
        patch.setattr(constants, "HF_TOKEN_PATH", os.path.join(os.environ["HF_HOME"], "token"))  # noqa: PTH118
        huggingface_hub.close_session()
        try:
            return ressenti("models", *arguments)
        finally:
            huggingface_hub.close_session()


def url_of(hub: Hub | str) -> str:
    return hub if isinstance(hub, str) else hub.url


def part_of(home: Path) -> Path:
    (part,) = home.rglob(".model.safetensors.*.part")
    return part


def nothing_installed(home: Path) -> bool:
    return not list(home.glob(f"*/{MANIFEST}"))


def test_a_model_is_installed_pinned_and_the_default(hub: Hub, home: Path) -> None:
    done = models_alone(hub, "get", FRENCH, **TOKEN)
    assert done.returncode == 0, done.stderr
    assert "now the default" in done.stdout
    found = find(FRENCH)
    assert found is not None
    assert (found.commit, found.source) == (COMMIT, hub.url)
    assert {name: note.sha256 for name, note in found.files} == {
        name: hashlib.sha256(hub.repositories[FRENCH].files[name]).hexdigest()
        for name in ("config.json", "preprocessor_config.json", "model.safetensors", "README.md")
    }  # neither pickles beside safetensors nor what the training left
    assert (found.folder / "model.safetensors").read_bytes() == BIG
    assert {p.name for p in found.folder.iterdir()} == {*dict(found.files), MANIFEST}
    assert {seen.token for seen in hub.seen if seen.host == "127.0.0.1"} == {"hf_good"}
    assert [seen.token for seen in hub.gets("/cdn/")] == [None]  # another host is not shown the token
    hub.seen.clear()
    again = models(hub, "get", FRENCH)
    assert (again.returncode, hub.seen) == (0, [])  # what is there and whole stays as it was pinned
    other = models(hub, "get", FRENCH, "--revision", "v1")
    assert other.returncode == 0, other.stderr
    moved = find(FRENCH)
    assert moved is not None
    assert moved.commit == OLDER
    assert [p.name for p in home.iterdir() if not p.name.startswith(".")] == [found.folder.name]
    assert not list((home / ".partial").glob("*/*"))


def test_a_line_that_is_cut_is_taken_up_again(hub: Hub, home: Path) -> None:
    hub.cuts = [15 << 20]
    done = models(hub, "get", FRENCH)
    assert done.returncode == 0, done.stderr
    assert [seen.range for seen in hub.gets()] == [None, f"bytes={10 << 20}-"]
    assert (home / FRENCH.replace("/", "--") / "model.safetensors").read_bytes() == BIG


@pytest.mark.slow("downloads from a hub on the loopback")
def test_a_line_that_stays_cut_is_an_error_and_the_next_get_goes_on(hub: Hub, home: Path) -> None:
    hub.cuts = [15 << 20] + [1 << 20] * 20
    done = models(hub, "get", FRENCH)
    assert done.returncode == errors.InterruptedDownloadError.exit_code, done.stderr
    assert "model.safetensors" in done.stderr
    assert "same command again" in done.stderr
    assert nothing_installed(home)
    assert part_of(home).stat().st_size == 10 << 20
    assert find(FRENCH) is None
    listed = models(hub, "list")
    assert "unfinished download" in listed.stdout
    hub.cuts.clear()
    hub.seen.clear()
    again = models(hub, "get", FRENCH)
    assert again.returncode == 0, again.stderr
    assert [seen.range for seen in hub.gets()] == [f"bytes={10 << 20}-"]
    assert not [seen for seen in hub.gets(f"/{FRENCH}/resolve") if seen.path.endswith("/config.json")]  # there already


@pytest.mark.slow("downloads from a hub on the loopback")
def test_a_download_that_is_killed_goes_on(hub: Hub, home: Path) -> None:
    hub.cuts, hub.stall = [15 << 20], threading.Event()
    process = subprocess.Popen(command("get", FRENCH), env={**os.environ, "HF_ENDPOINT": hub.url})
    deadline = time.monotonic() + 60
    while not any(p.stat().st_size >= 10 << 20 for p in home.rglob("*.part")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait(30)
    assert nothing_installed(home)
    hub.stall.set()
    hub.stall = None
    hub.seen.clear()
    done = models(hub, "get", FRENCH)
    assert done.returncode == 0, done.stderr
    assert [seen.range for seen in hub.gets()] == [f"bytes={10 << 20}-"]
    assert (home / FRENCH.replace("/", "--") / "model.safetensors").read_bytes() == BIG
    assert not list(home.rglob("*.part"))


def test_a_server_without_ranges_is_asked_anew(hub: Hub, home: Path) -> None:
    hub.cuts, hub.ranges = [15 << 20], False
    done = models(hub, "get", FRENCH)
    assert done.returncode == 0, done.stderr
    assert (home / FRENCH.replace("/", "--") / "model.safetensors").read_bytes() == BIG


def test_damaged_bytes_are_refused(hub: Hub, home: Path) -> None:
    hub.damaged = True
    done = models(hub, "get", FRENCH)
    assert done.returncode == errors.WrongHashError.exit_code, done.stderr
    assert nothing_installed(home)
    assert not list(home.rglob("*.part"))
    hub.damaged = False
    assert models(hub, "get", FRENCH).returncode == 0


@pytest.mark.slow("downloads from a hub on the loopback")
def test_a_full_disk_is_said_and_the_next_get_goes_on(hub: Hub, home: Path) -> None:
    done = models_alone(hub, "get", FRENCH, limit=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (5 << 20, 5 << 20)))
    assert done.returncode == errors.DiskFullError.exit_code, done.stderr
    assert "the disk is full" in done.stderr
    assert "Traceback" not in done.stderr
    kept = part_of(home).stat().st_size
    assert kept <= 5 << 20
    hub.seen.clear()
    assert models(hub, "get", FRENCH).returncode == 0
    assert [seen.range for seen in hub.gets()] == [f"bytes={kept}-" if kept else None]


def gated(hub: Hub) -> None:
    files = {"config.yaml": b"pipeline: {}", "segmentation/pytorch_model.bin": SMALL, "plda/plda.npz": b"npz"}
    hub.repositories[GATED] = Repository(files, gated=True)


@pytest.mark.parametrize(("token", "status"), [({}, "401"), ({"HF_TOKEN": "hf_of_another"}, "403")])
def test_a_gated_model_says_which_page_and_how_to_give_a_token(
    hub: Hub, home: Path, token: dict[str, str], status: str
) -> None:
    gated(hub)
    done = models(hub, "get", GATED, **token)
    assert done.returncode == errors.GatedModelError.exit_code, done.stderr
    for words in (status, f"https://huggingface.co/{GATED}", "HF_TOKEN", "--token", "settings/tokens"):
        assert words in done.stderr
    assert "hf_of_another" not in done.stderr
    assert nothing_installed(home)


@pytest.mark.parametrize("way", ["option", "variable", "login"])
@pytest.mark.slow("downloads from a hub on the loopback")
def test_a_gated_model_comes_with_a_token(hub: Hub, home: Path, way: str) -> None:
    gated(hub)
    if way == "login":
        (home.parent / "hf").mkdir()
        (home.parent / "hf" / "token").write_text("hf_good", encoding="utf-8")
    arguments = ["--token", "hf_good"] if way == "option" else []
    get = models_alone if way == "login" else models
    done = get(hub, "get", GATED, *arguments, **(TOKEN if way == "variable" else {}))
    assert done.returncode == 0, done.stderr
    found = find(GATED)
    assert found is not None
    assert [name for name, _ in found.files] == ["config.yaml", "plda/plda.npz", "segmentation/pytorch_model.bin"]
    assert not any("hf_good" in p.read_text(errors="ignore") for p in home.rglob("*") if p.is_file())


def test_the_pinned_commit_is_fetched_and_has_to_be_the_published_one(hub: Hub, home: Path) -> None:
    part = PARTS[0]
    pinned = known()[part]
    files = {"config.yaml": b"a: 1", "pytorch_model.bin": SMALL}
    hub.repositories[part] = Repository(files, revisions={"main": COMMIT, "v1": str(pinned.commit)})
    done = models(hub, "get", part)
    assert done.returncode == errors.WrongHashError.exit_code, done.stderr
    assert "expected the published" in done.stderr
    assert nothing_installed(home)
    newest = models(hub, "get", part, "--revision", "main")  # other bytes under another commit: had, and not trusted
    assert newest.returncode == 0, newest.stderr
    assert f"ressenti models trust {hashlib.sha256(SMALL).hexdigest()}" in newest.stdout


def test_what_a_model_needs_is_installed_with_it(hub: Hub, home: Path) -> None:
    hub.repositories[OLD_PIPELINE] = Repository({"config.yaml": b"pipeline: {}", "handler.py": b"import os"})
    for part in PARTS:
        hub.repositories[part] = Repository({"config.yaml": b"a: 1", "pytorch_model.bin": SMALL})
    done = models(hub, "get", OLD_PIPELINE)
    assert done.returncode == 0, done.stderr
    assert {p.parent.name for p in home.glob(f"*/{MANIFEST}")} == {i.replace("/", "--") for i in (OLD_PIPELINE, *PARTS)}
    assert not list(home.rglob("*.py"))
    assert models(hub, "verify", "--full").stdout.count("✓") == 3


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        (["somebody/nothing"], errors.UnknownModelError, "no such model"),
        ([FRENCH, "--revision", "v9"], errors.UnknownModelError, "not that revision"),
        (["../../etc"], errors.ConfigError, "OWNER/NAME"),
        (["somebody/empty"], errors.UnknownModelError, "none of its 1 files"),
        (["somebody/hostile"], errors.ModelError, "plain names"),
    ],
)
def test_what_the_hub_does_not_have(
    hub: Hub, home: Path, arguments: list[str], error: type[errors.RessentiError], said: str
) -> None:
    hub.repositories["somebody/empty"] = Repository({"notes.txt": b"nothing"})
    hub.repositories["somebody/hostile"] = Repository(
        {"model/../../../x.safetensors": b"", "model\\x.safetensors": b""}
    )
    done = models(hub, "get", *arguments)
    assert done.returncode == error.exit_code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert nothing_installed(home)


def test_no_route_to_the_hub(home: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    done = models(url, "get", FRENCH)
    assert done.returncode == errors.NoRouteError.exit_code, done.stderr
    assert url in done.stderr
    assert "models import" in done.stderr or "`import`" in done.stderr
    offline = models_alone(url, "get", FRENCH, HF_HUB_OFFLINE="1")
    assert offline.returncode == errors.NoRouteError.exit_code
    assert "HF_HUB_OFFLINE" in offline.stderr
    assert nothing_installed(home)


@pytest.mark.parametrize("url", ["nonsense", "http://127.0.0.1:port", "ftp://127.0.0.1"])
@pytest.mark.slow("downloads from a hub on the loopback")
def test_an_endpoint_that_is_none(home: Path, url: str) -> None:
    done = models_alone(url, "get", FRENCH)
    assert done.returncode == errors.NoRouteError.exit_code, done.stderr
    assert "HF_ENDPOINT" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_page_where_a_hub_was_expected(hub: Hub, home: Path) -> None:
    hub.portal = True
    done = models(hub, "get", FRENCH)
    assert done.returncode == errors.NoRouteError.exit_code, done.stderr
    assert "login" in done.stderr
    hub.portal, hub.busy = False, True
    assert models(hub, "get", FRENCH).returncode == errors.NoRouteError.exit_code


def test_a_token_that_is_not_good_for_a_public_model(hub: Hub, home: Path) -> None:
    hub.refused = "hf_expired"
    done = models(hub, "get", FRENCH, **EXPIRED)
    assert done.returncode == errors.GatedModelError.exit_code, done.stderr
    assert "gives no access" in done.stderr
    assert "conditions" not in done.stderr


def test_every_failure_is_told(hub: Hub, home: Path) -> None:
    hub.repositories.clear()
    done = models(hub, "get", "a/b", "c/d")
    assert done.returncode == errors.UnknownModelError.exit_code
    assert "a/b" in done.stderr
    assert "c/d" in done.stderr


def test_a_damaged_model_is_mended_to_the_same_commit(hub: Hub, home: Path) -> None:
    hub.repositories[FRENCH].revisions["main"] = OLDER
    assert models(hub, "get", FRENCH).returncode == 0
    hub.repositories[FRENCH].revisions = {"main": COMMIT, "v1": OLDER}  # the branch has moved on
    (home / FRENCH.replace("/", "--") / "config.json").write_bytes(b'{"a": 2}')
    assert models(hub, "verify").returncode == errors.WrongHashError.exit_code
    hub.seen.clear()
    done = models(hub, "get", FRENCH)
    assert done.returncode == 0, done.stderr
    found = find(FRENCH)
    assert found is not None
    assert found.commit == OLDER
    assert (found.folder / "config.json").read_bytes() == b'{"a": 1}'
    assert hub.gets() == []  # the large file was good, and is not fetched again


def test_damage_that_only_a_full_check_finds_is_mended(hub: Hub, home: Path) -> None:
    assert models(hub, "get", FRENCH).returncode == 0
    restored(home / FRENCH.replace("/", "--") / "model.safetensors", flip)
    assert models(hub, "verify").returncode == 0
    told = models(hub, "verify", "--full")
    assert told.returncode == errors.WrongHashError.exit_code
    assert f"ressenti models get {FRENCH}" in " ".join(told.stderr.split())
    assert models(hub, "get", FRENCH).returncode == 0
    assert models(hub, "verify", "--full").returncode == 0
    assert (home / FRENCH.replace("/", "--") / "model.safetensors").read_bytes() == BIG


@pytest.mark.slow("downloads from a hub on the loopback")
def test_a_damaged_model_stays_refused_until_it_is_mended(hub: Hub, home: Path) -> None:
    folder = home / FRENCH.replace("/", "--")
    assert models(hub, "get", FRENCH).returncode == 0
    flip(folder / "model.safetensors")
    hub.cuts = [15 << 20] + [1 << 20] * 20
    assert models(hub, "get", FRENCH).returncode == errors.InterruptedDownloadError.exit_code
    found = default_for("emotion")
    assert found is not None, "the built-in model would be used without a word"
    with pytest.raises(errors.WrongHashError):
        verify(found)
    hub.cuts.clear()
    hub.seen.clear()
    assert models(hub, "get", FRENCH).returncode == 0
    assert [seen.range for seen in hub.gets()] == [f"bytes={10 << 20}-"]
    verify(found, full=True)
    assert not list((home / ".partial").glob("*/*"))


def test_a_model_that_is_not_known_can_be_had_and_is_said_to_be_so(hub: Hub, home: Path) -> None:
    hub.repositories["somebody/some-model"] = Repository(
        {"config.json": b"{}", "pytorch_model.bin": SMALL, "x.py": b""}
    )
    done = models(hub, "get", "somebody/some-model")
    assert done.returncode == 0, done.stderr
    assert "not in the registry" in done.stdout
    assert "default" not in done.stdout
    found = find("somebody/some-model")
    assert found is not None
    assert [name for name, _ in found.files] == ["config.json", "pytorch_model.bin"]
    listed = models(hub, "list").stdout
    assert "emotion, not in the registry" in listed
    assert "emotion: the default is builtin" in listed
    assert "may run code" not in done.stdout  # weights of emotion models are read as plain tensors
    hub.repositories["somebody/pipeline"] = Repository({"config.yaml": b"x", "voices/pytorch_model.bin": SMALL})
    done = models(hub, "get", "somebody/pipeline", "--task", "diarization")
    assert done.returncode == 0, done.stderr
    assert "voices/pytorch_model.bin (pickles) may run code" in done.stdout
