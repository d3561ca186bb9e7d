"""Recordings in object storage: by fsspec's storage in memory, and by a server on this machine."""

from __future__ import annotations

import csv
import http.server
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from threading import Thread

import batch_fakes
import fsspec
import pytest
from test_library import ask, run
from test_library_batch import RUN, app, batch

from conftest import noise, write_wav
from ressenti.pipeline.batch import workers
from ressenti.pipeline.cli import library_batch
from ressenti.pipeline.cli.batch import SOME_FAILED
from ressenti.pipeline.errors import ConfigError, UnreadableError
from ressenti.pipeline.library import storage
from ressenti.pipeline.library.folder import COPIES


@pytest.fixture(autouse=True)
def fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library_batch, "MakeAnalyst", batch_fakes.MakeFake)
    monkeypatch.setattr(workers, "Pool", batch_fakes.OwnPool)


@pytest.fixture
def bucket(tmp_path: Path) -> Iterator[fsspec.AbstractFileSystem]:
    """Two recordings, one in a folder, and a text."""
    files = fsspec.filesystem("memory")
    for k, name in enumerate(("anna/call.wav", "slip.wav")):
        write_wav(tmp_path / "x.wav", noise(3, seed=k))
        files.pipe(f"/bucket/{name}", (tmp_path / "x.wav").read_bytes())
    files.pipe("/bucket/notes.txt", b"no recording")
    yield files
    for name in files.find("/bucket"):
        files.rm_file(name)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Addresses in the order in which they are copied."""
    out: list[str] = []
    blocks = storage._blocks
    monkeypatch.setattr(storage, "_blocks", lambda url: (out.append(url), blocks(url))[1])
    return out


@pytest.mark.slow("analyses many recordings with fakes")
def test_a_prefix_is_read_once(bucket: fsspec.AbstractFileSystem, read: list[str], tmp_path: Path) -> None:
    lib = tmp_path / "lib"
    code, said = batch("memory://bucket/", "--out", lib)
    assert (code, "2 done" in said, "left alone: 1 .txt" in said) == (0, True, True), said
    assert len(read) == 2
    found = ask(lib, "SELECT recording, path FROM conversations ORDER BY ALL")
    assert [name for name, _ in found] == ["call.wav", "slip.wav"]
    assert all(path.startswith("memory://") for _, path in found)
    assert not (lib / COPIES).exists() or not list((lib / COPIES).iterdir())
    code, said = batch("memory://bucket/", "--out", lib)
    assert ("2 already done" in said, len(read)) == (True, 2), said
    bucket.pipe("/bucket/slip.wav", bucket.cat("/bucket/slip.wav") + b"more")
    assert "1 already done" in batch("memory://bucket/", "--out", lib)[1]
    assert len(read) == 3


@pytest.mark.slow("analyses many recordings with fakes")
def test_a_manifest_names_addresses_and_what_is_missing_is_a_line(
    bucket: fsspec.AbstractFileSystem, tmp_path: Path
) -> None:
    lib, manifest = tmp_path / "lib", tmp_path / "calls.csv"
    bucket.pipe("/bucket/empty.wav", b"")
    manifest.write_text(
        "path,id\nmemory://bucket/slip.wav,1\nmemory://bucket/none.wav,2\nmemory://bucket/empty.wav,3\n"
    )
    code, said = batch(manifest, "--out", lib)
    assert (code, "1 done, 2 failed" in said) == (SOME_FAILED, True), said
    with (lib / "errors.csv").open(newline="", encoding="utf-8") as file:
        rows = {row["path"]: row for row in csv.DictReader(file)}
    assert {path: row["error"] for path, row in rows.items()} == {
        "memory://bucket/none.wav": "NotFoundError",
        "memory://bucket/empty.wav": "EmptyFileError",
    }
    assert str(lib) not in (lib / "errors.csv").read_text()
    assert run("library", "forget", lib, "--id", "1")[0] == 0
    assert "slip" not in (lib / storage.NAME).read_text()
    assert "deleted from the library" in batch(manifest, "--out", lib)[1]


def test_copies_that_a_killed_run_left_are_removed(bucket: fsspec.AbstractFileSystem, tmp_path: Path) -> None:
    lib = tmp_path / "lib"
    assert batch("memory://bucket/slip.wav", "--out", lib)[0] == 0
    left = storage.copied("memory://bucket/slip.wav", lib).path
    assert (left.stat().st_mode & 0o777, left.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert batch("memory://bucket/slip.wav", "--out", lib)[0] == 0
    assert not left.exists()


def test_no_copy_is_left_of_what_fails(bucket: fsspec.AbstractFileSystem, tmp_path: Path) -> None:
    bucket.pipe("/bucket/bug.wav", bucket.cat("/bucket/slip.wav"))
    _, said = batch("memory://bucket/bug.wav", "--out", tmp_path / "lib")
    assert "1 failed" in said
    assert not list((tmp_path / "lib" / COPIES).iterdir())


def test_wrong_addresses_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for given in ("ftp://host/a.wav", "s3://key:secret@host/a.wav", "https://x::s3://a"):
        with pytest.raises(ConfigError) as told:
            storage.url_of(given)
        assert "secret" not in str(told.value)
    assert storage.url_of("abfs:/box@name.dfs.core.windows.net/a/") == "abfs://box@name.dfs.core.windows.net/a/"
    one, other = (storage.shown_url(f"https://host/a.wav?id={k}") for k in "12")
    assert one != other  # two recordings are never taken for one
    assert one.startswith("https://host/a.wav?")
    assert "id" not in one.partition("?")[2]
    refused = RUN.invoke(app, ["batch", "https://host/?signature=1", "--out", str(tmp_path / "lib"), "--watch"])
    assert str(refused.exception).startswith("--watch: got https://host/?")
    assert "signature" not in str(refused.exception)

    def missing(scheme: str) -> None:
        raise ImportError(scheme)

    monkeypatch.setattr(fsspec, "get_filesystem_class", missing)
    with pytest.raises(ConfigError, match="pip install s3fs"):
        list(storage.listed("s3://calls/"))


def test_refused_credentials_are_a_bad_file(bucket: fsspec.AbstractFileSystem) -> None:
    def refused(self: object, path: str, **more: object) -> None:
        raise PermissionError("Forbidden")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(bucket), "info", refused)
        with pytest.raises(UnreadableError, match=r"Forbidden.*credentials"):
            storage.mark_of("memory://bucket/slip.wav")


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.mark.slow("analyses many recordings with fakes")
def test_recordings_of_a_server(tmp_path: Path, read: list[str]) -> None:
    pytest.importorskip("aiohttp")
    (tmp_path / "www").mkdir()
    write_wav(tmp_path / "www" / "call.wav", noise(3, seed=5))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=tmp_path / "www")) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/call.wav"
        assert batch(f"{url}?key=secret", "--out", tmp_path / "lib")[0] == 0
        assert "1 already done" in batch(f"{url}?key=secret", "--out", tmp_path / "lib")[1]
        server.shutdown()
    assert len(read) == 1
    assert ask(tmp_path / "lib", "SELECT path, recording FROM conversations") == [
        (storage.shown_url(f"{url}?key=secret"), "call.wav")
    ]
    assert "secret" not in json.dumps([p.read_text() for p in (tmp_path / "lib").glob("*.json")])
