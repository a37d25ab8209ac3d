"""One object between its prompts: from a prompt to an open end, or between two prompts from both sides."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from trackmask.data import Frame, Masks, ObjectRecord, Patch
from trackmask.runtime import Runtime
from trackmask.tracking.blend import Opinion, blend
from trackmask.tracking.evidence import judged
from trackmask.tracking.loop import follow
from trackmask.tracking.pile import Pile
from trackmask.tracking.reference import Reference
from trackmask.tracking.tracker import Settings, Tracker
from trackmask.tracking.twice import SecondPass
from trackmask.video import VideoReader

_NOTHING = np.zeros((0, 0), np.uint8)  # labels of one object alone, which waits with its probability

Tracked = tuple[Frame, ObjectRecord, Patch | None]


@dataclass(frozen=True)
class Span:
    """One object around and between its prompts."""

    video: VideoReader
    runtime: Runtime
    references: Mapping[int, Reference]  # all prompts of the object, by frame
    settings: Settings = Settings()

    def again(self, edited: Collection[int], first: int, last: int) -> Iterator[Tracked]:
        """All that the edited prompts can change: the frames up to their neighbours, or to the ends `first` and `last`.

        The prompts' own frames are not among them.
        """
        order = sorted(self.references)
        if order[0] in edited and order[0] > first:
            yield from self.open_end(order[0], order[0] - 1, first)
        for left, right in pairwise(order):
            if left in edited or right in edited:
                yield from self.both_ways(left, right)
        if order[-1] in edited and order[-1] < last:
            yield from self.open_end(order[-1], order[-1] + 1, last)

    def open_end(self, prompt: int, begin: int, end: int) -> Iterator[Tracked]:
        """From the prompt in one frame on, twice through the frames from `begin` to `end`, where there is no other."""
        first = follow(self.tracker(prompt), self.video.between(begin, end))
        id_ = self.references[prompt].object_id
        second = SecondPass(self.video, self.runtime, {id_: self.references}, self.settings)
        with closing(second.over(first)) as both:
            for masks, frame in zip(both, self.video.between(begin, end), strict=False):
                yield only_object(frame, masks)

    def one_way(self, prompt: int, begin: int, end: int) -> Iterator[Tracked]:
        """From the prompt in one frame on, through the frames from `begin` to `end`, which may lie before it."""
        tracker = self.tracker(prompt)
        for frame, masks in follow(tracker, self.video.between(begin, end)):
            yield only_object(frame, masks)

    def tracker(self, prompt: int) -> Tracker:
        """A tracker that knows all prompts, and stands in the frame of one."""
        tracker = Tracker(self.runtime, self.video.info.size, self.settings)
        for index in (*(i for i in self.references if i != prompt), prompt):
            tracker.know(self.references[index])
        return tracker

    def both_ways(self, left: int, right: int) -> Iterator[Tracked]:
        """The frames between two prompts, the last one first, each the blend of what comes from the left and from the
        right."""
        if right - left < 2:
            return
        with Pile() as forward:
            for _, record, patch in self.one_way(left, left + 1, right - 1):
                forward.push(Masks(_NOTHING, (record,), {record.id: patch} if patch else {}))
            for frame, record, patch in self.one_way(right, right - 1, left + 1):
                waited = forward.pop()
                (other,), before = waited.objects, waited.patches.get(record.id)
                share = (frame.index - left) / (right - left)
                ours, theirs = Opinion(other, before), Opinion(record, patch)
                said, both = blend(ours, theirs, share, self.settings.certain, prompted=True)
                yield frame, judged(said, self.runtime.calibration, self.settings.certain), both


def only_object(frame: Frame, masks: Masks) -> Tracked:
    (record,) = masks.objects
    return frame, record, masks.patches.get(record.id)
