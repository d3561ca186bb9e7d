"""Installed models as folders: verified for nothing, refused when changed, exported, imported, removed, chosen."""

import builtins
import hashlib
import io
import json
import os
import shutil
import sys
import tarfile
import types
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from installing import COMMIT, flip
from installing import install as put
from safetensors.numpy import load_file, save_file
from typer.testing import CliRunner

from checkpoints import write_checkpoint
from ressenti import analyze
from ressenti.pipeline import errors
from ressenti.pipeline.cli.app import app
from ressenti.pipeline.config import DiarizationOptions, EmotionOptions
from ressenti.pipeline.diarization import choose as choose_diarizer
from ressenti.pipeline.diarization.fake import FakeDiarizer
from ressenti.pipeline.emotion import choose
from ressenti.pipeline.emotion.fake import FakeEmotion
from ressenti.pipeline.files.hashes import digest_of
from ressenti.pipeline.models import archive, folders, memory, registry
from ressenti.pipeline.models.installed import MANIFEST, default_for, find, installed_ids, verify
from ressenti.pipeline.records import CLASSES, Note

FRENCH, ENGLISH, DIMENSIONS = (i for i, entry in registry.known().items() if entry.task == "emotion")
NEW_PIPELINE, OLD_PIPELINE = (i for i, entry in registry.known().items() if entry.task == "diarization")
WEIGHTS = np.random.default_rng(0).bytes(50_000)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RESSENTI_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("RESSENTI_SETTINGS", str(tmp_path / "settings"))
    return tmp_path / "models"


def install(model_id: str, files: dict[str, bytes] | None = None, commit: str = COMMIT) -> Path:
    """Put a model where it belongs, as `get` leaves it."""
    return put(model_id, files or {"config.json": b"{}", "model.safetensors": WEIGHTS}, commit)


def checked(model_id: str, full: bool = False) -> None:
    found = find(model_id)
    assert found is not None
    verify(found, full)


@dataclass(frozen=True)
class Done:
    exit_code: int
    output: str


def run(*arguments: str | Path) -> Done:
    """The command line in this process, with errors as `main` has them."""
    done = CliRunner().invoke(app, list(map(str, arguments)))
    if isinstance(done.exception, errors.RessentiError):
        return Done(done.exception.exit_code, f"{done.output}{done.exception}")
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return Done(done.exit_code, done.output)


def test_the_registry_says_what_is_to_be_known() -> None:
    known = registry.known()
    assert [entry.head for entry in known.values() if entry.task == "emotion"] == ["stock", "ehcalabres", "audeering"]
    assert tuple(known[FRENCH].labels) == CLASSES
    assert known[FRENCH].activation == "sigmoid"
    assert len(known[ENGLISH].labels) == 8
    assert not known[DIMENSIONS].commercial
    assert all(known[part].task == "part" for part in known[OLD_PIPELINE].needs)
    assert [i for i, entry in known.items() if entry.gated] == [NEW_PIPELINE, OLD_PIPELINE, "pyannote/segmentation-3.0"]
    assert not any(name.endswith("*") and name.startswith("*") for entry in known.values() for name in entry.files)


def test_shards_are_fetched_with_their_index_and_pickled_ones_only_for_want_of_others() -> None:
    safe = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json"]
    pickled = ["pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin", "pytorch_model.bin.index.json"]
    for model in (FRENCH, ENGLISH, DIMENSIONS, "somebody/model"):
        assert registry.wanted(["config.json", *safe, *pickled], model, "emotion") == ("config.json", *safe)
        assert registry.wanted(["config.json", *pickled, "optimizer.bin"], model, "emotion") == (
            "config.json",
            *pickled,
        )


@pytest.mark.parametrize("name", ["../x.json", "/etc/x", "a/../b", "a\\b", "c:x", ".ssh/x", "a//b", "a\nb", ""])
def test_names_that_lead_elsewhere_are_refused(name: str) -> None:
    with pytest.raises(errors.ModelError, match="plain names"):
        registry.check_name(name, "somebody/model")


def test_what_did_not_change_is_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    install(FRENCH)
    found = find(FRENCH)
    assert found is not None
    opened: list[str] = []
    for module, name in ((builtins, "open"), (io, "open"), (os, "open")):
        real = getattr(module, name)

        def spied(path: object, *rest: object, real: Callable[..., object] = real, **named: object) -> object:
            opened.append(str(path))
            return real(path, *rest, **named)

        monkeypatch.setattr(module, name, spied)
    verify(found)
    assert opened == []
    verify(found, full=True)
    assert {Path(path).name for path in opened} == {"config.json", "model.safetensors"}


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda f: flip(f / "model.safetensors"), "SHA-256"),
        (lambda f: (f / "model.safetensors").write_bytes(WEIGHTS[:-1]), "49999 bytes, expected 50000"),
        (lambda f: (f / "model.safetensors").unlink(), "missing"),
        (lambda f: (f / "adapter_config.json").write_text("{}"), "was not installed"),
        (lambda f: ((f / "config.json").unlink(), (f / "config.json").symlink_to("/etc/hostname")), "a link"),
        (lambda f: (f / MANIFEST).write_text("{"), "not a manifest"),
        (lambda f: (f / MANIFEST).write_text((f / MANIFEST).read_text().replace(FRENCH, ENGLISH)), "expected"),
    ],
)
def test_what_changed_is_refused(harm: Callable[[Path], object], said: str) -> None:
    harm(install(FRENCH))
    with pytest.raises(errors.WrongHashError, match=said) as caught:
        checked(FRENCH)
    assert "models get" in str(caught.value) or "Move it" in str(caught.value)
    with pytest.raises(errors.WrongHashError):
        choose(EmotionOptions())  # never the built-in one in its place, silently
    assert run("models", "verify").exit_code == errors.WrongHashError.exit_code
    assert run("models", "list").exit_code == 0


def test_a_change_that_hides_its_time_is_found_by_a_full_check() -> None:
    folder = install(FRENCH)
    before = (folder / "model.safetensors").stat()
    flip(folder / "model.safetensors")
    os.utime(folder / "model.safetensors", ns=(before.st_atime_ns, before.st_mtime_ns))
    checked(FRENCH)
    with pytest.raises(errors.WrongHashError):
        checked(FRENCH, full=True)
    assert run("models", "verify", FRENCH, "--full").exit_code == errors.WrongHashError.exit_code


def test_a_copy_is_hashed_once_and_then_costs_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = install(FRENCH)
    os.utime(folder / "model.safetensors", (1, 1))
    checked(FRENCH)
    noted = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]["model.safetensors"]["mtime_ns"]
    assert noted == 10**9
    monkeypatch.setattr("ressenti.pipeline.models.installed.digest_of", lambda *_, **__: pytest.fail("hashed again"))
    checked(FRENCH)


def test_export_and_import_carry_a_model_and_what_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(OLD_PIPELINE, {"config.yaml": b"pipeline: {}"})
    for part in registry.known()[OLD_PIPELINE].needs:
        install(part, {"config.yaml": b"a: 1", "sub/pytorch_model.bin": WEIGHTS})
    one, two = tmp_path / "one.tar", tmp_path / "two.tar"
    told = run("models", "export", OLD_PIPELINE, one)
    assert told.exit_code == 0, told.output
    os.utime(folders.folder_of(OLD_PIPELINE) / "config.yaml", (1, 1))
    assert run("models", "export", OLD_PIPELINE, two).exit_code == 0
    assert one.read_bytes() == two.read_bytes()
    assert run("models", "export", OLD_PIPELINE, one).exit_code == errors.OutputExistsError.exit_code
    monkeypatch.setenv("RESSENTI_MODELS", str(tmp_path / "elsewhere"))
    done = run("models", "import", one)
    assert done.exit_code == 0, done.output
    assert hashlib.sha256(one.read_bytes()).hexdigest() in done.output
    assert hashlib.sha256(one.read_bytes()).hexdigest() in told.output
    assert "it is now the default" not in done.output
    assert f"ressenti models default {OLD_PIPELINE}" in done.output
    assert done.output.count(f"ressenti models trust {hashlib.sha256(WEIGHTS).hexdigest()}") == 2
    assert len(installed_ids()) == 3
    assert default_for("diarization") is None
    assert run("models", "default", OLD_PIPELINE).exit_code == 0
    default = default_for("diarization")
    assert default is not None
    assert default.id == OLD_PIPELINE
    with monkeypatch.context() as patch:
        patch.setattr("ressenti.pipeline.models.installed.digest_of", lambda *_, **__: pytest.fail("hashed again"))
        for model_id in installed_ids():
            checked(model_id)
    assert run("models", "import", one).exit_code == 0  # the same again is no matter
    assert not list((tmp_path / "elsewhere").glob(".import-*"))


def tar_of(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w") as tar:
        for member, data in members:
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def manifest(files: dict[str, bytes], model_id: str = FRENCH) -> bytes:
    notes = {name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in files.items()}
    data = {"version": 1, "id": model_id, "task": "emotion", "commit": COMMIT, "source": "x", "files": notes}
    return json.dumps(data).encode()


HERE = FRENCH.replace("/", "--")
GOOD = {"config.json": b"{}"}


@pytest.mark.parametrize(
    "members",
    [
        [],
        [(member(f"{HERE}/config.json"), b"{}")],
        [(member(f"{HERE}/{MANIFEST}"), manifest(GOOD))],
        [(member(f"{HERE}/{MANIFEST}"), b"{}")],
        [(member(f"{HERE}/{MANIFEST}"), manifest(GOOD)), (member(f"{HERE}/config.json"), b"[]")],
        [(member(f"{HERE}/{MANIFEST}"), manifest(GOOD)), (member(f"{HERE}/config.json"), b"{ }")],
        [(member(f"{HERE}/{MANIFEST}"), manifest(GOOD)), *[(member(f"{HERE}/config.json"), b"{}")] * 2],
        [(member(f"{HERE}/{MANIFEST}"), manifest(GOOD)), (member(f"{HERE}/other.json"), b"{}")],
        [(member(f"{HERE}/{MANIFEST}"), manifest({"../../evil.json": b"{}"})), (member(f"{HERE}/../../evil.json"), b"{}")],
        [(member(f"../{HERE}/{MANIFEST}"), manifest(GOOD)), (member(f"../{HERE}/config.json"), b"{}")],
        [(member(f"/{HERE}/{MANIFEST}"), manifest(GOOD)), (member(f"/{HERE}/config.json"), b"{}")],
        [(member(f"{HERE}/{MANIFEST}"), manifest(GOOD, ENGLISH)), (member(f"{HERE}/config.json"), b"{}")],
        [(member(f"{HERE}/{MANIFEST}"), manifest(GOOD, "../evil")), (member(f"{HERE}/config.json"), b"{}")],
        [(member(f"{HERE}/{MANIFEST}"), manifest(GOOD)), (member(f"{HERE}/config.json", tarfile.SYMTYPE, "/etc/passwd"), b"")],
        [(member(f"{HERE}/{MANIFEST}"), manifest(GOOD)), (member(f"{HERE}/config.json", tarfile.LNKTYPE, "/etc/passwd"), b"")],
        [(member(f"{HERE}/{MANIFEST}"), manifest(GOOD)), (member(f"{HERE}/config.json", tarfile.CHRTYPE), b"")],
        [(member(f"{HERE}/{MANIFEST}"), manifest(GOOD)), (member(f"{HERE}/config.json", tarfile.FIFOTYPE), b"")],
        [(member(HERE, tarfile.DIRTYPE), b""), (member(f"{HERE}/{MANIFEST}"), manifest(GOOD))],
        [(member(f"{HERE}/{MANIFEST}"), manifest({MANIFEST: b"{}"}))],
    ],
)  # fmt: skip
def test_hostile_files_are_not_imported(
    tmp_path: Path, home: Path, members: list[tuple[tarfile.TarInfo, bytes]]
) -> None:
    before = set(tmp_path.rglob("*"))
    path = tar_of(tmp_path / "models.tar", *members)
    done = run("models", "import", path)
    assert done.exit_code == errors.BadArchiveError.exit_code, done.output
    assert "Nothing was installed" in done.output
    assert set(tmp_path.rglob("*")) - before <= {path, home}


def test_what_is_no_export_at_all(tmp_path: Path, home: Path) -> None:
    install(FRENCH)
    whole = tmp_path / "whole.tar"
    run("models", "export", FRENCH, whole)
    cut = tmp_path / "cut.tar"
    cut.write_bytes(whole.read_bytes()[:30_000])
    packed = tmp_path / "packed.tar.gz"
    with tarfile.open(packed, "w:gz") as tar:
        tar.add(home / HERE, HERE)
    shutil.rmtree(home)
    for path in (cut, packed):
        assert run("models", "import", path).exit_code == errors.BadArchiveError.exit_code
    assert run("models", "import", tmp_path / "none.tar").exit_code == errors.NotFoundError.exit_code
    assert list(home.iterdir()) == []


def test_an_import_replaces_another_commit_only_when_told(tmp_path: Path) -> None:
    install(FRENCH)
    run("models", "export", FRENCH, tmp_path / "a.tar")
    install(FRENCH, {"config.json": b"[1]", "model.safetensors": WEIGHTS}, commit="a" * 40)
    done = run("models", "import", tmp_path / "a.tar")
    assert done.exit_code == errors.OutputExistsError.exit_code
    assert run("models", "import", tmp_path / "a.tar", "--overwrite").exit_code == 0
    found = find(FRENCH)
    assert found is not None
    assert found.commit == COMMIT


def test_no_room_is_said_before_anything_is_written(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(FRENCH)
    run("models", "export", FRENCH, tmp_path / "a.tar")
    shutil.rmtree(home)
    monkeypatch.setattr(folders.shutil, "disk_usage", lambda _: types.SimpleNamespace(free=1000))
    done = run("models", "import", tmp_path / "a.tar")
    assert done.exit_code == errors.DiskFullError.exit_code
    assert "MB needed" in done.output
    assert list(home.iterdir()) == []


def test_a_changed_model_is_not_exported(tmp_path: Path) -> None:
    flip(install(FRENCH) / "model.safetensors")
    done = run("models", "export", FRENCH, tmp_path / "a.tar")
    assert done.exit_code == errors.WrongHashError.exit_code
    assert list(tmp_path.glob("*.tar*")) == list(tmp_path.glob(".*.partial")) == []
    assert run("models", "export", ENGLISH, tmp_path / "a.tar").exit_code == errors.NotInstalledError.exit_code


def test_remove(home: Path) -> None:
    install(FRENCH)
    folders.partial_of(ENGLISH).mkdir(parents=True)
    for mistyped, error in ((DIMENSIONS, errors.NotInstalledError), ("no id", errors.ConfigError)):
        assert run("models", "remove", FRENCH, mistyped).exit_code == error.exit_code
        assert installed_ids() == (FRENCH,)
    assert run("models", "remove", FRENCH, ENGLISH, FRENCH).exit_code == 0
    assert installed_ids() == ()
    assert [p for p in home.rglob("*") if p.name != ".partial"] == []
    done = run("models", "remove", FRENCH)
    assert done.exit_code == errors.NotInstalledError.exit_code


def test_the_default_is_the_first_of_the_registry_with_its_parts() -> None:
    assert default_for("emotion") is None
    install("somebody/else")
    assert default_for("emotion") is None  # nobody has said what its labels mean
    install(DIMENSIONS)
    install(ENGLISH)
    assert (default := default_for("emotion")) is not None
    assert default.id == ENGLISH
    install(FRENCH)
    assert (default := default_for("emotion")) is not None
    assert default.id == FRENCH
    assert installed_ids() == (FRENCH, ENGLISH, DIMENSIONS, "somebody/else")
    install(OLD_PIPELINE, {"config.yaml": b"x: 1"})
    assert default_for("diarization") is None
    for part in registry.known()[OLD_PIPELINE].needs:
        install(part, {"pytorch_model.bin": WEIGHTS})
    assert (default := default_for("diarization")) is not None
    assert default.id == OLD_PIPELINE


def test_a_model_that_this_machine_has_not_the_memory_for_is_not_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    words = [entry for entry in registry.known().values() if entry.task == "transcription"]
    for entry in words:
        assert entry.memory_mb is not None
        install(entry.id, {"model.bin": WEIGHTS})
    for there, expected in ((None, words[0].id), (8_000, words[0].id), (2_500, words[-1].id), (1_500, None)):
        monkeypatch.setattr("ressenti.pipeline.models.installed.memory_mb", lambda found=there: found)
        default = default_for("transcription")
        assert (default.id if default else None) == expected


def test_memory_is_the_machines_or_its_containers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(memory, "_CONTAINER", limit)
    whole = memory.memory_mb()
    assert whole is not None
    assert whole > 100
    limit.write_text("max\n", encoding="ascii")
    assert memory.memory_mb() == whole
    limit.write_text("64000000\n", encoding="ascii")
    assert memory.memory_mb() == 64


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc can be asked to give memory back")
def test_memory_that_is_free_goes_back_to_the_system() -> None:
    def resident_mb() -> int:
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return int(status.split("VmRSS:")[1].split()[0]) // 1024

    kept = [bytes(100_000) for _ in range(2_000)]
    held = kept[::50]
    before = resident_mb()
    del kept
    memory.give_back()
    assert len(held) == 40
    assert resident_mb() < before - 100


def test_an_installed_model_is_used_named_in_the_result_and_by_the_doctor(
    recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert choose(EmotionOptions()).info.name == "ressenti-builtin-emotion"
    folder = put(FRENCH, write_checkpoint(tmp_path / "made"))
    weights = folder / "model.safetensors"
    asked: list[tuple[object, ...]] = []

    def load(*arguments: object, **named: object) -> FakeEmotion:
        asked.append((*arguments, named))
        model = FakeEmotion()
        found = find(FRENCH)
        assert found is not None
        model.info = found.info("emotion")
        return model

    monkeypatch.setattr("ressenti.pipeline.emotion.wav2vec2.load", load)
    conversation = analyze(recording, diarizer=FakeDiarizer([(1.0, 9.0, "S1"), (10.0, 20.0, "S2")]))
    assert (conversation.models[-1].name, conversation.models[-1].licence) == (FRENCH, "Apache-2.0")
    assert conversation.models[-1].notes == (Note("installed", {"commit": COMMIT[:12]}),)
    known = {"known": registry.known()[FRENCH], "name": FRENCH, "commit": COMMIT, "sha256": digest_of(weights)}
    assert asked == [(folder, EmotionOptions(), known)]
    assert choose(EmotionOptions(model="builtin")).info.name == "ressenti-builtin-emotion"
    choose(EmotionOptions(model=FRENCH))
    assert len(asked) == 2
    told = run("doctor")
    assert told.exit_code == 0, told.output
    assert told.output.count(FRENCH) == 2
    assert COMMIT in told.output
    assert "ressenti-builtin-emotion" not in told.output
    flip(folder / "model.safetensors")
    assert run("doctor").exit_code == errors.WrongHashError.exit_code


def test_ids_are_listed_whole() -> None:
    install("somebody-with-a-name/of-a-model-that-is-as-long-as-those-of-the-hub-often-are-and-more")
    listed = run("models", "list").output
    assert [model_id for model_id in (*registry.known(), *installed_ids()) if model_id not in listed] == []


def test_the_doctor_tells_which_models_a_config_would_use(tmp_path: Path) -> None:
    put(FRENCH, write_checkpoint(tmp_path / "made"))
    config = tmp_path / "mine.yaml"

    def told(text: str) -> tuple[int, str]:
        config.write_text(text, encoding="utf-8")
        done = run("doctor", "--config", str(config))
        return done.exit_code, " ".join(done.output[: done.output.index("Installed models")].split())

    code, said = told("report: {lang: fr}")
    assert (code, "first downloaded model" in said, FRENCH in said) == (0, True, True)
    code, said = told("emotion: {model: builtin}")
    assert (code, "ressenti-builtin-emotion" in said, FRENCH in said) == (0, True, False)
    assert "emotion: built in, set in the config" in said
    code, said = told(f"emotion: {{model: {ENGLISH}}}")
    assert code == errors.NotInstalledError.exit_code
    assert f"ressenti models get {ENGLISH}" in said
    code, said = told("diarization: {model: nowhere}")
    assert (code, "unknown diarizer" in said) == (errors.ConfigError.exit_code, True)
    code, said = told(f"emotion: {{model: {tmp_path}}}")
    assert code == errors.ConfigError.exit_code
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    assert told(f"emotion: {{model: {tmp_path}}}")[0] == errors.ModelError.exit_code
    config.write_text("emotoin: {}", encoding="utf-8")
    assert run("doctor", "--config", str(config)).exit_code == errors.ConfigError.exit_code


def test_the_doctor_says_no_more_than_it_looked_at(tmp_path: Path) -> None:
    emotion, pipeline, config = tmp_path / "emotion", tmp_path / "pipeline", tmp_path / "mine.yaml"
    write_checkpoint(emotion)
    pipeline.mkdir()
    named = {
        "emotion": {"model": str(emotion)},
        "diarization": {"model": str(pipeline), "trust_model": True},
        "words": {"model": "off"},
        "sounds": {"detect": False},
    }
    config.write_text(json.dumps(named), encoding="utf-8")

    def told() -> tuple[int, str]:
        done = run("doctor", "--config", str(config))
        return done.exit_code, " ".join(done.output.split())

    params = {"segmentation": "$model/a", "embedding": "$model/b", "clustering": "AgglomerativeClustering"}
    whole = {"pipeline": {"name": "pyannote.audio.pipelines.SpeakerDiarization", "params": params}}
    (pipeline / "config.yaml").write_text(json.dumps(whole), encoding="utf-8")
    for part in ("a", "b"):
        (pipeline / part).mkdir()
        (pipeline / part / "pytorch_model.bin").write_bytes(b"weights")
    code, said = told()
    assert (code, said.count("verified")) == (0, 0), said
    assert "config and files fit who speaks" in said
    assert "config and weights fit emotion" in said
    weights = load_file(emotion / "model.safetensors")
    save_file({n: t for n, t in weights.items() if not n.startswith("classifier")}, emotion / "model.safetensors")
    code, said = told()
    assert (code, "missing: classifier.bias, classifier.weight" in said) == (errors.ModelError.exit_code, True)
    save_file(weights, emotion / "model.safetensors")
    (pipeline / "b" / "pytorch_model.bin").unlink()
    code, said = told()
    assert (code, "expected a checkpoint of pyannote.audio" in said) == (errors.ModelError.exit_code, True)
    (pipeline / "config.yaml").write_bytes(b"")
    code, said = told()
    assert (code, "not a config of a pyannote pipeline" in said) == (errors.ModelError.exit_code, True)


def test_models_that_are_not_installed_are_refused_by_name() -> None:
    with pytest.raises(errors.NotInstalledError, match="models get"):
        choose(EmotionOptions(model=ENGLISH))
    with pytest.raises(errors.NotInstalledError, match="models get"):
        choose_diarizer("mono", DiarizationOptions(model=NEW_PIPELINE))
    with pytest.raises(errors.ConfigError, match="unknown diarizer"):
        choose_diarizer("mono", DiarizationOptions(model="nonsense"))
    with pytest.raises(errors.ConfigError, match="unknown emotion model"):
        choose(EmotionOptions(model="nonsense"))


def test_where_models_lie(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("RESSENTI_MODELS")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert folders.models_folder() == tmp_path / "ressenti" / "models"
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert folders.models_folder() == tmp_path / "local" / "ressenti" / "models"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert "Application Support" in str(folders.models_folder())


def test_archives_know_what_a_model_needs() -> None:
    install(OLD_PIPELINE, {"config.yaml": b"x: 1"})
    with pytest.raises(errors.NotInstalledError, match="segmentation"):
        archive.with_needs([OLD_PIPELINE])
