"""The window through which an object is seen, and the ways into it and back.

The cost of the network does not grow with the video, small objects are seen large, and places are canonical, which
is what a fully connected layer needs. A crop is a square around the object, less what lies outside of the frame: the
network sees it as a square again, stretched, since pixels count more than proportions.
"""

import math
from dataclasses import dataclass, field

import cv2
import numpy as np

from trackmask.data import Image, Patch
from trackmask.prompts import Box

FILL = (124, 116, 104)  # the ImageNet mean: zero behind the encoder's normalisation
SCALE = 1.7  # side of the crop over the geometric mean of the box's sides
MARGIN = 1.2  # at least this much of the box's longer side
STRETCH = 1.8  # at most, of a crop that is no square: a little more than a whole frame of 16:9
SMALLEST = 48  # pixels: below it, enlarging shows nothing new
SHRINK = 0.97  # a frame. A mask that lost a part must not shrink the crop, which would lose the rest


@dataclass(frozen=True)
class Crop:
    """A rectangle of whole pixels in the frame; it may reach over the frame's edge."""

    x: int  # top left corner; may be negative
    y: int
    width: int
    height: int
    square: int = field(default=0, compare=False)  # side of the square that it is the rest of, if it is

    @property
    def side(self) -> int:
        """Of the square around it."""
        return max(self.square, self.width, self.height)

    @property
    def middle(self) -> tuple[float, float]:
        return self.x + self.width / 2, self.y + self.height / 2


def rectangle(x: float, y: float, width: float, height: float) -> Crop:
    """The crop of those sides (pixels) around the centre (x, y)."""
    across, down = max(round(width), 8), max(round(height), 8)
    return Crop(round(x - across / 2), round(y - down / 2), across, down)


def square(x: float, y: float, side: float) -> Crop:
    """The crop of that side (pixels) around the centre (x, y)."""
    return rectangle(x, y, side, side)


def within(crop: Crop, size: tuple[int, int]) -> Crop:
    """The part of a crop that lies within a frame of size (height, width), as far as STRETCH allows."""
    height, width = size
    least = math.ceil(crop.side / STRETCH)
    left, across = overlap(crop.x, crop.width, width, least)
    top, down = overlap(crop.y, crop.height, height, least)
    return Crop(left, top, across, down, crop.side)


def overlap(start: int, length: int, end: int, least: int) -> tuple[int, int]:
    """Start and length of what [start, start + length) has in common with [0, end); at least so many of its pixels,
    as evenly around that as they are there.
    """
    left = max(start, 0)
    common = min(start + length, end) - left
    least = min(least, length)
    if common < least:
        left = min(max(left - (least - common) // 2, start), start + length - least)
    return left, max(common, least)


def whole_frame(size: tuple[int, int]) -> Crop:
    """The crop that holds a whole frame of size (height, width)."""
    height, width = size
    return within(square(width / 2, height / 2, max(size)), size)


def around(box: tuple[float, float, float, float], size: tuple[int, int], last: Crop | None = None) -> Crop:
    """The crop around a box (x, y, w, h; pixels) in a frame of size (height, width); `last` is the frame's before."""
    x, y, w, h = box
    side = max(SCALE * math.sqrt(w * h), MARGIN * max(w, h), SMALLEST)
    if last is not None:
        side = max(side, SHRINK * last.side)
    return within(square(x + w / 2, y + h / 2, min(side, max(size))), size)


def shown(crop: Crop, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Left, top, right and bottom (the last two exclusive) of what the crop shows of a frame of size (height, width).
    Where it shows nothing, right <= left or bottom <= top.
    """
    height, width = size
    return max(crop.x, 0), max(crop.y, 0), min(crop.x + crop.width, width), min(crop.y + crop.height, height)


def cut(image: Image, crop: Crop, size: int, fill: tuple[int, ...] | int = FILL) -> np.ndarray:
    """The crop of an image (H, W, 3) or mask (H, W), uint8, resized to (size, size); filled beyond the frame."""
    left, top, right, bottom = shown(crop, image.shape[:2])
    if right <= left or bottom <= top:
        return np.full((size, size, *image.shape[2:]), fill, np.uint8)
    inside = image[top:bottom, left:right]
    edges = (top - crop.y, crop.y + crop.height - bottom, left - crop.x, crop.x + crop.width - right)
    if any(edges):
        value = fill if isinstance(fill, tuple) else (fill,)
        inside = cv2.copyMakeBorder(inside, *edges, borderType=cv2.BORDER_CONSTANT, value=value)
    # Averaging where it shrinks: a large object in a large video would otherwise flicker from aliasing.
    how = cv2.INTER_AREA if crop.width * crop.height > size * size else cv2.INTER_LINEAR
    return cv2.resize(inside, (size, size), interpolation=how)


def cut_mask(mask: np.ndarray, crop: Crop, size: int) -> np.ndarray:
    """The crop of a mask (H, W) bool as the network is given it: (size, size) float32 in [0, 1]."""
    return cut(mask.astype(np.uint8) * 255, crop, size, 0).astype(np.float32) / 255


def shift(old: Crop, new: Crop) -> tuple[float, float, float, float]:
    """(width, height, x, y): a place of `new` times (width, height) plus (x, y) is the place of `old`, both from -1 to
    1 across the crop.
    """
    x, y = (2 * (now - then) for now, then in zip(new.middle, old.middle, strict=True))
    return new.width / old.width, new.height / old.height, x / old.width, y / old.height


def move(prob: np.ndarray, old: Crop, new: Crop) -> np.ndarray:
    """A map (s, s) float32 over `old` as a map over `new`; 0 where `old` did not reach."""
    size = prob.shape[0]
    width, height, x, y = shift(old, new)
    middle = (size - 1) / 2  # pixel centres: index i lies at (i - middle) * 2 / size
    back = np.array(
        [[width, 0, middle + x * size / 2 - width * middle], [0, height, middle + y * size / 2 - height * middle]]
    )
    return cv2.warpAffine(prob, back, (size, size), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)


def paste(prob: np.ndarray, crop: Crop, size: tuple[int, int]) -> Patch | None:
    """A map (s, s) float32 in [0, 1] over the crop as a patch of the frame; None where the crop is all outside."""
    left, top, right, bottom = shown(crop, size)
    if right <= left or bottom <= top:
        return None
    sides = crop.width, crop.height
    full = cv2.resize((prob * 255).round().astype(np.uint8), sides, interpolation=cv2.INTER_LINEAR)
    return Patch(left, top, full[top - crop.y : bottom - crop.y, left - crop.x : right - crop.x])


def into(box: Box, crop: Crop, size: int) -> Box:
    """A box in pixels of the frame, in pixels of the crop as it is resized to `size`."""
    across, down = size / crop.width, size / crop.height
    x, y, w, h = box
    return (x - crop.x) * across, (y - crop.y) * down, w * across, h * down


def out_of(box: Box, crop: Crop, size: int) -> Box:
    """A box in pixels of a map of `size` over the crop, in pixels of the frame."""
    across, down = crop.width / size, crop.height / size
    x, y, w, h = box
    return crop.x + x * across, crop.y + y * down, w * across, h * down


def continued(box: Box, prob: np.ndarray, crop: Crop, size: tuple[int, int]) -> Box:
    """The box (x, y, w, h; pixels of a frame of `size`) of a soft mask (s, s) over the crop, as it may go on where the
    crop's edge cuts it: by the length of the cut, no further than the frame.
    """
    known, height, width = prob > 0.5, *size
    down, across = crop.height / len(prob), crop.width / len(prob)
    left, right = (down * np.count_nonzero(known[:, edge]) for edge in (0, -1))
    above, below = (across * np.count_nonzero(known[edge]) for edge in (0, -1))
    x, y, w, h = box
    start, top = max(x - left, min(x, 0)), max(y - above, min(y, 0))
    end, bottom = min(x + w + right, max(x + w, width)), min(y + h + below, max(y + h, height))
    return start, top, end - start, bottom - top
