"""Putting models where `ressenti models get` leaves them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from ressenti.pipeline.models import folders, registry
from ressenti.pipeline.models.installed import Manifest, write_manifest

COMMIT = "c0ffee" + "0" * 34


def install(model_id: str, files: dict[str, bytes] | Path, commit: str = COMMIT) -> Path:
    """Write files, or those of a folder, to where a model of that id belongs, with their manifest; its folder."""
    if isinstance(files, Path):
        files = {p.relative_to(files).as_posix(): p.read_bytes() for p in sorted(files.rglob("*")) if p.is_file()}
    folder = folders.folder_of(model_id)
    notes = {}
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        digest = hashlib.sha256(data).hexdigest()
        notes[name] = {"size": len(data), "sha256": digest, "mtime_ns": path.stat().st_mtime_ns}
    entry = registry.known().get(model_id)
    made = {"id": model_id, "task": entry.task if entry else "emotion", "commit": commit, "source": "http://hub"}
    write_manifest(Manifest.model_validate(made | {"files": notes}), folder)
    return folder


def flip(path: Path) -> None:
    """Change one bit of the byte in the middle of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def restored(path: Path, change: Callable[[Path], object]) -> None:
    """Change a file and give it back its time, so that only its bytes tell."""
    before = path.stat()
    change(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
