"""Find a checkpoint's weights: one file, or several (shards) with an index from tensors to files."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from ressenti.pipeline.errors import ModelError
from ressenti.pipeline.files.paths import is_file
from ressenti.pipeline.files.untrusted import parse_json, read_text, short

FILES = ("model.safetensors", "pytorch_model.bin")  # in order of preference, each as one file or with an index
INDEX = ".index.json"
_LARGEST_INDEX = 1 << 22  # bytes; the index of 420 tensors has 40 kB
_MOST_SHARDS = 100
_LARGEST = 10 << 30  # bytes; the largest published wav2vec2 has 8.6 GB


@dataclass(frozen=True)
class Weights:
    """Files of a model's weights, and their index (tensor -> file name), None if there is only one file."""

    files: tuple[Path, ...]
    index: Mapping[str, str] | None = None

    @property
    def name(self) -> Path:
        """Path for messages: the only file, or the index."""
        return self.files[0] if self.index is None else _index_path(self.files[0])

    def check(self, found: Mapping[str, Collection[str]]) -> None:
        """Raise `ModelError` if the tensors of the files do not match the index."""
        if self.index is None:
            return
        lying = {(name, file) for file, names in found.items() for name in names}
        lost, strange = set(self.index.items()) - lying, lying - set(self.index.items())
        if lost or strange:
            raise ModelError(
                f"{self.name}: does not match its files: {_listed('missing from the files', lost)}"
                f"{'; ' if lost and strange else ''}{_listed('missing from the index', strange)}. Get the model again."
            )


def find_weights(folder: Path) -> Weights:
    """Find the weights in a folder; `ModelError` if there are none, a shard is missing, or the index is invalid."""
    for name in FILES:
        if is_file(folder / name):
            return _checked(Weights((folder / name,)))
        if is_file(folder / (name + INDEX)):
            return _sharded(folder / (name + INDEX), Path(name).suffix)
    found = ", ".join(sorted(path.name for path in folder.iterdir())) or "nothing"
    raise ModelError(
        f"{folder}: no weights, found {found}; expected {' or '.join(FILES)}, or shards with an {INDEX} file."
    )


def _sharded(path: Path, suffix: str) -> Weights:
    """Shards listed in an index, sorted by name."""
    try:
        index = parse_json(read_text(path, _LARGEST_INDEX))["weight_map"]
        names = sorted(set(index.values()))
        plain = 0 < len(names) <= _MOST_SHARDS and all(
            Path(name).name == name and name.endswith(suffix) for name in names
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as exc:
        raise ModelError(f"{path}: not an index of weights ({short(repr(exc), 300)}). Get the model again.") from exc
    if not plain:
        raise ModelError(
            f"{path}: lists the files {short(str(names), 300)}; expected {suffix} files in the same folder."
        )
    if missing := [name for name in names if not is_file(path.parent / name)]:
        raise ModelError(
            f"{path}: {len(missing)} of {len(names)} files are missing: {', '.join(missing[:8])}. Get the model again."
        )
    return _checked(Weights(tuple(path.parent / name for name in names), index))


def _checked(weights: Weights) -> Weights:
    """Check that no weights file is a link to another folder, and that their total size is plausible.

    Links to `blobs`, two folders up, are allowed: the hub's own cache stores its files there.
    """
    total = 0
    for path in weights.files:
        folder, real = path.parent.resolve(), path.resolve()
        if not (real.is_relative_to(folder) or real.parent == folder.parent.parent / "blobs"):
            raise ModelError(f"{path}: is a link to another folder. Copy the file here instead.")
        total += path.stat().st_size
    if total > _LARGEST:
        raise ModelError(f"{weights.name}: {total / 1e9:.1f} GB of weights; expected at most {_LARGEST / 1e9:.0f} GB.")
    return weights


def _index_path(shard: Path) -> Path:
    return shard.with_name(next(name for name in FILES if name.endswith(shard.suffix)) + INDEX)


def _listed(what: str, tensors: Collection[tuple[str, str]]) -> str:
    if not tensors:
        return ""
    named = [f"{name} ({file})" for name, file in sorted(tensors)[:8]]
    more = f" and {len(tensors) - 8} more" if len(tensors) > 8 else ""
    return f"{what}: {', '.join(named)}{more}"
