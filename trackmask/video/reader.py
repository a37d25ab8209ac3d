"""What every video can do: be read forward, in part, and backward."""

import math
from array import array
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from trackmask.data import Frame, Image, VideoInfo
from trackmask.errors import CallError, VideoError
from trackmask.formats.limits import MAX_PIXELS, MAX_SIDE

TIME_SLACK = 0.0005  # seconds: containers that count in milliseconds round 1/30 to 0.033

Place = int | float | None


@dataclass(frozen=True, eq=False)
class Picture:
    """A frame that is decoded but not yet turned into RGB: those that are only passed by never are."""

    index: int
    time: float  # seconds
    image: Callable[[], Image]
    until: float | None = None  # seconds: when it has been shown; None where unknown
    last: bool = False  # nothing follows

    def made(self) -> "Picture":
        """The same with its RGB at hand."""
        image = self.image()
        return replace(self, image=lambda: image)


class VideoReader:
    """A video that can be read any number of times, forward and backward. `open_video` makes one."""

    def __init__(self, info: VideoInfo) -> None:
        self.info = info
        self.damage: str | None = None  # a sentence on what `times` could not read, if anything
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End every iteration, on the way to its first frame, too: asking for one more frame is a ValueError."""
        self._closed = True

    def __iter__(self) -> Iterator[Frame]:
        return self.frames()

    def frames(self, start: Place = None, end: Place = None) -> Iterator[Frame]:
        """The frames from `start` to `end`, both included; an int is a frame's index, a float a time in seconds.

        A frame keeps the index and the time that it has in the whole video. Times begin at 0 and rise strictly.
        Raises CallError where no frame lies in the range; VideoError where the video changes its size, and, after the
        last frame that could be decoded, where it is damaged or cut off.
        """
        check_range(start, end)
        given = False
        count = 0
        with closing(self._pictures(start)) as pictures:
            for picture in _followed(pictures, start, end):
                count = picture.index + 1
                self._check_open()
                if _before(picture, start):
                    continue
                given = True
                yield self._frame(picture)
        if not given:
            until = "its end; it has" if end is None else f"{_name(end)}; up to there it has"
            raise CallError(f"{self.info.name} has no frame between {_name(start)} and {until} {count} frames")

    def reversed(self, last: int, first: int = 0) -> Iterator[Frame]:
        """The frames from index `last` down to `first`: the same, to the pixel, as reading forward gives.

        Memory stays bounded; a temporary file takes what is more. Raises CallError where there is no frame `last`,
        OutputError where the temporary folder is full. Damage between the frames is left to `frames` to tell.
        """
        raise NotImplementedError

    def between(self, begin: int, end: int) -> Iterator[Frame]:
        """The frames from index `begin` to `end`, which may lie before it: `frames` or `reversed`."""
        return self.frames(begin, end) if begin <= end else self.reversed(begin, end)

    def times(self) -> Sequence[float]:
        """When each frame of the video is shown, in seconds, as the frames themselves have it: one for each of them.
        Told by the packets where that can be, else by decoding. Damage ends it early, and stands in `damage` then.
        """
        found = array("d")
        try:
            found.extend(picture.time for picture in self._pictures())
        except VideoError as error:
            self.damage = str(error)
        return found

    def told_times(self) -> Sequence[float] | None:
        """`times` where nothing has to be decoded for them; else None."""
        return None

    def longest_way(self) -> int:
        """The most frames that are decoded to reach a single one."""
        return 1

    def way_begins(self, index: int) -> int:
        """The frame that decoding begins with to reach that one."""
        return index

    def _pictures(self, start: Place = None) -> Generator[Picture, None, None]:
        """Every picture in order of time, each until its own length is over. Those before `start` may be left out."""
        raise NotImplementedError

    def _check_open(self) -> None:
        if self._closed:
            raise ValueError(f"{self.info.name} has been closed")

    def _frame(self, picture: Picture) -> Frame:
        self._check_open()
        return Frame(picture.index, picture.time, picture.image(), picture.until, picture.last)


def check_pixels(name: str, height: int, width: int) -> None:
    """VideoError where a frame would be so large that it is a fault of the file, or an attack, rather than a video."""
    if max(height, width) > MAX_SIDE or height * width > MAX_PIXELS:
        raise VideoError(
            f"{name} has frames of {width} x {height} pixels, more than trackmask reads "
            f"({MAX_SIDE} a side, {MAX_PIXELS // 10**6} million in all); scale it down first"
        )


def _followed(pictures: Iterable[Picture], start: Place, end: Place) -> Iterator[Picture]:
    """The pictures up to `end`, each shown until the next one comes; one that precedes damage keeps its own length."""
    held: Picture | None = None
    try:
        for picture in pictures:
            if held is not None:
                yield replace(held, until=picture.time)
            held = None
            if behind(picture.index, picture.time, end):
                return
            # Turned into RGB before the next one is decoded, while the processor's cache holds it: in 60 % of the time.
            held = picture if _before(picture, start) else picture.made()
    except VideoError:
        if held is not None:
            yield held
        raise
    if held is not None:
        yield replace(held, last=True)


def behind(index: int, time: float, end: Place) -> bool:
    """Whether a frame comes after `end`."""
    if isinstance(end, float):
        return time > end + TIME_SLACK
    return end is not None and index > end


def _before(picture: Picture, start: Place) -> bool:
    if isinstance(start, float):
        return picture.time < start - TIME_SLACK
    return start is not None and picture.index < start


def check_range(start: Place, end: Place) -> None:
    """CallError for places that no video has, and for an end before the start of the same kind."""
    for place in (start, end):
        if place is not None and not 0 <= place < math.inf:  # written so that nan fails too
            raise CallError(f"{_name(place)} is not in any video; give a frame or a time from 0 on")
    if start is not None and end is not None and type(start) is type(end) and start > end:
        raise CallError(f"the start, {_name(start)}, lies behind the end, {_name(end)}; swap them")


def _name(place: Place) -> str:
    if place is None:
        return "its start"
    return f"{place:g} s" if isinstance(place, float) else f"frame {place}"
