"""What is clicked is law: in its own frame a mask holds every click on the object and none beside it."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import replace

import numpy as np

from trackmask.data import Patch
from trackmask.prompts import Point, Prompt
from trackmask.tracking.crop import Crop, into
from trackmask.tracking.parts import Place, without_parts
from trackmask.tracking.segment import Observation

DISC = 3.0  # radius, in a mask's pixels, of what a click sets right around it
DOUBT = 0.5  # this much of its predicted IoU is left to a mask that was set right so at more than half of the clicks


def holds(crop: Crop, prompt: Prompt) -> bool:
    """Whether all clicks on the object lie in the crop."""
    right, bottom = crop.x + crop.width, crop.y + crop.height
    return all(crop.x <= x < right and crop.y <= y < bottom for x, y in prompt.positive)


def contradicted(seen: Observation, prompt: Prompt) -> int:
    """How many clicks on the object the mask leaves out, and how many beside it it holds."""
    on, beside = places(prompt, seen)
    wrong = [seen.prob[place] <= 0.5 for place in on] + [seen.prob[place] > 0.5 for place in beside]
    return wrong.count(True)


def obedient(seen: Observation, prompt: Prompt) -> Observation:
    """The observation with a mask that contradicts no click; its crop must hold those on the object. A part of the mask
    that is clicked beside the object, and nowhere on it, is left out. What is contradicted still is set right in a disc
    around the click. Such a mask is no worse than its predicted IoU (0.84, of 167 with one to six clicks), unless it
    had been wrong at more than half of them: it was another thing then.
    """
    if not contradicted(seen, prompt):
        return seen
    on, beside = places(prompt, seen)
    prob = without_parts(seen.prob, [place for place in beside if seen.prob[place] > 0.5], on)
    missed, taken = [place for place in on if prob[place] <= 0.5], [place for place in beside if prob[place] > 0.5]
    if not missed and not taken:
        return replace(seen, prob=prob)
    side = len(prob)
    add, remove = distance(missed, side), distance(taken, side)
    prob[(add <= DISC) & (add <= distance(beside, side))] = 1
    prob[(remove <= DISC) & (remove < distance(on, side))] = 0
    doubt = DOUBT if 2 * (len(missed) + len(taken)) > len(on) + len(beside) else 1.0
    return replace(seen, prob=prob, iou=doubt * seen.iou)


def places(prompt: Prompt, seen: Observation) -> tuple[list[Place], list[Place]]:
    """Of the clicks on the object and of those beside it, in the mask; what the crop does not show has no place."""
    side = len(seen.prob)

    def of(clicks: Iterable[Point]) -> list[Place]:
        found = (into((x, y, 0, 0), seen.crop, side) for x, y in clicks)
        whole = [(math.floor(y), math.floor(x)) for x, y, _, _ in found]
        return [(row, column) for row, column in whole if 0 <= row < side and 0 <= column < side]

    return of(prompt.positive), of(prompt.negative)


def distance(targets: Iterable[Place], side: int) -> np.ndarray:
    """From each pixel of a map to the nearest of the places: (side, side) float32; infinite where there is none."""
    rows, columns = np.mgrid[:side, :side].astype(np.float32)
    nearest = np.full((side, side), np.inf, np.float32)
    for row, column in targets:
        nearest = np.minimum(nearest, np.hypot(rows - row, columns - column))
    return nearest


def clicked(patch: Patch, on: Collection[Point], beside: Collection[Point]) -> Patch:
    """The patch, of which the clicked pixels themselves are set: a mask is less sharp than the frame."""
    if not on and not beside:
        return patch
    prob = patch.prob.copy()
    height, width = prob.shape
    for points, value in ((on, 255), (beside, 0)):
        for x, y in points:
            column, row = math.floor(x) - patch.x, math.floor(y) - patch.y
            if 0 <= row < height and 0 <= column < width:
                prob[row, column] = value
    return replace(patch, prob=prob)
