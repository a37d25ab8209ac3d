"""One pass of FFmpeg over a file."""

from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

import av
from av.audio import AudioStream
from av.container import InputContainer
from av.stream import Disposition, Stream
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from trackmask.data import VideoInfo
from trackmask.errors import VideoError
from trackmask.formats.limits import MAX_PIXELS
from trackmask.video.filters import deinterlaced
from trackmask.video.kinds import FORMATS
from trackmask.video.reader import check_pixels
from trackmask.video.rgb import Look, stored
from trackmask.video.times import fraction, joined, time_base, timestamp

_DEFAULT_FPS = Fraction(25)  # where the container names no rate
_KNOW_THEIR_LENGTH = {"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "avi", "flv", "asf"}  # the others estimate it
_LENGTH_SLACK = Fraction(1, 4)  # seconds that may be missing: headers round, and streams do not end together
# PyAV up to 18 refuses a file with tags that are not UTF-8 unless told not to; 19 takes any, and knows no such option.
_ANY_TAGS: dict[str, Any] = {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}
_EXACT_SEEK = {"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm"}
_JOINED = {"mpegts", "mpeg"}  # recordings in them can be joined by writing one behind the other
_WITH_ALPHA = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
_DOLBY_VISION = {"dvh1", "dvhe", "dav1"}  # mp4's marks of a picture whose colours only Dolby's decoders know
_PLAIN = {"h264", "mpeg4"}  # what these mark as needed by no other frame is needed by none, in any stream
_TORN = 3  # a packet that is called torn, and two behind it


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
            container_options={"protocol_whitelist": "file", "format_whitelist": FORMATS, "pattern_type": "none"},
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
    """The frames of a file from its start, or from where `seek` leads.

    `deinterlace`: made whole, for which each needs its neighbours; the first one after a seek lacks the one before.
    """

    def __init__(self, path: Path, threads: int = 0, *, deinterlace: bool = False) -> None:
        self.container = open_container(path)
        try:
            self.stream = _picture_stream(self.container, path)
            self._decoder = _decoder(self.stream)
            self._decoder.options = {"max_pixels": str(MAX_PIXELS)}
            self._decoder.thread_type = "AUTO"
            self._decoder.thread_count = threads
        except (VideoError, av.error.FFmpegError):
            self.container.close()
            raise
        self.seekable = self.container.format.name in _EXACT_SEEK
        self.damaged = False  # whether anything could not be decoded so far
        self._deinterlace = deinterlace
        self._wanted: Fraction | None = None
        # AVI numbers packets in the order of decoding; frames come in that of showing.
        self._unsorted = self.container.format.name == "avi" and self.stream.codec_context.has_b_frames

    def pass_by(self, wanted: Fraction | None) -> None:
        """What is shown before these seconds by the container's clock, and needed by no other frame, may be left out: a
        third of the work where half of the frames are such. None: all is given.
        """
        plain = not self._deinterlace and self.stream.codec_context.codec.canonical_name in _PLAIN
        self._wanted = wanted if plain else None
        self._decoder.skip_frame = "DEFAULT"

    def seek(self, to: Fraction) -> None:
        """What is iterated over next begins with the key frame at so many seconds by the container's clock."""
        self._decoder.flush_buffers()
        self.container.seek(int(to / time_base(self.stream)), stream=self.stream)

    @property
    def end(self) -> Fraction | None:
        """When the container ends, in seconds on its own scale, where only this can tell how long the last frame lasts:
        Matroska keeps no lengths of frames."""
        alone = len(self.container.streams) == 1 and self.container.format.name == "matroska,webm"
        return Fraction(self.container.duration, av.time_base) if alone and self.container.duration else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self.container.close()

    def __iter__(self) -> Iterator[av.VideoFrame]:
        return deinterlaced(self._frames()) if self._deinterlace else self._frames()

    def _frames(self) -> Iterator[av.VideoFrame]:
        """Every frame that decodes, in order of time; what does not decode is left out and sets `damaged`."""
        torn = False
        due: deque[int] = deque()
        for packet in self._packets():
            if self._unsorted and packet.pts is not None:
                due.append(packet.pts)
            if self._wanted is not None:
                passed = packet.pts is not None and packet.pts * time_base(packet) < self._wanted
                self._decoder.skip_frame = "NONREF" if passed else "DEFAULT"
            try:
                for frame in self._decoder.decode(packet):
                    if due:
                        frame.pts = due.popleft()
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
        torn = 0  # packets that are left in which a key frame must come
        try:
            for packet in packets_of(self.container, *streams):
                if packet.pts is not None:
                    end = max(end, (packet.pts + (packet.duration or 0)) * time_base(packet))
                if packet.is_corrupt and self.container.format.name not in _JOINED:
                    self.damaged = True  # cut off within: what is there would decode to a torn picture
                elif packet.stream.index == self.stream.index:
                    # Where recordings were joined, one of the last pictures is called torn, and is whole.
                    torn = _TORN if packet.is_corrupt else torn - 1 if torn and not packet.is_keyframe else 0
                    self.damaged = self.damaged or torn == 1
                    yield packet
        except av.error.FFmpegError:
            self.damaged = True
        if end < length - max(4 / _rate(self.stream), _LENGTH_SLACK):
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


def packets_of(container: InputContainer, *streams: Stream) -> Iterator[av.Packet]:
    """The packets of some streams in the order of the file, with times that go on where recordings were joined."""
    if container.format.name not in _JOINED:
        yield from container.demux(streams)
        return
    # What is read does not matter to where the parts meet: the picture's and the sound's passes see the same packets.
    wanted = {stream.index for stream in streams}
    both = [stream for stream in (_moving_picture(container), sound_stream(container)) if stream is not None]
    for packet in joined(container.demux(both)):
        if packet.stream.index in wanted:
            yield packet


def sound_stream(container: InputContainer) -> AudioStream | None:
    """The sound that is marked as the default, or the first one; None without any that FFmpeg can decode."""
    known = [stream for stream in container.streams.audio if stream.codec_context is not None]
    marked = [stream for stream in known if stream.disposition & Disposition.default]
    return next(iter(marked or known), None)


def first_stamp(path: Path) -> Fraction:
    """When the container shows the first frame that can be decoded: where the frames' times begin. In seconds."""
    with Decoding(path, threads=1) as decoding:
        frame = next(iter(decoding), None)
    return (frame and timestamp(frame)) or Fraction(0)


def describe(path: Path) -> tuple[VideoInfo, Look]:
    """What a video file and its first frame say of themselves. VideoError where no frame can be decoded."""
    with Decoding(path, threads=1) as decoding:
        frame = next(iter(decoding), None)
        if frame is None:
            raise VideoError(f"{path} holds no frame that can be decoded; get a whole copy of it")
        stream, context = decoding.stream, decoding.stream.codec_context
        look = Look.of(frame)
        lying = look.rotation % 180 != 0
        aspect = fraction(stream.sample_aspect_ratio) or Fraction(1)
        return VideoInfo(
            name=path.name,
            size=(frame.width, frame.height) if lying else (frame.height, frame.width),
            fps=_rate(stream),
            frames=stream.frames or _estimate(decoding),
            codec=context.codec.canonical_name,
            rotation=look.rotation,
            mirrored=look.mirrored,
            aspect=1 / aspect if lying else aspect,
            hdr=look.transfer or ("Dolby Vision" if context.codec_tag in _DOLBY_VISION else None),
            interlaced=frame.interlaced_frame,
            alpha=look.alpha and bool((stored(frame, look)[..., 3] < 255).any()),
            audio=bool(decoding.container.streams.audio),
            estimated=not stream.frames,
        ), look


def _decoder(stream: VideoStream) -> VideoCodecContext:
    """FFmpeg's own decoder of VP8 and VP9 leaves out the alpha that WebM keeps beside the picture; libvpx has it."""
    codec = _WITH_ALPHA.get(stream.codec_context.codec.canonical_name)
    tags = {key.lower(): value for key, value in stream.metadata.items()}
    if codec is None or tags.get("alpha_mode") != "1" or codec not in av.codecs_available:
        return stream.codec_context
    decoder = cast(VideoCodecContext, VideoCodecContext.create(codec, "r"))
    decoder.extradata = stream.codec_context.extradata
    return decoder


def _picture_stream(container: InputContainer, path: Path) -> VideoStream:
    """The moving picture, checked. VideoError where there is none that can be decoded."""
    stream = _moving_picture(container)
    if stream is None:
        raise VideoError(f"{path} holds no moving picture (audio only); give a video file")
    if stream.codec_context is None:  # despite its type: PyAV has none for a codec that FFmpeg does not know
        raise VideoError(f"{path} is in a codec that FFmpeg cannot decode; re-encode it, to H.264 for example")
    check_pixels(path.name, stream.codec_context.height, stream.codec_context.width)
    return stream


def _moving_picture(container: InputContainer) -> VideoStream | None:
    """The first stream of moving pictures: the cover of a song is not one."""
    pictures = (stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic)
    return next(pictures, None)


def _rate(stream: VideoStream) -> Fraction:
    rate = fraction(stream.average_rate or stream.guessed_rate)
    return rate if rate and rate > 0 else _DEFAULT_FPS


def _estimate(decoding: Decoding) -> int | None:
    """Number of frames by the length, where the header does not count them."""
    length, _ = decoding._length()
    return round(length * _rate(decoding.stream)) or None
