"""Who is trusted, and who decides it: hashes and defaults outside the models, hostile archives and folders."""

import io
import json
import os
import pickle
import shutil
import time
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from installing import COMMIT, install
from safetensors.numpy import load_file, save_file
from typer.testing import CliRunner

from campaign import archives, model_folders
from checkpoints import write_checkpoint
from ressenti.pipeline import diarization, emotion, errors
from ressenti.pipeline.cli.app import app
from ressenti.pipeline.config import DiarizationOptions, EmotionOptions
from ressenti.pipeline.files.untrusted import RefusedError
from ressenti.pipeline.models import archive, registry, user_choices
from ressenti.pipeline.models.installed import default_for, find
from ressenti.pipeline.models.onnx_file import check_onnx
from ressenti.pipeline.models.pickles import check_packing
from ressenti.pipeline.models.registry import check_names

FRENCH = "Lajavaness/wav2vec2-lg-xlsr-fr-speech-emotion-recognition"
ENGLISH = "ehcalabres/wav2vec2-lg-xlsr-en-speech-emotion-recognition"
PIPELINE = archives.ID
BUILTIN = Path(registry.__file__).parent
CASES = int(os.environ.get("RESSENTI_CAMPAIGN", "90"))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RESSENTI_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("RESSENTI_SETTINGS", str(tmp_path / "settings"))
    monkeypatch.chdir(tmp_path)  # where a payload would leave its folder
    return tmp_path / "models"


def run(*arguments: str | Path) -> tuple[int, str]:
    done = CliRunner().invoke(app, [*map(str, arguments)])
    if isinstance(done.exception, errors.RessentiError):
        return done.exception.exit_code, str(done.exception)
    return done.exit_code, " ".join(done.output.split())


def exported(tmp_path: Path, files: archives.Files) -> Path:
    path = tmp_path / "models.tar"
    path.write_bytes(archives.packed(files))
    return path


@pytest.fixture
def evil() -> archives.Files:
    """A pipeline under a known id whose pickles make a folder `ran`."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:  # as PyTorch packs one
        file.writestr("archive/data.pkl", pickle.dumps({"state_dict": model_folders.Ran()}, protocol=2))
        file.writestr("archive/version", b"3\n")
    payload = out.getvalue()
    config = model_folders.PIPELINE.format(**model_folders.PLAIN).encode()
    return {"config.yaml": config, "a/pytorch_model.bin": payload, "b/pytorch_model.bin": payload}


def test_an_imported_model_under_a_known_id_is_neither_trusted_nor_used(tmp_path: Path, evil: archives.Files) -> None:
    path = exported(tmp_path, evil)
    code, said = run("models", "import", path)
    sha256 = archives.sha256(evil["a/pytorch_model.bin"])
    assert code == 0, said
    assert "now the default" not in said
    assert f"ressenti models trust {sha256}" in said
    assert default_for("diarization") is None
    for model in (PIPELINE, str(tmp_path / "models" / archives.HERE)):
        with pytest.raises(errors.UntrustedModelError, match=sha256):
            diarization.choose("mono", DiarizationOptions(model=model))
    assert run("doctor")[0] == 0  # the built-in one is used
    assert not (tmp_path / "ran").exists()


def test_an_archive_that_claims_a_published_commit_has_its_bytes(tmp_path: Path, evil: archives.Files) -> None:
    pinned = registry.known()[PIPELINE]
    path = tmp_path / "models.tar"
    path.write_bytes(archives.packed(evil, archives.manifest(evil, commit=pinned.commit)))
    code, said = run("models", "import", path)
    assert (code, "expected the published" in said) == (errors.BadArchiveError.exit_code, True)
    assert find(PIPELINE) is None


def test_a_hash_is_typed_at_import_and_has_to_be_one_of_the_archive(tmp_path: Path, evil: archives.Files) -> None:
    path, sha256 = exported(tmp_path, evil), archives.sha256(evil["a/pytorch_model.bin"])
    for wrong, error in (("0" * 64, errors.UntrustedModelError), (sha256[:12], errors.ConfigError)):
        assert run("models", "import", path, "--trust-model", wrong)[0] == error.exit_code
        assert find(PIPELINE) is None
    code, said = run("models", "import", path, "--trust-model", sha256, "--default")
    assert code == 0, said
    assert "it is now the default" in said
    assert "until you trust it" not in said
    assert sha256 in user_choices.decisions().trusted
    with pytest.raises(errors.UntrustedModelError, match="--trust-model"):  # tensors may be read, code may not run
        diarization.choose("mono", DiarizationOptions())
    assert not (tmp_path / "ran").exists()


def test_trust_is_of_bytes_kept_outside_and_taken_back(tmp_path: Path, home: Path) -> None:
    one, two = "a" * 64, "b" * 64
    assert run("models", "trust", one.upper(), f"sha256:{two}")[0] == 0
    assert user_choices.decisions().trusted == {one, two}
    assert not home.exists()
    assert [p.name for p in (tmp_path / "settings").glob("*.json")] == ["models.json"]
    assert run("models", "trust", "--forget", one)[0] == 0
    assert user_choices.decisions().trusted == {two}
    assert run("models", "trust", "abc")[0] == errors.ConfigError.exit_code
    (tmp_path / "settings" / "models.json").write_text('{"version": 1, "trusted": ["*"]}', encoding="utf-8")
    with pytest.raises(errors.ModelError, match="Delete it"):
        user_choices.trusted_hashes()


def test_the_registry_pins_what_is_published() -> None:
    pinned = registry.known()[PIPELINE]
    assert pinned.commit == "3533c8cf8e369892e6b79ff1bf80f7b0286a54ee"
    assert set(pinned.sha256) >= {"segmentation/pytorch_model.bin", "embedding/pytorch_model.bin", "plda/plda.npz"}
    assert registry.pinned_hashes() <= user_choices.trusted_hashes()
    assert all(entry.sha256 for entry in registry.known().values() if entry.task in ("diarization", "part"))


def test_the_default_is_what_the_user_chose_while_it_is_the_same(tmp_path: Path) -> None:
    install(FRENCH, {"config.json": b"{}", "model.safetensors": b"1"})
    install(ENGLISH, {"config.json": b"{}", "model.safetensors": b"2"})
    assert run("models", "default", ENGLISH)[0] == 0
    assert (default_for("emotion") or find(FRENCH)) == find(ENGLISH)
    install(ENGLISH, {"config.json": b"{}", "model.safetensors": b"3"}, COMMIT)
    assert default_for("emotion") == find(FRENCH)
    assert run("models", "default", "somebody/else")[0] == errors.NotInstalledError.exit_code
    install("somebody/else", {"config.json": b"{}"})
    assert run("models", "default", "somebody/else")[0] == errors.ConfigError.exit_code


def test_importing_what_was_fetched_changes_nothing(tmp_path: Path) -> None:
    install(FRENCH, {"config.json": b"{}", "model.safetensors": b"1"})
    assert run("models", "export", FRENCH, tmp_path / "a.tar")[0] == 0
    assert run("models", "import", tmp_path / "a.tar")[0] == 0
    assert default_for("emotion") == find(FRENCH)
    shutil.rmtree(tmp_path / "models")
    assert run("models", "import", tmp_path / "a.tar")[0] == 0
    assert default_for("emotion") is None
    assert run("models", "import", tmp_path / "a.tar", "--default")[0] == 0
    assert default_for("emotion") == find(FRENCH)


def test_an_installed_pipeline_names_no_other_file_of_the_machine(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "pytorch_model.bin").write_bytes(b"x")
    config = model_folders.PIPELINE.format(**model_folders.PLAIN | {"embedding": tmp_path / "elsewhere"})
    install(PIPELINE, {"config.yaml": config.encode(), "a/pytorch_model.bin": b"x"})
    with pytest.raises(errors.ModelError, match="was not installed with it"):
        diarization.choose("mono", DiarizationOptions(model=PIPELINE, trust_model=True))


def outcome(act: Callable[[], object]) -> int:
    """The exit code that it ends with; a message is one that somebody can read."""
    try:
        act()
    except errors.RessentiError as error:
        return error.exit_code if len(str(error)) < 3000 else -1
    return 0


@pytest.mark.parametrize("seed", [16])
def test_hostile_archives_install_nothing(tmp_path: Path, home: Path, seed: int) -> None:
    path = tmp_path / "case.tar"
    for name, data, codes in archives.cases(seed, CASES):
        path.write_bytes(data)
        code = outcome(partial(archive.load, path))
        assert code in codes, name
        left = [p for p in home.rglob("*") if p.is_file()] if code else []
        assert left == [], name
        assert {p.name for p in tmp_path.iterdir()} <= {"case.tar", "models", "settings"}, name
        shutil.rmtree(home)


def test_archives_that_are_no_files_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.tar")
    for path, error in (
        (tmp_path / "pipe.tar", errors.BadArchiveError),
        (Path("/dev/zero"), errors.BadArchiveError),
        (tmp_path, errors.IsFolderError),
    ):
        with pytest.raises(error):
            archive.load(path)
    with (tmp_path / "sparse.tar").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(errors.BadArchiveError):
        archive.load(tmp_path / "sparse.tar")


def test_what_a_killed_import_left_is_cleaned_after_a_day(tmp_path: Path, home: Path) -> None:
    for name, age_s in ((".import-old", 90_000), (".import-new", 0)):
        (home / name).mkdir(parents=True)
        (home / name / "x").write_bytes(b"x")
        os.utime(home / name, (time.time() - age_s,) * 2)
    with pytest.raises(errors.NotFoundError):
        archive.load(tmp_path / "none.tar")
    assert [p.name for p in home.iterdir()] == [".import-new"]


def use(name: str, folder: Path) -> object:
    """Load what the first word of a case's name says."""
    if name.startswith("emotion"):
        return emotion.choose(EmotionOptions(model=str(folder)))
    return diarization.choose("mono", DiarizationOptions(model=str(folder)))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", [16])
def test_hostile_model_folders_are_refused_in_words(tmp_path: Path, seed: int) -> None:
    for name, files, codes in model_folders.cases(seed, CASES):
        folder = tmp_path / "case"
        for inner, data in files.items():
            (folder / inner).parent.mkdir(parents=True, exist_ok=True)
            (folder / inner).write_bytes(data)
        assert outcome(partial(use, name, folder)) in codes, name
        assert not (tmp_path / "ran").exists(), name
        shutil.rmtree(folder)


@pytest.mark.parametrize("pickled", [False, True], ids=["safetensors", "bin"])
def test_weights_are_of_the_folder_and_of_no_more_than_the_model(tmp_path: Path, pickled: bool) -> None:
    folder = write_checkpoint(tmp_path / "made", pickled=pickled)
    (weights,) = (path for path in folder.iterdir() if path.suffix in (".bin", ".safetensors"))
    weights.rename(tmp_path / weights.name)
    weights.symlink_to(tmp_path / weights.name)
    with pytest.raises(errors.ModelError, match="is a link to another folder"):
        emotion.choose(EmotionOptions(model=str(folder)))
    cache = tmp_path / "hub" / "snapshots" / "abc"  # as huggingface_hub lays it out
    shutil.copytree(folder, cache, symlinks=True)
    (tmp_path / "hub" / "blobs").mkdir()
    (tmp_path / weights.name).rename(tmp_path / "hub" / "blobs" / "x")
    (cache / weights.name).unlink()
    (cache / weights.name).symlink_to("../../blobs/x")
    emotion.choose(EmotionOptions(model=str(cache), device="cpu"))


def test_a_file_of_tensors_is_not_read_before_its_shapes_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_checkpoint(tmp_path / "made")
    weights = load_file(folder / "model.safetensors")
    save_file({**weights, "more": weights["classifier.bias"]}, folder / "model.safetensors")
    monkeypatch.setattr("ressenti.pipeline.emotion.heads.read_weights", lambda _: pytest.fail("read"))
    with pytest.raises(errors.ModelError, match="unexpected: more"):
        emotion.choose(EmotionOptions(model=str(folder)))


@pytest.mark.parametrize(
    ("names", "said"),
    [(["a.bin", "A.bin"], "same file"), (["a", "a/b"], "a file and a folder"), (["con.txt"], "plain names")],
)
def test_names_are_safe_on_any_system(names: list[str], said: str) -> None:
    with pytest.raises(errors.ModelError, match=said):
        check_names(names, "x")


def test_networks_in_a_folder_are_of_plain_operations_in_one_file(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper

    check_onnx(BUILTIN / "emotion.onnx")
    path = tmp_path / "emotion.onnx"

    def refused(said: str, change: object) -> None:
        model = onnx.load(BUILTIN / "emotion.onnx")
        change(model)  # type: ignore[operator]
        path.write_bytes(model.SerializeToString())
        with pytest.raises(errors.ModelError, match=said):
            check_onnx(path)

    def outside(model: object) -> None:
        tensor = model.graph.initializer[0]  # type: ignore[attr-defined]
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="../../etc/passwd")

    refused("tensors in other files", outside)
    for kind in ("Loop", "ConstantOfShape", "Expand", "Tile"):
        refused(f"the operation {kind}", lambda m, k=kind: m.graph.node.append(helper.make_node(k, ["a"], ["b"])))
    refused("operations of evil", lambda m: m.graph.node.append(helper.make_node("Add", ["a"], ["b"], domain="evil")))
    for data in (b"\xff" * 100, b"\x3a\xff\xff\xff\xff\x0f", b"\x08" * 500_001):
        path.write_bytes(data)
        with pytest.raises(errors.ModelError):
            check_onnx(path)
    shutil.copy(BUILTIN / "emotion.json", tmp_path)
    with pytest.raises(errors.ModelError, match="not a network that Ressenti can run"):
        emotion.choose(EmotionOptions(model=str(tmp_path)))
    for text in ("[" * 100_000, json.dumps({"sha256": 1}), "[]"):
        shutil.copy(BUILTIN / "emotion.onnx", path)
        (tmp_path / "emotion.json").write_text(text, encoding="utf-8")
        with pytest.raises(errors.ModelError):
            emotion.choose(EmotionOptions(model=str(tmp_path)))


def test_a_packed_pickle_is_no_larger_than_its_file() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("archive/data/0", b"\0" * 10_000_000)
    with pytest.raises(RefusedError, match="not packed like PyTorch"):
        check_packing(out, len(out.getvalue()))
