"""Which frame of a file is which, told by its packets alone: so that reading may begin far into it."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path

from trackmask.video.decoding import Decoding
from trackmask.video.reader import TIME_SLACK, Place
from trackmask.video.times import time_base, timestamp

# In these a packet is a frame that is shown; in VP8, for one, some packets never are.
_A_FRAME_EACH = {"h264", "hevc", "av1", "vp9", "mpeg4", "mjpeg", "prores", "dnxhd", "ffv1", "png"}
_REORDERED = 64  # packets by which the orders of decoding and showing may differ: codecs allow 16 frames
TRIED = 24  # frames at the start that are decoded, to see that each packet gives one


@dataclass(frozen=True)
class FrameIndex:
    """The frames of a file up to some place, in order of time."""

    unit: Fraction  # seconds: a tick
    stamps: array[int]  # ticks: when each frame is shown
    keys: tuple[int, ...]  # frames at which decoding may begin, as the container says

    def key_before(self, start: Place) -> int | None:
        """The last key up to the frame at `start`; None where that frame lies behind all that is known."""
        frame = self.frame(start)
        return None if frame >= len(self.stamps) else max((key for key in self.keys if key <= frame), default=0)

    def frame(self, place: Place) -> int:
        if not isinstance(place, float):
            return place or 0
        first = self.stamps[0]
        return bisect_left(self.stamps, place - TIME_SLACK, key=lambda stamp: float((stamp - first) * self.unit))

    def at(self, stamp: Fraction) -> int:
        """The frame that is shown from then on, to the tick; -1 where there is none."""
        ticks = stamp / self.unit
        place = bisect_left(self.stamps, ticks)
        return place if place < len(self.stamps) and self.stamps[place] == ticks else -1

    def stamp(self, frame: int) -> Fraction:
        """When a frame is shown, in seconds by the container's clock."""
        return self.stamps[frame] * self.unit


def read_index(path: Path, until: Place) -> FrameIndex | None:
    """The frames up to the one at `until`, and some more where there are, without decoding them. None where that cannot
    be told; where it can, `gives_each` says whether it may be believed.
    """
    with Decoding(path, threads=1) as decoding:
        if not decoding.seekable or decoding.stream.codec_context.codec.canonical_name not in _A_FRAME_EACH:
            return None
        unit = time_base(decoding.stream)
        stamps, keys, beyond, ended = array("q"), array("q"), 0, True
        for packet in decoding.container.demux(decoding.stream):
            if not packet.size:
                continue  # it marks the end
            if packet.pts is None or packet.is_corrupt or packet.is_discard:
                return None
            if packet.is_keyframe:
                keys.append(packet.pts)
            stamps.append(packet.pts)
            beyond += float((packet.pts - stamps[0]) * unit) > until if isinstance(until, float) else 1
            if beyond > (0 if isinstance(until, float) else until or 0) + 2 * _REORDERED:
                ended = False
                break
    known = array("q", sorted(stamps)[: None if ended else -_REORDERED])  # a later packet may be shown before the rest
    if not known or any(a == b for a, b in pairwise(known)):
        return None
    return FrameIndex(unit, known, tuple(bisect_left(known, key) for key in keys if key <= known[-1]))


def gives_each(path: Path, index: FrameIndex) -> bool:
    """Whether the first packets decode to a frame each: a file that was cut may begin with some that do not."""
    with Decoding(path, threads=1) as decoding:
        found = [timestamp(frame) for frame in islice(decoding, TRIED)]
        return not decoding.damaged and found == [stamp * index.unit for stamp in index.stamps[:TRIED]]
