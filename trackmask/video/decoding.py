"""One pass of FFmpeg over a file."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
from av.container import InputContainer
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from trackmask.data import VideoInfo
from trackmask.errors import VideoError
from trackmask.formats.limits import MAX_PIXELS
from trackmask.video.reader import check_pixels

_DEFAULT_FPS = Fraction(25)  # where the container names no rate
_PLAYLISTS = {"hls", "dash", "concat", "sdp", "rtsp", "imf", "vobsub"}  # lead to other files, or into the network
_TEXT = {"tty", "bin", "xbin", "idf", "adf"}  # FFmpeg would film any text file
_FORMATS = ",".join(sorted(av.formats_available - _PLAYLISTS - _TEXT))
_KNOW_THEIR_LENGTH = {"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "avi", "flv", "asf"}  # the others estimate it
_LENGTH_SLACK = Fraction(1, 4)  # seconds that may be missing: headers round, and streams do not end together
# PyAV up to 18 refuses a file with tags that are not UTF-8 unless told not to; 19 takes any, and knows no such option.
_ANY_TAGS: dict[str, Any] = {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}
_EXACT_SEEK = {"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm"}


def open_container(path: Path) -> InputContainer:
    """A local file, opened so that it cannot make FFmpeg open anything else. VideoError where it is no video."""
    if not path.is_file():
        what = "is not a file" if path.exists() else "does not exist"
        raise VideoError(f"{path} {what}; give a video file or a folder of images")
    try:
        container: InputContainer = av.open(
            str(path.absolute()),  # an absolute path is never taken for a URL
            # Not `options`: these go to each stream too, and PyAV crashes where a stream shows up late (flv).
            # The pattern: in a name such as a%03d.png FFmpeg would see a001.png and so on.
            container_options={"protocol_whitelist": "file", "format_whitelist": _FORMATS, "pattern_type": "none"},
            **_ANY_TAGS,
        )
        return container
    except PermissionError as error:
        raise VideoError(f"{path} cannot be opened (no permission); make it readable") from error
    except (av.error.FFmpegError, OSError) as error:
        raise VideoError(
            f"{path} is not a video that can be read; it is something else (a playlist, a text), or was cut off"
        ) from error


class Decoding:
    """The frames of a file from its start, or from the key frame at `seek` seconds by the container's clock."""

    def __init__(self, path: Path, threads: int = 0, seek: Fraction | None = None) -> None:
        self.container = open_container(path)
        try:
            self.stream = _picture_stream(self.container, path)
            self.stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
            self.stream.thread_type = "AUTO"
            self.stream.codec_context.thread_count = threads
            if seek is not None:
                self.container.seek(int(seek / time_base(self.stream)), stream=self.stream)
        except (VideoError, av.error.FFmpegError):
            self.container.close()
            raise
        self.seekable = self.container.format.name in _EXACT_SEEK
        self.damaged = False  # whether anything could not be decoded so far
        self._whole = seek is None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.container.close()

    def __iter__(self) -> Iterator[av.VideoFrame]:
        """Every frame that decodes, in order of time; what does not decode is left out and sets `damaged`."""
        torn = False
        for packet in self._packets():
            try:
                for frame in packet.decode():
                    # Recordings of a broadcast end within a frame: a torn one counts once another follows it.
                    self.damaged = self.damaged or torn
                    torn = frame.is_corrupt
                    yield frame
            except av.error.FFmpegError:
                self.damaged = True

    def _packets(self) -> Iterator[av.Packet]:
        """The packets of the picture, then one that flushes the decoder. A file that ends too early is damaged."""
        length, streams = self._length()
        end = Fraction(0)
        try:
            for packet in self.container.demux(streams):
                if packet.pts is not None:
                    end = max(end, (packet.pts + (packet.duration or 0)) * time_base(packet))
                if packet.is_corrupt:
                    self.damaged = True  # cut off within: what is there would decode to a torn picture
                elif packet.stream_index == self.stream.index:
                    yield packet
        except av.error.FFmpegError:
            self.damaged = True
        if self._whole and end < length - max(4 / _rate(self.stream), _LENGTH_SLACK):
            self.damaged = True

    def _length(self) -> tuple[Fraction, list[Stream]]:
        """How long the header says that these streams last, in seconds: 0 where it does not know."""
        stream, form = self.stream, self.container.format.name
        if form == "avi":  # FFmpeg shortens its duration to what is there
            return stream.frames / _rate(stream), [stream]
        if form not in _KNOW_THEIR_LENGTH:
            return Fraction(0), [stream]
        if stream.duration:
            return stream.duration * time_base(stream), [stream]
        # Only the length of the longest stream is known: every stream has to be followed.
        everything = [*self.container.streams.video, *self.container.streams.audio]
        return Fraction(self.container.duration or 0, av.time_base), everything


class Clock:
    """Seconds since the first frame, rising strictly, made up at the nominal rate where the container's do not."""

    def __init__(self, fps: Fraction) -> None:
        self.exact = True  # whether every time so far is the container's own
        self._step = 1 / fps
        self._origin: Fraction | None = None
        self._last = -self._step

    def time(self, frame: av.VideoFrame) -> float:
        stamp = timestamp(frame)
        if self._origin is None:
            self._origin = stamp
        time = None if stamp is None or self._origin is None else stamp - self._origin
        if time is None or time <= self._last:
            self.exact = False
            time = self._last + self._step
        self._last = time
        return float(time)


def timestamp(frame: av.VideoFrame) -> Fraction | None:
    """When the container shows a frame, in seconds on its own scale."""
    unit = _fraction(frame.time_base)
    return None if frame.pts is None or unit is None else frame.pts * unit


def _fraction(rational: Fraction | None) -> Fraction | None:
    """What FFmpeg counts in, None where it is unset. PyAV 19 has a type of its own for it, where unset is false."""
    return Fraction(rational.numerator, rational.denominator) if rational else None


def describe(path: Path) -> VideoInfo:
    """What a video file says of itself, and its first frame. VideoError where no frame can be decoded."""
    with Decoding(path, threads=1) as decoding:
        frame = next(iter(decoding), None)
        if frame is None:
            raise VideoError(f"{path} holds no frame that can be decoded; get a whole copy of it")
        stream, context = decoding.stream, decoding.stream.codec_context
        rotation = -round(frame.rotation / 90) * 90 % 360  # FFmpeg counts against the clock
        sides = (frame.height, frame.width)
        return VideoInfo(
            name=path.name,
            size=sides if rotation % 180 == 0 else sides[::-1],
            fps=_rate(stream),
            frames=stream.frames or _estimate(decoding),
            codec=context.codec.canonical_name,
            rotation=rotation,
            audio=bool(decoding.container.streams.audio),
        )


def _picture_stream(container: InputContainer, path: Path) -> VideoStream:
    """The first stream of moving pictures: the cover of a song is not one."""
    for stream in container.streams.video:
        if stream.disposition & Disposition.attached_pic:
            continue
        if stream.codec_context is None:  # despite its type: PyAV has none for a codec that FFmpeg does not know
            raise VideoError(f"{path} is in a codec that FFmpeg cannot decode; re-encode it, to H.264 for example")
        check_pixels(path.name, stream.codec_context.height, stream.codec_context.width)
        return stream
    raise VideoError(f"{path} holds no moving picture (audio only); give a video file")


def _rate(stream: VideoStream) -> Fraction:
    rate = _fraction(stream.average_rate or stream.guessed_rate)
    return rate if rate and rate > 0 else _DEFAULT_FPS


def time_base(timed: Stream | av.Packet) -> Fraction:
    """Seconds that one of its ticks lasts."""
    return _fraction(timed.time_base) or Fraction(1, av.time_base)


def _estimate(decoding: Decoding) -> int | None:
    """Number of frames by the length, where the header does not count them."""
    length, _ = decoding._length()
    return round(length * _rate(decoding.stream)) or None
