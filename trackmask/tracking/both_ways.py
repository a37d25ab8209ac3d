"""One object between its prompts: from a prompt to an open end, or between two prompts from both sides."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from tempfile import TemporaryFile
from typing import BinaryIO

import numpy as np

from trackmask.data import SURE, Frame, Masks, ObjectRecord, Patch, State
from trackmask.metrics import jaccard
from trackmask.prompts import Prompt
from trackmask.runtime import Runtime
from trackmask.tracking.tracker import Settings, Tracker
from trackmask.video import VideoReader

SUREST = 0.98  # confidence that two directions are weighed by, at most

Tracked = tuple[Frame, ObjectRecord, Patch | None]


@dataclass(frozen=True)
class Span:
    """One object between its prompts."""

    reader: VideoReader
    runtime: Runtime
    settings: Settings
    prompts: Mapping[int, Prompt]  # of the object, by frame

    def again(self, edited: Collection[int], first: int, last: int) -> Iterator[Tracked]:
        """The edited prompts' frames, and all between them and their neighbours, or the ends `first` and `last`."""
        for at in sorted(edited):
            _, frame, masks = self.tracker(at)
            yield only_object(frame, masks)
        order = sorted(self.prompts)
        if order[0] in edited and order[0] > first:
            yield from self.one_way(order[0], self.reader.reversed(order[0] - 1, first))
        for left, right in pairwise(order):
            if left in edited or right in edited:
                yield from self.both_ways(left, right)
        if order[-1] in edited and order[-1] < last:
            yield from self.one_way(order[-1], self.reader.frames(order[-1] + 1, last))

    def tracker(self, start: int) -> tuple[Tracker, Frame, Masks]:
        """A tracker that knows all prompts and stands in the frame `start` of one; its masks there."""
        tracker = Tracker(self.runtime, self.reader.info.size, self.settings)
        for index in (*(i for i in self.prompts if i != start), start):
            frame = next(self.reader.frames(index, index))
            masks = tracker.step(frame.image, [self.prompts[index]])
        return tracker, frame, masks

    def one_way(self, start: int, frames: Iterator[Frame]) -> Iterator[Tracked]:
        tracker, _, _ = self.tracker(start)
        for frame in frames:
            yield only_object(frame, tracker.step(frame.image))

    def both_ways(self, left: int, right: int) -> Iterator[Tracked]:
        """The frames between two prompts, each the blend of what comes from the left and from the right."""
        if right - left < 2:
            return
        with TemporaryFile() as file:
            backward = Waiting(file)
            for _, record, patch in self.one_way(right, self.reader.reversed(right - 1, left + 1)):
                backward.push(record, soft(patch, self.reader.info.size))
            for frame, record, patch in self.one_way(left, self.reader.frames(left + 1, right - 1)):
                other, prob = backward.pop()
                share = (frame.index - left) / (right - left)
                ours = record, soft(patch, self.reader.info.size)
                yield frame, *blend(ours, (other, prob), share, self.settings.certain)


class Waiting:
    """Frames of the backward pass, on disk until the forward pass comes by: last in, first out."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.entries: list[tuple[ObjectRecord, int, int, tuple[int, ...]]] = []

    def push(self, record: ObjectRecord, prob: np.ndarray) -> None:
        start = self.file.seek(0, 2)
        size = self.file.write(zlib.compress(prob.tobytes(), 1))
        self.entries.append((record, start, size, prob.shape))

    def pop(self) -> tuple[ObjectRecord, np.ndarray]:
        record, start, size, shape = self.entries.pop()
        self.file.seek(start)
        return record, np.frombuffer(zlib.decompress(self.file.read(size)), np.uint8).reshape(shape)


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
    empty = np.zeros(size, np.uint8)
    return empty if patch is None else Masks(empty, (), {1: patch}).soft(1)
