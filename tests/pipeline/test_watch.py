"""Cancelling, time limits, and what a progress hook raises; by the stages of a real analysis."""

import multiprocessing
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from conftest import SEGMENTS, mostly_slow
from ressenti import Models, analyze, load_config, page_sound
from ressenti.pipeline.diarization.fake import FakeDiarizer
from ressenti.pipeline.emotion.builtin import BuiltinEmotion
from ressenti.pipeline.emotion.fake import FakeEmotion
from ressenti.pipeline.emotion.interface import Excerpt
from ressenti.pipeline.errors import CancelledError, TimedOutError
from ressenti.pipeline.progress import Watch, watched
from ressenti.pipeline.records import Conversation

STAGES = ["audio", "models", "sounds", "speech", "voices", "speakers", "clustering", "emotion"]


@pytest.fixture(scope="module")
def short(ten_seconds: Path) -> Path:
    """Ten seconds of two people who talk; it was analysed once, so that what a process keeps open is open."""
    analyze(ten_seconds)
    return ten_seconds


@pytest.fixture
def nothing_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """After the test: no file in the folder for temporary ones, no further thread, process or open file."""
    aside = tmp_path / "temporary"
    aside.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(aside))
    opened = Path("/proc/self/fd")
    threads, files = set(threading.enumerate()), len(list(opened.iterdir())) if opened.is_dir() else 0
    before = _children()
    yield
    assert list(aside.iterdir()) == []
    assert set(threading.enumerate()) <= threads
    assert multiprocessing.active_children() == []
    if opened.is_dir():
        assert len(list(opened.iterdir())) <= files + 1  # the listing itself
    assert _children() <= before


def _children() -> set[str]:
    """Processes of this one, where the system tells; other tests may have left a helper of a library."""
    known = Path(f"/proc/self/task/{os.getpid()}/children")
    return set(known.read_text(encoding="ascii").split()) if known.exists() else set()


class TheirError(ValueError):
    """What some program of a user's raises; a ValueError, which decoding takes for a damaged file."""


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize(
    "error",
    mostly_slow(
        "analyses real recordings",
        [TheirError("mine"), CancelledError("enough"), KeyError("theirs"), OSError(5, "a fault of theirs")],
    ),
)
@pytest.mark.usefixtures("nothing_left")
def test_what_the_hook_raises_stops_there_and_comes_out_as_it_is(short: Path, stage: str, error: Exception) -> None:
    calls: list[str] = []

    def hook(name: str, completed: float, total: float | None) -> None:
        calls.append(name)
        if name == stage:
            raise error

    with pytest.raises(type(error)) as caught:
        analyze(short, progress=hook)
    assert caught.value is error
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    assert calls.count(stage) == 1
    assert calls[-1] == stage


def test_every_stage_is_told_and_ends_whole(short: Path) -> None:
    last: dict[str, tuple[float, float | None]] = {}
    made = analyze(short, progress=lambda stage, completed, total: last.update({stage: (completed, total)}))
    assert list(last) == STAGES
    assert all(completed == total for completed, total in last.values())
    told: list[tuple[str, float, float | None]] = []
    page_sound(short, made, lambda *step: told.append(step))
    assert [step for step in told if step[0] == "sound"] == [("sound", 0, 10), ("sound", 10, 10)]


@pytest.mark.parametrize("asked", ["audio", "sound"])
@pytest.mark.usefixtures("nothing_left")
def test_making_the_sound_is_stopped_too(
    make_conversation: Callable[..., Conversation], recording: Path, asked: str
) -> None:
    error = TheirError("mine")

    def hook(stage: str, completed: float, total: float | None) -> None:
        if stage == asked:
            raise error

    with pytest.raises(TheirError) as caught:
        page_sound(recording, make_conversation(), hook)
    assert caught.value is error


def test_emotion_is_told_batch_by_batch() -> None:
    excerpts = [Excerpt(np.full(16_000, 1000, np.int16), "S1")] * 70
    calls: list[float] = []
    BuiltinEmotion().score(excerpts, lambda stage, completed, total: calls.append(completed))
    assert list(dict.fromkeys(calls)) == [*range(0, 65, 8), 70]


@pytest.mark.usefixtures("nothing_left")
def test_a_recording_that_takes_too_long_is_given_up(short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]

    def passing() -> float:
        now[0] += 1
        return now[0]

    monkeypatch.setattr("ressenti.pipeline.progress.monotonic", passing)
    config = load_config("default", {"compute": {"timeout_s": 5}})
    with pytest.raises(TimedOutError, match=r"call\.wav: not finished after \d+ s, at stage '\w+'; the limit is 5 s"):
        analyze(short, config)


def test_the_limit_changes_no_result(recording: Path) -> None:
    made = [
        analyze(
            recording,
            load_config("default", {"compute": {"timeout_s": limit_s}}),
            diarizer=FakeDiarizer(SEGMENTS),
            emotion_model=FakeEmotion(),
        )
        for limit_s in (None, 3600)
    ]
    assert made[0] == made[1]


def test_a_watch_within_another_hands_on_what_stops_the_outer_one() -> None:
    error = CancelledError("stop")

    def refuse(stage: str, completed: float, total: float | None) -> None:
        raise error

    def inner(watch: Watch) -> None:
        try:
            watch("inner", 0, None)
        except Exception:  # noqa: BLE001
            pytest.fail("somebody on the way took it for a fault of theirs")

    with pytest.raises(CancelledError) as caught:
        watched(lambda outer: watched(inner, outer), refuse)
    assert caught.value is error
    assert watched(lambda watch: 7) == 7


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_is_more_than_nothing(limit: float) -> None:
    from ressenti.pipeline.errors import ConfigError

    with pytest.raises(ConfigError, match="timeout_s"):
        load_config("default", {"compute": {"timeout_s": limit}})


def test_threads_share_models_and_each_is_loaded_once(short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ressenti.pipeline import diarization, emotion, store

    loaded: list[str] = []

    def slowly(name: str, choose: Callable[..., object]) -> Callable[..., object]:
        def chosen(*given: object) -> object:
            loaded.append(name)
            time.sleep(0.05)  # so that the other thread asks meanwhile
            return choose(*given)

        return chosen

    monkeypatch.setattr(diarization, "choose", slowly("diarizer", diarization.choose))
    monkeypatch.setattr(emotion, "choose", slowly("emotion", emotion.choose))
    models, found = Models(), {}
    together = threading.Barrier(2)

    def work(k: int) -> None:
        together.wait()
        found[k] = store.dumps(analyze(short, models=models))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(loaded) == ["diarizer", "emotion"]
    assert len(found) == 2
    assert set(found.values()) == {store.dumps(analyze(short))}


def test_overlapping_analyses_leave_numpy_s_cores_as_they_were() -> None:
    import numpy.linalg  # noqa: F401  # brings the library whose cores are counted
    from threadpoolctl import threadpool_info, threadpool_limits

    from ressenti.pipeline.models.parallel import computing

    def cores() -> set[int]:
        return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}

    with threadpool_limits(3, user_api="blas"):
        first, second = computing(None), computing(2)
        first.__enter__()
        second.__enter__()
        assert cores() == {1}
        first.__exit__(None, None, None)
        assert cores() == {1}  # the other one still computes
        second.__exit__(None, None, None)
        assert cores() == {3}
