"""One object between its prompts: from a prompt to an open end, or between two prompts from both sides."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from trackmask.data import SURE, Frame, Masks, ObjectRecord, Patch, State
from trackmask.metrics import jaccard
from trackmask.prompts import Prompt
from trackmask.runtime import Runtime
from trackmask.tracking.loop import follow
from trackmask.tracking.pile import Pile
from trackmask.tracking.reference import Reference
from trackmask.tracking.tracker import Settings, Tracker
from trackmask.video import VideoReader

SUREST = 0.98  # confidence that two directions are weighed by, at most
_NOTHING = np.zeros((0, 0), np.uint8)  # labels of one object alone, which waits with its probability

Tracked = tuple[Frame, ObjectRecord, Patch | None]


def understand(
    video: VideoReader, runtime: Runtime, prompts: Mapping[int, Prompt], settings: Settings = Settings()
) -> Iterator[tuple[Frame, Masks, Reference]]:
    """Each prompt of one object, by frame, with its masks and as a reference, in order of the frames."""
    for index in sorted(prompts):
        tracker = Tracker(runtime, video.info.size, settings)
        for frame, masks in follow(tracker, video.frames(index, index), {index: [prompts[index]]}):
            yield frame, masks, tracker.reference(prompts[index], masks)


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
            yield from self.one_way(order[0], order[0] - 1, first)
        for left, right in pairwise(order):
            if left in edited or right in edited:
                yield from self.both_ways(left, right)
        if order[-1] in edited and order[-1] < last:
            yield from self.one_way(order[-1], order[-1] + 1, last)

    def one_way(self, prompt: int, begin: int, end: int) -> Iterator[Tracked]:
        """From the prompt in one frame on, through the frames from `begin` to `end`, which may lie before it."""
        tracker = self.tracker(prompt)
        frames = self.video.frames(begin, end) if prompt < begin else self.video.reversed(begin, end)
        for frame, masks in follow(tracker, frames):
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
        size = self.video.info.size
        with Pile() as forward:
            for _, record, patch in self.one_way(left, left + 1, right - 1):
                forward.push(Masks(_NOTHING, (record,), {record.id: patch} if patch else {}))
            for frame, record, patch in self.one_way(right, right - 1, left + 1):
                waited = forward.pop()
                (other,), before = waited.objects, waited.patches.get(record.id)
                share = (frame.index - left) / (right - left)
                ours, theirs = (other, soft(before, size)), (record, soft(patch, size))
                yield frame, *blend(ours, theirs, share, self.settings.certain)


def blend(
    left: tuple[ObjectRecord, np.ndarray], right: tuple[ObjectRecord, np.ndarray], share: float, certain: float
) -> tuple[ObjectRecord, Patch]:
    """Two opinions on an object in a frame. Each counts for how near its prompt is (the right one for `share`) times
    the odds that it is right; but where only one has found the object, that one counts alone: the other has lost it.

    The record's `agreement` says how far the two are one.
    """
    masks = [prob > SURE for _, prob in (left, right)]
    found = [bool(mask.any()) for mask in masks]
    weights = [(1 - share) * odds(left[0].confidence), share * odds(right[0].confidence)]
    if found[0] != found[1]:
        weights = [float(one) for one in found]
    share = weights[1] / sum(weights)
    prob = np.round(left[1] * (1 - share) + right[1] * share).astype(np.uint8)
    confidence = left[0].confidence * (1 - share) + right[0].confidence * share
    state = (left if share < 0.5 else right)[0].state
    if (prob > SURE).any():
        state = State.TRACKED if confidence >= certain else State.UNCERTAIN
    elif state in (State.TRACKED, State.UNCERTAIN):
        state = State.LOST
    record = replace(left[0], state=state, confidence=round(confidence, 4), agreement=round(jaccard(*masks), 4))
    return record, Patch(0, 0, prob)


def odds(confidence: float) -> float:
    """Clipped, so that neither side is ever all or nothing."""
    bounded = min(max(confidence, 1 - SUREST), SUREST)
    return bounded / (1 - bounded)


def only_object(frame: Frame, masks: Masks) -> Tracked:
    (record,) = masks.objects
    return frame, record, masks.patches.get(record.id)


def soft(patch: Patch | None, size: tuple[int, int]) -> np.ndarray:
    """(H, W) uint8"""
    return np.zeros(size, np.uint8) if patch is None else patch.over(size)
