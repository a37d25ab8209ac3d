"""Times as containers give them, made to rise from one zero."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import chain, pairwise

import av
from av.stream import Stream

_BACK = Fraction(1, 10)  # seconds that a stream's packets may go back before they belong to another recording
_AHEAD = Fraction(10)  # seconds that they may jump ahead; both as FFmpeg's program has them


class Clock:
    """Seconds since the first frame, rising strictly, made up at the nominal rate where the container's do not."""

    def __init__(self, fps: Fraction, origin: Fraction | None = None) -> None:
        """`origin`: the first frame's stamp in seconds, where another frame comes first."""
        self.exact = True  # whether every time so far is the container's own
        self._step = 1 / fps
        self._origin = origin
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

    def until(self, frame: av.VideoFrame, end: Fraction | None = None) -> float:
        """When the frame timed last has been shown: by its own length, or by the stamp at which its video ends."""
        length = (frame.duration or 0) * time_base(frame) or self._step
        if end is not None and self._origin is not None and end - self._origin > self._last + length + self._step:
            return float(end - self._origin)
        return float(self._last + length)


def timestamp(frame: av.VideoFrame) -> Fraction | None:
    """When the container shows a frame, in seconds on its own scale."""
    unit = fraction(frame.time_base)
    return None if frame.pts is None or unit is None else frame.pts * unit


def time_base(timed: Stream | av.Packet | av.VideoFrame) -> Fraction:
    """Seconds that one of its ticks lasts."""
    return fraction(timed.time_base) or Fraction(1, av.time_base)


def fraction(rational: Fraction | None) -> Fraction | None:
    """What FFmpeg counts in, None where it is unset. PyAV 19 has a type of its own for it, where unset is false."""
    return Fraction(rational.numerator, rational.denominator) if rational else None


def joined(packets: Iterable[av.Packet]) -> Iterator[av.Packet]:
    """The packets of a transport or program stream, in which recordings that were joined follow each other.

    Where the times start again, or jump, all streams are moved alike, so that sound stays with its picture; packets
    of the recording before, which may come later in the file, keep the move that they had.
    """
    due: dict[int, Fraction] = {}  # by stream: when the next packet should come
    move = before = Fraction(0)  # seconds
    for packet in packets:
        if packet.dts is None or packet.pts is None:
            yield packet
            continue
        time = packet.dts * time_base(packet)
        expected = due.get(packet.stream_index, time + move)
        fitting = min(move, before, key=lambda moved: abs(time + moved - expected))
        if not -_BACK <= time + fitting - expected <= _AHEAD:
            before, move = move, expected - time
            fitting = move
        due[packet.stream_index] = time + fitting + (packet.duration or 0) * time_base(packet)
        ticks = round(fitting / time_base(packet))
        packet.pts, packet.dts = packet.pts + ticks, packet.dts + ticks
        yield packet


def rising(packets: Iterable[av.Packet]) -> Iterator[tuple[av.Packet, Fraction]]:
    """The packets of one stream of sound with their times in seconds, which rise strictly.

    One whose time repeats or goes back is moved behind the one before where there is room for it, else left out.
    """
    last, end = None, Fraction(0)
    timed = (packet for packet in packets if packet.pts is not None)
    for packet, following in pairwise(chain(timed, [None])):
        if packet is None:
            return
        time, length = _start(packet), (packet.duration or 0) * time_base(packet)
        if last is not None and time <= last:
            if following is not None and _start(following) < end + length / 2:
                continue
            time = end
        last, end = time, time + length
        yield packet, time


def _start(packet: av.Packet) -> Fraction:
    return (packet.pts or 0) * time_base(packet)
