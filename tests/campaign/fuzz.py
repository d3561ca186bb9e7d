"""Coverage-guided fuzzing of the readers: `python -m campaign.fuzz TARGET -max_total_time=600`, with libFuzzer's options.

A target takes bytes and raises nothing but `RessentiError`. Anything else, 60 s or 2 GB end the process with a code
that is not 0, and leave the bytes in a file.
"""

from __future__ import annotations

import contextlib
import io
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

TARGETS = ("headers", "config", "conversation", "transcript")
_ENDINGS = (".srt", ".vtt", ".stm", ".json", ".ctm", ".TextGrid")


def _to_file(read: Callable[[Path], object], ending: str) -> Callable[[bytes], None]:
    """A target of a reader of files: the bytes are put into one, in memory where there is room."""
    shm = Path("/dev/shm")  # noqa: S108  # files of our own, with names that nobody knows
    folder = Path(tempfile.mkdtemp(prefix="fuzz-", dir=shm if shm.is_dir() else None))

    def one(data: bytes) -> None:
        path = folder / f"case{ending}"
        path.write_bytes(data)
        with _ours():
            read(path)

    return one


@contextlib.contextmanager
def _ours() -> object:  # type: ignore[misc]
    from ressenti.pipeline.errors import RessentiError

    with contextlib.suppress(RessentiError):
        yield


def target(name: str) -> Callable[[bytes], None]:
    """The function that tries bytes on a reader."""
    if name == "config":
        from ressenti import load_config

        return _to_file(lambda path: load_config(str(path)), ".yaml")
    if name == "conversation":
        from ressenti.pipeline import store

        return _to_file(store.load, ".json")
    if name == "transcript":
        from ressenti.pipeline.transcript.files import read_transcript

        readers = {ending: _to_file(lambda path: read_transcript(path, "call"), ending) for ending in _ENDINGS}
        return lambda data: readers[_ENDINGS[data[0] % len(_ENDINGS) if data else 0]](data[1:])
    return headers()


def headers() -> Callable[[bytes], None]:
    """The readers of headers that are our own, all on the same bytes."""
    import os

    from ressenti.pipeline.audio.worker import formats, lengths, ogg, structure
    from ressenti.pipeline.audio.worker.source import Source

    reads = (
        *(formats.has_header, formats.description, lengths.lengths_of, ogg.pages_of, structure.mp4_is_whole),
        *(structure.is_fragmented, structure.moov_bytes, structure.matroska_is_whole, structure.mp3_promise_s),
    )

    def all_of_them(path: Path) -> None:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            for read in reads:
                read(Source(descriptor, path.stat().st_size))
        finally:
            os.close(descriptor)

    return _to_file(all_of_them, ".wav")


def seeds(name: str) -> list[bytes]:
    """Whole examples to begin with."""
    from importlib import resources

    from campaign.sources import source

    if name == "headers":
        kinds = ("wav-s16", "wav-gsm", "rf64-s16", "ogg-opus", "mp3-cbr", "mp4-aac", "flac-flac", "webm-opus")
        return [source(kind).data[:8_192] for kind in kinds]
    if name == "config":
        presets = resources.files("ressenti.configs")
        return [entry.read_bytes() for entry in presets.iterdir() if entry.name.endswith(".yaml")]
    if name == "conversation":
        return [path.read_bytes() for path in sorted((Path(__file__).parents[1] / "fixtures").glob("*.json"))]
    return [
        b"\x00" + b"1\n00:00:01,000 --> 00:00:02,500\n[SPEAKER_01]: hello <i>there</i>\n",
        b"\x01" + b"WEBVTT\n\n00:01.000 --> 00:02.500\n<v Anna>hello <00:01.500>there\n",
        b"\x02" + b"call 1 anna 1.0 2.5 <o,f0,male> hello there\n",
        b'\x03{"segments": [{"start": 1, "end": 2, "text": " a", "words": [{"word": " a", "start": 1, "end": 2}]}]}',
    ]


def main() -> None:
    """Fuzz a target; the arguments that follow are libFuzzer's."""
    import atheris

    name = sys.argv[1]
    with (
        atheris.instrument_imports(include=["ressenti", "yaml", "json", "webvtt"]),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        one = target(name)
        one(b"")
    corpus = Path(tempfile.mkdtemp(prefix=f"corpus-{name}-"))
    for number, data in enumerate(seeds(name)):
        (corpus / str(number)).write_bytes(data)
    options = ["-timeout=60", "-rss_limit_mb=2048", "-max_len=16384", *sys.argv[2:]]
    atheris.Setup([sys.argv[0], *options, str(corpus)], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
