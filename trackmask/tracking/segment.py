"""One look at a picture: the crops of it that are asked about go through the network together, and come back as what
it observes. The tracker and the prompts decide what to ask, and what to make of the answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from trackmask.data import Image
from trackmask.prompts import Box
from trackmask.runtime import Features, Runtime, given_shapes, sigmoid
from trackmask.tracking import crop as crops
from trackmask.tracking.crop import Crop, continued, out_of
from trackmask.tracking.memory import Known
from trackmask.tracking.parts import connected, main_box


@dataclass(frozen=True, eq=False)
class Question:
    """Where in a crop is the object that is remembered, or that a prompt means? Without either: the main object.

    S is the side of the network's crop, s = S/2.
    """

    crop: Crop
    prompts: np.ndarray | None = None  # (2, S/4, S/4) float32, see `prompt_maps`
    previous: np.ndarray | None = None  # (s, s) float32 in [0, 1]: the last mask, moved to the crop
    known: Known | None = None


@dataclass(frozen=True, eq=False)
class Observation:
    """What the network says of one object in one crop of a picture."""

    crop: Crop
    features: Features  # of the crop; N = 1
    prob: np.ndarray  # (s, s) float32 over the crop, s = S/2
    iou: float  # predicted
    visible: float  # probability

    @cached_property
    def parts(self) -> np.ndarray:
        """The mask's `connected` ones, in its pixels."""
        return connected(self.prob > 0.5)

    @cached_property
    def box(self) -> Box | None:
        """Of the mask: x, y, w, h in pixels of the frame; None where it is empty."""
        box = main_box(self.parts)
        return None if box is None else out_of(box, self.crop, self.prob.shape[0])

    def whole(self, size: tuple[int, int], least: float) -> Box | None:
        """The box as it may go on where the crop's edge cuts the mask, no further than a frame of `size`; None where
        that is not at least so many times as large as what is seen.
        """
        if self.box is None:
            return None
        whole = continued(self.box, self.prob, self.crop, size)
        return whole if whole[2] * whole[3] >= least * self.box[2] * self.box[3] else None

    def belief(self) -> float:
        return min(self.iou, self.visible)

    def area(self) -> float:
        """Of the mask, in pixels of the frame."""
        share = int(np.count_nonzero(self.prob > 0.5)) / self.prob.size
        return share * self.crop.width * self.crop.height


def look(runtime: Runtime, image: Image, questions: Sequence[Question]) -> list[Observation]:
    """The answers to questions (at least one) about a picture, in their order."""
    return answer(runtime, encode(runtime, image, [question.crop for question in questions]), questions)


def encode(runtime: Runtime, image: Image, through: Sequence[Crop]) -> Features:
    """What the network sees through crops of a picture."""
    return runtime.encode(batch([crops.cut(image, crop, runtime.size) for crop in through]))


def answer(runtime: Runtime, features: Features, questions: Sequence[Question]) -> list[Observation]:
    """The answers to questions about crops whose features, N = len(questions), are known."""
    found: dict[int, Observation] = {}
    for group in same_memory(questions):
        given = zip(*(_given(questions[i], runtime.size) for i in group), strict=True)
        logits, quality = runtime.decode(features.at(group), *map(batch, given))
        for i, prob, (iou, visible) in zip(group, sigmoid(logits), quality.tolist(), strict=True):
            found[i] = Observation(questions[i].crop, features.only(i), prob, iou, visible)
    return [found[i] for i in range(len(questions))]


def batch(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """N arrays of one shape as one, (N, ...); one alone, as in most videos, is not copied."""
    return arrays[0][None] if len(arrays) == 1 else np.stack(arrays)


def same_memory(questions: Sequence[Question]) -> Iterable[list[int]]:
    """Indices of the questions, grouped by how many frames they remember: a batch is rectangular."""
    groups: dict[int, list[int]] = {}
    for index, question in enumerate(questions):
        groups.setdefault(0 if question.known is None else len(question.known.keys), []).append(index)
    return groups.values()


def _given(question: Question, size: int) -> tuple[np.ndarray, ...]:
    """What the head takes beside the features; what is not known is zero."""
    previous = None if question.previous is None else question.previous[None]
    known = question.known or (None, None, None)
    return tuple(
        np.zeros(shape, np.float32) if value is None else value
        for value, shape in zip((previous, question.prompts, *known), given_shapes(size, 0), strict=True)
    )
