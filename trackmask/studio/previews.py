"""Pictures of all frames, made in quiet moments: of a film with few key frames, any frame is far from the one before it
where decoding can begin.

They lie in a temporary file; memory holds a few numbers of each. Nothing is made before `begin`, or a frame that was
slow to come, and nothing while somebody waits for a mask or something is tracked.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable
from contextlib import closing, suppress

from trackmask.data import Frame
from trackmask.errors import TrackmaskError
from trackmask.video import VideoReader

ROOM = 1 << 30  # bytes of the file: some 10,000 pictures 1280 pixels wide
FAR = 24  # frames from one key frame to the next: beyond, pictures are made from the beginning. 24 take 0.1 s at 1080p
SLOW = 0.08  # seconds that a frame takes to come: from there on they are made in any case
COST = 2  # how much longer it takes to make a picture of each frame than to pass by them
BEFORE = 300  # frames before the one that was slow, with which they begin at the earliest


class Previews:
    """Made for one width at a time, the one that was asked for last. Any thread may call."""

    def __init__(
        self, reader: VideoReader, encode: Callable[[Frame, int | None], bytes], quiet: Callable[[], None]
    ) -> None:
        """`encode` makes the picture of a frame at a width; `quiet` returns once it may go on."""
        self._reader, self._encode, self._quiet = reader, encode, quiet
        self._lock = threading.Condition()
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 (closed by `close`)
        self._places: dict[int, tuple[int, int]] = {}  # frame: where its picture begins, and how long it is
        self._end = 0
        self._width: int | None = None
        self._from: int | None = None  # the frame that they begin with; None: nobody wants any, or they are being made
        self._next = -1  # the frame that is made next; -1: none
        self._begun = self._full = False
        self._closed = False
        self._thread = threading.Thread(target=self._run, daemon=True, name="trackmask-previews")
        self._thread.start()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._lock.notify_all()
            self._file.close()

    def get(self, index: int, width: int | None) -> bytes | None:
        """None where there is none, or none of that width."""
        with self._lock:
            if self._closed or width != self._width or index not in self._places:
                return None
            start, length = self._places[index]
            self._file.seek(start)
            return self._file.read(length)

    def comes(self, index: int, width: int | None, seconds: float) -> bool:
        """Whether that picture is made before its frame could be decoded on its own; waits for it, so long at most."""
        alone = index - self._reader.way_begins(index)  # frames
        with self._lock:
            wanted = not self._closed and width == self._width and index not in self._places
            comes = wanted and self._thread.is_alive() and 0 <= COST * (index - self._next) <= alone
            if comes:
                self._lock.wait(seconds)
            return comes

    def begin(self, index: int, width: int | None) -> None:
        """Somebody looks at that frame, and will want others; at no cost where they are being made."""
        if not self._begun:
            self.was_slow(index, width)

    def was_slow(self, index: int, width: int | None) -> None:
        """Somebody waited for that frame: those on the way to it come next."""
        first = max(self._reader.way_begins(index), index - BEFORE)
        with self._lock:
            self._begun = True
            anew = width != self._width or self._full  # full: those around here take the place of the others
            if anew:
                self._places.clear()
                self._end, self._width, self._full = 0, width, False
            if anew or (index not in self._places and not first <= self._next <= index):
                missing = (frame for frame in range(first, index + 1) if frame not in self._places)
                self._from = self._next = next(missing)
            self._lock.notify_all()

    def _run(self) -> None:
        while True:
            with self._lock:
                while self._from is None and not self._closed:
                    self._lock.wait()
                if self._closed:
                    return
                first, self._from, width = self._from or 0, None, self._width
            with suppress(TrackmaskError, ValueError, OSError):  # the clip is closed, the disk is full: there are none
                if self._fill(width, first) and first:
                    self._fill(width, 0, first - 1)
            with self._lock:
                self._next = -1 if self._from is None else self._from

    def _fill(self, width: int | None, first: int, last: int | None = None) -> bool:
        """The frames from the first to the last one; False where something else is wanted meanwhile."""
        with closing(self._reader.frames(first, last)) as frames:  # type: ignore[type-var]  # a generator
            for frame in frames:
                self._quiet()
                known = frame.index in self._places
                picture = b"" if known else self._encode(frame, width)
                with self._lock:
                    self._full = self._full or self._end + len(picture) > ROOM
                    if self._closed or self._from is not None or self._full:
                        return False
                    self._next = frame.index + 1
                    if not known:
                        self._file.seek(self._end)
                        self._file.write(picture)
                        self._places[frame.index] = self._end, len(picture)
                        self._end += len(picture)
                        self._lock.notify_all()
        return True
