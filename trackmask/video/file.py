"""A video file."""

from collections.abc import Generator, Iterator
from contextlib import suppress
from fractions import Fraction
from functools import partial
from itertools import dropwhile
from pathlib import Path

import av
import numpy as np
from av.video.frame import PictureType

from trackmask.data import Frame, Image
from trackmask.errors import CallError, VideoError
from trackmask.video.decoding import Decoding, describe
from trackmask.video.reader import Picture, VideoReader, check_range
from trackmask.video.spool import Spool
from trackmask.video.times import Clock, timestamp


class _Astray(Exception):
    """A seek did not lead to the frames that forward reading gave: never leaves this module."""


class VideoFile(VideoReader):
    """A video in a file. Every pass opens the file anew, so passes do not disturb each other."""

    def __init__(self, path: Path, threads: int = 0) -> None:
        super().__init__(describe(path))
        self._path, self._threads = path, threads
        self._keys: dict[int, Fraction] = {}  # index: timestamp in seconds of the frames where decoding may begin
        self._seen = 0  # frames that have been looked at for _keys
        self._seekable = True  # whether every frame so far can be found again by its timestamp

    def reversed(self, last: int, first: int = 0) -> Iterator[Frame]:
        check_range(first, last)
        self._look_until(last)
        while last >= first:
            key = max((index for index in self._keys if index <= last), default=0)
            start = max(key, first) if self._seekable else first
            with Spool(self.info.size) as spool:
                try:
                    spool.fill(self._from_key(key, start, last) if self._seekable else self._forward(start, last))
                except (_Astray, av.error.FFmpegError):  # the container lets nobody seek
                    # Decode everything that is left in one pass instead.
                    self._seekable = False
                    continue
                if not spool.holds(start, last):
                    raise VideoError(f"{self.info.name} does not decode twice alike; re-encode it first")
                yield from spool.backwards()
            last = start - 1

    def _pictures(self) -> Generator[Picture, None, None]:
        clock = Clock(self.info.fps)
        with Decoding(self._path, self._threads) as decoding:
            decoded = 0
            for index, frame in enumerate(decoding):
                time = clock.time(frame)
                self._check_size(frame, index)
                self._look_at(index, frame, clock.exact and decoding.seekable and not decoding.damaged)
                yield Picture(index, time, partial(self._upright, frame), clock.until(frame, decoding.end))
                decoded = index + 1
            if decoding.damaged:
                raise VideoError(
                    f"{self.info.name} is damaged or cut off: {decoded} frames could be decoded; get a whole copy of it"
                )

    def _upright(self, frame: av.VideoFrame) -> Image:
        """(H, W, 3) uint8 RGB, contiguous, turned the way the container asks for."""
        image = frame.to_ndarray(format="rgb24")
        return np.ascontiguousarray(np.rot90(image, -self.info.rotation // 90))

    def _check_size(self, frame: av.VideoFrame, index: int) -> None:
        height, width = self.info.size if self.info.rotation % 180 == 0 else self.info.size[::-1]
        if (frame.height, frame.width) != (height, width):
            raise VideoError(
                f"{self.info.name} changes its size from {width} x {height} to {frame.width} x {frame.height} "
                f"at frame {index}; cut it there, or re-encode it to one size"
            )

    def _look_at(self, index: int, frame: av.VideoFrame, seekable: bool) -> None:
        """Remember where decoding may begin. An intra refresh is called a key too, but holds no whole picture."""
        if index < self._seen:
            return
        self._seen = index + 1
        stamp = timestamp(frame)
        self._seekable = self._seekable and seekable and stamp is not None
        if stamp is not None and (index == 0 or (frame.key_frame and frame.pict_type == PictureType.I)):
            self._keys[index] = stamp

    def _look_until(self, last: int) -> None:
        """Decode up to a frame that no pass has reached yet, without turning anything into RGB."""
        if self._seen <= last:
            with suppress(VideoError):  # frames told it, or will
                for picture in self._pictures():
                    if picture.index == last:
                        break
        if self._seen <= last:
            raise CallError(f"{self.info.name} has no frame {last}; it has {self._seen} frames, counted from 0")

    def _from_key(self, key: int, start: int, last: int) -> Iterator[Frame]:
        """The frames `start` to `last`, decoded from the frame `key` on. _Astray where they are not those of before."""
        target = self._keys[key]
        with Decoding(self._path, self._threads, seek=target if key else None) as decoding:
            stamped = ((timestamp(frame), frame) for frame in decoding)
            for index, (stamp, frame) in enumerate(dropwhile(lambda pair: (pair[0] or target) < target, stamped), key):
                if stamp is None or self._keys.get(index, stamp) != stamp:
                    raise _Astray
                if index > last:
                    return
                if index >= start:
                    yield self._frame(Picture(index, float(stamp - self._keys[0]), partial(self._upright, frame)))

    def _forward(self, start: int, last: int) -> Iterator[Frame]:
        with suppress(VideoError):
            yield from self.frames(start, last)
