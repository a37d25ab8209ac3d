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
from trackmask.prompts import Prompt
from trackmask.runtime import Runtime
from trackmask.tracker import Settings, Tracker
from trackmask.video import VideoReader

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
    """Two opinions on an object in a frame, the right one counting for `share`. Where the two disagree on where the
    object is, nobody should be sure: their IoU bounds the confidence.
    """
    prob = np.round(left[1] * (1 - share) + right[1] * share).astype(np.uint8)
    both, either = (op(left[1] > SURE, right[1] > SURE).sum() for op in (np.logical_and, np.logical_or))
    agreement = float(both / either) if either else 1.0
    nearer = left[0] if share < 0.5 else right[0]
    confidence = min(left[0].confidence * (1 - share) + right[0].confidence * share, agreement)
    state = nearer.state
    if (prob > SURE).any():
        state = State.TRACKED if confidence >= certain else State.UNCERTAIN
    elif state in (State.TRACKED, State.UNCERTAIN):
        state = State.LOST
    return replace(nearer, state=state, confidence=round(confidence, 4)), Patch(0, 0, prob)


def only_object(frame: Frame, masks: Masks) -> Tracked:
    (record,) = masks.objects
    return frame, record, masks.patches.get(record.id)


def soft(patch: Patch | None, size: tuple[int, int]) -> np.ndarray:
    """(H, W) uint8"""
    empty = np.zeros(size, np.uint8)
    return empty if patch is None else Masks(empty, (), {1: patch}).soft(1)
