"""How boxes and clicks look to the network: two maps over the crop at a quarter of its size.

Map 0: clicks on the object. Map 1: what is surely not the object: clicks beside it, and all outside of a box.
The same functions serve training and tracking, so that the two cannot differ.
"""

from collections.abc import Iterable

import cv2
import numpy as np

from trackmask.prompts import Prompt
from trackmask.tracking.crop import Crop, into

STRIDE = 4
RADIUS = 2.0  # of a click, in the map's pixels (standard deviation)


def box_map(box: tuple[float, float, float, float], size: int) -> np.ndarray:
    """A box (x, y, w, h) in pixels of a crop of `size` pixels → (2, size/4, size/4) float32 in [0, 1]."""
    outside = np.full((size, size), 255, np.uint8)
    x, y, w, h = (round(v) for v in box)
    outside[max(y, 0) : max(y + h, 0), max(x, 0) : max(x + w, 0)] = 0
    small = cv2.resize(outside, (size // STRIDE, size // STRIDE), interpolation=cv2.INTER_AREA)
    return np.stack((np.zeros_like(small), small)).astype(np.float32) / 255


def click_maps(
    positive: Iterable[tuple[float, float]], negative: Iterable[tuple[float, float]], size: int
) -> np.ndarray:
    """Clicks (x, y) in pixels of a crop of `size` pixels → (2, size/4, size/4) float32 in [0, 1]."""
    return np.stack([blobs(clicks, size // STRIDE) for clicks in (positive, negative)])


def blobs(clicks: Iterable[tuple[float, float]], size: int) -> np.ndarray:
    """A bell of height 1 at each click, (size, size) float32; clicks in pixels of the crop."""
    y, x = np.mgrid[:size, :size].astype(np.float32)
    result = np.zeros((size, size), np.float32)
    for cx, cy in clicks:
        far = (x + 0.5 - float(cx) / STRIDE) ** 2 + (y + 0.5 - float(cy) / STRIDE) ** 2
        result = np.maximum(result, np.exp(-far / (2 * RADIUS**2)))
    return result


def prompt_maps(prompt: Prompt, crop: Crop, size: int) -> np.ndarray:
    """A prompt's box and clicks, in pixels of the frame, as the network sees them in a crop that is resized to `size`:
    (2, size/4, size/4) float32 in [0, 1].
    """
    positive, negative = (
        [into((x, y, 0, 0), crop, size)[:2] for x, y in clicks] for clicks in (prompt.positive, prompt.negative)
    )
    result = click_maps(positive, negative, size)
    if prompt.box is not None:
        result = np.maximum(result, box_map(into(prompt.box, crop, size), size))
    return result
