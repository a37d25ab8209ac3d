"""A video file."""

from array import array
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from fractions import Fraction
from functools import partial
from itertools import dropwhile, pairwise
from pathlib import Path

import av
from av.video.frame import PictureType

from trackmask.data import Frame
from trackmask.errors import CallError, VideoError
from trackmask.files import counted
from trackmask.video.decoding import Decoding, describe
from trackmask.video.index import TRIED, FrameIndex, gives_each, read_index
from trackmask.video.reader import Picture, Place, VideoReader, check_range
from trackmask.video.rgb import ToRgb
from trackmask.video.spool import Spool
from trackmask.video.times import Clock, timestamp

_WHOLE = 1 << 40  # frames: no video has so many


class _Astray(Exception):
    """A seek did not lead to the frames that forward reading gave: never leaves this module."""


def _from(target: Fraction, frames: Iterable[av.VideoFrame]) -> Iterator[av.VideoFrame]:
    """From the frame at a time on: a seek may lead before it, and frames that are shown earlier may follow a key."""
    return dropwhile(lambda frame: (timestamp(frame) or target) < target, frames)


def _told_place(frame: av.VideoFrame, known: FrameIndex, least: int, key: int) -> int:
    """Which frame it is: `least`, or behind it. _Astray where none is shown then, and for a key that holds no whole
    picture."""
    stamp = timestamp(frame)
    place = -1 if stamp is None else known.at(stamp)
    if place < least or (least == key and (place != key or (key and not _is_whole(frame)))):
        raise _Astray
    return place


def _is_whole(frame: av.VideoFrame) -> bool:
    """Whether decoding may begin there. An intra refresh is called a key too, but holds no whole picture."""
    return bool(frame.key_frame) and frame.pict_type == PictureType.I


class VideoFile(VideoReader):
    """A video in a file. Passes at the same time open it each, so that they do not disturb each other."""

    def __init__(self, path: Path, threads: int = 0) -> None:
        info, self._look = describe(path)
        super().__init__(info)
        self._path, self._threads = path, threads
        self._keys: dict[int, Fraction] = {}  # index: timestamp in seconds of the frames where decoding may begin
        self._seen = 0  # frames that have been looked at for _keys
        self._seekable = True  # whether every frame so far can be found again by its timestamp
        self._packets: FrameIndex | None = None  # what the packets have told of the frames so far
        self._believed = True  # whether they may be asked: where they told wrong, frames have to be decoded
        self._tried = False  # whether that has been looked at
        self._idle: list[Decoding] = []  # one at most, of a pass that is over

    def close(self) -> None:
        super().close()
        while self._idle:
            self._idle.pop().close()

    def reversed(self, last: int, first: int = 0) -> Iterator[Frame]:
        check_range(first, last)
        self._look_until(last)
        while last >= first:
            start = max(self._key(last), first) if self._seekable else first
            key = self._key(self._looked_back(start))
            with Spool(self.info.size) as spool:
                try:
                    spool.fill(self._from_key(key, start, last) if self._seekable else self._forward(start, last))
                except (_Astray, av.error.FFmpegError):
                    if self._packets is not None and self._believed:
                        self._believed, self._seen = False, 0
                        self._keys.clear()
                        self._look_until(last)
                    else:  # The container lets nobody seek: decode everything that is left in one pass instead.
                        self._seekable = False
                    continue
                if not spool.holds(start, last):
                    raise VideoError(f"{self.info.name} does not decode twice alike; re-encode it first")
                yield from spool.backwards()
            last = start - 1

    def times(self) -> Sequence[float]:
        told = self.told_times()
        return super().times() if told is None else told

    def told_times(self) -> Sequence[float] | None:
        known = self._told(_WHOLE)
        if known is None or not self._certain():
            return None
        first = known.stamps[0]
        return array("d", (float((stamp - first) * known.unit) for stamp in known.stamps))

    def longest_way(self) -> int:
        known = self._told(_WHOLE)
        if known is None or not self._certain():
            return self.info.frames or _WHOLE
        return max(next_ - key for key, next_ in pairwise((0, *known.keys, len(known.stamps))))

    def way_begins(self, index: int) -> int:
        return self._key_before(index) or 0

    def _pictures(self, start: Place = None) -> Generator[Picture, None, None]:
        key = self._key_before(start)
        if key is not None and self._packets is not None:
            try:
                yield from self._decoded(key, self._packets, self._packets.frame(start))
                return
            except (_Astray, av.error.FFmpegError):  # before `start`: nothing of it counts
                self._believed = False
        yield from self._decoded()

    def _decoded(self, key: int = 0, known: FrameIndex | None = None, sure: int = -1) -> Generator[Picture, None, None]:
        """The pictures from the key frame `key` on; of those before `sure` only some, and _Astray where those are not
        what the packets told.
        """
        target = known.stamp(key) if known and key in known.keys else None
        clock = Clock(self.info.fps, known.stamp(0) if known else None)
        rgb, decoded = ToRgb(self._look), key
        with self._decoding(target, known.stamp(sure) if known else None) as decoding:
            for frame in decoding if target is None else _from(target, decoding):
                index = decoded if known is None or decoded > sure else _told_place(frame, known, decoded, key)
                if decoded <= sure < index:
                    raise _Astray
                time = clock.time(frame)
                self._check_size(frame, index)
                self._look_at(index, frame, clock.exact and decoding.seekable and not decoding.damaged)
                yield Picture(index, time, partial(rgb, frame), clock.until(frame, decoding.end))
                decoded = index + 1
            if decoded <= sure:
                raise _Astray
            if decoding.damaged:
                good = counted(decoded, "frame")
                raise VideoError(
                    f"{self.info.name} is damaged or cut off: {good} could be decoded; get a whole copy of it"
                )

    def _key_before(self, start: Place) -> int | None:
        """The frame from which decoding leads to `start`; None where that is not certain."""
        known = self._told(start) if start else None
        key = known.key_before(start) if known else None
        if known is None or key is None:
            return None
        if key and self.info.interlaced:
            key = known.key_before(self._looked_back(known.frame(start)))
        if not key and not self._tried and known.frame(start) <= TRIED:  # to make certain costs more than it saves
            return None
        return key if self._certain() else None

    def _key(self, index: int) -> int:
        """The last frame up to `index` where decoding may begin, of those that have been seen."""
        return max((key for key in self._keys if key <= index), default=0)

    def _looked_back(self, index: int) -> int:
        """The frame that has to be decoded for another: making a whole one of fields takes a look at the one before."""
        return max(index - self.info.interlaced, 0)

    @contextmanager
    def _decoding(self, seek: Fraction | None = None, wanted: Fraction | None = None) -> Iterator[Decoding]:
        """A pass. One that seeks goes on with what the one before has opened: to open a file takes FFmpeg 30 ms."""
        try:
            decoding = self._idle.pop() if seek is not None else self._opened()
        except IndexError:
            decoding = self._opened()
        try:
            decoding.pass_by(wanted)
            if seek is not None:
                decoding.seek(seek)
            yield decoding
        finally:
            if seek is None or decoding.damaged or self._closed or self._idle:
                decoding.close()
            else:
                self._idle.append(decoding)

    def _opened(self) -> Decoding:
        return Decoding(self._path, self._threads, deinterlace=self.info.interlaced)

    def _told(self, place: Place) -> FrameIndex | None:
        """What the packets tell of the frames up to `place`."""
        if not self._believed or not self._seekable:
            return None
        if self._packets is None or self._packets.key_before(place) is None:
            self._packets = read_index(self._path, place)
            self._believed = self._packets is not None
        return self._packets

    def _certain(self) -> bool:
        """Whether what the packets have told may be believed; looked at once."""
        if not self._tried and self._packets is not None:
            self._tried = True
            self._believed = self._believed and gives_each(self._path, self._packets)
        return self._believed

    def _check_size(self, frame: av.VideoFrame, index: int) -> None:
        height, width = self.info.size if self.info.rotation % 180 == 0 else self.info.size[::-1]
        if (frame.height, frame.width) != (height, width):
            raise VideoError(
                f"{self.info.name} changes its size from {width} x {height} to {frame.width} x {frame.height} "
                f"at frame {index}; cut it there, or re-encode it to one size"
            )

    def _look_at(self, index: int, frame: av.VideoFrame, seekable: bool) -> None:
        """Remember where decoding may begin."""
        if index != self._seen:  # known, or behind some that are not
            return
        self._seen = index + 1
        stamp = timestamp(frame)
        self._seekable = self._seekable and seekable and stamp is not None
        if stamp is not None and (index == 0 or _is_whole(frame)):
            self._keys[index] = stamp

    def _look_until(self, last: int) -> None:
        """Learn where decoding may begin, up to a frame that no pass has reached yet: from the packets, or by decoding
        without turning anything into RGB.
        """
        if self._seen > last:
            return
        known = self._told(last)
        if known is not None and last < len(known.stamps) and self._certain():
            self._keys = {key: known.stamp(key) for key in (0, *known.keys) if key <= last}
            self._seen = last + 1
            return
        with suppress(VideoError):  # frames told it, or will
            for picture in self._pictures():
                if picture.index == last:
                    break
        if self._seen <= last:
            raise CallError(
                f"{self.info.name} has no frame {last}; it has {counted(self._seen, 'frame')}, counted from 0"
            )

    def _from_key(self, key: int, start: int, last: int) -> Iterator[Frame]:
        """The frames `start` to `last`, decoded from the frame `key` on. _Astray where they are not those of before."""
        target, rgb = self._keys[key], ToRgb(self._look)
        with self._decoding(target if key else None) as decoding:
            for index, frame in enumerate(_from(target, decoding), key):
                stamp = timestamp(frame)
                if stamp is None or self._keys.get(index, stamp) != stamp or (index == key and not _is_whole(frame)):
                    raise _Astray
                if index > last:
                    return
                if index >= start:
                    yield self._frame(Picture(index, float(stamp - self._keys[0]), partial(rgb, frame)))

    def _forward(self, start: int, last: int) -> Iterator[Frame]:
        with suppress(VideoError):
            yield from self.frames(start, last)
