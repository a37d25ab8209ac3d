"""Films out, with the times and the sound of the video that they were made from: H.264 in mp4, or another codec."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self, cast

import av
import numpy as np
from av.container import OutputContainer
from av.video import VideoStream
from av.video.reformatter import ColorRange, Colorspace

from trackmask.data import Image
from trackmask.errors import OutputError
from trackmask.video.decoding import open_container, time_base

_TICKS = 90000  # a second: fine enough for any camera, and exact for every common rate
_RATE = 48000  # samples a second of sound that is encoded anew: the only rate that every encoder takes


@dataclass(frozen=True)
class Codec:
    """How a film is written; the names are FFmpeg's."""

    container: str
    encoder: str
    pix_fmt: str
    options: Mapping[str, str]  # of the encoder
    channels: int = 3  # of the images: RGB, or RGBA with 4
    step: int = 2  # sides must be multiples of it
    muxing: Mapping[str, str] = field(default_factory=lambda: {"movflags": "+faststart"})  # options of the container
    metadata: Mapping[str, str] = field(default_factory=dict)  # of the stream
    sound: str = ""  # an encoder for sound that the container cannot hold as it is; without one it is left out


def _h264(crf: int, preset: str) -> Codec:
    # With mbtree, x264 gave other bytes in each run, even with one thread (seen with AVX-512).
    # No B frames and no looking ahead: a third more bytes for half the time, in a film that is looked at once.
    options = {"crf": str(crf), "preset": preset, "x264-params": "mbtree=0:bframes=0:rc-lookahead=0"}
    return Codec("mp4", "libx264", "yuv420p", options)


class FilmWriter:
    """Writes a film (H.264 in mp4 if nothing else is said; BT.709, index in front) frame by frame, straight to `path`.

    `size` is (height, width); where the codec wants even sides, as H.264 does, an odd one is filled up by repeating
    the last row or column. `audio_from` is the video that the frames come from: its first sound stream is copied, cut
    to the span of the frames, where the container can hold its codec, and else encoded anew or left out.
    `crf` is H.264's quality, 0 (lossless) to 51 (worst); with another `codec` neither it nor `preset` counts.
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
        preset: str = "superfast",
        codec: Codec | None = None,
    ) -> None:
        codec = codec or _h264(crf, preset)
        self._path, self._size, self._step, self._codec = path, size, 1 / fps, codec
        self._span: tuple[float, float] | None = None  # seconds: the first and the last frame's time
        self._film = av.open(str(path.absolute()), "w", format=codec.container, options=dict(codec.muxing))
        self._stream = cast(VideoStream, self._film.add_stream(codec.encoder, rate=fps, options=dict(codec.options)))
        self._stream.height, self._stream.width = (side + -side % codec.step for side in size)
        self._stream.pix_fmt = codec.pix_fmt
        self._stream.metadata.update(codec.metadata)
        context = self._stream.codec_context
        context.time_base = Fraction(1, _TICKS)
        context.thread_count = threads
        # Said, not left to guess: players take untagged films for BT.601 or BT.709, by their size.
        context.colorspace = context.color_primaries = context.color_trc = 1  # BT.709 in each of the three
        context.color_range = ColorRange.MPEG
        self._sound = _Sound(audio_from, self._film, codec.sound) if audio_from is not None else None
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
        """Add an image, shown at `time` seconds of the source: the film itself begins at 0.

        It is (H, W, 3) uint8 RGB, or (H, W, 4) RGBA, not premultiplied, where the codec has alpha.
        Raises ValueError for an image of another size, and for a time that is not after the last one's.
        """
        if image.shape != (*self._size, self._codec.channels):
            raise ValueError(f"the film is {self._size} (height, width), the image {image.shape}")
        if self._span is not None and time <= self._span[1]:
            raise ValueError(f"frames come in order of time: {time} s after {self._span[1]} s")
        self._span = (self._span[0] if self._span else time, time)
        # One thread: with more, swscale leaves wrong alpha where its slices meet, other pixels in each run.
        source = "rgba" if self._codec.channels == 4 else "rgb24"
        pixels = np.ascontiguousarray(_filled(image, self._codec.step))
        frame = av.VideoFrame.from_numpy_buffer(pixels, format=source).reformat(  # no copy
            format=self._codec.pix_fmt, dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG, threads=1
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
    """The first sound stream of a video, packet by packet; silent without one that the film can hold."""

    def __init__(self, source: Path, film: OutputContainer, encoder: str) -> None:
        self._source = open_container(source)
        pictures, sounds = self._source.streams.video, self._source.streams.audio
        origin = (pictures[0].start_time or 0) * time_base(pictures[0]) if pictures else 0
        self._origin = float(origin)  # where the frames' times begin
        self._film = film
        self._packet: av.Packet | None = None
        if sounds and sounds[0].codec_context.codec.canonical_name in film.supported_codecs:
            self._stream = film.add_stream_from_template(sounds[0])
            self._packets: Iterator[av.Packet] = self._source.demux(sounds[0])
            self._advance()
        elif sounds and encoder:
            self._stream = cast(av.AudioStream, film.add_stream(encoder, rate=_RATE))
            self._packets = self._encoded(sounds[0])
            self._advance()

    def copy(self, start: float, until: float) -> None:
        """Copy what sounds from `start` to `until`, in seconds of the frames' time; the film begins at `start`."""
        while (packet := self._packet) is not None:
            time = float((packet.pts or 0) * time_base(packet)) - self._origin
            if time >= until:
                return
            self._advance()
            if time >= start:
                packet.pts = packet.dts = round((time - start) / time_base(packet))
                packet.stream = self._stream
                self._film.mux(packet)

    def close(self) -> None:
        self._packet = None
        self._source.close()

    def _encoded(self, sound: av.AudioStream) -> Iterator[av.Packet]:
        """The sound decoded and encoded anew, at the times it had."""
        resampler = av.AudioResampler("flt", sound.layout, _RATE)
        for frame in self._source.decode(sound):
            for resampled in resampler.resample(frame):
                yield from self._stream.encode(resampled)
        for rest in resampler.resample(None):
            yield from self._stream.encode(rest)
        yield from self._stream.encode(None)

    def _advance(self) -> None:
        """Take the next packet that has its time; a damaged source ends there, as its frames do."""
        try:
            self._packet = next((packet for packet in self._packets if packet.pts is not None), None)
        except av.error.FFmpegError:
            self._packet = None


def _filled(image: Image, step: int) -> Image:
    height, width = image.shape[:2]
    down, right = -height % step, -width % step
    return np.pad(image, ((0, down), (0, right), (0, 0)), mode="edge") if down or right else image
