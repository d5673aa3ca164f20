"""Steps of training on a real Ray cluster of three nodes on this machine, one of which is killed."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ray.cluster_utils import Cluster

from parley.errors import UsageError
from parley.train import pools
from tests.train.conftest import Corpus, corpus
from tests.train.test_runner import command, results, undisturbed

__all__ = ["corpus", "undisturbed"]

NODES = 3


@pytest.fixture
def nodes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    each: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 80_000_000, "include_dashboard": False}
    cluster: Any = Cluster(initialize_head=True, head_node_args=each)
    for _ in range(NODES - 1):
        cluster.add_node(**each)
    yield cluster
    cluster.shutdown()


@pytest.mark.timeout(300)
def test_a_cluster_that_loses_a_node_makes_what_one_machine_makes(
    corpus: Corpus, undisturbed: Path, nodes: Any, tmp_path: Path
) -> None:
    work = tmp_path / "work"
    *given, _, _ = command(corpus, work)  # without --workers
    with subprocess.Popen([*given, "--ray", nodes.address], stderr=subprocess.PIPE, text=True) as running:
        limit = threading.Timer(250, running.kill)
        limit.start()
        assert running.stderr
        for line in running.stderr:
            if line.startswith("segment: ") and nodes.list_all_nodes()[NODES - 1 :]:
                nodes.remove_node(nodes.list_all_nodes()[-1], allow_graceful=False)
        limit.cancel()
    assert running.returncode == 0
    assert len(nodes.list_all_nodes()) == NODES - 1
    assert results(work) == results(undisturbed)


def test_a_recording_that_a_node_does_not_see_is_named_before_anything_begins(nodes: Any, tmp_path: Path) -> None:
    """Nodes of this machine see what it sees, so the recording goes when it has been listed."""
    gone = str(tmp_path / "gone.wav")
    with (
        pytest.raises(UsageError, match=f"--ray: the node .* does not see {gone}"),
        pools.cluster(nodes.address, [gone]),
    ):
        pass


def test_without_a_cluster_that_is_said(corpus: Corpus, tmp_path: Path) -> None:
    *given, _, _ = command(corpus, tmp_path / "work")
    for address in ("auto", "127.0.0.1:9", "127.0.0.1"):
        done = subprocess.run(
            [*given, "--ray", address], capture_output=True, text=True, timeout=60, check=False,
            env={**os.environ, "COLUMNS": "300"},
        )  # fmt: skip
        assert done.returncode == 2
        assert f"--ray: no cluster answers at '{address}'" in done.stderr
