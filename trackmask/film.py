"""Films out: H.264 in mp4, with the times and the sound of the video that they were made from."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np
from av.container import OutputContainer
from av.video.reformatter import ColorRange, Colorspace

from trackmask.data import Image
from trackmask.errors import OutputError
from trackmask.video.decoding import open_container

_TICKS = 90000  # a second: fine enough for any camera, and exact for every common rate


class FilmWriter:
    """Writes mp4 (H.264, yuv420p, BT.709, index in front) frame by frame, straight to `path`.

    `size` is (height, width); H.264 wants even sides: an odd one is filled up by repeating the last row or column.
    `audio_from` is the video that the frames come from: its first sound stream is copied, cut to the span of the
    frames, where an mp4 can hold its codec, and left out where not. `crf` is the quality, 0 (lossless) to 51 (worst).
    The film's bytes depend on `threads`, so their number is fixed instead of taken from the machine.
    Raises OutputError where the file cannot be written, and then removes it, as a context manager does after any error.
    """

    def __init__(
        self,
        path: Path,
        size: tuple[int, int],
        fps: Fraction,
        audio_from: Path | None = None,
        *,
        threads: int = 1,
        crf: int = 23,
        preset: str = "veryfast",
    ) -> None:
        self._path, self._size, self._step = path, size, 1 / fps
        self._span: tuple[float, float] | None = None  # seconds: the first and the last frame's time
        self._film = av.open(str(path.absolute()), "w", format="mp4", options={"movflags": "+faststart"})
        # With mbtree, x264 gave other bytes in each run, even with one thread (seen with AVX-512).
        options = {"crf": str(crf), "preset": preset, "x264-params": "mbtree=0"}
        self._stream = self._film.add_stream("libx264", rate=fps, options=options)
        self._stream.height, self._stream.width = (side + side % 2 for side in size)
        self._stream.pix_fmt = "yuv420p"
        context = self._stream.codec_context
        context.time_base = Fraction(1, _TICKS)
        context.thread_count = threads
        # Said, not left to guess: players take untagged films for BT.601 or BT.709, by their size.
        context.colorspace = context.color_primaries = context.color_trc = 1  # BT.709 in each of the three
        context.color_range = ColorRange.MPEG
        self._sound = _Sound(audio_from, self._film) if audio_from is not None else None
        with self._removing():
            self._film.start_encoding()  # opens the file: a folder that cannot be written to fails here

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()

    def write(self, image: Image, time: float) -> None:
        """Add an image (H, W, 3) uint8 RGB, shown at `time` seconds of the source: the film itself begins at 0.

        Raises ValueError for an image of another size, and for a time that is not after the last one's.
        """
        if image.shape != (*self._size, 3):
            raise ValueError(f"the film is {self._size} (height, width), the image {image.shape}")
        if self._span is not None and time <= self._span[1]:
            raise ValueError(f"frames come in order of time: {time} s after {self._span[1]} s")
        self._span = (self._span[0] if self._span else time, time)
        frame = av.VideoFrame.from_ndarray(_even(image), format="rgb24").reformat(
            format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
        )
        frame.pts, frame.time_base = round((time - self._span[0]) * _TICKS), Fraction(1, _TICKS)
        with self._removing():
            self._film.mux(self._stream.encode(frame))
            if self._sound is not None:
                self._sound.copy(self._span[0], time)

    def close(self) -> None:
        """Finish the film. Raises OutputError where that fails."""
        with self._removing():
            self._film.mux(self._stream.encode())
            if self._sound is not None and self._span is not None:
                self._sound.copy(self._span[0], self._span[1] + float(self._step))
                self._sound.close()
            self._film.close()

    def discard(self) -> None:
        """Give the film up and remove its file."""
        if self._sound is not None:
            self._sound.close()
        with suppress(OSError, av.error.FFmpegError):  # it wants to finish a file that may have no room
            self._film.close()
        with suppress(OSError):
            self._path.unlink()

    @contextmanager
    def _removing(self) -> Iterator[None]:
        """What the system says of a failed write, as OutputError, and nothing left behind."""
        try:
            yield
        except (OSError, av.error.FFmpegError) as error:
            self.discard()
            raise OutputError(
                f"{self._path} cannot be written ({error.strerror}); free some space or choose another folder"
            ) from error


class _Sound:
    """The first sound stream of a video, copied packet by packet; silent where there is none or mp4 cannot hold it."""

    def __init__(self, source: Path, film: OutputContainer) -> None:
        self._source = open_container(source)
        pictures, sounds = self._source.streams.video, self._source.streams.audio
        origin = (pictures[0].start_time or 0) * (pictures[0].time_base or 0) if pictures else 0
        self._origin = float(origin)  # where the frames' times begin
        self._film = film
        self._packet: av.Packet | None = None
        if sounds and sounds[0].codec_context.codec.canonical_name in film.supported_codecs:
            self._stream = film.add_stream_from_template(sounds[0])
            self._packets = self._source.demux(sounds[0])
            self._advance()

    def copy(self, start: float, until: float) -> None:
        """Copy what sounds from `start` to `until`, in seconds of the frames' time; the film begins at `start`."""
        while (packet := self._packet) is not None:
            time = float((packet.pts or 0) * packet.time_base) - self._origin
            if time >= until:
                return
            self._advance()
            if time >= start:
                packet.pts = packet.dts = round((time - start) / packet.time_base)
                packet.stream = self._stream
                self._film.mux(packet)

    def close(self) -> None:
        self._packet = None
        self._source.close()

    def _advance(self) -> None:
        """Take the next packet that has its time; a damaged source ends there, as its frames do."""
        try:
            self._packet = next((packet for packet in self._packets if packet.pts is not None), None)
        except av.error.FFmpegError:
            self._packet = None


def _even(image: Image) -> Image:
    height, width = image.shape[:2]
    return np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge") if height % 2 or width % 2 else image
