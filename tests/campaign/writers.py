"""Processes that cannot know of one another, each the first of its namespace, writing into one folder."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from campaign.pool import end, environment

Write = Callable[[Mapping[Path, bytes]], None]
FILES = 3
NAMESPACE = ("unshare", "--pid", "--fork", "--mount-proc")
_SIZE = 400_000


def old_way(files: Mapping[Path, bytes]) -> None:
    """As version 0.1.0 wrote: aside under the number of the process, then renamed."""
    aside = {path: path.with_name(f".{os.getpid()}.{i}.partial") for i, path in enumerate(files)}
    for path, data in files.items():
        with aside[path].open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    for path in files:
        aside[path].replace(path)


def write_often(folder: Path, who: int, count: int, write: Write) -> int:
    """Write a set of files so many times; how often that failed, or a file held something that nobody wrote."""
    torn = 0
    for number in range(count):
        token = f"{who:04d}-{number:06d}\n".encode()
        files = {folder / f"result-{i}": token * (_SIZE // len(token)) for i in range(FILES)}
        try:
            write(files)
            torn += any(not whole(path.read_bytes()) for path in files)
        except Exception:  # noqa: BLE001  # lost, whatever it was
            torn += 1
    return torn


def whole(data: bytes) -> bool:
    """Whether one writer wrote all of it."""
    return len(data) // 12 * 12 == _SIZE // 12 * 12 and data == data[:12] * (len(data) // 12)


def side_by_side(folder: Path, count: int, how: str) -> int:
    """How many of the writes of two processes, each number 1 of its own namespace, were torn or lost."""
    own = [sys.executable, "-m", "campaign.writers", str(folder), str(count), how]
    processes = [
        subprocess.Popen(
            [*NAMESPACE, *own, str(who)], stdout=subprocess.PIPE, env=environment(), start_new_session=True
        )
        for who in range(2)
    ]
    try:
        return sum(int(process.communicate(timeout=600)[0]) for process in processes)
    finally:
        for process in processes:
            end(process)


def main() -> None:
    """Write as one of the two."""
    from ressenti.pipeline.store import write_whole

    folder, count, how, who = sys.argv[1:]
    assert os.getpid() == 1, "a namespace of its own"
    print(write_often(Path(folder), int(who), int(count), old_way if how == "old" else write_whole))  # noqa: T201


if __name__ == "__main__":
    main()
