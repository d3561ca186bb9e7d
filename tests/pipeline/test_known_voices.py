"""Voices that a user stored: names, permissions, other encoders, and that a forgotten voice is nowhere left."""

import json
import os
import stat
import sys
from pathlib import Path

import numpy as np
import pytest

from commands import ressenti
from ressenti.pipeline.cli.voices_same import COLUMNS
from ressenti.pipeline.errors import ConfigError, OutputExistsError, VoicesError
from ressenti.pipeline.models import campplus
from ressenti.pipeline.voices import known
from ressenti.pipeline.voices.known import KnownVoice
from ressenti.pipeline.voices.naming import usable

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")
RNG = np.random.default_rng(0)
OTHER = "0" * 64
HOSTILE = (
    "../../etc/passwd",
    "=cmd|' /C calc'!A0",
    "<script>alert(1)</script>",
    "-rf",
    "名前",
    "[bold]Anna[/]",
    "a'b\"c\\",
)


def embedding() -> tuple[float, ...]:
    vector = RNG.normal(size=campplus.WIDTH)
    return tuple(float(x) for x in vector / np.linalg.norm(vector))


def a_voice(name: str = "Anna", model: str | None = None) -> KnownVoice:
    digest = campplus.info().sha256 if model is None else model
    return KnownVoice(name, embedding(), 31.5, 1, digest or "", "2026-01-31", "2026-01-31")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RESSENTI_VOICES", str(tmp_path / "voices"))
    return tmp_path / "voices"


def store(*voices: KnownVoice) -> None:
    known.change(lambda _: voices)


def test_nothing_is_known_and_nothing_made_until_somebody_is_added(folder: Path) -> None:
    assert known.known_voices() == ()
    assert ressenti("voices", "list").stdout.startswith("0 known voices")
    assert not folder.exists()


def test_voices_come_back_as_they_were(folder: Path) -> None:
    voice = a_voice()
    store(a_voice("Ben"), voice)
    first, second = known.known_voices()
    assert (first.name, second.name) == ("Anna", "Ben")
    assert (first.speech_s, first.recordings, first.added) == (31.5, 1, "2026-01-31")
    assert np.allclose(first.embedding, voice.embedding, atol=1e-5)
    assert set(json.loads((folder / known.FILE).read_text(encoding="utf-8"))) == {"format", "version", "voices"}


@posix
def test_only_the_user_may_read(folder: Path) -> None:
    before = os.umask(0)
    try:
        store(a_voice())
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.iterdir())}
    assert modes.pop("voices") == 0o700
    assert set(modes.values()) == {0o600}
    (folder / known.FILE).chmod(0o640)
    with pytest.raises(VoicesError, match="chmod 600"):
        known.known_voices()
    assert ressenti("voices", "list").returncode == VoicesError.exit_code


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_only_a_name(name: str, folder: Path) -> None:
    store(a_voice(name))
    assert known.need(name, known.known_voices()).name == name
    assert {path.name.strip(".") for path in folder.iterdir()} <= {known.FILE, f"{known.FILE}.lock"}
    assert name in ressenti("voices", "list").stdout
    done = ressenti("voices", "forget", "--", name, folder)
    assert done.returncode == 0, done.stderr
    assert known.known_voices() == ()


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a\x1b[31m", "\u202eanna", "a" * 201, "a\x00"])
def test_a_name_that_cannot_be_shown_is_refused(name: str, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="as a name"):
        known.checked_name(name)
    store(a_voice())
    data = json.loads((folder / known.FILE).read_text(encoding="utf-8"))
    data["voices"][0]["name"] = name
    (tmp_path / "theirs.json").write_text(json.dumps(data), encoding="utf-8")
    assert ressenti("voices", "import", "--overwrite", tmp_path / "theirs.json").returncode == VoicesError.exit_code
    assert [voice.name for voice in known.known_voices()] == ["Anna"]


def test_names_that_differ_in_case_alone_are_one() -> None:
    store(a_voice("Zoé"))
    assert known.find("zoe\u0301", known.known_voices()) is not None
    store(a_voice("Zoé"), a_voice("ZOÉ"))
    with pytest.raises(VoicesError, match="each name once"):
        known.known_voices()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v: v.update(embedding=[*v["embedding"][:-1], float("nan")]), "NaN"),
        (lambda v: v.update(embedding=[0.0] * 192), "length 1"),
        (lambda v: v.update(embedding=[9.0] * 192), "less than or equal to 1"),
        (lambda v: v.update(speech_s=-1), "greater than"),
        (lambda v: v.update(sound="UklGRg=="), "sound"),
        (lambda v: v.update(added="yesterday"), "pattern"),
        (lambda v: v.pop("model_sha256"), "model_sha256"),
    ],
)
def test_a_damaged_file_is_refused_in_words(change: object, message: str, folder: Path) -> None:
    store(a_voice())
    path = folder / known.FILE
    data = json.loads(path.read_text(encoding="utf-8"))
    change(data["voices"][0])  # type: ignore[operator]
    path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(VoicesError, match=message):
        known.known_voices()


def test_a_newer_format_is_refused(folder: Path) -> None:
    store(a_voice())
    path = folder / known.FILE
    path.write_text(path.read_text(encoding="utf-8").replace('"version": 1', '"version": 2'), encoding="utf-8")
    with pytest.raises(VoicesError, match="version 2; this program reads 1"):
        known.known_voices()


def test_another_encoder_refuses_and_says_whose_voice_it_is() -> None:
    mine = campplus.info().sha256 or ""
    assert len(usable([a_voice()], mine)) == 1
    with pytest.raises(VoicesError, match="another encoder: Ben"):
        usable([a_voice(), a_voice("Ben", OTHER)], mine)
    with pytest.raises(ConfigError, match="no known voices"):
        usable([], mine)
    store(a_voice("Ben", OTHER))
    assert "another encoder" in ressenti("voices", "list").stdout
    assert ressenti("voices", "forget", "Ben").returncode == 0  # even so


def test_a_forgotten_voice_is_nowhere_left(folder: Path, tmp_path: Path) -> None:
    gone, kept = a_voice("Gerda Geheim"), a_voice("Ben")
    store(gone, kept)
    (folder / ".voices.json.killed.partial").write_text("Gerda Geheim", encoding="utf-8")
    done = ressenti("voices", "forget", "gerda geheim", tmp_path)
    assert done.returncode == 0, done.stderr
    left = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"Gerda" not in left
    assert sum(f"{round(x, 5)}".encode() in left for x in gone.embedding if abs(x) > 0.01) < 10  # some are alike
    assert [voice.name for voice in known.known_voices()] == ["Ben"]
    assert ressenti("voices", "forget", "Ben", tmp_path).returncode == 0
    assert not (folder / known.FILE).exists()
    done = ressenti("voices", "forget", "Ben", tmp_path)
    assert done.returncode == ConfigError.exit_code
    assert "no known voice is called 'Ben'" in done.stderr


def test_forgetting_finds_names_that_people_wrote_into_tables_of_same_voices(tmp_path: Path) -> None:
    store(a_voice("Anna"))
    header = ",".join(COLUMNS)
    tables = {"same-voices.csv": f"{header}\n1,{8 * ','}anna\n", "saved.csv": f"\ufeff{header}\r\n1,{8 * ','}ANNA\r\n"}
    tables["semicolons.csv"] = tables["same-voices.csv"].replace(",", ";")
    others = {
        "ben.csv": f"{header}\n1,Anna{8 * ','}Ben\n",
        "list.csv": "name\nAnna\n",
        "no.csv": "",
        "odd.csv": "\x00\n",
    }
    for name, text in (tables | others).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    done = ressenti("voices", "forget", "Anna", tmp_path)
    assert done.returncode == 0, done.stderr
    assert all(f"{name}: a table of the same voices" in done.stdout.replace("\n", "") for name in tables)
    assert not any(name in done.stdout for name in others)


def test_a_failed_change_leaves_everything_as_it_was(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store(a_voice())
    before = (folder / known.FILE).read_bytes()

    def fail(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    assert ressenti("voices", "forget", "Anna").returncode == 0  # the last voice: the file goes
    store_failed = pytest.raises(Exception, match="disk is full")
    (folder / known.FILE).write_bytes(before)
    (folder / known.FILE).chmod(0o600)
    with store_failed:
        store(a_voice(), a_voice("Ben"))
    assert (folder / known.FILE).read_bytes() == before
    assert not list(folder.glob("*.partial")) + list(folder.glob(".*.partial"))


def test_voices_move_to_another_machine(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store(a_voice("Anna"), a_voice("Ben"))
    file = tmp_path / "moved.json"
    assert ressenti("voices", "export", file, "Ben").returncode == 0
    assert ressenti("voices", "export", file).returncode == OutputExistsError.exit_code
    if sys.platform != "win32":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    monkeypatch.setenv("RESSENTI_VOICES", str(tmp_path / "elsewhere"))
    assert ressenti("voices", "import", file).returncode == 0
    assert [voice.name for voice in known.known_voices()] == ["Ben"]
    twice = ressenti("voices", "import", file)
    assert (twice.returncode, "known already" in twice.stderr) == (ConfigError.exit_code, True)
    assert ressenti("voices", "import", "--overwrite", file).returncode == 0
    store(a_voice("Cleo", OTHER))
    (tmp_path / "old.json").write_text(known.dumped(known.known_voices()), encoding="utf-8")
    assert ressenti("voices", "import", tmp_path / "old.json").returncode == VoicesError.exit_code


def test_more_speech_moves_a_voice_by_its_seconds() -> None:
    first = a_voice()
    other = np.array(embedding())
    more = known.more_of(first, other, 3 * first.speech_s, "2026-02-14")
    assert (more.recordings, more.speech_s, more.added, more.changed) == (2, 126.0, "2026-01-31", "2026-02-14")
    assert np.linalg.norm(more.embedding) == pytest.approx(1)
    assert np.dot(more.embedding, other) > np.dot(more.embedding, first.embedding)
