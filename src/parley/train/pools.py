"""Where shards are worked on: in processes of this machine, or on the nodes of a Ray cluster."""

from __future__ import annotations

import logging
import multiprocessing
import socket
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any, Protocol

from parley import __version__
from parley.errors import ModelError, UsageError
from parley.train import worker
from parley.train.clips import Clip
from parley.train.settings import Settings

_CPUS = 2
"""Of a Ray node for each shard: the models use two threads."""
_KNOCK_LIMIT_S = 5.0
_LOOK_LIMIT_S = 120.0


class Pool(Protocol):
    """Does the work of shards."""

    places: int
    """How many are worked on at the same time."""

    def submit(self, step: str, settings: Settings, shard: Sequence[Clip]) -> Future[list[Clip]]:
        """Begin with a shard, or put it into the queue; what follows from it is in the future."""


class _Processes:
    def __init__(self, executor: ProcessPoolExecutor, places: int) -> None:
        self._executor, self.places = executor, places

    def submit(self, step: str, settings: Settings, shard: Sequence[Clip]) -> Future[list[Clip]]:
        return self._executor.submit(worker.work, step, settings, shard)


@contextmanager
def processes(count: int) -> Iterator[Pool]:
    """Processes of this machine, which end with this one; raises `ModelError` when one of them dies."""
    context = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(count, mp_context=context, initializer=worker.prepare)
    try:
        yield _Processes(executor, count)
    except BrokenProcessPool as fault:
        raise ModelError(f"a worker process ended ({fault}); run again, what is done is kept") from None
    finally:
        executor.shutdown(cancel_futures=True)


class _Cluster:
    def __init__(self, ray: Any, nodes: Sequence[Mapping[str, Any]]) -> None:
        of_nodes = [int(node["Resources"].get("CPU", 0)) for node in nodes]
        for_each = min([_CPUS, *(cpus for cpus in of_nodes if cpus)])
        self.places = sum(cpus // for_each for cpus in of_nodes)
        self._work = ray.remote(num_cpus=for_each)(worker.work)

    def submit(self, step: str, settings: Settings, shard: Sequence[Clip]) -> Future[list[Clip]]:
        future: Future[list[Clip]] = self._work.remote(step, settings, shard).future()
        return future


@contextmanager
def cluster(address: str, recordings: Sequence[str]) -> Iterator[Pool]:
    """The nodes of a Ray cluster; a node that dies is done without, and its shards are begun anew elsewhere.

    `address`: as ``ray.init`` takes it; `recordings`: paths that every node has to see. Raises `UsageError` where no
    cluster answers or a node will not do, `ModelError` when the cluster fails.
    """
    try:
        import ray
    except ImportError as fault:
        raise UsageError(f"--ray needs the extra 'ray': pip install 'parley-voice[ray]' ({fault})") from None
    try:
        _knock(address)
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, RuntimeError, ValueError) as fault:
        raise UsageError(f"--ray: no cluster answers at '{address}' ({fault})") from None
    try:
        nodes: list[Any] = [node for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
        _check(ray, nodes, recordings)
        pool = _Cluster(ray, nodes)
        if not pool.places:
            raise UsageError("--ray: the cluster offers no CPUs")
        yield pool
    except ray.exceptions.RayTaskError as fault:
        raise fault.cause from None
    except ray.exceptions.RayError as fault:
        raise ModelError(f"the cluster failed ({fault}); run again, what is done is kept") from None
    finally:
        ray.shutdown()


def _knock(address: str) -> None:
    """Raises `OSError` or `ValueError` where nobody listens: Ray itself tries that for minutes."""
    if address != "auto":
        host, _, port = address.removeprefix("ray://").rpartition(":")
        socket.create_connection((host, int(port)), _KNOCK_LIMIT_S).close()


def _check(ray: Any, nodes: Sequence[Mapping[str, Any]], recordings: Sequence[str]) -> None:
    """Whether each node has this version and sees the recordings; raises `UsageError` that names one that does not."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    look = ray.remote(num_cpus=0)(worker.look)
    seen = [
        look.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)).remote(recordings)
        for node in nodes
    ]
    for node, (version, missing) in zip(nodes, ray.get(seen, timeout=_LOOK_LIMIT_S), strict=True):
        name = f"--ray: the node {node['NodeManagerHostname']}"
        if version != __version__:
            raise UsageError(f"{name} has parley {version}, and this machine {__version__}")
        if missing:
            raise UsageError(f"{name} does not see {missing}; every node reads recordings from the same path")
