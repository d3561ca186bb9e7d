"""A process that tries cases one after the other: a job per line in, what came of it per line out.

A job is {"what": ..., "path": ..., ...}; the answer has the exit code that the command line would give (1 for an
exception that is not ours), its type and words, the length of a recording, and the most memory that was taken.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

Answer = dict[str, Any]


def media(job: dict[str, Any]) -> Answer:
    """Decode a recording; `canary`: whether the tone of the sound beside it was heard."""
    from ressenti.pipeline import audio
    from ressenti.pipeline.config import AudioOptions

    recording, sound = audio.load(Path(job["path"]), AudioOptions())
    return {"seconds": sound.duration_s, "notes": [note.key for note in recording.notes]}


def config(job: dict[str, Any]) -> Answer:
    """Read a config."""
    from ressenti import load_config

    load_config(job["path"])
    return {}


def conversation(job: dict[str, Any]) -> Answer:
    """Read a stored conversation; where it is one, derive it anew and draw its page, as `report` does."""
    from ressenti.pipeline import store
    from ressenti.pipeline.config import build_config
    from ressenti.pipeline.derive import derive
    from ressenti.reports.page import render

    path = Path(job["path"])
    read = store.load(path)
    text = store.dumps(read)
    store.loads(text)
    page = render(derive(read, build_config(read.config, source=path.name)))
    return {"page": len(page), **_skeleton_of(page)}


def transcript(job: dict[str, Any]) -> Answer:
    """Read a transcript."""
    from ressenti.pipeline.transcript.files import read_transcript

    return {"count": len(read_transcript(Path(job["path"]), "call"))}


def model(job: dict[str, Any]) -> Answer:
    """Load a folder as an emotion model, or as a pipeline that tells who speaks."""
    from ressenti.pipeline import diarization, emotion
    from ressenti.pipeline.config import DiarizationOptions, EmotionOptions

    os.chdir(job["cwd"])  # where a pickle that is run would leave something
    if job["name"].startswith("emotion"):
        emotion.choose(EmotionOptions(model=job["path"]))
    else:
        diarization.choose("mono", DiarizationOptions(model=job["path"]))
    return {}


def command(job: dict[str, Any]) -> Answer:
    """A command of `ressenti` in this process; its exit code and what it said."""
    from ressenti.pipeline.cli import main

    said = io.StringIO()
    before, sys.argv = sys.argv, ["ressenti", *job["arguments"]]
    code: Any = 0
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            main()
    except SystemExit as end:
        code = end.code or 0
    finally:
        sys.argv = before
    return {"code": code, "words": said.getvalue()[-2_000:]}


def _skeleton_of(page: str) -> Answer:
    from campaign.pages import scripts_in

    return {"scripts": scripts_in(page)}


WHAT: dict[str, Callable[[dict[str, Any]], Answer]] = {
    "media": media,
    "config": config,
    "conversation": conversation,
    "transcript": transcript,
    "model": model,
    "command": command,
}


def tried(job: dict[str, Any]) -> Answer:
    """What came of a job, whatever it is."""
    from ressenti.pipeline.errors import RessentiError

    try:
        return {"code": 0, "type": "", "words": "", **WHAT[job["what"]](job)}
    except RessentiError as error:
        return {"code": error.exit_code, "type": type(error).__name__, "words": str(error)}
    except BaseException as error:  # noqa: BLE001  # the campaign looks for these
        return {"code": 1, "type": type(error).__name__, "words": str(error)[:500], "ours": False}


def peak_mb() -> float:
    """The most memory of this process since `forget_peak`, or of any child that it waited for, in MB."""
    own = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text(encoding="ascii"))
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return max(int(own.group(1)) if own else 0, children) / 1024


def forget_peak() -> None:
    """Begin to look for the most memory anew."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def main() -> None:
    """Answer the jobs of standard input until it ends."""
    limit = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print is not an answer
    for line in sys.stdin:
        forget_peak()
        answer = tried(json.loads(line))
        answers.write(json.dumps({**answer, "peak_mb": peak_mb()}) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
