"""What was tracked, told to all tabs while it is made."""

from __future__ import annotations

from time import monotonic
from typing import Any

from trackmask.studio.events import Hub, Message
from trackmask.studio.jobs import Job
from trackmask.studio.session import Session
from trackmask.studio.tracked import Made
from trackmask.studio.view import points

EVERY = 0.2  # seconds between two messages


class Teller:
    """Tells all tabs what was tracked, a few times a second."""

    def __init__(self, hub: Hub, clip_id: str, session: Session, job: Job) -> None:
        self._hub, self._clip, self._session, self._job = hub, clip_id, session, job
        self._points: list[dict[str, Any]] = []
        self._last = monotonic()

    def made(self, frame: int, made: list[Made]) -> None:
        """Objects in a frame, which are on the disk."""
        self._session.dirty = True
        self._points += points(self._session, frame, [one.record.id for one in made])
        self._job.frame = frame

    def step(self) -> None:
        """After each frame of each direction. Raises Stopped."""
        if monotonic() - self._last > EVERY:
            self.flush()
        self._job.step()

    def flush(self) -> None:
        self._last = monotonic()
        if self._points:
            about = {"clip": self._clip, "revision": self._session.tracked.count, "points": self._points}
            self._hub.send("masks", about)
            self._points = []
        self._hub.send(*progress(self._job))


def progress(job: Job) -> Message:
    """How far a work is."""
    return "progress", {"clip": job.clip, "job": job.as_json()}
