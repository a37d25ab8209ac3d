"""Any frame of the video, soon: what was shown stays at hand, what will probably be shown is read ahead.

Memory is bounded in bytes. Frames are decoded by one reader, one at a time; a frame further on is read on to where
that is shorter than going back to the key frame before it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import closing, suppress
from time import monotonic
from typing import Generic, TypeVar

import cv2

from trackmask.data import Frame, Image
from trackmask.errors import CallError, VideoError
from trackmask.studio.previews import FAR, SLOW, Previews
from trackmask.studio.turns import Turns
from trackmask.video import VideoReader

DECODED, PICTURES = 96 << 20, 48 << 20  # bytes that are kept: 16 frames of 1920 x 1080; 400 JPEGs of that size
ON = 12  # frames that are read on in any case before a frame is sought, or another one is shown meanwhile
BEFORE = 12  # frames before the one that is sought which are kept, when somebody goes backward by no more than that
AHEAD = 10  # frames that are read ahead when playing
WAIT = 0.05  # seconds until somebody who waits for a picture looks whether it still comes
QUALITY = 88  # of JPEG: masks are judged at the edges of things
T = TypeVar("T")


class Kept(Generic[T]):
    """What was used last, as far as the bytes go."""

    def __init__(self, room: int) -> None:
        self._room, self._bytes = room, 0
        self._items: OrderedDict[object, tuple[T, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: object) -> T | None:
        with self._lock:
            if key not in self._items:
                return None
            self._items.move_to_end(key)
            return self._items[key][0]

    def put(self, key: object, item: T, size: int) -> None:
        with self._lock:
            self._bytes += size - self._items.pop(key, (None, 0))[1]
            self._items[key] = item, size
            while self._bytes > self._room and len(self._items) > 1:
                self._bytes -= self._items.popitem(last=False)[1][1]


class Frames:
    """The frames of a video that people look at. Any thread may ask."""

    def __init__(self, reader: VideoReader, turns: Turns) -> None:
        self.info = reader.info
        self._previews = Previews(reader, self._preview, turns.quiet)
        self._reader, self._turns = reader, turns
        self._lock = threading.Lock()
        self._decoded: Kept[Frame] = Kept(DECODED)
        self._pictures: Kept[bytes] = Kept(PICTURES)
        self._source: Iterator[Frame] | None = None
        self._next = 0  # the frame that `_source` gives next
        self._asked = 0  # the frame that was asked for last
        self._far = False  # whether many frames have to be decoded for one
        self._awaited = -1  # the frame whose picture somebody waits for, while those of all are made
        self._passed: tuple[int, int | None] | None = None  # the picture that was asked for last: frame and width
        self._wanted: tuple[int, int | None] | None = None  # what is read ahead: from a frame on, at a width
        self._ahead = threading.Condition()
        self._closed = False
        threading.Thread(target=self._read_ahead, daemon=True, name="trackmask-ahead").start()

    def close(self) -> None:
        with self._ahead:
            self._closed = True
            self._ahead.notify()
        self._previews.close()

    def at(self, index: int) -> Frame:
        """Raises CallError where there is no such frame, VideoError."""
        found = self._decoded.get(index)
        if found is None:
            with self._lock:
                found = self._decoded.get(index) or self._decode(index)
                self._asked = index
        return found

    def picture(self, index: int, width: int | None = None, *, still: bool = False) -> bytes:
        """A frame as JPEG, at most so many pixels wide; `still`: somebody rests there. Raises as `at`."""
        began = monotonic()
        found = self._ready(index, width) or self._coming(index, width)
        if found is None:
            with self._turns.looking:
                found = self._put(self.at(index), width)
        if not still:  # others will be wanted as wide as those that are passed by
            self._passed = index, width
            if monotonic() - began > SLOW:
                self._previews.was_slow(index, width)
            elif self._far:
                self._previews.begin(index, width)
        return found

    def near(self, index: int, width: int | None = None) -> tuple[int, bytes]:
        """For who drags along: that frame and its picture where it comes soon, else the nearest one that is there.

        Raises as `at`.
        """
        first = self._reader.way_begins(index)
        if index - first <= ON or self._is_at_hand(index):
            return index, self.picture(index, width)
        for away in range(index - first):
            for near in (index - away, index + away):
                if (found := self._ready(near, width)) is not None:
                    if away:
                        self._previews.was_slow(index, width)
                    return near, found
        self._previews.was_slow(index, width)
        return first, self._ready(first, width) or self._alone(first, width)

    def are_apart(self, frames: int) -> None:
        """Those that can be decoded on their own are so many frames apart, at most."""
        self._far = frames > FAR
        if self._far and self._passed is not None:
            self._previews.begin(*self._passed)

    def _ready(self, index: int, width: int | None) -> bytes | None:
        return self._pictures.get((index, width)) or self._previews.get(index, width)

    def _coming(self, index: int, width: int | None) -> bytes | None:
        """A picture that is there soon as those of all are being made; None where it is decoded sooner on its own."""
        self._awaited = index
        while not self._is_at_hand(index) and self._turns.are_quiet and self._previews.comes(index, width, WAIT):
            pass
        return self._ready(index, width)

    def _is_at_hand(self, index: int) -> bool:
        return 0 <= index - self._next <= ON or self._decoded.get(index) is not None

    def _preview(self, frame: Frame, width: int | None) -> bytes:
        if frame.index == self._awaited:  # who waits for its picture will click there
            self._decoded.put(frame.index, frame, frame.image.nbytes)
        return jpeg(frame.image, width)

    def _put(self, frame: Frame, width: int | None) -> bytes:
        picture = jpeg(frame.image, width)
        self._pictures.put((frame.index, width), picture, len(picture))
        return picture

    def _alone(self, index: int, width: int | None) -> bytes:
        """The picture of a frame with which decoding begins, whoever waits for another one meanwhile."""
        with suppress(ValueError), closing(self._reader.frames(index, index)) as frames:  # type: ignore[type-var]
            for frame in frames:
                return self._put(frame, width)
        raise CallError(f"there is no frame {index} in {self.info.name}")

    def read_ahead(self, index: int, width: int | None = None) -> None:
        """The frames behind this one will be wanted at that width."""
        with self._ahead:
            self._wanted = index + 1, width
            self._ahead.notify()

    def _decode(self, index: int) -> Frame:
        key = self._reader.way_begins(index)
        # What is read on becomes pictures; what is passed by from the key on does not, and takes half of that.
        if self._source is None or not 0 <= index - self._next <= max(ON, (index - key) // 2):
            first = max(index - BEFORE, key) if self._asked - BEFORE <= index < self._asked else index
            self._source, self._next = self._reader.frames(first), first
        source, self._source = self._source, None  # one that has ended, or failed, gives nothing again
        with suppress(ValueError):  # the clip has been closed
            for frame in source:
                self._next = frame.index + 1
                self._decoded.put(frame.index, frame, frame.image.nbytes)
                if frame.index == index:
                    self._source = source
                    return frame
        raise CallError(f"there is no frame {index} in {self.info.name}")

    def _read_ahead(self) -> None:
        while True:
            with self._ahead:
                while self._wanted is None and not self._closed:
                    self._ahead.wait()
                if self._closed:
                    return
                (first, width), self._wanted = self._wanted or (0, None), None
            for index in range(first, first + AHEAD):
                if self._wanted is not None or self._closed:
                    break
                try:
                    self.picture(index, width)
                except (CallError, VideoError):
                    break


def jpeg(image: Image, width: int | None = None) -> bytes:
    """A picture, (H, W, 3) uint8 RGB, at most `width` pixels wide, as the bytes of a JPEG."""
    height, full = image.shape[:2]
    if width is not None and width < full:
        # Means of areas take 5 ms from 1080p to 720p, this 1 ms: as near to Lanczos so far, but not for smaller ones.
        way = cv2.INTER_LINEAR if 3 * width >= 2 * full else cv2.INTER_AREA
        image = cv2.resize(image, (width, max(round(height * width / full), 1)), interpolation=way)
    _, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), (cv2.IMWRITE_JPEG_QUALITY, QUALITY))
    return data.tobytes()
