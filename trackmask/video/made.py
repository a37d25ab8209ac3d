"""A video that a program makes, or has in its hands: no file of its own."""

from collections.abc import Callable, Generator, Iterator
from functools import partial

from trackmask.data import Frame, Image, VideoInfo
from trackmask.video.reader import Picture, Place, VideoReader, check_range
from trackmask.video.spool import Spool


class MadeVideo(VideoReader):
    """Frames in order from 0 on, made anew each time that the video is read."""

    def __init__(self, info: VideoInfo, make: Callable[[], Iterator[Frame]]) -> None:
        super().__init__(info)
        self._make = make

    def reversed(self, last: int, first: int = 0) -> Iterator[Frame]:
        check_range(first, last)
        with Spool(self.info.size) as spool:
            spool.fill(self.frames(first, last))
            yield from spool.backwards()

    def way_begins(self, index: int) -> int:
        return 0

    def _pictures(self, start: Place = None) -> Generator[Picture, None, None]:
        for frame in self._make():
            yield Picture(frame.index, frame.time, partial(_image, frame))


def _image(frame: Frame) -> Image:
    return frame.image
