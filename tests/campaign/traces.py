"""What a process asks the system for, as strace saw it: addresses of the network, and files that it must not open."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from campaign.pool import end, environment

_NETWORK = re.compile(r"(socket|socketpair)\(AF_(INET|INET6|PACKET|NETLINK)\b|sa_family=AF_(INET|INET6)\b|sin6?_addr")
_OPENED = re.compile(r'\b(?:open|openat|openat2|creat)\((?:[^"]*?)"((?:[^"\\]|\\.)*)"')


def strace() -> str | None:
    """Path of strace, None where it is not installed."""
    return shutil.which("strace")


def asked(trace: str, forbidden: Sequence[str]) -> list[str]:
    """Lines of a trace in which a process turns to the network, or opens a file of a forbidden name."""
    found = []
    for line in trace.splitlines():
        opened = _OPENED.search(line)
        if _NETWORK.search(line) or (opened and os.path.basename(opened.group(1)) in forbidden):  # noqa: PTH119
            found.append(line)
    return found


def traced(command: Sequence[str | bytes], folder: Path, limit_s: float = 600.0) -> tuple[int, str, str]:
    """Exit code, words and trace of a command, with all that it starts, run in a folder."""
    log = folder.parent / f"{folder.name}.trace"
    prefix = [str(strace()), "-f", "--seccomp-bpf", "-qq", "-e", "trace=%network,open,openat,openat2,creat", "-o", log]
    process = subprocess.Popen(
        [*prefix, *command], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env=environment(), start_new_session=True,
    )  # fmt: skip
    try:
        said, _ = process.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
        end(process)
        raise
    return process.returncode, said.decode("utf-8", "replace"), log.read_text(encoding="utf-8", errors="replace")


@dataclass
class Listener:
    """Hears who turns to a port of the loopback, by TCP or UDP."""

    port: int = 0
    heard: list[str] = field(default_factory=list)


@contextlib.contextmanager
def listening() -> Iterator[Listener]:
    """A listener on a free port."""
    with socket.socket() as calls, socket.socket(type=socket.SOCK_DGRAM) as letters:
        calls.bind(("127.0.0.1", 0))
        listener = Listener(calls.getsockname()[1])
        letters.bind(("127.0.0.1", listener.port))
        calls.listen()
        calls.settimeout(0.1)
        letters.settimeout(0.1)
        over = threading.Event()

        def listen() -> None:
            while not over.is_set():
                with contextlib.suppress(TimeoutError):
                    call, _ = calls.accept()
                    listener.heard.append("a connection")
                    call.close()
                with contextlib.suppress(TimeoutError):
                    letters.recvfrom(1)
                    listener.heard.append("a datagram")

        thread = threading.Thread(target=listen)
        thread.start()
        try:
            yield listener
        finally:
            over.set()
            thread.join()
