"""Track an object of a result again, up to one frame, and keep what the network was given there."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

import numpy as np

from trackmask.data import Frame, Masks
from trackmask.errors import VideoError
from trackmask.prompts import Prompt
from trackmask.runtime import Features, Runtime, sigmoid
from trackmask.tracking import Tracker, follow
from trackmask.tracking import crop as crops
from trackmask.tracking.crop import Crop
from trackmask.tracking.memory import Memory
from trackmask.video import VideoReader


@dataclass(frozen=True)
class Remembered:
    """A frame in the tracker's memory, as the network saw it."""

    frame: int
    picture: np.ndarray  # (S, S, 3) uint8 RGB
    mask: np.ndarray  # (S/2, S/2) float32 in [0, 1]: what was remembered of it
    given: bool  # by a prompt; or else the tracker's own


@dataclass(frozen=True)
class Moment:
    """One step of the tracker, and what its network was given."""

    frame: Frame
    masks: Masks
    crop: Crop
    features: Features
    given: tuple[np.ndarray, ...]  # as `Runtime.decode` takes them, behind the features
    memory: tuple[Remembered, ...]  # in the order of the keys in `given`

    @property
    def picture(self) -> np.ndarray:
        """The crop, (S, S, 3) uint8 RGB"""
        return crops.cut(self.frame.image, self.crop, 2 * self.given[0].shape[-1])


class Look(NamedTuple):
    """One of the looks of a frame: what the network was given for it, N = 1, and the mask (S/2, S/2) that it gave."""

    features: Features
    given: tuple[np.ndarray, ...]
    mask: np.ndarray


class Witness:
    """A runtime that keeps what it was given to decode, and the logits, since `calls` was last emptied."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime, self.size = runtime, runtime.size
        self.weights_sha256, self.weights_folder = runtime.weights_sha256, runtime.weights_folder
        self.files, self.calibration = runtime.files, runtime.calibration
        self.calls: list[tuple[Features, tuple[np.ndarray, ...], np.ndarray]] = []

    def encode(self, crops: np.ndarray) -> Features:
        return self.runtime.encode(crops)

    def decode(
        self,
        features: Features,
        previous: np.ndarray,
        prompts: np.ndarray,
        keys: np.ndarray,
        values: np.ndarray,
        weights: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        given = (previous, prompts, keys, values, weights)
        logits, quality = self.runtime.decode(features, *given)
        self.calls.append((features, given, logits))
        return logits, quality

    def looks(self) -> list[Look]:
        """Those of all calls."""
        return [
            Look(features.at([i]), tuple(x[i : i + 1] for x in given), mask)
            for features, given, logits in self.calls
            for i, mask in enumerate(sigmoid(logits))
        ]


class Replay:
    """One object on its way through the video, alone: other objects of the result are not followed beside it."""

    def __init__(self, reader: VideoReader, runtime: Runtime, prompts: Mapping[int, Prompt]) -> None:
        """`prompts`: the object's, by frame; at least one."""
        self.reader, self.prompts = reader, prompts
        self.witness = Witness(runtime)
        self.tracker = Tracker(self.witness, reader.info.size)
        self.seen: list[tuple[Memory, Remembered]] = []

    def until(self, index: int) -> Moment:
        """The step in frame `index`, which no prompt is in: from the prompt before it, or backwards from the first."""
        before = [frame for frame in self.prompts if frame < index]
        start = max(before) if before else min(self.prompts)
        prompted = (next(self.reader.frames(i, i)) for i in (*(i for i in self.prompts if i != start), start))
        way = self.reader.frames(start + 1, index) if before else self.reader.reversed(start - 1, index)
        given = {frame: [prompt] for frame, prompt in self.prompts.items()}
        memory = self._memory()
        with closing(follow(self.tracker, chain(prompted, way), given)) as steps:
            for frame, masks in steps:
                if frame.index == index:
                    return self._moment(frame, masks, memory)
                self._remember(frame)
                memory = self._memory()
                self.witness.calls.clear()
        raise VideoError(f"frame {index} of {self.reader.info.name} cannot be read; get a whole copy of it")

    def _moment(self, frame: Frame, masks: Masks, memory: tuple[Remembered, ...]) -> Moment:
        (track,) = self.tracker.tracks.values()
        # A frame may have been looked at through several crops. Where the object was not found, the first one counts.
        looks = self.witness.looks()
        taken = next((look for look in looks if np.array_equal(look.mask, track.prob)), looks[0])
        return Moment(frame, masks, track.crop, taken.features, taken.given, memory)

    def _remember(self, frame: Frame) -> None:
        """Keep what the frame that was tracked last has added to the memory, and forget what has left it."""
        (track,) = self.tracker.tracks.values()
        known = (*track.past.references, *track.past.recent)
        self.seen = [(memory, what) for memory, what in self.seen if any(memory is one for one in known)]
        for memory in known:
            if all(memory is not one for one, _ in self.seen):
                picture = crops.cut(frame.image, track.crop, self.witness.size)
                self.seen.append((memory, Remembered(frame.index, picture, track.prob, frame.index in self.prompts)))

    def _memory(self) -> tuple[Remembered, ...]:
        """In the order in which the tracker joins it: what was given, then its own."""
        remembered = [what for _, what in self.seen]
        return (*(r for r in remembered if r.given), *(r for r in remembered if not r.given))
