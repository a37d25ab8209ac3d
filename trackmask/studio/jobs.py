"""One long work at a time, how far it is, and how it is stopped."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from trackmask.errors import NO_MEMORY, CallError, TrackmaskError

log = logging.getLogger(__name__)


class Busy(CallError):
    """Another work is under way."""


class Stopped(Exception):
    """Somebody has stopped it."""


@dataclass
class Job:
    id: int
    kind: str  # "track", "find", "export", "save"
    clip: str
    what: str  # a sentence for people
    total: int | None = None  # frames, as far as they are known
    done: int = 0
    frame: int | None = None
    began: float = field(default_factory=monotonic)
    stop: threading.Event = field(default_factory=threading.Event)

    def step(self, frame: int | None = None) -> None:
        """One frame more. Raises Stopped."""
        self.done += 1
        self.frame = self.frame if frame is None else frame
        if self.stop.is_set():
            raise Stopped

    @property
    def rate(self) -> float:
        """Frames a second."""
        return self.done / max(monotonic() - self.began, 1e-3)

    def as_json(self) -> dict[str, Any]:
        rate = self.rate
        left = None if self.total is None or not self.done else max(self.total - self.done, 0) / rate
        about = {"id": self.id, "kind": self.kind, "what": self.what, "frame": self.frame}
        return about | {"done": self.done, "total": self.total, "rate": round(rate, 1), "left": left and round(left, 1)}


class Jobs:
    """`ended(job, stopped, error)` is called in the job's thread, once it is over."""

    def __init__(self, ended: Callable[[Job, bool, str | None], None]) -> None:
        self._ended = ended
        self._lock, self._count = threading.Lock(), 0
        self._thread: threading.Thread | None = None
        self.now: Job | None = None

    def check_free(self) -> None:
        """Raises Busy where one is under way."""
        if (job := self.now) is not None:
            raise Busy(f"another work is under way ({job.what}); wait for it, or stop it")

    def start(self, kind: str, clip: str, what: str, work: Callable[[Job], None]) -> None:
        """Raises Busy where one is under way."""
        with self._lock:
            self.check_free()
            self._count += 1
            job = self.now = Job(self._count, kind, clip, what)
            self._thread = threading.Thread(target=self._run, args=(job, work), name=f"trackmask-{kind}", daemon=True)
            self._thread.start()

    def of(self, clip: str) -> Job | None:
        job = self.now
        return job if job is not None and job.clip == clip else None

    def stop(self, clip: str | None = None, patience: float = 0.0) -> None:
        """The work of that clip, or whatever it is; waits so many seconds for its end."""
        with self._lock:
            job, thread = self.now, self._thread
        if job is not None and clip in (None, job.clip):
            job.stop.set()
            if thread is not None and patience:
                thread.join(patience)

    def _run(self, job: Job, work: Callable[[Job], None]) -> None:
        stopped, error = False, None
        try:
            work(job)
        except Stopped:
            stopped = True
        except TrackmaskError as raised:
            error = str(raised)
        except MemoryError:
            error = NO_MEMORY
        except Exception as raised:  # a fault of ours: the page says so, the log says where
            log.exception("the work failed: %s", job.what)
            error = f"an error of trackmask itself: {raised!r}; what was done before is kept"
        self.now = None  # whoever is told that it has ended can start the next one
        self._ended(job, stopped, error)
