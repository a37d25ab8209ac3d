"""What a person gives in the first frame: a box, clicks, or nothing; and clicks that put right what is wrong.

The careful clicks (`next_click`) serve the training and the benchmark alike.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from trackmask.data import box_of
from trackmask.tracking.prompt_maps import box_map, click_maps
from trackmask.training.scenes import Random


@dataclass(frozen=True)
class Click:
    """A place in pixels, and whether it lies on the object or beside it."""

    x: int
    y: int
    positive: bool


def next_click(found: np.ndarray, truth: np.ndarray) -> Click | None:
    """Deepest inside of the largest connected error of a mask, (H, W) bool each; None where there is none.

    With nothing found that is deepest inside of the object's largest part.
    """
    worst, positive = largest_part(truth & ~found), True
    wrong = largest_part(found & ~truth)
    if np.count_nonzero(wrong) > np.count_nonzero(worst):
        worst, positive = wrong, False
    if not worst.any():
        return None
    x, y = deepest(worst)
    return Click(x, y, positive)


def largest_part(mask: np.ndarray) -> np.ndarray:
    """The largest connected part of a mask (H, W) bool."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    if len(stats) < 2:
        return mask
    part: np.ndarray = labels == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    return part


def deepest(mask: np.ndarray) -> tuple[int, int]:
    """The pixel (x, y) of a mask (H, W) bool that is farthest from its edge; the picture's edge is one."""
    inside = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    y, x = np.unravel_index(int(inside.argmax()), inside.shape)
    return int(x), int(y)


def prompt_kind(rng: Random, alone: bool) -> str:
    """What the first frame comes with; nothing only where the object is alone."""
    return str(rng.choice(("box", "clicks", "none"), p=(0.3, 0.3, 0.4) if alone else (0.5, 0.5, 0.0)))


def first_prompt(rng: Random, kind: str, mask: np.ndarray, rival: np.ndarray) -> np.ndarray:
    """What the network is given in the first frame, without a reference: prompt maps (2, S/4, S/4) of a `prompt_kind`.

    mask, rival (S, S) bool.
    """
    size = mask.shape[0]
    box = box_of(mask)
    if kind == "none" or box is None:
        return np.zeros((2, size // 4, size // 4), np.float32)
    if kind == "box":
        x, y, w, h = box
        left, right = rng.normal(0, 0.06, 2) * w
        top, bottom = rng.normal(0, 0.06, 2) * h
        return box_map((x + left, y + top, max(w - left + right, 4), max(h - top + bottom, 4)), size)
    return click_maps(*simulated_clicks(rng, mask, rival), size)


def simulated_clicks(rng: Random, mask: np.ndarray, rival: np.ndarray) -> tuple[list, list]:
    """Clicks as people make them: well inside the object; now and then some beside it, on what could be taken for it.
    (x, y) in pixels.
    """
    inside = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 3)
    near = cv2.dilate(mask.astype(np.uint8), np.ones((41, 41), np.uint8)).astype(bool) & ~mask
    if rival.any() and rng.random() < 0.7:
        near = rival & ~mask

    def pick(where: np.ndarray, count: int) -> list:
        y, x = np.nonzero(where)
        return [(x[i], y[i]) for i in rng.integers(0, len(x), count)] if len(x) else []

    positive = pick(inside >= 0.5 * inside.max(), 1) + pick(mask, int(rng.integers(0, 4)))
    return positive, pick(near, int(rng.integers(0, 3)) if rng.random() < 0.5 else 0)
