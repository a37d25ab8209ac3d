"""The studio's desk: the clips that lie on it, those that are open, and the one long work that is under way."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any

from trackmask.data import Frame
from trackmask.errors import CallError, TrackmaskError
from trackmask.export import Options, find_format
from trackmask.runtime import Runtime
from trackmask.studio.clips import Clip, Found
from trackmask.studio.events import Hub, Message
from trackmask.studio.exports import Downloads, write
from trackmask.studio.imports import bring_in
from trackmask.studio.jobs import Busy, Job, Jobs, Stopped
from trackmask.studio.network import Network
from trackmask.studio.opening import count, leave, open_session
from trackmask.studio.plan import Direction, passes
from trackmask.studio.saving import is_to_write, is_written, save, unfinished
from trackmask.studio.session import Session
from trackmask.studio.teller import Teller, progress
from trackmask.studio.turns import Turns
from trackmask.studio.view import Review, state_of
from trackmask.studio.work import run
from trackmask.tracking import discover
from trackmask.video import VideoReader, open_video

ENOUGH = 24  # frames, in both directions, that tell how fast tracking is: the first ones take longer
OPEN = 2  # clips that are open at a time: each holds some 300 MB of pictures and crops
EVERY = 0.2  # seconds between two looks at whether a work was stopped
PATIENCE = 60.0  # seconds that leaving waits for a work to stop

log = logging.getLogger(__name__)


class NotFound(CallError):
    """There is no such thing."""


class Desk:
    """Any thread may call. `close` writes what is not written yet."""

    def __init__(self, found: Found, load: Callable[[], Runtime], hub: Hub) -> None:
        """`load`: as in `Network`."""
        self.found, self.hub = found, hub
        hub.greeting = self._under_way
        self.clips: dict[str, Clip] = {clip.id: clip for clip in found.clips}
        self.jobs = Jobs(self._ended)
        self.turns = Turns()
        self.network = Network(load, self.turns)
        self._renewing, self._opening = threading.Lock(), threading.RLock()
        self.rate: float | None = None  # frames a second and direction, as they were tracked last
        self.closed = False
        self.downloads = Downloads()
        self._open: OrderedDict[str, Session] = OrderedDict()  # the one used last at the end
        self._reviews: dict[str, Review] = {}
        self._counting: dict[str, threading.Thread] = {}

    def close(self, waits: Callable[[str], None] = lambda _: None) -> None:
        """`waits` is told in a few words what takes a while."""
        if (job := self.jobs.now) is not None:
            waits(f"stopping: {job.what}")
        self.jobs.stop(patience=PATIENCE)
        with self._renewing, self._opening:
            self.closed = True
            while self._open:
                session = self._open.popitem()[1]
                if is_to_write(session):
                    waits(f"writing {session.place.result.name}")
                leave(session)
        for counting in self._counting.values():
            counting.join(PATIENCE)
        self.network.close()
        self.downloads.close()

    def clip(self, clip_id: str) -> Clip:
        """Raises NotFound."""
        if clip_id not in self.clips:
            raise NotFound("there is no such clip; go back to the list")
        return self.clips[clip_id]

    def session(self, clip_id: str) -> Session:
        """The clip, opened if need be. Raises what opening raises."""
        with self._opening:
            if self.closed:
                raise CallError("the studio has been closed")
            if clip_id not in self._open:
                session = open_session(self.clip(clip_id).place, self.network.runtime(), self.turns)
                self._open[clip_id] = session
                self._reviews[clip_id] = Review()
                counting = threading.Thread(
                    target=self._count, args=(clip_id, session), daemon=True, name="trackmask-count"
                )
                self._counting[clip_id] = counting
                counting.start()
                self._make_room(clip_id)
            self._open.move_to_end(clip_id)
            return self._open[clip_id]

    def opened(self, clip_id: str) -> Session | None:
        """The clip if it is open; it may be closed at any time."""
        return self._open.get(clip_id)

    def to_review(self, clip_id: str) -> int:
        """How many ranges are left to look at in a clip that is open."""
        session = self.opened(clip_id)
        return 0 if session is None else len(self._reviews[clip_id].left(session))

    def state(self, clip_id: str) -> dict[str, Any]:
        session = self.session(clip_id)
        return state_of(session, clip_id, self._reviews[clip_id], self.jobs.of(clip_id))

    def changed(self, clip_id: str, *, list_too: bool = False) -> dict[str, Any]:
        """All tabs are told the clip's new state, which is returned."""
        state = self.state(clip_id)
        self.hub.send("state", state)
        if list_too:
            self.hub.send("clips", {})
        return state

    def acted(self, clip_id: str) -> dict[str, Any]:
        """A person has said something: all tabs are told the new state, which is returned, and what is to review then
        as soon as that is known.
        """
        state, acts = self.changed(clip_id, list_too=True), self.session(clip_id).acts.count
        threading.Thread(target=self._renew, args=(clip_id, acts), daemon=True, name="trackmask-review").start()
        return state

    def _renew(self, clip_id: str, acts: int) -> None:
        """What is to review after so many acts; given up where there are more meanwhile."""
        with suppress(TrackmaskError, ValueError, MemoryError), self._renewing:
            session = self.opened(clip_id)
            if session is not None and session.acts.count == acts and self._reviews[clip_id].renew(session):
                session.revision += 1
                self.changed(clip_id, list_too=True)

    # --- works ---------------------------------------------------------------------------------------------------

    def track(self, clip_id: str, direction: Direction, at: int, objects: Iterable[int] | None) -> None:
        """Raises Busy, or CallError where there is nothing to do."""
        session, wanted = self.session(clip_id), None if objects is None else list(objects)
        if not session.acts.said.givens:
            raise CallError("nothing is marked yet; click on an object first")
        if session.counted and not passes(session.acts.said, session.tracked, session.range, direction, at, wanted):
            raise CallError("all of this is tracked already, and up to date")

        def work(job: Job) -> None:
            self._counted(clip_id, job)
            said = session.acts.said  # what is said from here on puts out of date what is tracked now
            todo = passes(said, session.tracked, session.range, direction, at, wanted)
            job.total = sum(2 * one.count for one in todo)
            job.began = monotonic()
            teller = Teller(self.hub, clip_id, session, job)
            session.check_video()
            try:
                run(session, said, todo, teller.made, teller.step)
            finally:
                teller.flush()
                self.rate = job.rate if job.done >= ENOUGH else self.rate
                self._give_back()
                self._save(clip_id, session, job)

        self.start("track", clip_id, "tracking there and back", work)

    def save(self, clip_id: str) -> None:
        session = self.session(clip_id)
        self.start("save", clip_id, "writing the result", lambda job: self._save(clip_id, session, job))

    def export(self, clip_id: str, to: str, options: Options, *, download: bool) -> None:
        """Raises Busy, or CallError for an unknown format."""
        find_format(to)
        session = self.session(clip_id)

        def work(job: Job) -> None:
            if not is_written(session):
                self._save(clip_id, session, job)
            session.check_video()
            job.what = f"export as {to}"
            folder = self.downloads.place() if download else session.place.result.parent
            made = write(session, to, options, folder, unfinished(session))
            told: dict[str, Any] = {"clip": clip_id, "job": job.id, "notes": list(made.notes)}
            told |= {"folder": None if download else made.path.name, "name": made.path.name, "download": None}
            if download:
                name = self.downloads.add(made.path)
                found = self.downloads.get(name)
                told |= {"download": f"/api/downloads/{name}", "name": found.name if found else ""}
            self.hub.send("exported", told)

        self.start("export", clip_id, f"export as {to}", work)

    def bring_in(self, clip_id: str, path: Path, kind: str, *, absent: bool) -> int:
        """Masks from another tool's file become corrections; returns how many. Raises Busy, and what reading raises."""
        session = self.session(clip_id)
        self.jobs.check_free()
        if not is_written(session):
            if not is_to_write(session):
                raise CallError("an import corrects masks that are there; mark an object, and track it first")
            save(session)
        return bring_in(session, path, kind, absent=absent)

    def find(self, clip_id: str, at: int, most: int) -> None:
        """The main objects become objects of the clip. Raises Busy."""
        session = self.session(clip_id)

        def work(job: Job) -> None:
            def frames(video: VideoReader) -> Iterator[Frame]:
                for frame in video.frames(at):
                    session.turns.rest()
                    job.step(frame.index)
                    yield frame

            session.check_video()
            try:
                with open_video(session.place.video) as video:
                    found = discover(session.runtime, frames(video), session.size, most)
            finally:
                self._give_back()
            if not found:
                raise CallError("no main object was found from here on; click on what you mean")
            session.found([(one.frame, one.words, one.mask) for one in found])

        self.start("find", clip_id, "looking for the main object", work)

    def _under_way(self) -> list[Message]:
        """What a tab that comes now has to know: it may be long until the next message on a work."""
        job = self.jobs.now
        return [] if job is None else [progress(job)]

    def stop(self, clip_id: str) -> None:
        self.jobs.stop(clip_id)

    def start(self, kind: str, clip_id: str, what: str, work: Callable[[Job], None]) -> None:
        """A long work, in a thread of its own. Raises Busy."""

        def alone(job: Job) -> None:
            self.hub.send(*progress(job))  # here, so that it comes before what tells of its end
            with self.turns.working:
                work(job)

        self.jobs.start(kind, clip_id, what, alone)
        self.changed(clip_id)

    def _give_back(self) -> None:
        """After a work that ran the network: its memory, as far as answers lie in it, too."""
        for session in list(self._open.values()):
            session.prompting.forget()
        self.network.give_back()

    def _save(self, clip_id: str, session: Session, job: Job) -> None:
        job.what = "writing the result"
        self.hub.send(*progress(job))

        def drawing() -> None:
            job.what = "drawing the overlay"
            self.hub.send(*progress(job))

        save(session, drawing)
        self._reviews[clip_id].renew(session)

    def _counted(self, clip_id: str, job: Job) -> None:
        """The frames have to be counted before it is known which are to be tracked."""
        while self._counting[clip_id].is_alive():
            self._counting[clip_id].join(EVERY)
            if job.stop.is_set():
                raise Stopped

    def _ended(self, job: Job, stopped: bool, error: str | None) -> None:
        with suppress(TrackmaskError, MemoryError):
            self.session(job.clip).revision += 1
            self.changed(job.clip, list_too=True)
        about = {"clip": job.clip, "job": job.id, "kind": job.kind, "stopped": stopped, "error": error}
        self.hub.send("done", about)

    # --- opening -------------------------------------------------------------------------------------------------

    def _count(self, clip_id: str, session: Session) -> None:
        """What takes a while on opening, in a thread of its own."""
        with suppress(TrackmaskError, ValueError, MemoryError):  # the clip may be closed meanwhile
            count(session)
            self._reviews[clip_id].renew(session)
            session.revision += 1
            self.changed(clip_id)

    def _make_room(self, kept: str) -> None:
        for clip_id in list(self._open):
            if len(self._open) > OPEN and clip_id != kept and self.jobs.of(clip_id) is None:
                leave(self._open.pop(clip_id))


__all__ = ["Busy", "Desk", "NotFound"]
