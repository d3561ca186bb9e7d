"""Decoders that are forked from a warm process, instead of started anew for every recording.

A decoder takes longer to import numpy and PyAV than to read a short recording. In tests it begins as a fork of a process
that has imported both, and does all else as ever: it shuts itself in, reads its standard input and writes messages.
`own_decoder` gives a test the real start.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from types import SimpleNamespace
from typing import Any

from ressenti.pipeline.audio import decoder_process

FORKING = """
import json, os, socket, sys
sys.path += sys.argv[2:]
from worker import start
asked = socket.socket(fileno=int(sys.argv[1]))
while True:
    text, ends, _, _ = socket.recv_fds(asked, 1 << 16, 2)
    if not text:
        break
    if not ends:
        asked.send(json.dumps(os.waitstatus_to_exitcode(os.waitpid(json.loads(text), 0)[1])).encode())
        continue
    pid = os.fork()
    if pid == 0:
        try:
            asked.close()
            for end, number in zip(ends, (0, 1)):
                os.dup2(end, number)
                os.close(end)
            sys.argv = ["-c", text.decode()]
            start.main()
        finally:
            os._exit(1)
    for end in ends:
        os.close(end)
    asked.send(json.dumps(pid).encode())
"""


class Forking:
    """The warm process, started when it is first needed."""

    def __init__(self) -> None:
        self._boot, self._executable, self._here = decoder_process._BOOT, sys.executable, os.getpid()
        self._asking = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self.module = SimpleNamespace(Popen=self.popen, PIPE=subprocess.PIPE, DEVNULL=subprocess.DEVNULL)

    def popen(self, command: list[str], *, stdin: int, **options: Any) -> Any:
        """What `subprocess.Popen` gives, for a decoder."""
        as_ever = [self._executable, "-I", "-S", "-c", self._boot]
        if command[:5] != as_ever or os.getpid() != self._here or not hasattr(socket, "recv_fds"):
            return subprocess.Popen(command, stdin=stdin, **options)
        return Decoder(self, command[5], command[6:], stdin)

    def ask(self, what: bytes, ends: tuple[int, ...], paths: list[str]) -> int:
        """The number of a new decoder, or how the one of that number ended."""
        with self._asking:
            if self._socket is None:
                self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                self._process = subprocess.Popen(
                    [self._executable, "-I", "-S", "-c", FORKING, str(theirs.fileno()), *paths],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                    env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
                )
                theirs.close()
            socket.send_fds(self._socket, [what], ends)
            return int(json.loads(self._socket.recv(100)))

    def close(self) -> None:
        """End the warm process."""
        if self._socket is not None and self._process is not None:
            self._socket.close()
            self._process.wait(60)


class Decoder:
    """One forked decoder, as a `Popen`."""

    def __init__(self, forking: Forking, job: str, paths: list[str], stdin: int) -> None:
        read, write = os.pipe()
        self._forking, self._paths = forking, paths
        self._code: int | None = None
        try:
            self.pid = forking.ask(job.encode(), (stdin, write), paths)
        except BaseException:
            os.close(read)
            raise
        finally:
            os.close(write)
        self.stdout = os.fdopen(read, "rb")

    def kill(self) -> None:
        """End it; nothing where it has been waited for."""
        if self._code is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> int:
        """Its exit code, or minus the signal that ended it."""
        if self._code is None:
            self._code = self._forking.ask(json.dumps(self.pid).encode(), (), self._paths)
        return self._code
