"""A video that is read more than once: in both directions, or here and there."""

import errno
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from types import TracebackType
from typing import Self

import numpy as np

from trackmask.data import Frame
from trackmask.errors import CallError, VideoError
from trackmask.video.reader import Place, VideoReader, behind, check_range

_NOTHING = np.empty((0, 0, 3), np.uint8)
ROOM = 1 << 30  # bytes of a temporary file: 870 frames of 854 x 480, 170 of 1920 x 1080


def frames_in(room: int, size: tuple[int, int]) -> int:
    """How many frames of that size (height, width) so many bytes hold."""
    return room // (3 * size[0] * size[1])


class CachedVideo(VideoReader):
    """Another reader's video. The frames that were decoded last stay in a temporary file as far as `room` goes, so
    that a stretch of the video is decoded once, however often and in whatever order it is read. Without room, or where
    the disk is full, it is decoded again.

    Several threads may read it. Damage ends the frames early, and is kept in `error`; it is raised only where it leaves
    no frame at all.
    """

    def __init__(self, reader: VideoReader, room: int = ROOM, first: int = 0) -> None:
        """`room`: bytes; `first`: the first frame that will be wanted. `reader` stays open when this one is closed."""
        super().__init__(reader.info)
        self._reader = reader
        self._shape = (*reader.info.size, 3)
        self._slots = frames_in(room, reader.info.size)  # frame i lies in slot i % slots, if it is there
        # Without a buffer, whose fill would fail later on, or when the file is closed.
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 (closed by __exit__)
        self._kept: dict[int, Frame] = {}  # by slot: the frame that it holds, without its picture
        self._lock = threading.Lock()
        self._source: Iterator[Frame] | None = None
        self._next = first  # the frame that `_source` gives next
        self._started = False  # whether any frame could be decoded
        self.error: VideoError | None = None
        self.count: int | None = None  # frames of the whole video that can be decoded, once its end was seen

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        super().__exit__(kind, error, at)
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def frames(self, start: Place = None, end: Place = None) -> Iterator[Frame]:
        check_range(start, end)
        index = next(self._reader.frames(start)).index if isinstance(start, float) else start or 0
        given = False
        while not isinstance(end, int) or index <= end:
            try:
                frame = self._take(index)
            except CallError:  # nothing lies there
                if not given:
                    raise
                return
            if frame is None or behind(frame.index, frame.time, end):
                break
            given = True
            yield frame
            index += 1
        if not given:
            raise CallError(f"{self.info.name} has no frame {index} up to the end of what is tracked")

    def reversed(self, last: int, first: int = 0) -> Iterator[Frame]:
        check_range(first, last)
        if last - first < self._slots:
            for index in range(first, last + 1):
                with self._lock:
                    if not self._holds(index) and self._decode(index) is None:
                        break
        while last >= first and (frame := self._held(last)) is not None:
            yield frame
            last -= 1
        if last >= first:
            yield from self._reader.reversed(last, first)

    def at(self, index: int) -> Frame | None:
        """One frame; None where the video has no such frame."""
        with suppress(CallError):
            return self._take(index)
        return None

    def _take(self, index: int) -> Frame | None:
        with self._lock:
            return self._read(index) if self._holds(index) else self._decode(index)

    def _held(self, index: int) -> Frame | None:
        with self._lock:
            return self._read(index) if self._holds(index) else None

    def _decode(self, index: int) -> Frame | None:
        """The frame from the video. Those that are passed on the way to it will be wanted, too, and are kept."""
        if self.count is not None and index >= self.count:
            return None
        near = self._next <= index <= self._next + self._slots
        if self._source is None or not near:
            self._next = self._next if near else index
            self._source, opened = self._reader.frames(self._next), True
        else:
            opened = False
        try:
            for frame in self._source:
                opened, self._started, self._next = False, True, frame.index + 1
                self._keep(frame)
                if frame.index == index:
                    return frame
        except VideoError as error:
            if not self._started:
                raise
            self.error = error
        if not opened:
            self.count = self._next
        return None

    def _holds(self, index: int) -> bool:
        kept = self._kept.get(index % self._slots) if self._slots else None
        return kept is not None and kept.index == index

    def _keep(self, frame: Frame) -> None:
        if not self._slots:
            return
        slot = frame.index % self._slots
        self._kept.pop(slot, None)
        try:
            self._file.seek(slot * frame.image.nbytes)
            if self._file.write(frame.image.data) < frame.image.nbytes:
                raise OSError(errno.ENOSPC, "no space is left")
            self._kept[slot] = replace(frame, image=_NOTHING)
        except OSError:  # the disk is full: what was kept so far makes room
            self._slots = 0
            with suppress(OSError):
                self._file.truncate(0)

    def _read(self, index: int) -> Frame:
        slot = index % self._slots
        image = np.empty(self._shape, np.uint8)
        self._file.seek(slot * image.nbytes)
        self._file.readinto(image.data)
        return replace(self._kept[slot], image=image)
