"""The same jobs as Ray tasks. OUT, IN and the weights must be folders that every node sees under the same path."""

import signal
import socket
import threading
from functools import cache
from pathlib import Path
from typing import Any

from trackmask.batch.job import ClipJob, Verdict, do
from trackmask.batch.pool import Died, Ended, News
from trackmask.errors import CallError
from trackmask.extras import need
from trackmask.runtime import Runtime, open_runtime

_PATIENCE = 10.0  # seconds that the cluster has to answer
_ALONE = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class RayPool:
    """As many tasks at a time as the cluster has processors, one each: what waits, waits in the owner."""

    def __init__(self, address: str, weights: Path | None, device: str) -> None:
        """`address`: of a running cluster. Raises ExtraError; CallError where there is no such cluster."""
        need("ray", "--ray", "ray")
        import ray

        self._ray: Any = ray
        _join(ray, address)
        self.slots = max(int(ray.cluster_resources().get("CPU", 1)), 1)
        # The owner counts the retries itself, so that the manifest knows of every one of them.
        self._task = ray.remote(num_cpus=1, max_retries=0, runtime_env={"env_vars": _ALONE})(work)
        self._arguments = (weights, device)
        self._running: dict[Any, ClipJob] = {}

    def submit(self, job: ClipJob) -> None:
        self._running[self._task.remote(job, *self._arguments)] = job

    def poll(self, seconds: float) -> list[News]:
        if not self._running:
            return []
        ready, _ = self._ray.wait(list(self._running), num_returns=1, timeout=seconds)
        return [self._news(task, self._running.pop(task)) for task in ready]

    def stop(self) -> None:
        for task in self._running:
            self._ray.cancel(task)  # a KeyboardInterrupt in the task, which leaves nothing behind

    def kill(self, job: ClipJob) -> None:
        for task in [task for task, other in self._running.items() if other == job]:
            del self._running[task]
            self._ray.cancel(task, force=True)

    def close(self) -> None:
        for job in list(self._running.values()):
            self.kill(job)
        self._ray.shutdown()

    def _news(self, task: Any, job: ClipJob) -> News:
        errors = self._ray.exceptions
        try:
            verdict: Verdict = self._ray.get(task)
            return Ended(job, verdict)
        except (errors.TaskCancelledError, KeyboardInterrupt):
            return Ended(job, Verdict("waiting"))
        except errors.RayTaskError as error:
            said = str(error).strip()
            return Ended(job, Verdict("failed", f"unexpected {said.splitlines()[-1]}", trace=said))
        except errors.RayError as error:  # worker or node are gone
            return Died(job, f"its process is gone ({type(error).__name__})")


def _join(ray: Any, address: str) -> None:
    """Become the cluster's client. Raises CallError."""
    ours = signal.getsignal(signal.SIGTERM)
    try:
        host, _, port = address.rpartition(":")
        if port.isdigit() and "/" not in host:  # ray itself would try for minutes
            socket.create_connection((host, int(port)), timeout=_PATIENCE).close()
        ray.init(address=address, log_to_driver=False, logging_level="error", configure_logging=False)
    except (OSError, OverflowError, ValueError, RuntimeError, AssertionError, ray.exceptions.RayError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CallError(f"no Ray cluster is at {address} ({reason}); start one, or check the address") from error
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, ours)  # ray sets its own, which would skip our clean stop


def work(job: ClipJob, weights: Path | None, device: str) -> Verdict:
    """One job in a Ray worker, which keeps the network open for the next one."""
    return do(job, _runtime(weights, device), lambda count, total: None)


@cache
def _runtime(weights: Path | None, device: str) -> Runtime:
    return open_runtime(weights, device, threads=1)
