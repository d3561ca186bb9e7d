"""A hub on loopback that speaks what huggingface_hub asks, and fails on request; large files lie on another host."""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

GOOD = "hf_good"
LARGE = 100_000  # bytes, from which a file is kept apart as the hub keeps LFS files
COMMIT, OLDER = "c0ffee" + "0" * 34, "0dd" + "0" * 37


@dataclass
class Repository:
    files: dict[str, bytes]
    gated: bool = False
    revisions: dict[str, str] = field(default_factory=lambda: {"main": COMMIT, "v1": OLDER})


@dataclass(frozen=True)
class Seen:
    """A request that came."""

    method: str
    path: str
    range: str | None
    token: str | None
    host: str


class Hub:
    """`cuts`: after how many bytes of each next answer with a large file the line goes dead; `stall` waits instead."""

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.seen: list[Seen] = []
        self.cuts: list[int] = []
        self.stall: threading.Event | None = None
        self.damaged = self.portal = self.busy = False
        self.ranges = True
        self.refused: str | None = None
        hub = self

        class Handler(_Handler):
            owner = hub

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def gets(self, path: str = "/cdn/") -> list[Seen]:
        return [seen for seen in self.seen if seen.method == "GET" and seen.path.startswith(path)]


class _Handler(BaseHTTPRequestHandler):
    owner: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        del format, args

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def _answer(self) -> None:
        hub, path = self.owner, unquote(urlsplit(self.path).path)
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ") or None
        seen = Seen(
            self.command, path, self.headers.get("Range"), token, (self.headers.get("Host") or "").split(":")[0]
        )
        hub.seen.append(seen)
        if hub.portal:
            return self._send(200, b"<html>Log in</html>", {"Content-Type": "text/html"})
        if hub.busy:
            return self._error(503, "", "Back soon")
        if token and token == hub.refused:
            return self._error(401, "", "Invalid credentials in Authorization header")
        if path.startswith("/cdn/"):
            data = next(d for r in hub.repositories.values() for d in r.files.values() if _sha256(d) == path[5:])
            return self._file(data, {"ETag": f'"{path[5:]}"'})
        api = path.startswith("/api/models/")
        parts = path.removeprefix("/api/models/").strip("/").split("/")
        repository = hub.repositories.get("/".join(parts[:2]))
        if repository is None:
            return self._error(401, "RepoNotFound", "Invalid username or password.")
        revision = parts[3] if len(parts) > 3 else "main"
        commit = repository.revisions.get(revision, revision if revision in repository.revisions.values() else None)
        if commit is None:
            return self._error(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        if api:
            siblings = [{"rfilename": name} for name in repository.files]
            body = {"id": "/".join(parts[:2]), "sha": commit, "siblings": siblings, "tags": [], "private": False}
            return self._send(200, json.dumps(body).encode(), {"Content-Type": "application/json"})
        if repository.gated and token != GOOD:
            return self._error(403 if token else 401, "GatedRepo", "Access to this model is restricted.")
        return self._resolve(repository.files["/".join(parts[4:])], commit)

    def _resolve(self, data: bytes, commit: str) -> None:
        """A small file itself, or where a large one lies: on a host that must not be shown the token."""
        if len(data) < LARGE:
            return self._file(data, {"X-Repo-Commit": commit, "ETag": f'"{_git_sha1(data)}"'})
        about = {"X-Repo-Commit": commit, "X-Linked-Size": str(len(data)), "X-Linked-ETag": f'"{_sha256(data)}"'}
        location = f"http://localhost:{self.owner.port}/cdn/{_sha256(data)}"
        return self._send(302, b"", about | {"Location": location})

    def _file(self, data: bytes, headers: dict[str, str]) -> None:
        hub, start, status = self.owner, 0, 200
        if hub.ranges and (wanted := self.headers.get("Range")):
            start, status = int(wanted.removeprefix("bytes=").split("-")[0]), 206
            headers = headers | {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"}
        if hub.damaged:
            data = data[:-1] + bytes([data[-1] ^ 1])
        end = None
        if len(data) >= LARGE and self.command == "GET" and hub.cuts:
            end = start + hub.cuts.pop(0)
        self._send(status, data[start:], headers, None if end is None else end - start)

    def _send(self, status: int, body: bytes, headers: dict[str, str], end: int | None = None) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body[:end])
            if end is not None:
                self.wfile.flush()
                if self.owner.stall is not None:
                    self.owner.stall.wait(60)
                self.close_connection = True

    def _error(self, status: int, code: str, message: str) -> None:
        self._send(status, b"{}", {"X-Error-Code": code, "X-Error-Message": message})


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _git_sha1(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
