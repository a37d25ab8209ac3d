"""Correct a result: one more prompt, and only the frames that it can change are tracked again."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO

import numpy as np

from trackmask.data import Frame, Masks, ObjectRecord, Patch, State
from trackmask.draw import Style, overlay
from trackmask.errors import PromptError
from trackmask.film import FilmWriter
from trackmask.prompts import Prompt, check
from trackmask.result import OVERLAY, Result, open_result
from trackmask.revision import Revision
from trackmask.runtime import Runtime
from trackmask.source import source_video
from trackmask.stages import ahead
from trackmask.tracker import Settings, Tracker
from trackmask.video import VideoReader, open_video

Tracked = tuple[Frame, ObjectRecord, Patch | None]


def correct(
    folder: Path,
    prompt: Prompt,
    runtime: Runtime,
    *,
    video: Path | None = None,
    style: Style = "fill",
    settings: Settings = Settings(),  # noqa: B008
    done: Callable[[], None] = lambda: None,
) -> Result:
    """Make `prompt` a reference of its object for good, and track the object again up to the neighbouring prompts.

    Between two prompts the object is tracked from both and the two are blended by how near each prompt is. An empty
    mask says that the object is not to be seen. The old version stays in the result's history. Raises a
    TrackmaskError, with the result as it was, where the prompt does not fit or the video has moved.
    """
    result = open_result(folder)
    path = source_video(result, video)
    known = {frame.index for frame in result.frames}
    if prompt.at not in known:
        raise PromptError(f"frame {prompt.at} is not in this result; it has frames {min(known)} to {max(known)}")
    if prompt.object_id not in {item.id for item in result.objects}:
        ids = ", ".join(f"{item.id} ({item.name})" for item in result.objects)
        raise PromptError(f"object {prompt.object_id} is not in this result; it has {ids}")
    empty = prompt.mask is not None and not prompt.mask.any()
    prompt = prompt if empty else check(prompt, result.source.size)
    prompts = references(result, prompt)
    with open_video(path) as reader, Revision(result) as revision:
        span = Span(reader, runtime, settings, prompts)
        for frame, record, patch in span.around(prompt.at, min(known), max(known)):
            revision.replace(frame, record, patch)
            done()
        if (result.folder / OVERLAY).exists():
            draw(revision, reader, path if reader.info.audio else None, style, min(known), max(known))
        same = (prompt.object_id, prompt.at)
        given = [entry for entry in result.prompts if (entry["object"], entry["frame"]) != same]
        objects = [
            replace(item, first_prompt=min(prompts), last_prompt=max(prompts)) if item.id == prompt.object_id else item
            for item in result.objects
        ]
        revision.finish([*map(dict, given), prompt.as_json()], objects, runtime.weights_sha256)
    return open_result(folder)


def references(result: Result, prompt: Prompt) -> dict[int, Prompt]:
    """All prompts of the object by frame: the new one, and the old ones as the masks that they led to."""
    prompts = {
        entry["frame"]: Prompt(prompt.object_id, entry["frame"], mask=result.masks(entry["frame"]) == prompt.object_id)
        for entry in result.prompts
        if entry["object"] == prompt.object_id
    }
    return prompts | {prompt.at: prompt}


def draw(revision: Revision, reader: VideoReader, sound: Path | None, style: Style, first: int, last: int) -> None:
    """The overlay once more, from the masks."""
    with (
        FilmWriter(revision.folder / OVERLAY, reader.info.size, reader.info.fps, sound) as film,
        closing(ahead(reader.frames(first, last))) as frames,
    ):
        for frame in frames:
            film.write(overlay(frame.image, revision.labels(frame.index), style), frame.time)


@dataclass(frozen=True)
class Span:
    """One object between its prompts."""

    reader: VideoReader
    runtime: Runtime
    settings: Settings
    prompts: Mapping[int, Prompt]  # of the object, by frame

    def around(self, at: int, first: int, last: int) -> Iterator[Tracked]:
        """The frame of one prompt and all frames up to the neighbouring prompts, or to the ends first and last."""
        before = max((frame for frame in self.prompts if frame < at), default=None)
        after = min((frame for frame in self.prompts if frame > at), default=None)
        yield self.follow([at], at)[0]
        if before is None:
            yield from self.one_way(at, self.reader.reversed(at - 1, first) if at > first else iter(()))
        else:
            yield from self.both_ways(before, at)
        if after is None:
            yield from self.one_way(at, self.reader.frames(at + 1, last) if at < last else iter(()))
        else:
            yield from self.both_ways(at, after)

    def tracker(self, start: int) -> tuple[Tracker, Frame, Masks]:
        """A tracker that knows all prompts and stands in the frame `start` of one; its masks there."""
        tracker = Tracker(self.runtime, self.reader.info.size, self.settings)
        for index in (*(i for i in self.prompts if i != start), start):
            frame = next(self.reader.frames(index, index))
            masks = tracker.step(frame.image, [self.prompts[index]])
        return tracker, frame, masks

    def follow(self, indices: list[int], start: int) -> list[Tracked]:
        _, frame, masks = self.tracker(start)
        return [only_object(frame, masks) for _ in indices]

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
            for frame, record, patch in self.one_way(right, self.reader.reversed(right - 1, left + 1)):
                backward.push(record, soft(patch, self.reader.info.size))
            for frame, record, patch in self.one_way(left, self.reader.frames(left + 1, right - 1)):
                other, prob = backward.pop()
                share = (frame.index - left) / (right - left)
                yield frame, *blend((record, soft(patch, self.reader.info.size)), (other, prob), share)


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
    left: tuple[ObjectRecord, np.ndarray], right: tuple[ObjectRecord, np.ndarray], share: float
) -> tuple[ObjectRecord, Patch]:
    """Two opinions on an object in a frame, the right one counting for `share`. Where the two disagree on where the
    object is, nobody should be sure: their IoU bounds the confidence.
    """
    prob = np.round(left[1] * (1 - share) + right[1] * share).astype(np.uint8)
    both, either = ((op((left[1] > 127), (right[1] > 127))).sum() for op in (np.logical_and, np.logical_or))
    agreement = float(both / either) if either else 1.0
    nearer = left[0] if share < 0.5 else right[0]
    confidence = min(left[0].confidence * (1 - share) + right[0].confidence * share, max(agreement, 0.0))
    state = nearer.state
    if (prob > 127).any():
        state = State.TRACKED if confidence >= 0.5 else State.UNCERTAIN
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
