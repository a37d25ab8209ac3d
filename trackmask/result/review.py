"""Which frames a person should look at, and which of them to correct first, from the records alone."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from heapq import nsmallest
from itertools import pairwise
from typing import Any, Self

import numpy as np

from trackmask.data import ObjectRecord, State
from trackmask.result.records import FrameRecord
from trackmask.result.worth import best, worth

LOW = 0.75  # confidence below it, which is the expected IoU: about where a person would mend the mask
ALONE = 0.78  # the same where one direction alone came by: what is wrong without a sign of it is not as sure, either
EVEN = 0.5  # confidence of an empty mask below it: something is rather to be seen than not
PROMPTED = 0.75  # confidence of a prompted frame below it: three in four such masks have an IoU below 0.7
AREA_RATIO = 1.6  # from one frame to the next; growing and turning objects stay well below, lost parts do not
AREA_PIXELS = 100  # changes of fewer pixels are the flicker of a small object
JUMP = 1.0  # of the object's size, from one frame to the next: it landed beside itself
JUMP_PIXELS = 8  # shorter ways are the flicker of a small object
GAP = 12  # frames, half a second: what lies closer together is looked at together
NEARLY = 0.35  # above the lowest confidence of a range: frames at its ends that are surer are not in it
BESIDE = 12  # frames, half a second on both sides of a range, among which the one to correct is looked for, too
LIMIT = 20  # ranges, but for those that are always listed; a longer list is not read

LOST, UNSURE, AREA, PLACE = "lost", "low confidence", "sudden change of area", "jump"
PROMPT = "unsure of the prompt"  # all that follows depends on it
SHOT, AGAIN = "cut", "found again"  # where what the tracker took for the object may be something else
ALWAYS = (PROMPT, SHOT, AGAIN)
AWAY = (State.LOST, State.ABSENT)


@dataclass(frozen=True)
class Range:
    """Frames of one object to look at, `first` and `last` included."""

    object_id: int
    first: int
    last: int
    reason: str  # one of those above, or a `Doubt`: that of the frame with the lowest confidence
    confidence: float  # the lowest in the range
    frame: int  # the one to correct first: of these and those beside them, but for what is always listed
    worth: float = 0.0  # how many whole masks that correction may be expected to repair, see `worth`

    @property
    def unsure_of_the_prompt(self) -> bool:
        return self.reason == PROMPT

    @property
    def why(self) -> str:
        """Why to correct its frame: the reason, and where that lies if not there."""
        if self.first <= self.frame <= self.last:
            return self.reason
        frames = f"frame {self.first}" if self.first == self.last else f"frames {self.first} to {self.last}"
        return f"{self.reason} in {frames}"

    def as_json(self) -> dict[str, Any]:
        return {
            "object": self.object_id,
            "first": self.first,
            "last": self.last,
            "reason": self.reason,
            "confidence": round(self.confidence, 4),
            "frame": self.frame,
            "worth": round(self.worth, 2),
        }

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> Self:
        """Raises KeyError, TypeError or ValueError where `raw` is not a range. Earlier versions wrote no frame."""
        first, last = int(raw["first"]), int(raw["last"])
        frame, value = int(raw.get("frame", first)), float(raw.get("worth", 0))
        return cls(int(raw["object"]), first, last, str(raw["reason"]), float(raw["confidence"]), frame, value)


@dataclass
class Past:
    """What is kept of an object's frames: 16 bytes each."""

    frames: array[int] = field(default_factory=lambda: array("q"))
    confidence: array[float] = field(default_factory=lambda: array("f"))
    area: array[float] = field(default_factory=lambda: array("f"))

    def add(self, index: int, record: ObjectRecord) -> None:
        self.frames.append(index)
        self.confidence.append(record.confidence)
        self.area.append(record.area)

    def worth(self, prompts: Collection[int], cuts: Collection[int] = ()) -> np.ndarray:
        """(n,) float64: how many whole masks a correction of each frame may be expected to repair."""
        return worth(np.array(self.frames), np.array(self.confidence), np.array(self.area), prompts, cuts)


def review(
    frames: Iterable[FrameRecord], prompts: Mapping[int, Collection[int]], cuts: Collection[int] = ()
) -> list[Range]:
    """The ranges of frames to look at, worst first. Worst is a prompt that was not understood, then where a correction
    would repair most.

    `frames` come in order and are read once; `prompts` are the frames with prompts, by object; `cuts` those in which a
    new shot begins. All unsure prompts, cuts and returns are listed, of the rest LIMIT.
    """
    pasts: dict[int, Past] = {}
    ranges = list(_ranges(_noted(frames, pasts), prompts, cuts))
    found: list[Range] = []
    for object_id, past in pasts.items():
        own, given = [item for item in ranges if item.object_id == object_id], prompts.get(object_id, ())
        found += _valued(own, past, past.worth(given, cuts), given, cuts)
    always = [item for item in found if item.reason in ALWAYS]
    rest = nsmallest(LIMIT, (item for item in found if item.reason not in ALWAYS), key=_order)
    return sorted([*always, *rest], key=_order)


def _order(item: Range) -> tuple[bool, float, float, int, int]:
    return item.reason != PROMPT, -item.worth, item.confidence, item.first, item.object_id


def most_worth(
    frames: Iterable[FrameRecord], prompts: Mapping[int, Collection[int]], cuts: Collection[int] = ()
) -> list[int]:
    """The frames to correct, the one that repairs most first: of each object one in each gap between its prompts.

    Unlike the review list it has something to say of a clean video, too.
    """
    pasts: dict[int, Past] = {}
    for _ in _noted(frames, pasts):
        pass
    found: list[tuple[float, int]] = []
    for object_id, past in pasts.items():
        own, given = np.array(past.frames), prompts.get(object_id, ())
        value = past.worth(given, cuts)
        found += [(-float(value[place]), int(own[place])) for place in best(own, value, given)]
    return [frame for _, frame in sorted(found)]


def _noted(frames: Iterable[FrameRecord], pasts: dict[int, Past]) -> Iterator[FrameRecord]:
    for frame in frames:
        for record in frame.objects:
            pasts.setdefault(record.id, Past()).add(frame.index, record)
        yield frame


def _valued(
    ranges: Collection[Range], past: Past, value: np.ndarray, prompts: Collection[int], cuts: Collection[int]
) -> Iterator[Range]:
    """An object's ranges, each with the frame to correct first. A cut, a return and a prompt want a person's word in
    their own frames; else it is the one that is worth most in the range, or beside it and no nearer to another, and not
    beyond a prompt or a cut; but where the object was lost somebody has to say where it is.

    `value`: what a correction of each frame of the `past` is worth, (n,).
    """
    frames, confidence = np.array(past.frames), np.array(past.confidence)
    borders, begins = {*prompts, *cuts}, {*cuts, *(prompt + 1 for prompt in prompts)}
    for item in ranges:
        if item.reason in ALWAYS:
            yield replace(item, worth=float(value[np.searchsorted(frames, item.frame)]))
    rest = sorted((item for item in ranges if item.reason not in ALWAYS), key=lambda item: item.first)
    middles = [(left.last + right.first) / 2 for left, right in pairwise(rest)]
    for item, (left, right) in zip(rest, pairwise([-math.inf, *middles, math.inf]), strict=False):
        tight = _tight(item, frames, confidence)
        around, beside = (tight, 0) if item.reason == LOST else (item, BESIDE)
        left = max(left, around.first - beside, *(border for border in begins if border <= item.first))
        right = min(right, around.last + beside, *(border - 1 for border in borders if border > item.last))
        begin, end = int(np.searchsorted(frames, left)), int(np.searchsorted(frames, right, "right"))
        place = begin + int(value[begin:end].argmax())
        yield replace(tight, frame=int(frames[place]), worth=float(value[place]))


def _tight(item: Range, frames: np.ndarray, confidence: np.ndarray) -> Range:
    """The range without the surer frames at its ends. `confidence` in all of an object's `frames`."""
    begin, end = np.searchsorted(frames, (item.first, item.last + 1))
    low = begin + np.flatnonzero(confidence[begin:end] <= item.confidence + NEARLY)
    return replace(item, first=int(frames[low[0]]), last=int(frames[low[-1]]))


def _ranges(
    frames: Iterable[FrameRecord], prompts: Mapping[int, Collection[int]], cuts: Collection[int]
) -> Iterator[Range]:
    """What stands out, by object: what is always listed by its reason, all else together, for the gravest of all. No
    range goes over a frame in which the object was prompted, where a person has looked at it, or over a cut.
    """
    borders, others = {object_id: sorted({*own, *cuts}) for object_id, own in prompts.items()}, sorted(cuts)
    growing: dict[tuple[int, str], Range] = {}
    before: dict[int, ObjectRecord] = {}  # the objects of the frame before
    last = -1
    for frame in frames:
        for record in frame.objects:
            past = before.get(record.id) if frame.index == last + 1 else None
            own, border = prompts.get(record.id, ()), borders.get(record.id, others)
            said, cut = frame.index in own, frame.index in cuts
            early = frame.index <= min(own, default=-1)  # before its first prompt an object is tracked backward
            for at, reason in _reasons(record, past, said=said, cut=cut, early=early):
                there = frame.index + at
                new = Range(record.id, there, there, reason, (past if at and past else record).confidence, there)
                kind = reason if reason in ALWAYS else ""
                old = growing.get((record.id, kind))
                if old is not None and new.first - old.last <= GAP and not _parted(border, old.last, new.first):
                    worse = min(old, new, key=lambda item: item.confidence)
                    new = replace(old, last=new.last, reason=worse.reason, confidence=worse.confidence)
                elif old is not None:
                    yield old
                growing[record.id, kind] = new
        before, last = {record.id: record for record in frame.objects}, frame.index
    yield from growing.values()


def _parted(borders: Sequence[int], one: int, other: int) -> bool:
    """Whether a border lies behind the frame `one`, and not behind the frame `other`; `borders` in order."""
    return bisect_right(borders, one) < bisect_right(borders, other)


def _reasons(
    now: ObjectRecord, before: ObjectRecord | None, *, said: bool, cut: bool, early: bool
) -> Iterator[tuple[int, str]]:
    """Why to look at an object: in this frame, 0, or in the one before it, -1. `said`: it was prompted there; `cut`: a
    new shot begins there, and a return with it is one place; `early`: it was tracked backward there, so what was taken
    up lies before what was not seen.
    """
    past, present = (now, before) if early else (before, now)  # in the order in which they were tracked
    returned = past is not None and present is not None and past.state in AWAY and present.state not in AWAY
    if (cut or returned) and (before is not None if early else not said):
        yield -1 if early else 0, AGAIN if returned else SHOT
    reason = _reason(now, None if cut else before, said=said)
    if reason is not None:
        yield 0, reason


def _reason(now: ObjectRecord, before: ObjectRecord | None, *, said: bool) -> str | None:
    """The gravest reason to look at an object in a frame. `said`: it was prompted there."""
    if said:
        unsure = now.state != State.TRACKED or now.confidence < PROMPTED
        return PROMPT if unsure and now.state != State.ABSENT else None
    if now.state == State.LOST and now.confidence < LOW:  # else there is nothing to see, whatever the network believes
        return LOST
    low = (ALONE if now.agreement is None else LOW) if now.area else EVEN
    if now.state == State.UNCERTAIN or now.confidence < low:
        return UNSURE if now.doubt is None else str(now.doubt)
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
