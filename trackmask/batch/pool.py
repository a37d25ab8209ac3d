"""Worker processes of our own, one a slot: where one is killed, its clip is known and the others go on.

(concurrent.futures gives up the whole pool when one process dies.)
"""

import multiprocessing
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Protocol

from trackmask.batch import worker
from trackmask.batch.job import ClipJob, Verdict


@dataclass(frozen=True)
class Progress:
    job: ClipJob
    frames: int
    expected: int | None


@dataclass(frozen=True)
class Ended:
    job: ClipJob
    verdict: Verdict


@dataclass(frozen=True)
class Died:
    """The process that did the job is gone."""

    job: ClipJob
    reason: str


News = Progress | Ended | Died


class Pool(Protocol):
    """Something that does jobs. `slots` of them at a time."""

    slots: int

    def submit(self, job: ClipJob) -> None:
        """Only while fewer than `slots` jobs run."""

    def poll(self, seconds: float) -> list[News]:
        """What has happened, waiting for at most so long."""
        ...

    def stop(self) -> None:
        """Running jobs end after their current frame."""

    def kill(self, job: ClipJob) -> None:
        """End a job now, if it still runs. Nothing more is heard of it."""

    def close(self) -> None: ...


@dataclass
class Slot:
    process: BaseProcess
    pipe: Connection
    job: ClipJob | None = None
    since: float = field(default_factory=time.monotonic)


class LocalPool:
    """On this machine: `slots` processes with `threads` each."""

    def __init__(self, slots: int, threads: int, weights: Path | None = None, device: str = "cpu") -> None:
        self.slots = slots
        self._arguments = (weights, device, threads)
        self._context = multiprocessing.get_context("spawn")  # fork and threads do not go together
        self._workers: list[Slot] = []

    def submit(self, job: ClipJob) -> None:
        slot = next((slot for slot in self._workers if slot.job is None), None) or self._start()
        slot.job = job
        with suppress(OSError):  # it has died: poll tells
            slot.pipe.send(job)

    def poll(self, seconds: float) -> list[News]:
        if not self._workers:
            time.sleep(seconds)
            return []
        wait([thing for slot in self._workers for thing in (slot.pipe, slot.process.sentinel)], seconds)
        return [news for slot in list(self._workers) for news in self._hear(slot)]

    def stop(self) -> None:
        for slot in self._workers:
            with suppress(OSError):
                slot.pipe.send(worker.STOP)

    def kill(self, job: ClipJob) -> None:
        for slot in [slot for slot in self._workers if slot.job == job]:
            self._end(slot)

    def close(self) -> None:
        for slot in list(self._workers):
            self._end(slot)

    def _hear(self, slot: Slot) -> Iterator[News]:
        gone = not slot.process.is_alive()  # asked first: what it sent before its end is still in the pipe
        try:
            while slot.pipe.poll():
                message = slot.pipe.recv()
                if slot.job is None:
                    continue
                if isinstance(message, Verdict):
                    job, slot.job = slot.job, None
                    yield Ended(job, message)
                else:
                    yield Progress(slot.job, *message)
        except (EOFError, OSError):
            gone = True
        if gone:
            self._end(slot, now=False)  # with the code that it ends with by itself
            if slot.job is not None:
                yield Died(slot.job, _reason(slot.process.exitcode))

    def _start(self) -> Slot:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=worker.main, args=(theirs, *self._arguments), daemon=True)
        with _deaf():
            process.start()
        theirs.close()  # only the worker holds it now, so that its end is heard
        self._workers.append(Slot(process, ours))
        return self._workers[-1]

    def _end(self, slot: Slot, *, now: bool = True) -> None:
        self._workers.remove(slot)
        slot.pipe.close()  # which it hears, and ends
        slot.process.join(0 if now else 1)
        slot.process.kill()
        slot.process.join()


@contextmanager
def _deaf() -> Iterator[None]:
    """A process started here does not hear Ctrl-C and SIGTERM until it has said what to do then."""
    if sys.platform == "win32":
        yield
        return
    resource_tracker.ensure_running()  # which hears again when it starts, and would with the first process
    before = signal.pthread_sigmask(signal.SIG_BLOCK, worker.OWNERS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _reason(code: int | None) -> str:
    if code is None or code >= 0:
        return f"its process ended with code {code}"
    with suppress(ValueError):
        return f"its process was ended by {signal.Signals(-code).name}"
    return f"its process was ended by signal {-code}"
