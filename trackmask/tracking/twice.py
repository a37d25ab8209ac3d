"""Through the clip twice: what a first pass found is checked, and mended, by a second one that comes back.

The first pass goes in stretches: up to the next cut, or as far as frames may wait. The second one goes through each
stretch the other way, from the frame in which the first was last sure of an object, and knows what the first has seen;
each frame is the blend of both. Between two prompts it comes from the farther one. A prompt's own frame stays as it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import pairwise, takewhile
from types import TracebackType
from typing import NamedTuple, Self

from trackmask.data import Masks, ObjectRecord, label_map, measured
from trackmask.metrics import jaccard
from trackmask.prompts import Prompt
from trackmask.runtime import Runtime
from trackmask.tracking.blend import Opinion, blend
from trackmask.tracking.evidence import bound, judged
from trackmask.tracking.loop import Step, follow, understand
from trackmask.tracking.pile import Pile
from trackmask.tracking.reference import Reference
from trackmask.tracking.tracker import Settings, Tracker
from trackmask.video import VideoReader
from trackmask.video.cache import ROOM, frames_in
from trackmask.video.queues import WriteBehind

LONGEST = 240  # frames of a stretch: ten seconds. What is farther away says little of how an object looks
LEAST = 24  # frames of a stretch, however large they are
ASTRAY, ARRIVED = 0.7, 0.9  # IoU with the first pass where it began: the second is not believed, or wholly
ASIDE = 0.3  # IoU with the first pass below which the second one is with something else
AHEAD = 8  # frames that the first pass may have read beyond a stretch


@dataclass(frozen=True, eq=False)
class Way:
    """One object's way through the second pass: from the frame `right` to the one next to `left`."""

    object_id: int
    left: int  # the prompt that the first pass has come from, or the frame before the stretch
    right: int
    reference: Reference  # the object in the frame `right`, and all else that is known of it
    told: bool  # a person has said what is in the frame `right`

    def share(self, frame: int) -> float:
        """How near a frame is to where the second pass begins, and how far from where the first one did; within (0, 1)
        on the way."""
        return (frame - self.left) / (self.right - self.left)


Records = Mapping[int, ObjectRecord]  # of one object, by frame


class Compared(NamedTuple):
    """What both passes together tell of one way, by frame."""

    trust: Mapping[int, float]  # [0, 1]: how far the second one is believed; wholly where that is not said
    agreed: Mapping[int, float]  # [0, 1]: how well both agree on whose mask it is; not said where one alone knows


class Stretch:
    """What the first pass found in frames in a row of one shot, in its order. Leaving the context deletes it."""

    def __init__(self, size: tuple[int, int]) -> None:
        """`size`: (height, width) of the frames."""
        self.frames: list[int] = []
        self.records: list[Sequence[ObjectRecord]] = []  # of each frame
        self.masks = Pile(size)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.masks.__exit__(kind, error, at)

    def __len__(self) -> int:
        return len(self.frames)

    def add(self, step: Step) -> None:
        frame, masks = step
        self.frames.append(frame.index)
        self.records.append(masks.objects)
        self.masks.push(masks)

    @property
    def turn(self) -> int:
        """From a frame to the next one of the first pass: 1 or -1."""
        return -1 if self.frames[-1] < self.frames[0] else 1

    @property
    def objects(self) -> list[int]:
        return sorted({record.id for records in self.records for record in records})

    def of(self, object_id: int) -> dict[int, ObjectRecord]:
        """An object's records by frame."""
        pairs = zip(self.frames, self.records, strict=True)
        return {frame: record for frame, records in pairs for record in records if record.id == object_id}

    def at(self, frame: int) -> Masks:
        return self.masks[abs(frame - self.frames[0])]


@dataclass(frozen=True)
class SecondPass:
    """Goes back over what a first pass finds."""

    video: VideoReader
    runtime: Runtime
    references: Mapping[int, Mapping[int, Reference]]  # the prompts that are understood so far, by object and frame
    settings: Settings = Settings()

    def over(self, first: Generator[Step], done: Callable[[], None] = lambda: None) -> Generator[Masks]:
        """The masks of both passes, in the order of the first one, which is `first`. `done` is called after each frame
        of the second one."""
        size = self.video.info.size
        with closing(first):
            step = next(first, None)
            while step is not None:
                with Stretch(size) as there, Stretch(size) as back:
                    step = self._fill(there, step, first)
                    ways = [way for object_id in there.objects for way in self._ways(there, object_id)]
                    alike = self._go_back(ways, there, back, done)
                    found = {way: self._compared(way, there, back, alike[way]) for way in ways}
                    for frame in there.frames:
                        yield self._blended(frame, there.at(frame), back, found)

    def _fill(self, stretch: Stretch, step: Step, first: Iterator[Step]) -> Step | None:
        """The frames from `step` on, up to the first one of the next stretch, which is returned."""
        most = longest(self.video.info.size)
        with WriteBehind(stretch.add) as behind:
            behind.put(step)
            for count, more in enumerate(first, 1):
                if more[1].cut or count == most:
                    return more
                behind.put(more)
        return None

    def _go_back(
        self, ways: Sequence[Way], there: Stretch, back: Stretch, done: Callable[[], None]
    ) -> Mapping[Way, Mapping[int, float]]:
        """The second pass, through the frames that any object has a way through, the farthest one first. On each way,
        by frame: the IoU of both passes' masks."""
        alike: dict[Way, dict[int, float]] = {way: {} for way in ways}

        def keep(step: Step) -> None:
            back.add(step)
            index, both = step[0].index, (step[1].labels, there.at(step[0].index).labels)
            for way in ways:
                if 0 < way.share(index) < 1:
                    alike[way][index] = float(jaccard(*(labels == way.object_id for labels in both)))

        turn = there.turn
        tracker = Tracker(self.runtime, self.video.info.size, self.settings, one_shot=True)
        given: dict[int, list[Reference]] = {}
        for way in ways:
            given.setdefault(way.right, []).append(way.reference)
        begin = max((way.right for way in ways), key=lambda frame: turn * frame, default=None)
        end = min((way.left + turn for way in ways), key=lambda frame: turn * frame, default=None)
        if begin is not None and end is not None:
            with WriteBehind(keep) as behind:
                for step in follow(tracker, self.video.between(begin, end), given):
                    behind.put(step)
                    done()
                    for way in ways:
                        if step[0].index == way.left + turn:  # the next frame is the truth, or none of the object's
                            tracker.tracks.pop(way.object_id)
        for _ in range(len(there) - len(back)):
            done()
        return alike

    def _ways(self, stretch: Stretch, object_id: int) -> list[Way]:
        """An object's ways, each between two frames in which it is known."""
        records, prompts = stretch.of(object_id), self.references.get(object_id, {})
        said = [frame for frame in records if frame in prompts]
        sure = [frame for frame, record in records.items() if frame not in prompts and self._sure(record)]
        ends = [*said] if said and said[0] == next(iter(records)) else [stretch.frames[0] - stretch.turn, *said]
        if sure and stretch.turn * (sure[-1] - ends[-1]) > 0:
            ends.append(sure[-1])
        if not any(abs(right - left) > 1 for left, right in pairwise(ends)):
            return []
        chosen = {sure[-1], max(sure, key=lambda frame: worth(records[frame]))} if sure else set()
        known = {**prompts, **self._seen(stretch, object_id, chosen)}
        return [
            Way(
                object_id,
                left,
                right,
                known[right].knowing(ref for frame, ref in known.items() if frame != right),
                right in prompts,
            )
            for left, right in pairwise(ends)
            if abs(right - left) > 1
        ]

    def _sure(self, record: ObjectRecord) -> bool:
        return record.box is not None and record.quality >= self.settings.sure

    def _seen(self, stretch: Stretch, object_id: int, frames: set[int]) -> dict[int, Reference]:
        """What the first pass has seen of an object in some frames, as if it were prompted there."""
        masks = {
            frame: Prompt(object_id, frame, mask=stretch.at(frame).labels == object_id) for frame in sorted(frames)
        }
        return {frame.index: ref for frame, _, ref in understand(self.video, self.runtime, masks, self.settings)}

    def _blended(
        self,
        frame: int,
        ours: Masks,
        back: Stretch,
        found: Mapping[Way, Compared],
    ) -> Masks:
        """A frame of both passes; what is prompted in it, or was not gone through twice, is as the first has it."""
        ways = {way.object_id: way for way in found if 0 < way.share(frame) < 1}
        if not ways:
            return ours
        theirs = back.at(frame)
        again = {record.id: record for record in theirs.objects}
        records, patches = [], dict(ours.patches)
        for record in ours.objects:
            if record.id in ways:
                way = ways[record.id]
                left = Opinion(record, ours.patches.get(record.id))
                trust = found[way].trust.get(frame, 1.0)
                right = Opinion(again[record.id], theirs.patches.get(record.id), trust)
                record, patches[record.id] = blend(
                    left, right, way.share(frame), self.settings.certain, prompted=way.told
                )
                known = record.evidence
                if known is not None and known.agreed is not None and not way.told:
                    record = replace(record, evidence=replace(known, agreed=found[way].agreed.get(frame)))
            records.append(record)
        labels = label_map(patches.items(), ours.labels.shape)
        for object_id, prompts in self.references.items():
            if frame in prompts:
                labels[labels == object_id] = 0
                labels[ours.labels == object_id] = object_id
        said = (judged(measured(r, labels), self.runtime.calibration, self.settings.certain) for r in records)
        return replace(ours, labels=labels, objects=tuple(said), patches=patches)

    def _compared(self, way: Way, there: Stretch, back: Stretch, alike: Mapping[int, float]) -> Compared:
        """`alike`: IoU of both passes' masks, by frame. What the second pass began with without a prompt, and lost on
        its way, it cannot say to be the object; and arrived with something else, it has nothing to say of what the
        first has followed from the prompt up to where the two part."""
        frames = range(way.left + there.turn, way.right, there.turn)
        ours, theirs = there.of(way.object_id), back.of(way.object_id)
        if way.told:
            return Compared({}, {})
        lost = ours[frames[0]].area and not theirs[frames[0]].area
        agreed = dict(zip(frames, bound([alike[frame] for frame in frames]), strict=True))
        for frame in frames if lost else takewhile(lambda frame: alike[frame] < ASIDE, frames):
            del agreed[frame]
        return Compared(self._trusted(frames, ours, theirs, alike), agreed)

    def _trusted(
        self, frames: range, ours: Records, theirs: Records, alike: Mapping[int, float]
    ) -> Mapping[int, float]:
        """How far the second pass is believed, by frame; wholly, where that is not said, as where it began in a prompt.

        Where it has followed the object until beside what the first one began with, it is believed as far as the two
        agree there: astray from the truth it was astray before, too. If it has lost the object on the way, that says
        nothing of the frames before; but then the first pass has it, if it has come the whole way, never in doubt.
        If the first pass has lost the object on the way, what it found again and the second one began with may be a
        look-alike: as long as the first was never in doubt, it is right where the two are with different things.
        """
        followed = list(takewhile(lambda frame: theirs[frame].area, frames))
        whole = all(ours[frame].area and ours[frame].quality >= self.settings.certain for frame in frames)
        if whole and len(followed) < len(frames):
            return dict.fromkeys(frames, 0.0)
        if not ours[frames[0]].area:
            return {}
        known = min(max((alike[frames[0]] - ASTRAY) / (ARRIVED - ASTRAY), 0.0), 1.0)
        trust = dict.fromkeys(followed, known)
        if not all(ours[frame].area for frame in frames):
            held = takewhile(lambda frame: ours[frame].area and ours[frame].quality >= self.settings.certain, frames)
            trust |= {frame: 0.0 for frame in held if theirs[frame].area and alike[frame] < ASIDE}
        return trust


def longest(size: tuple[int, int]) -> int:
    """Frames of a stretch at most, of that size (height, width): as far as they can wait to be read again."""
    return max(min(LONGEST, frames_in(ROOM, size) - AHEAD), LEAST)


def room_for_twice(size: tuple[int, int]) -> int:
    """Bytes of temporary file in which a stretch's frames wait."""
    return min(ROOM, 3 * size[0] * size[1] * (longest(size) + AHEAD))


def worth(record: ObjectRecord) -> float:
    """What a frame would be worth as a reference: sure, and large."""
    return record.quality**4 * math.sqrt(record.area)
