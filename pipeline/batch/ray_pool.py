"""Workers on the machines of a Ray cluster: an actor for each, which keeps its models; a lost one costs its task alone.

Tasks and rows travel through Ray, recordings and results never: workers read and write them on storage that all share.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from ressenti.pipeline.batch.machine import WORKER_MB
from ressenti.pipeline.batch.ray_cluster import MODE, TOKEN, Cluster
from ressenti.pipeline.batch.workers import ONE_THREAD, Died
from ressenti.pipeline.errors import ClusterError

T = TypeVar("T")
R = TypeVar("R")
_LOOK_S = 5.0  # between two looks whether the head is there
_SURE_S = 30.0  # to learn whether a worker ended, or its machine
_MOST_STARTS = 3  # workers in a row that end before their first task
_PATIENCE_S = 600.0  # without any worker


@dataclass(frozen=True)
class Place:
    """Where a worker is: the id and the address of its machine, and what keeps it from working there."""

    node: str
    address: str
    problem: str = ""


class _Hands:
    """What runs in a worker's process."""

    def begin(self, folder: str, check: Callable[[], str], make: Callable[[], Callable[[Any], Any]]) -> Place:
        """Make the worker, in the folder that the command was given in; nothing is made where there is a problem."""
        import ray

        node, address = ray.get_runtime_context().get_node_id(), ray.util.get_node_ip_address()
        if os.environ.get(MODE) != TOKEN:
            return Place(node, address, f"lets in everybody. Start Ray there with {MODE}={TOKEN}.")
        try:
            os.chdir(folder)
        except OSError:
            why = f"has no folder {folder}. Give the command in a folder that all machines share."
            return Place(node, address, why)
        if not (problem := check()):
            self._work = make()
        return Place(node, address, problem)

    def do(self, task: Any) -> Any:
        """Work on a task."""
        return self._work(task)

    def lives(self) -> None:
        """Answer."""


@dataclass
class _Worker:
    actor: Any
    place: Place | None = None


@dataclass
class RayPool(Generic[T, R]):
    """`count` actors, each of which calls `make` once and then its result for each task.

    Those that the cluster has no room for begin as soon as it has. `check` runs on their machines and says what keeps
    them from working there. Both, tasks and results have to be picklable.
    """

    cluster: Cluster
    count: int
    make: Callable[[], Callable[[T], R]]
    check: Callable[[], str]
    _starting: dict[Any, _Worker] = field(default_factory=dict)
    _free: list[_Worker] = field(default_factory=list)
    _busy: dict[Any, tuple[_Worker, T]] = field(default_factory=dict)
    _ended_early: int = 0
    _looked: float = 0.0

    def __post_init__(self) -> None:
        for _ in range(self.count):
            self._start()

    def _start(self) -> None:
        import ray

        # a local cluster has as many cores as the user wants workers, and the memory is the user's matter
        memory = {} if self.cluster.is_local else {"memory": WORKER_MB << 20}
        one_thread = {"env_vars": dict.fromkeys(ONE_THREAD, "1")}
        kind = ray.remote(num_cpus=1, max_restarts=0, max_task_retries=0, runtime_env=one_thread, **memory)(_Hands)
        worker = _Worker(kind.remote())
        self._starting[worker.actor.begin.remote(os.getcwd(), self.check, self.make)] = worker  # noqa: PTH109

    @property
    def has_free(self) -> bool:
        """Whether a worker waits for a task."""
        return bool(self._free)

    @property
    def busy(self) -> int:
        """How many tasks are being worked on."""
        return len(self._busy)

    def submit(self, task: T) -> None:
        """Give a task to a worker that is free, or to the next that is."""
        while not self._free:
            self._take_started(self._ready([*self._starting], None))
        worker = self._free.pop()
        self._busy[worker.actor.do.remote(task)] = worker, task

    def next(self, timeout_s: float | None = None) -> Iterator[tuple[T, R | Died]]:
        """Results of tasks that are done, in the order of submission; none if `timeout_s` passes, or a worker began."""
        ready = self._ready([*self._busy, *self._starting], timeout_s)
        self._take_started(ready)
        for begun in [one for one in self._busy if one in ready]:
            worker, task = self._busy.pop(begun)
            yield task, self._result(begun, worker)

    def _result(self, begun: Any, worker: _Worker) -> R | Died:
        import ray
        from ray.exceptions import RayError, RayTaskError

        try:
            result: R = ray.get(begun)
        except RayTaskError:  # what the task itself raised
            self._free.append(worker)
            raise
        except RayError as error:
            died = self._died(worker, error)
            ray.kill(worker.actor)  # it may be out of reach and still work
            self._start()
            return died
        self._free.append(worker)
        return result

    def _died(self, worker: _Worker, error: Exception) -> Died:
        """How a worker ended: it alone, as its living machine reports, or with its machine."""
        import ray
        from ray.exceptions import ActorDiedError, RayError

        place = worker.place or Place("", "a machine of the cluster")
        until = time.monotonic() + _SURE_S
        while not isinstance(error, ActorDiedError) and time.monotonic() < until:
            if place.node not in self.cluster.living():
                break
            try:
                ray.get(worker.actor.lives.remote(), timeout=1)
                break  # the connection alone was lost
            except RayError as now:
                error = now
                time.sleep(0.2)
        if isinstance(error, ActorDiedError) and place.node in self.cluster.living():
            return Died(f"on {place.address}")
        return Died(f"with its machine {place.address}", machine_lost=True)

    def _ready(self, begun: list[Any], timeout_s: float | None) -> set[Any]:
        """Those that are done, at least one unless the time passes; raises `ClusterError` where nothing can come."""
        import ray

        began = time.monotonic()
        while begun:
            self._look()
            left = _LOOK_S if timeout_s is None else min(_LOOK_S, began + timeout_s - time.monotonic())
            if ray.wait(begun, timeout=max(0.0, left))[0]:
                return set(ray.wait(begun, num_returns=len(begun), timeout=0)[0])
            waited = time.monotonic() - began
            if timeout_s is not None and waited >= timeout_s:
                break
            if waited > _PATIENCE_S and not self._busy and not self._free:
                raise ClusterError(
                    f"{self.cluster.address}: no machine of the Ray cluster had a free core and {WORKER_MB} MB of "
                    f"memory for {_PATIENCE_S / 60:.0f} minutes. Start machines, or end what else runs there."
                )
        return set()

    def _look(self) -> None:
        if time.monotonic() - self._looked > _LOOK_S:
            self.cluster.check()
            self._looked = time.monotonic()

    def _take_started(self, ready: set[Any]) -> None:
        import ray
        from ray.exceptions import RayError, RayTaskError

        for begun in [one for one in self._starting if one in ready]:
            worker = self._starting.pop(begun)
            try:
                worker.place = place = ray.get(begun)
            except RayError as error:
                self._ended_early += 1
                cannot = isinstance(error, RayTaskError) or getattr(error, "actor_init_failed", False)
                if cannot or self._ended_early >= _MOST_STARTS:
                    why = str(error).strip().splitlines()[-1]
                    raise ClusterError(
                        f"{self.cluster.address}: a machine of the Ray cluster cannot begin to work: {why}. Install "
                        "the same versions of Ressenti, Ray and Python on all."
                    ) from error
                ray.kill(worker.actor)
                self._start()
                continue
            if place.problem:
                raise ClusterError(f"{self.cluster.address}: the machine {place.address} {place.problem}")
            self._ended_early = 0
            self._free.append(worker)

    def close(self) -> None:
        """End all workers; none may be busy."""
        self.kill()

    def kill(self) -> None:
        """End all workers at once, with the connection to the cluster; their tasks are lost."""
        self.cluster.close()
        for kept in (self._starting, self._free, self._busy):
            kept.clear()
