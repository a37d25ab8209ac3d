"""A worker process: opens the network once, then tracks the clips that come through its pipe, one after the other."""

import os
import queue
import signal
import sys
import threading
import time
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from trackmask.batch.stopped import Stopped

STOP = "stop"
OWNERS = (signal.SIGINT, signal.SIGTERM)  # signals that a worker leaves to the owner
_OFTEN = 0.5  # seconds between two reports of a clip's progress


def main(pipe: Connection, weights: Path | None, device: str, threads: int) -> None:
    """Takes Jobs, and STOP to leave the running one; sends (frames, expected) now and then, and a Verdict each."""
    _settle()
    from trackmask.batch.job import Verdict, do, unexpected
    from trackmask.batch.manifest import FAILED
    from trackmask.errors import TrackmaskError
    from trackmask.runtime import open_runtime

    link = Link(pipe)
    try:
        runtime = open_runtime(weights, device, threads)
    except TrackmaskError as error:
        link.next()
        link.send(Verdict(FAILED, str(error), fatal=error.exit_code))
        return
    except Exception as error:  # noqa: BLE001  # a fault of ours: nobody sees what this process prints
        link.next()
        link.send(unexpected(error, fatal=1))
        return
    while True:
        job = link.next()
        # The decoder, too, keeps to this worker's share of the cores.
        job = replace(job, options=replace(job.options, threads=threads))
        link.send(do(job, runtime, link.tick))


class Link:
    """The worker's end of the pipe, listened to at all times: an owner that is gone ends the process at once."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._jobs: queue.SimpleQueue = queue.SimpleQueue()
        self._stop = threading.Event()
        self._last = 0.0
        threading.Thread(target=self._listen, daemon=True).start()

    def next(self) -> Any:  # a ClipJob: its class is not imported here
        return self._jobs.get()

    def send(self, message: object) -> None:
        self._pipe.send(message)

    def tick(self, count: int, total: int | None) -> None:
        """Called after each frame. Raises Stopped once the owner has said STOP."""
        if self._stop.is_set():
            raise Stopped
        if time.monotonic() - self._last >= _OFTEN:
            self._last = time.monotonic()
            self.send((count, total))

    def _listen(self) -> None:
        try:
            while True:
                message = self._pipe.recv()
                if message == STOP:
                    self._stop.set()
                else:
                    self._jobs.put(message)
        except (EOFError, OSError):
            os._exit(0)


def _settle() -> None:
    # Ctrl-C, and a scheduler's SIGTERM, reach all processes, but are the owner's to answer.
    for number in OWNERS:
        signal.signal(number, signal.SIG_IGN)
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, OWNERS)
    # The solved layer is small: further threads of the algebra only get into the way, and might round differently.
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    # What the libraries say of damaged files is in the verdicts; here it would tear the progress display.
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 2)
