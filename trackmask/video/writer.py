"""Films out, with the times and the sound of the video that they were made from: H.264 in mp4, or another codec."""

import errno
import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self, cast

import av
import numpy as np
from av.video import VideoStream
from av.video.reformatter import ColorRange, Colorspace

from trackmask.data import Image
from trackmask.errors import OutputError
from trackmask.video.sound import Sound

_TICKS = 90000  # a second: fine enough for any camera, and exact for every common rate
# Sound that players of mp4 play; PCM, for example, is loud noise to them.
_PLAYED = frozenset({"aac", "mp3", "opus", "flac"})
_SYSTEM = 1000  # the system's error numbers are smaller, FFmpeg's own are not
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


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
    copied: Collection[str] = _PLAYED  # codecs of sound that is copied as it is
    sound: str = "aac"  # the encoder for all other sound
    shape: bool = True  # whether the container can say that pixels are not square; else the picture is stretched
    negative: bool = True  # whether sound may begin before the film's zero, for its decoder to start with


def _h264(crf: int, preset: str) -> Codec:
    # With mbtree, x264 gave other bytes in each run, even with one thread (seen with AVX-512).
    # No B frames and no looking ahead: a third more bytes for half the time, in a film that is looked at once.
    options = {"crf": str(crf), "preset": preset, "x264-params": "mbtree=0:bframes=0:rc-lookahead=0"}
    return Codec("mp4", "libx264", "yuv420p", options)


class FilmWriter:
    """Writes a film (H.264 in mp4 if nothing else is said; BT.709, index in front) frame by frame, straight to `path`.

    `size` is (height, width); where the codec wants even sides, as H.264 does, an odd one is filled up by repeating
    the last row or column. `audio_from` is the video that the frames come from: its sound, cut to the span of the
    frames, is copied where players of such films play it, and else encoded anew; `left_out` says what is missing.
    `aspect` is a pixel's width by its height, as the video shows it.
    `crf` is H.264's quality, 0 (lossless) to 51 (worst); with another `codec` neither it nor `preset` counts.
    `comment` is what the film says of itself.
    The film's bytes depend on `threads`, so their number is fixed instead of taken from the machine.
    Raises OutputError where the file cannot be written, and then removes it, as a context manager does after any error.
    Unless it is `needed`, a film that FFmpeg refuses, though the disk takes it, is given up instead: writing on does
    nothing, and `left_out` says it.
    """

    def __init__(
        self,
        path: Path,
        size: tuple[int, int],
        fps: Fraction,
        audio_from: Path | None = None,
        *,
        threads: int = 1,
        aspect: Fraction = Fraction(1),
        crf: int = 23,
        preset: str = "superfast",
        codec: Codec | None = None,
        comment: str = "",
        needed: bool = True,
    ) -> None:
        codec = codec or _h264(crf, preset)
        self._needed, self._given_up = needed, ""
        self._path, self._size, self._step, self._codec = path, size, 1 / fps, codec
        self._span: tuple[float, float] | None = None  # seconds: the first and the last frame's time
        self._until = 0.0  # seconds: when the last frame has been shown
        self._whole = False  # whether the last frame is the source's, too
        self._lengths: dict[int, int] = {}  # ticks: how long each frame is shown that the encoder holds, by its time
        self._film = av.open(str(path.absolute()), "w", format=codec.container, options=dict(codec.muxing))
        self._film.metadata.update({"comment": comment} if comment else {})
        self._stream = cast(VideoStream, self._film.add_stream(codec.encoder, rate=fps, options=dict(codec.options)))
        wide = aspect if aspect != 1 and not codec.shape else Fraction(1)
        width = size[1] if wide == 1 else round(size[1] * wide / codec.step) * codec.step
        self._shown = width + -width % codec.step, size[0] + -size[0] % codec.step  # width and height
        self._stream.width, self._stream.height = self._shown
        self._stream.pix_fmt = codec.pix_fmt
        self._stream.metadata.update(codec.metadata)
        context = self._stream.codec_context
        context.time_base = Fraction(1, _TICKS)
        context.sample_aspect_ratio = aspect / wide
        context.thread_count = threads
        # Said, not left to guess: players take untagged films for BT.601 or BT.709, by their size.
        context.colorspace = context.color_primaries = context.color_trc = 1  # BT.709 in each of the three
        context.color_range = ColorRange.MPEG
        self._sound = (
            Sound(audio_from, self._film, codec.copied, codec.sound, negative=codec.negative) if audio_from else None
        )
        with self._removing():
            self._film.start_encoding()  # opens the file: a folder that cannot be written to fails here

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()

    @property
    def left_out(self) -> str:
        """A sentence on what the film lacks, most often of its source's sound; empty where it has all."""
        return self._given_up or (self._sound.left_out if self._sound is not None else "")

    def write(self, image: Image, time: float, until: float | None = None, *, last: bool = False) -> None:
        """Add an image, shown at `time` seconds of the source: the film itself begins at 0.

        `until` counts for the film's last image: when it has been shown, in seconds of the source (after one step of
        the frame rate if nothing is said). `last`: the source has no frame behind it, so its sound goes on to its end.
        The image is (H, W, 3) uint8 RGB, or (H, W, 4) RGBA, not premultiplied, where the codec has alpha.
        Raises ValueError for an image of another size, and for a time that is not after the last one's.
        """
        self.encode(self.converted(image), time, until, last=last)

    def converted(self, image: Image) -> av.VideoFrame:
        """The first half of `write`: the image in the film's colours. It depends on no other image, so a thread may do
        it that is ahead of the one that encodes. Raises ValueError for an image of another size."""
        if image.shape != (*self._size, self._codec.channels):
            raise ValueError(f"the film is {self._size} (height, width), the image {image.shape}")
        source = "rgba" if self._codec.channels == 4 else "rgb24"
        pixels = np.ascontiguousarray(_filled(image, self._codec.step))
        return av.VideoFrame.from_numpy_buffer(pixels, format=source).reformat(  # no copy
            *self._shown,
            self._codec.pix_fmt,
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
            # One: with more, swscale leaves wrong alpha where its slices meet, other pixels in each run.
            threads=1,
        )

    def encode(self, frame: av.VideoFrame, time: float, until: float | None = None, *, last: bool = False) -> None:
        """The second half of `write`, for a frame that `converted` has made."""
        if self._span is not None and time <= self._span[1]:
            raise ValueError(f"frames come in order of time: {time} s after {self._span[1]} s")
        if self._given_up:
            return
        self._span = (self._span[0] if self._span else time, time)
        self._until = time + float(self._step) if until is None else until
        self._whole = last
        frame.pts, frame.time_base = round((time - self._span[0]) * _TICKS), Fraction(1, _TICKS)
        self._lengths[frame.pts] = round((self._until - time) * _TICKS)
        with self._removing():
            self._mux(self._stream.encode(frame))
            if self._sound is not None:
                self._sound.copy(self._span[0], time)

    def close(self) -> None:
        """Finish the film. Raises OutputError where that fails."""
        if self._given_up:
            return
        with self._removing():
            self._mux(self._stream.encode())
            if self._sound is not None and self._span is not None:
                self._sound.copy(self._span[0], math.inf if self._whole else self._until)
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

    def _mux(self, packets: Iterable[av.Packet]) -> None:
        for packet in packets:
            packet.duration = self._lengths.pop(packet.pts or 0, packet.duration or 0)
            self._film.mux(packet)

    @contextmanager
    def _removing(self) -> Iterator[None]:
        """What the system says of a failed write, as OutputError, and nothing left behind."""
        try:
            yield
        except (OSError, av.error.FFmpegError) as error:
            self.discard()
            refused = isinstance(error, ValueError) or not 0 < (error.errno or 0) < _SYSTEM
            if refused and not self._needed:
                self._given_up = f"there is no {self._path.name}: FFmpeg refuses to write it ({error.strerror})"
                return
            cure = "free some space" if error.errno in _FULL else "choose another folder"
            if refused:
                cure = "re-encode the video, and report this"
            raise OutputError(f"{self._path} cannot be written ({error.strerror}); {cure}") from error


def _filled(image: Image, step: int) -> Image:
    height, width = image.shape[:2]
    down, right = -height % step, -width % step
    return np.pad(image, ((0, down), (0, right), (0, 0)), mode="edge") if down or right else image
