"""Where a checkpoint's weights lie: in one file, or in several (shards) with an index of which tensor is in which."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from ressenti.pipeline.errors import ModelError
from ressenti.pipeline.files.paths import is_file
from ressenti.pipeline.files.untrusted import parse_json, read_text, short

FILES = ("model.safetensors", "pytorch_model.bin")  # in order of preference, each in one piece or with an index
INDEX = ".index.json"
_LARGEST_INDEX = 1 << 22  # bytes; that of 420 tensors has 40 kB
_MOST_SHARDS = 100
_LARGEST = 10 << 30  # bytes; the largest wav2vec2 that was published has 8.6 GB


@dataclass(frozen=True)
class Weights:
    """The files of a model's weights, and their index (tensor -> name of its file), None where there is one file."""

    files: tuple[Path, ...]
    index: Mapping[str, str] | None = None

    @property
    def name(self) -> Path:
        """What to call them in a message: the one file, or the index."""
        return self.files[0] if self.index is None else _index_path(self.files[0])

    def check(self, found: Mapping[str, Collection[str]]) -> None:
        """`ModelError` where the tensors of each file are not those that the index says."""
        if self.index is None:
            return
        lying = {(name, file) for file, names in found.items() for name in names}
        lost, strange = set(self.index.items()) - lying, lying - set(self.index.items())
        if lost or strange:
            raise ModelError(
                f"{self.name}: does not fit its files: {_listed('not where it says', lost)}"
                f"{'; ' if lost and strange else ''}{_listed('not in it', strange)}. Get the model again."
            )


def find_weights(folder: Path) -> Weights:
    """The weights in a folder; `ModelError` where there are none, a shard is missing, or an index is no index."""
    for name in FILES:
        if is_file(folder / name):
            return _checked(Weights((folder / name,)))
        if is_file(folder / (name + INDEX)):
            return _sharded(folder / (name + INDEX), Path(name).suffix)
    found = ", ".join(sorted(path.name for path in folder.iterdir())) or "nothing"
    raise ModelError(
        f"{folder}: no weights, found {found}; expected {' or '.join(FILES)}, or one's {INDEX} and shards."
    )


def _sharded(path: Path, suffix: str) -> Weights:
    """The shards that an index names, in order of their names."""
    try:
        index = parse_json(read_text(path, _LARGEST_INDEX))["weight_map"]
        names = sorted(set(index.values()))
        plain = 0 < len(names) <= _MOST_SHARDS and all(
            Path(name).name == name and name.endswith(suffix) for name in names
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as exc:
        raise ModelError(f"{path}: no index of weights ({short(repr(exc), 300)}). Get the model again.") from exc
    if not plain:
        raise ModelError(
            f"{path}: names the files {short(str(names), 300)}; expected names of {suffix} files beside it."
        )
    if missing := [name for name in names if not is_file(path.parent / name)]:
        raise ModelError(
            f"{path}: {len(missing)} of its {len(names)} files missing: {', '.join(missing[:8])}. Get the model again."
        )
    return _checked(Weights(tuple(path.parent / name for name in names), index))


def _checked(weights: Weights) -> Weights:
    """The weights, none of them a link that leads out of the folder, and all together no larger than any model's.

    The hub's own cache keeps files in `blobs`, two folders up, and links to them.
    """
    total = 0
    for path in weights.files:
        folder, real = path.parent.resolve(), path.resolve()
        if not (real.is_relative_to(folder) or real.parent == folder.parent.parent / "blobs"):
            raise ModelError(f"{path}: a link that leads out of its folder. Copy the file there.")
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
