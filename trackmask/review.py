"""Which frames a person should look at, from the records alone."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from heapq import nsmallest
from typing import Any, Self

from trackmask.data import ObjectRecord, State
from trackmask.records import FrameRecord

UNSURE = 0.5  # confidence below it: a mask that is more likely bad than good
AREA_RATIO = 1.6  # from one frame to the next; growing and turning objects stay well below, lost parts do not
AREA_PIXELS = 100  # changes of fewer pixels are the flicker of a small object
JUMP = 1.0  # of the object's size, from one frame to the next: it landed beside itself
JUMP_PIXELS = 8  # shorter ways are the flicker of a small object
GAP = 12  # frames, half a second: what lies closer together is looked at together
LIMIT = 20  # ranges; a longer list is not read

LOST, LOW, AREA, PLACE = "lost", "low confidence", "sudden change of area", "jump"


@dataclass(frozen=True)
class Range:
    """Frames of one object to look at, `first` and `last` included."""

    object_id: int
    first: int
    last: int
    reason: str  # "lost", "low confidence", "sudden change of area" or "jump"
    confidence: float  # the lowest in the range

    def as_json(self) -> dict[str, Any]:
        return {
            "object": self.object_id,
            "first": self.first,
            "last": self.last,
            "reason": self.reason,
            "confidence": round(self.confidence, 4),
        }

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> Self:
        """Raises KeyError, TypeError or ValueError where `raw` is not a range."""
        first, last = int(raw["first"]), int(raw["last"])
        return cls(int(raw["object"]), first, last, str(raw["reason"]), float(raw["confidence"]))


def review(frames: Iterable[FrameRecord]) -> list[Range]:
    """The ranges of frames to look at, worst first, at most LIMIT; `frames` in order, read once, none kept."""
    return nsmallest(LIMIT, _ranges(frames), key=_goodness)


def _goodness(item: Range) -> tuple[bool, float, int, int, int]:
    """Sorts the worst first: what was lost, then by confidence, then the longest; the rest makes the order unique."""
    return item.reason != LOST, item.confidence, item.first - item.last, item.first, item.object_id


def _ranges(frames: Iterable[FrameRecord]) -> Iterator[Range]:
    growing: dict[tuple[int, str], Range] = {}
    before: dict[int, ObjectRecord] = {}  # the objects of the frame before
    last = -1
    for frame in frames:
        for record in frame.objects:
            reason = _reason(record, before.get(record.id) if frame.index == last + 1 else None)
            if reason is None:
                continue
            key = (record.id, reason)
            old = growing.get(key)
            if old is not None and frame.index - old.last <= GAP:
                growing[key] = replace(old, last=frame.index, confidence=min(old.confidence, record.confidence))
                continue
            if old is not None:
                yield old
            growing[key] = Range(record.id, frame.index, frame.index, reason, record.confidence)
        before, last = {record.id: record for record in frame.objects}, frame.index
    yield from growing.values()


def _reason(now: ObjectRecord, before: ObjectRecord | None) -> str | None:
    """The gravest reason to look at an object in a frame."""
    if now.state == State.LOST:
        return LOST
    if now.state == State.UNCERTAIN or now.confidence < UNSURE:
        return LOW
    if before is None or before.box is None or now.box is None:
        return None
    small, large = sorted((before.area, now.area))
    if large - small > AREA_PIXELS and large > AREA_RATIO * small:
        return AREA
    return PLACE if _way(before.box, now.box) else None


def _way(before: tuple[int, int, int, int], now: tuple[int, int, int, int]) -> bool:
    """Whether the box's centre went further than the object is large."""
    x, y = (now[i] + now[i + 2] / 2 - before[i] - before[i + 2] / 2 for i in (0, 1))
    return math.hypot(x, y) > max(JUMP * math.sqrt(before[2] * before[3]), JUMP_PIXELS)
