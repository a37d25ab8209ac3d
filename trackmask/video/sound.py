"""The sound of a video on its way into a film: copied, or encoded anew where players would not play the copy."""

import math
from collections.abc import Collection, Iterator
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
from av.audio import AudioStream
from av.container import OutputContainer
from av.filter import Graph

from trackmask.errors import VideoError
from trackmask.video.decoding import first_stamp, open_container, packets_of, sound_stream
from trackmask.video.filters import pulled
from trackmask.video.times import rising, time_base

_RATE = 48000  # samples a second of sound that is encoded anew: the only rate that all but PCM take
_BITS = 96000  # a second and channel, of sound that is encoded anew
_LAYOUTS = {1: "mono", 6: "5.1"}  # by channels, where sound is encoded anew; all others become stereo
# Gaps are filled with silence from 10 ms on: encoders count samples, and would close them.
_STEADY = {"async": "1", "min_hard_comp": "0.01"}


class Sound:
    """The sound track of a video that is marked as its default one, or the first, packet by packet.

    It is copied where its codec is one of `copied`, and else encoded by `encoder`. `negative`: the container may hold
    sound before its zero, for decoders to begin with. `left_out` says in a sentence what of the source's sound the
    film lacks; it is empty where it has all.
    """

    def __init__(
        self, source: Path, film: OutputContainer, copied: Collection[str], encoder: str, *, negative: bool
    ) -> None:
        self.left_out = ""
        self._film, self._name, self._negative = film, source.name, negative
        self._source = open_container(source)
        self._packets: Iterator[tuple[av.Packet, Fraction]] = iter(())
        self._next: tuple[av.Packet, Fraction] | None = None
        sound = sound_stream(self._source)
        if sound is None:
            if self._source.streams.audio:
                self.left_out = f"the film is silent: FFmpeg does not know the codec of the sound of {source.name}"
        else:
            self._take(sound, first_stamp(source), copied, encoder)
        self._advance()

    def copy(self, start: float, until: float) -> None:
        """Copy what sounds from `start` to `until`, in seconds of the frames' time; the film begins at `start`."""
        while self._next is not None and self._next[1] < until:
            packet, time = self._next
            length = (packet.duration or 0) * time_base(packet)
            self._advance()
            if time < (start - length if self._negative else start):
                continue
            packet.pts = packet.dts = round((time - Fraction(start)) / time_base(packet))
            packet.stream = self._stream
            try:
                self._film.mux(packet)
            except ValueError as error:  # FFmpeg's word for packets that do not fit; a full disk has another
                self._give_up(float(time), error)

    def close(self) -> None:
        self._next = None
        self._source.close()

    def _take(self, sound: AudioStream, zero: Fraction, copied: Collection[str], encoder: str) -> None:
        tracks = len(self._source.streams.audio)
        if tracks > 1:
            marked = " that is marked as default" if sound.disposition & av.stream.Disposition.default else ""
            which = "first one" if sound is self._source.streams.audio[0] else "one"
            self.left_out = f"{self._name} has {tracks} sound tracks; the film has the {which}{marked}"
        packets = packets_of(self._source, sound)
        if sound.codec_context.codec.canonical_name in copied:
            self._stream = self._film.add_stream_from_template(sound)
        else:
            layout = _LAYOUTS.get(sound.codec_context.channels, "stereo")
            rate = sound.codec_context.sample_rate if encoder.startswith("pcm") else _RATE
            self._stream = cast(AudioStream, self._film.add_stream(encoder, rate=rate, layout=layout))
            self._stream.bit_rate = _BITS * self._stream.channels
            packets = self._encoded(packets)
        self._packets = ((packet, time - zero) for packet, time in rising(packets))

    def _encoded(self, packets: Iterator[av.Packet]) -> Iterator[av.Packet]:
        """The sound decoded and encoded anew, at the times it had. What does not decode is silence."""
        resampler = _Resampler(self._stream)
        for packet in packets:
            try:
                frames = cast(list[av.AudioFrame], packet.decode())
            except av.error.FFmpegError:
                continue
            for frame in frames:
                for resampled in resampler.resample(frame):
                    yield from self._stream.encode(resampled)
        for rest in resampler.flush():
            yield from self._stream.encode(rest)
        yield from self._stream.encode(None)

    def _advance(self) -> None:
        """Take the next packet; a damaged source ends where it cannot be read on, as its frames do."""
        try:
            self._next = next(self._packets, None)
        except av.error.FFmpegError:
            self._next = None

    def _give_up(self, time: float, error: Exception) -> None:
        self.left_out = f"the sound of {self._name} ends at {time:.2f} s in the film: FFmpeg refuses the rest ({error})"
        self._next = None


class _Resampler:
    """Frames of sound at the rate, in the format and with the channels of an encoder; gaps become silence."""

    def __init__(self, target: AudioStream) -> None:
        self._target = target
        self._graph: Graph | None = None
        self._kind: tuple[object, ...] = ()

    def resample(self, frame: av.AudioFrame) -> Iterator[av.AudioFrame]:
        kind = (frame.sample_rate, frame.format.name, frame.layout.name)
        if kind != self._kind:  # broadcasts change it between two programmes
            yield from self.flush()
            self._graph, self._kind = self._made(frame), kind
        if self._graph is not None:
            self._graph.push(frame)
            yield from cast(Iterator[av.AudioFrame], pulled(self._graph))

    def flush(self) -> Iterator[av.AudioFrame]:
        if self._graph is not None:
            self._graph.push(None)
            yield from cast(Iterator[av.AudioFrame], pulled(self._graph))

    def _made(self, frame: av.AudioFrame) -> Graph:
        graph, target = Graph(), self._target
        buffer = graph.add_abuffer(
            sample_rate=frame.sample_rate,
            format=frame.format.name,
            layout=frame.layout.name,
            time_base=frame.time_base,
        )
        steady = graph.add("aresample", sample_rate=str(target.rate), **_STEADY)
        form = graph.add(
            "aformat",
            sample_rates=str(target.rate),
            sample_fmts=target.format.name,
            channel_layouts=target.layout.name,
        )
        graph.link_nodes(buffer, steady, form, graph.add("abuffersink")).configure()
        return graph


def write_sound(source: Path, target: Path) -> None:
    """The sound of a video as a file of its own that browsers play, mp4 with AAC; it begins with the first frame.

    Raises VideoError where there is none that can be taken.
    """
    try:
        with av.open(str(target), "w", format="mp4", options={"movflags": "+faststart"}) as film:
            sound = Sound(source, film, {"aac"}, "aac", negative=False)
            try:
                sound.copy(0.0, math.inf)
            finally:
                sound.close()
    except (av.error.FFmpegError, ValueError) as error:
        raise VideoError(f"the sound of {source.name} cannot be taken ({error}); it plays without") from error
