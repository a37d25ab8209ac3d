"""One object between its prompts: from a prompt to an open end, or between two prompts from both sides."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise

from trackmask.data import Frame, Masks, ObjectRecord, Patch
from trackmask.runtime import Runtime
from trackmask.tracking.blend import Opinion, blend
from trackmask.tracking.evidence import judged
from trackmask.tracking.loop import Step, follow
from trackmask.tracking.pile import Pile
from trackmask.tracking.reference import Reference
from trackmask.tracking.tracker import Settings, Tracker
from trackmask.tracking.twice import SecondPass
from trackmask.video import VideoReader

Tracked = tuple[Frame, ObjectRecord, Patch | None]


@dataclass(frozen=True)
class Span:
    """One object around and between its prompts."""

    video: VideoReader
    runtime: Runtime
    references: Mapping[int, Reference]  # all prompts of the object, by frame
    settings: Settings = Settings()

    def again(self, gaps: Iterable[tuple[int, int]], done: Callable[[], None] = lambda: None) -> Iterator[Tracked]:
        """The frames inside of some `gaps`. `done` is called after each frame of each of the two passes."""
        for left, right in gaps:
            if left not in self.references:
                yield from self.open_end(right, right - 1, left + 1, done)
            elif right not in self.references:
                yield from self.open_end(left, left + 1, right - 1, done)
            else:
                yield from self.both_ways(left, right, done)

    def open_end(self, prompt: int, begin: int, end: int, done: Callable[[], None] = lambda: None) -> Iterator[Tracked]:
        """From the prompt in one frame on, twice through the frames from `begin` to `end`, where there is no other."""
        first = self.one_way(prompt, begin, end, done)
        id_ = self.references[prompt].object_id
        second = SecondPass(self.video, self.runtime, {id_: self.references}, self.settings)
        with closing(second.over(first, done)) as both:
            for masks, frame in zip(both, self.video.between(begin, end), strict=False):
                yield only_object(frame, masks)

    def one_way(self, prompt: int, begin: int, end: int, done: Callable[[], None]) -> Generator[Step]:
        """From the prompt in one frame on, through the frames from `begin` to `end`, which may lie before it."""
        with closing(follow(self.tracker(prompt), self.video.between(begin, end))) as steps:
            for step in steps:
                done()
                yield step

    def tracker(self, prompt: int) -> Tracker:
        """A tracker that knows all prompts, and stands in the frame of one."""
        tracker = Tracker(self.runtime, self.video.info.size, self.settings)
        for index in (*(i for i in self.references if i != prompt), prompt):
            tracker.know(self.references[index])
        return tracker

    def both_ways(self, left: int, right: int, done: Callable[[], None]) -> Iterator[Tracked]:
        """The frames between two prompts, the last one first, each the blend of what comes from the left and from the
        right."""
        with Pile(self.video.info.size) as forward:
            for _, masks in self.one_way(left, left + 1, right - 1, done):
                forward.push(masks)
            for frame, masks in self.one_way(right, right - 1, left + 1, done):
                ours, theirs = (Opinion(*only_object(frame, one)[1:]) for one in (forward.pop(), masks))
                share = (frame.index - left) / (right - left)
                said, both = blend(ours, theirs, share, self.settings.certain, prompted=True)
                yield frame, judged(said, self.runtime.calibration, self.settings.certain), both


def gaps(prompted: Collection[int], edited: Collection[int], first: int, last: int) -> list[tuple[int, int]]:
    """What the `edited` ones among an object's `prompted` frames can change: the frames between them and their
    neighbours, or up to the ends `first` and `last`. Each gap by the frames on its two sides, which are not in it.
    """
    sides = pairwise([first - 1, *sorted(prompted), last + 1])
    return [(left, right) for left, right in sides if right - left > 1 and (left in edited or right in edited)]


def only_object(frame: Frame, masks: Masks) -> Tracked:
    (record,) = masks.objects
    return frame, record, masks.patches.get(record.id)
