"""Region similarity J and contour accuracy F of one mask, and their summary over a clip, as DAVIS defines them.

Perazzi et al., "A Benchmark Dataset and Evaluation Methodology for Video Object Segmentation", CVPR 2016.
Masks are (H, W) bool, one object each. Void pixels are the caller's: false in both masks, they count for nothing.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

_BINS = 4  # decay compares the first and the last quarter of the frames


class Statistics(NamedTuple):
    """A measure over the frames of one object; shares and differences, not per cent."""

    mean: float  # [0, 1]
    recall: float  # [0, 1], share of the frames above 0.5
    decay: float  # [-1, 1], mean of the first quarter minus mean of the last: positive when it gets worse


def jaccard(prediction: np.ndarray, truth: np.ndarray) -> float:
    """Intersection over union of two (H, W) bool masks, in [0, 1]; 1 where both are empty."""
    union = np.count_nonzero(prediction | truth)
    return np.count_nonzero(prediction & truth) / union if union else 1.0


def boundary_f(prediction: np.ndarray, truth: np.ndarray, tolerance: float = 0.008) -> float:
    """How well the outlines of two (H, W) bool masks agree: harmonic mean of precision and recall, in [0, 1].

    A boundary pixel is right when one of the other mask's lies within `tolerance` times the image's diagonal, rounded
    up to whole pixels. 1 where neither mask has a boundary, 0 where only one has (a mask of the whole image has none).
    """
    ours, theirs = _boundary(prediction), _boundary(truth)
    found, wanted = cv2.countNonZero(ours), cv2.countNonZero(theirs)
    if not found or not wanted:
        return float(found == wanted)
    x, y, w, h = cv2.boundingRect(ours | theirs)  # outside of it there is nothing to match
    ours, theirs = ours[y : y + h, x : x + w], theirs[y : y + h, x : x + w]
    disk = _disk(math.ceil(tolerance * math.hypot(*truth.shape)))
    precision = cv2.countNonZero(ours & cv2.dilate(theirs, disk)) / found
    recall = cv2.countNonZero(theirs & cv2.dilate(ours, disk)) / wanted
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def statistics(values: Sequence[float]) -> Statistics:
    """Mean, recall and decay of one measure over an object's frames, in their order; at least one value."""
    series = np.asarray(values, np.float64)
    first, last = quarters(series)
    return Statistics(float(series.mean()), float((series > 0.5).mean()), float(first.mean() - last.mean()))


def quarters(series: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first and the last quarter of a series: DAVIS's bins share their border frames, and halves are rounded up."""
    borders = np.floor(np.linspace(1, len(series), _BINS + 1) + 0.5).astype(int) - 1
    return series[: borders[1] + 1], series[borders[-2] :]


def _boundary(mask: np.ndarray) -> np.ndarray:
    """(H, W) uint8, 1 where a pixel and its neighbours to the right, below and between are not all alike.

    The maximum and the minimum over that 2 x 2 window differ exactly there; what lies outside the image is left out.
    """
    return cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((2, 2), np.uint8), anchor=(0, 0))


def _disk(radius: int) -> np.ndarray:
    """(2r + 1, 2r + 1) uint8, 1 within `radius` of the centre (OpenCV's ellipse is another shape)."""
    y, x = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    return np.asarray(x * x + y * y <= radius * radius, np.uint8)
