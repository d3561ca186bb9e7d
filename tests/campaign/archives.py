"""Archives that nobody's `models export` wrote: what is inside, and the codes that an import of it may end with."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import random
import tarfile
from collections.abc import Callable, Iterator
from typing import Any

BAD = frozenset({27})
ANY = frozenset({0, 27})  # a change that may hit what nobody reads
ID = "pyannote/speaker-diarization-community-1"
HERE = ID.replace("/", "--")
MANIFEST = "ressenti-model.json"
Files = dict[str, bytes]
Members = list[tuple[tarfile.TarInfo, bytes]]

NAMES = (
    *(
        "../evil.bin",
        "/etc/evil.bin",
        "a/../../evil.bin",
        "./config.yaml",
        "a//b.bin",
        "a/./b.bin",
        ".hidden",
        "a/.git/b",
    ),
    *(
        "C:\\evil.bin",
        "a\\..\\evil.bin",
        "con",
        "NUL.bin",
        "sub/aux.npz",
        "COM1",
        "dot./b.bin",
        "space /b.bin",
        "b.bin ",
    ),
    *("a:b.bin", "what?.bin", "star*.bin", "pipe|.bin", 'quote".bin', "less<.bin", "line\nbreak.bin", "bell\x07.bin"),
    *("esc\x1b[31m.bin", "right\u202eleft.bin", "zero\u200bwidth.bin", "null\0.bin", "", "n" * 250, MANIFEST.upper()),
)


def sha256(data: bytes) -> str:
    """As a manifest has it."""
    return hashlib.sha256(data).hexdigest()


def manifest(files: Files, model_id: str = ID, /, **other: Any) -> bytes:
    """A manifest as `models export` writes it, with some of it changed."""
    notes = {name: {"size": len(data), "sha256": sha256(data), "mtime_ns": 0} for name, data in files.items()}
    made = {"version": 1, "id": model_id, "task": "diarization", "commit": "a" * 40, "source": "x", "files": notes}
    return json.dumps(made | other).encode()


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    """A header."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def tar(members: Members, form: int = tarfile.PAX_FORMAT) -> bytes:
    """A tar of these."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as file:
        for info, data in members:
            info.size = len(data)
            file.addfile(info, io.BytesIO(data))
    return out.getvalue()


def packed(files: Files, said: bytes | None = None, folder: str = HERE, form: int = tarfile.PAX_FORMAT) -> bytes:
    """A model in a tar, with the manifest that is given or its own."""
    listed = [(member(f"{folder}/{name}"), data) for name, data in files.items()]
    return tar([(member(f"{folder}/{MANIFEST}"), said or manifest(files)), *listed], form)


def good(draw: random.Random) -> Files:
    """Files of a model that could be."""
    return {"config.yaml": b"a: 1", "segmentation/pytorch_model.bin": draw.randbytes(draw.randrange(1, 3000))}


def _name(draw: random.Random) -> bytes:
    files = good(draw) | {draw.choice(NAMES): b"x"}
    return packed(files)


def _twins(draw: random.Random) -> bytes:
    one, two = draw.choice(
        [("a.bin", "A.BIN"), ("\u00e9.bin", "e\u0301.bin"), ("a", "a/b.bin"), ("ss.bin", "\u00df.bin")]
    )
    return packed(good(draw) | {one: b"1", two: b"2"})


def _link(draw: random.Random) -> bytes:
    kinds = (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE)
    kind = draw.choice((*kinds, tarfile.CONTTYPE, tarfile.GNUTYPE_SPARSE, b"Z"))
    info = member(f"{HERE}/config.yaml", kind, draw.choice(["/etc/passwd", "../../evil", "config.yaml", ""]))
    return tar([(member(f"{HERE}/{MANIFEST}"), manifest({"config.yaml": b""})), (info, b"")])


def _size(draw: random.Random) -> bytes:
    files = good(draw)
    data = bytearray(packed(files))
    place = data.index(b"config.yaml", 512) // 512 * 512
    wrong = draw.choice(
        [b"77777777777\0", b"00000000000\0", b"\x80" + b"\0" * 3 + b"\x7f" * 8, b"\xff" * 12, b"x" * 12]
    )
    data[place + 124 : place + 136] = wrong
    data[place + 148 : place + 156] = b" " * 8
    data[place + 148 : place + 156] = b"%06o\0 " % sum(data[place : place + 512])
    return bytes(data)


def _pax(draw: random.Random) -> bytes:
    """Extended headers: huge ones, sizes that lie, sparse files."""
    info = member(f"{HERE}/config.yaml")
    info.pax_headers = draw.choice(
        [
            {"comment": "x" * draw.randrange(5000, 2_000_000)},
            {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(1 << 40)},
            {"size": str(1 << 50)},
            {"path": "../../evil.bin"},
            {"path": f"{HERE}/" + "n" * 5000},
            {f"key{i}": "x" for i in range(200)},
        ]
    )
    return tar([(member(f"{HERE}/{MANIFEST}"), manifest({"config.yaml": b"a: 1"})), (info, b"a: 1")])


def _long_gnu(draw: random.Random) -> bytes:
    name = f"{HERE}/" + "n" * draw.randrange(101, 5000)
    return tar([(member(name), b"x")], tarfile.GNU_FORMAT)


def _cut(draw: random.Random) -> bytes:
    whole = packed(good(draw))
    end = len(whole.rstrip(b"\0"))
    return whole[: draw.randrange(1, end)]


def _squeezed(draw: random.Random) -> bytes:
    return draw.choice([gzip.compress(packed(good(draw))), b"", b"PK\3\4" + draw.randbytes(200), draw.randbytes(2000)])


def _order(draw: random.Random) -> bytes:
    files = good(draw)
    first, *rest = [(member(f"{HERE}/{name}"), data) for name, data in files.items()]
    said = (member(f"{HERE}/{MANIFEST}"), manifest(files))
    other = (member(f"{HERE}/other.bin"), b"x")
    few: list[Members] = [[first, said, *rest], [said, first], [said], [], [first, *rest]]
    many: list[Members] = [[said, first, first, *rest], [said, said, first, *rest], [said, first, *rest, other]]
    return tar(draw.choice([*few, *many]))


def _other_bytes(draw: random.Random) -> bytes:
    files = good(draw)
    said = manifest(files)
    name = draw.choice(sorted(files))
    data = bytearray(files[name])
    data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    return packed(files | {name: bytes(data)}, said)


def _manifest(draw: random.Random) -> bytes:
    files = good(draw)
    notes = json.loads(manifest(files))["files"]
    said = draw.choice(
        [
            b"[" * 100_000,
            b'{"a":' * 50_000,
            b"{}",
            b"null",
            b"\xff\xfe",
            b"1" * 5000,
            manifest(files, version=2),
            manifest(files, version=1e308),
            manifest(files, id="../evil"),
            manifest(files, id="a/" + "b" * 5000),
            manifest(files, id="other/model"),
            manifest(files, id=None),
            manifest(files, task="emotion"),
            manifest(files, task="part"),
            manifest(files, commit="a"),
            manifest(files, commit="A" * 40),
            manifest(files, source="x" * 100_000),
            manifest(files, source=["x"]),
            manifest(files, trusted=True),
            manifest(files, imported="no"),
            manifest(files, files={}),
            manifest(files, files=[]),
            manifest(files, files={**notes, "config.yaml": {**notes["config.yaml"], "size": -1}}),
            manifest(files, files={**notes, "config.yaml": {**notes["config.yaml"], "size": 10**30}}),
            manifest(files, files={**notes, "config.yaml": {**notes["config.yaml"], "size": float("nan")}}),
            manifest(files, files={**notes, "config.yaml": {**notes["config.yaml"], "sha256": "0"}}),
            manifest(files)[:-1] + b', "id": "other/model"}',
            manifest({f"{i}.bin": b"" for i in range(draw.choice([1001, 30_000]))}),
        ]
    )
    return packed(files, said)


def _million(_: random.Random) -> bytes:
    note = b':{"size":0,"sha256":"' + sha256(b"").encode() + b'"}'
    said = b'{"files":{' + b",".join(b'"%d"' % i + note for i in range(200_000)) + b"}}"
    return packed({"config.yaml": b"a: 1"}, said)


def _crowd(draw: random.Random) -> bytes:
    """More members, or more models, than any export has."""
    if draw.random() < 0.5:
        return tar([(member(f"{HERE}/{i}"), b"") for i in range(2000)])
    made: Members = []
    for i in range(120):
        made.append((member(f"a--b{i}/{MANIFEST}"), manifest({"c.bin": b"1"}, f"a/b{i}")))
        made.append((member(f"a--b{i}/c.bin"), b"1"))
    return tar(made)


def _after(draw: random.Random) -> bytes:
    """Something after the end, which a laxer reader would take."""
    files = good(draw)
    return packed(files) + b"\0" * 30_000 + packed(files | {"more.bin": b"x"})


def _flipped(draw: random.Random) -> bytes:
    data = bytearray(packed(good(draw)))
    for _ in range(draw.randrange(1, 20)):
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    return bytes(data)


MAKERS: tuple[tuple[str, Callable[[random.Random], bytes], frozenset[int]], ...] = (
    ("name", _name, BAD),
    ("twins", _twins, BAD),
    ("link", _link, BAD),
    ("size", _size, BAD),
    ("extended header", _pax, BAD),
    ("long name of GNU", _long_gnu, BAD),
    ("cut", _cut, BAD),
    ("squeezed", _squeezed, BAD),
    ("order", _order, BAD),
    ("other bytes", _other_bytes, BAD),
    ("manifest", _manifest, BAD),
    ("a million files", _million, BAD),
    ("crowd", _crowd, BAD),
    ("after the end", _after, BAD),
    ("flipped bits", _flipped, ANY),
)


def cases(seed: int, count: int) -> Iterator[tuple[str, bytes, frozenset[int]]]:
    """(name, archive, codes that its import may end with), the same for the same seed."""
    for i in range(count):
        kind, make, codes = MAKERS[i % len(MAKERS)]
        yield f"{kind} {i}", make(random.Random(f"{seed} {i}")), codes  # noqa: S311  # repeatable, not secret
