"""The square through which an object is seen, and the ways into it and back.

The cost of the network does not grow with the video, small objects are seen large, and places are canonical, which
is what a fully connected layer needs. Crops are whole pixels and may reach over the frame's edge.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from trackmask.data import Image, Patch

FILL = (124, 116, 104)  # the ImageNet mean: zero behind the encoder's normalisation
SCALE = 1.7  # side of the crop over the geometric mean of the box's sides
MARGIN = 1.2  # at least this much of the box's longer side
SMALLEST = 48  # pixels: below it, enlarging shows nothing new
SHRINK = 0.94  # a frame. A mask that lost a part must not shrink the crop, which would lose the rest


@dataclass(frozen=True)
class Crop:
    """A square of whole pixels in the frame."""

    x: int  # top left corner; may be negative
    y: int
    side: int


def square(x: float, y: float, side: float) -> Crop:
    """The crop of that side (pixels) around the centre (x, y)."""
    whole = max(round(side), 8)
    return Crop(round(x - whole / 2), round(y - whole / 2), whole)


def whole_frame(size: tuple[int, int]) -> Crop:
    """The smallest square that holds a whole frame of size (height, width)."""
    height, width = size
    return square(width / 2, height / 2, max(size))


def around(box: tuple[float, float, float, float], size: tuple[int, int], last: Crop | None = None) -> Crop:
    """The crop around a box (x, y, w, h; pixels) in a frame of size (height, width); `last` is the frame's before."""
    x, y, w, h = box
    side = max(SCALE * math.sqrt(w * h), MARGIN * max(w, h), SMALLEST)
    if last is not None:
        side = max(side, SHRINK * last.side)
    return square(x + w / 2, y + h / 2, min(side, max(size)))


def cut(image: Image, crop: Crop, size: int, fill: tuple[int, ...] | int = FILL) -> np.ndarray:
    """The crop of an image (H, W, 3) or mask (H, W), uint8, resized to (size, size); filled beyond the frame."""
    height, width = image.shape[:2]
    left, top = max(crop.x, 0), max(crop.y, 0)
    right, bottom = min(crop.x + crop.side, width), min(crop.y + crop.side, height)
    if right <= left or bottom <= top:
        return np.full((size, size, *image.shape[2:]), fill, np.uint8)
    inside = image[top:bottom, left:right]
    edges = (top - crop.y, crop.y + crop.side - bottom, left - crop.x, crop.x + crop.side - right)
    if any(edges):
        value = fill if isinstance(fill, tuple) else (fill,)
        inside = cv2.copyMakeBorder(inside, *edges, borderType=cv2.BORDER_CONSTANT, value=value)
    # Averaging where it shrinks: a large object in a large video would otherwise flicker from aliasing.
    how = cv2.INTER_AREA if crop.side > size else cv2.INTER_LINEAR
    return cv2.resize(inside, (size, size), interpolation=how)


def cut_mask(mask: np.ndarray, crop: Crop, size: int) -> np.ndarray:
    """The crop of a mask (H, W) bool as the network is given it: (size, size) float32 in [0, 1]."""
    return cut(mask.astype(np.uint8) * 255, crop, size, 0).astype(np.float32) / 255


def shift(old: Crop, new: Crop) -> tuple[float, float, float]:
    """(scale, x, y) that take a place of `new` to the place of `old`, both from -1 to 1 across the crop."""
    x = (2 * new.x + new.side - 2 * old.x - old.side) / old.side
    y = (2 * new.y + new.side - 2 * old.y - old.side) / old.side
    return new.side / old.side, x, y


def move(prob: np.ndarray, old: Crop, new: Crop) -> np.ndarray:
    """A map (s, s) float32 over `old` as a map over `new`; 0 where `old` did not reach."""
    size = prob.shape[0]
    scale, x, y = shift(old, new)
    middle = (size - 1) / 2  # pixel centres: index i lies at (i - middle) * 2 / size
    back = np.array(
        [[scale, 0, middle + x * size / 2 - scale * middle], [0, scale, middle + y * size / 2 - scale * middle]]
    )
    return cv2.warpAffine(prob, back, (size, size), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)


def paste(prob: np.ndarray, crop: Crop, size: tuple[int, int]) -> Patch | None:
    """A map (s, s) float32 in [0, 1] over the crop as a patch of the frame; None where the crop is all outside."""
    height, width = size
    left, top = max(crop.x, 0), max(crop.y, 0)
    right, bottom = min(crop.x + crop.side, width), min(crop.y + crop.side, height)
    if right <= left or bottom <= top:
        return None
    full = cv2.resize((prob * 255).round().astype(np.uint8), (crop.side, crop.side), interpolation=cv2.INTER_LINEAR)
    return Patch(left, top, full[top - crop.y : bottom - crop.y, left - crop.x : right - crop.x])
