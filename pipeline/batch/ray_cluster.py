"""A connection to a Ray cluster: one of this machine alone (`local`), or that of a head by its address.

Ray's dashboard and usage statistics are off, and nobody gets in without a token.
"""

from __future__ import annotations

import logging
import os
import re
import secrets
import shutil
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ressenti.pipeline.batch.machine import WORKER_MB, workers_that_fit
from ressenti.pipeline.errors import ClusterError, ConfigError
from ressenti.pipeline.extras import need
from ressenti.pipeline.files.untrusted import short
from ressenti.pipeline.text import visible

LOCAL = "local"
TOKEN = "token"  # noqa: S105  # a mode of Ray, no secret
MODE = "RAY_AUTH_MODE"
_ADDRESS = re.compile(r"(\[[0-9a-fA-F:]+\]|[\w.-]+):([0-9]{1,5})")
_STORE_BYTES = 200_000_000  # shared memory for rows on their way; recordings never lie there
_ANSWER_S = 5.0
# a client's preface and empty settings (RFC 9113, 3.4); whatever speaks gRPC answers with its own settings
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
_SETTINGS = 4
_ABOUT_TOKENS = (
    "Make one with `ray get-auth-token --generate`, copy ~/.ray/auth_token to every machine, and start Ray there with "
    "RAY_AUTH_MODE=token."
)


@dataclass
class Cluster:
    """A connection that lasts until `close`."""

    address: str
    _folder: TemporaryDirectory[str] | None = None

    @property
    def is_local(self) -> bool:
        """Whether the cluster is of this machine alone, and ends with the connection."""
        return self.address == LOCAL

    def workers(self) -> int:
        """How many workers its machines hold, by their cores and their memory; at least one."""
        import ray

        held = (node["Resources"] for node in ray.nodes() if node["Alive"])
        fit = (min(of.get("CPU", 0), of.get("memory", 0) // (WORKER_MB << 20)) for of in held)
        return max(1, int(sum(fit)))

    def living(self) -> set[str]:
        """The ids of its machines that can be reached."""
        import ray

        self.check()
        return {node["NodeID"] for node in ray.nodes() if node["Alive"]}

    def check(self) -> None:
        """Raise `ClusterError` if the head cannot be reached any more: after a minute, Ray would end this process."""
        if self.is_local or not (why := _unreachable(self.address)):
            return
        raise ClusterError(
            f"{self.address}: the head of the Ray cluster was lost ({why}). Start it again, then give the same "
            "command: it goes on where it was."
        )

    def close(self) -> None:
        """End the connection, and a local cluster with it."""
        import ray

        ray.shutdown()
        if self._folder is not None:
            _remove(self._folder)


def connect(address: str, count: int | None) -> Cluster:
    """Connect to a cluster; of `local`, `count` is the number of cores that it gets.

    Raises `ConfigError` for an address that is none and where there is no token, `ClusterError` if nobody answers.
    """
    need("ray", "--ray", extra="cluster")
    if address == LOCAL:
        return _local(count or workers_that_fit())
    if address.startswith("ray://"):
        raise ConfigError(
            f"--ray: got {short(visible(address))!r}, an address of Ray's client server; expected that of the head, "
            "such as 10.0.0.1:6379, on a machine of the cluster."
        )
    if _ADDRESS.fullmatch(address) is None:
        raise ConfigError(
            f"--ray: got {short(visible(address))!r}; expected local or the address of the head, such as 10.0.0.1:6379."
        )
    _check_token()
    if why := _unreachable(address):
        raise ClusterError(
            f"{address}: no Ray cluster answers ({why}). Start one with `ray start --head --port=6379`, or check the "
            "address and the firewall."
        )
    os.environ[MODE] = TOKEN
    _init(address, address=address)
    return Cluster(address)


def _local(cores: int) -> Cluster:
    # in a folder of our own, as Ray lets everybody write into its own; its sockets need a short path
    short_path = "/tmp" if Path("/tmp").is_dir() else None  # noqa: S108  # the folder has a random name, for us alone
    folder = TemporaryDirectory(prefix="ressenti-", dir=short_path, ignore_cleanup_errors=True)
    for name in ("RAY_ADDRESS", "RAY_AUTH_TOKEN_PATH"):
        os.environ.pop(name, None)
    os.environ |= {
        MODE: TOKEN,
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # by this switch Ray keeps to the loopback, on any system
    }
    _init(
        LOCAL,
        address=LOCAL,
        num_cpus=cores,
        include_dashboard=False,
        object_store_memory=_STORE_BYTES,
        _temp_dir=folder.name,
        _node_ip_address="127.0.0.1",
    )
    import ray

    if (where := ray.util.get_node_ip_address()) != "127.0.0.1":
        ray.shutdown()
        raise ClusterError(f"--ray local: Ray listens on {where}; expected 127.0.0.1 alone. Leave out --ray.")
    return Cluster(LOCAL, folder)


def _init(name: str, **options: Any) -> None:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray
    from ray._private import worker

    # Ray prints on our standard output what its own processes report; what it means for us, we say
    worker.print_to_stdstream = _say_nothing
    try:
        with _own_signals():
            ray.init(log_to_driver=False, logging_level=logging.CRITICAL, **options)
    except Exception as exc:
        with suppress(Exception):
            ray.shutdown()
        why = short(visible(str(exc).strip().partition("\n")[0]), 300)
        raise ClusterError(
            f"{name}: Ray does not start or does not let us in: {why}. The token has to be that of the cluster, and "
            "this machine a part of it (`ray start --address=...`), with the same versions of Ray and Python."
        ) from exc


def _remove(folder: TemporaryDirectory[str]) -> None:
    until = time.monotonic() + 10
    while Path(folder.name).exists() and time.monotonic() < until:  # Ray's processes, which are ending, still write
        shutil.rmtree(folder.name, ignore_errors=True)
        time.sleep(0.1)
    folder.cleanup()


@contextmanager
def _own_signals() -> Iterator[None]:
    """Keep this process's handlers of signals: Ray's would abort it."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        with suppress(ValueError):  # not in the main thread
            for number, handler in before.items():
                signal.signal(number, handler)


def _say_nothing(*_: object, **__: object) -> None:
    pass


def _check_token() -> None:
    mode = os.environ.get(MODE, TOKEN)
    if mode != TOKEN:
        raise ConfigError(
            f"--ray: got {MODE}={short(visible(mode))}; expected {TOKEN}. Without a token, everybody who reaches the "
            f"cluster runs programs on it. {_ABOUT_TOKENS}"
        )
    if os.environ.get("RAY_AUTH_TOKEN"):
        return
    path = Path(os.environ.get("RAY_AUTH_TOKEN_PATH") or Path.home() / ".ray" / "auth_token")
    with suppress(OSError):
        if path.stat().st_size:
            return
    raise ConfigError(f"--ray: no token for the cluster in RAY_AUTH_TOKEN or in {path}. {_ABOUT_TOKENS}")


def _unreachable(address: str) -> str:
    """Why no Ray head answers at an address; empty if one does."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), _ANSWER_S) as connection:
            connection.settimeout(_ANSWER_S)
            connection.sendall(_PREFACE)
            head = connection.recv(4)
    except (OSError, OverflowError) as exc:
        return str(exc)
    return "" if len(head) == 4 and head[3] == _SETTINGS else "what listens there is no head of a Ray cluster"
