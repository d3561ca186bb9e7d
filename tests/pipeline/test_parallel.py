"""Batches on several threads: in order, the same results on any number, and no thread left behind."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest
import threadpoolctl

from checkpoints import write_checkpoint
from conftest import write_wav
from ressenti import analyze, load_config
from ressenti.pipeline import store
from ressenti.pipeline.audio import load
from ressenti.pipeline.config import AudioOptions
from ressenti.pipeline.models import onnx_session, parallel
from ressenti.pipeline.models.parallel import computing, each, threads


@pytest.mark.parametrize("count", [1, 2, 4])
def test_results_come_in_order_whichever_is_done_first(count: int) -> None:
    def work(item: int) -> int:
        time.sleep(0.002 * (item % 3))
        return item * item

    with computing(count):
        assert list(each(work, range(40))) == [k * k for k in range(40)]
        assert list(each(work, [])) == []


def test_so_many_work_at_a_time_and_few_results_are_held() -> None:
    meet = threading.Barrier(3, timeout=60)
    with computing(3):
        list(each(lambda _: meet.wait(), range(6)))  # none comes back before three are there
        begun: list[int] = []
        found = each(begun.append, range(1000))
        next(found)
        time.sleep(0.05)
        assert len(begun) <= 6 * 2
        found.close()  # type: ignore[attr-defined]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ressenti")]


def test_what_fails_ends_the_rest() -> None:
    begun: list[int] = []

    def work(item: int) -> None:
        begun.append(item)
        if item == 2:
            raise ZeroDivisionError

    with computing(2), pytest.raises(ZeroDivisionError):
        list(each(work, range(1000)))
    assert len(begun) < 20


@pytest.mark.parametrize("count", [1, 3])
def test_an_exception_while_waiting_tells_the_work_to_give_up(count: int) -> None:
    stopping, told = threading.Event(), []

    def work(_: int) -> None:
        told.append(stopping.wait(10))

    def waiting() -> None:
        raise KeyboardInterrupt

    with computing(2), pytest.raises(KeyboardInterrupt):
        list(each(work, range(count), waiting, stopping))
    assert told
    assert all(told)


def test_work_that_ends_well_is_not_told_to_give_up() -> None:
    stopping = threading.Event()
    assert list(each(abs, [-1, -2], lambda: None, stopping)) == [1, 2]
    assert not stopping.is_set()


def test_how_many_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(64)))
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert threads() == parallel._MOST
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert threads() == 3
    with computing(20):
        assert threads() == 20
    assert threads() == 3


def test_products_of_numpy_use_one_core_within_and_as_before_afterwards() -> None:
    def counts() -> list[int]:
        return [lib["num_threads"] for lib in threadpoolctl.threadpool_info() if lib["user_api"] == "blas"]

    before = counts()
    with computing(4):
        assert set(counts()) == {1}
    assert counts() == before


def test_sessions_have_one_thread_that_does_not_spin() -> None:
    from ressenti.pipeline.models import voice_encoder

    options = onnx_session(voice_encoder.WEIGHTS / "voice.onnx").get_session_options()
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (1, 1)
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"
    assert options.get_session_config_entry("session.inter_op.allow_spinning") == "0"


@pytest.mark.slow("analyses real recordings")
def test_the_result_does_not_depend_on_the_number_of_threads(sample: tuple[Path, Path], tmp_path: Path) -> None:
    """The sample's talk twice with other gaps, so that there are several batches of voices and of emotion."""
    _, sound = load(sample[0], AudioOptions())
    voice = sound.samples[0, 6 * 16_000 :].astype(float) / 32768
    path = write_wav(tmp_path / "long.wav", np.concatenate([voice, voice[::-1] * 0, voice[7_000:]]))
    texts = {store.dumps(analyze(path, load_config("default", {"compute": {"threads": count}}))) for count in (1, 3)}
    assert len(texts) == 1


def test_torch_computes_on_one_core_in_each_thread_and_gives_the_same_on_any_number(tmp_path: Path) -> None:
    import torch

    from ressenti.pipeline.config import EmotionOptions
    from ressenti.pipeline.emotion import wav2vec2
    from ressenti.pipeline.models.parallel import one_core_each

    before = torch.get_num_threads()
    with one_core_each(), computing(3):
        assert set(each(lambda _: torch.get_num_threads(), range(6))) == {1}
    assert torch.get_num_threads() == before
    model = wav2vec2.load(write_checkpoint(tmp_path / "model"), EmotionOptions(device="cpu"))
    rng = np.random.default_rng(0)
    sounds = [rng.integers(-9000, 9000, size=n).astype(np.int16) for n in (90_000, 70_000, 40_000, 100_000, 65_000)]
    found = []
    for count in (1, 2, 4):
        with computing(count):
            found.append(model.logits(sounds).tobytes())
    assert len(set(found)) == 1
