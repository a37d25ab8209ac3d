"""The same batch on a real Ray cluster of two nodes on this machine. Skipped where ray is not installed."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from batch_samples import add_clip, tree
from conftest import ROOT

from trackmask.batch.batch import Batch, run_batch
from trackmask.batch.owner import Event
from trackmask.errors import CallError

# Ray warns of its own successors.
pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    utils = pytest.importorskip("ray.cluster_utils")
    os.environ["RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"] = "0"
    paths = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, [paths])])
    nodes = utils.Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    nodes.add_node(num_cpus=1)
    yield nodes
    nodes.shutdown()
    if paths is None:
        del os.environ["PYTHONPATH"]
    else:
        os.environ["PYTHONPATH"] = paths


def workers(cluster: Any) -> list[int]:
    """The processes that are at a task of ours, on any of the cluster's nodes."""
    raylets = {info.process.pid for node in cluster.list_all_nodes() for info in node.all_processes.get("raylet", ())}
    found = []
    for entry in Path("/proc").iterdir():
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            title = (entry / "cmdline").read_bytes()
        except (OSError, ValueError):
            continue
        if parent in raylets and title.startswith(b"ray::work"):
            found.append(int(entry.name))
    return found


def test_a_cluster_writes_what_one_process_does_though_a_worker_is_killed(cluster: Any, tmp_path: Path) -> None:
    for number, name in enumerate(("a.mp4", "b.mp4", "sub/c.mp4")):
        add_clip(tmp_path / "in" / name, 3 * number, 25)
    run_batch(Batch(str(tmp_path / "in"), tmp_path / "one", jobs=1))
    killed: list[int] = []

    def hear(event: Event) -> None:
        if event.kind == "progress" and not killed:
            for pid in workers(cluster)[:1]:
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)

    summary = run_batch(Batch(str(tmp_path / "in"), tmp_path / "many", ray=cluster.address), hear)
    assert (summary.tracked, summary.failures, len(killed)) == (3, [], 1)
    assert tree(tmp_path / "many") == tree(tmp_path / "one")

    begun: list[str] = []
    again = Batch(str(tmp_path / "in"), tmp_path / "stopped", ray=cluster.address)
    note = lambda event: begun.append(event.clip) if event.kind == "start" else None  # noqa: E731
    summary = run_batch(again, note, lambda: min(len(begun), 1))
    assert (summary.interrupted, summary.tracked, summary.left) == (True, 0, 3)
    assert list(tree(tmp_path / "stopped")) == []
    assert run_batch(again).tracked == 3
    assert tree(tmp_path / "stopped") == tree(tmp_path / "one")


def test_no_cluster_there(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    add_clip(tmp_path / "in" / "a.mp4", 0)
    with pytest.raises(CallError, match="no Ray cluster is at"):
        run_batch(Batch(str(tmp_path / "in"), tmp_path / "out", ray="127.0.0.1:1"))
