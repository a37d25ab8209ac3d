"""Colours of the objects, and pictures of masks for people."""

from functools import cache
from typing import Literal, get_args

import cv2
import numpy as np

from trackmask.data import Image, Labels

Style = Literal["fill", "outline", "cutout"]
STYLES: tuple[Style, ...] = get_args(Style)

GREY = 128  # behind a cut-out: light and dark objects both stand out from it
_TINT = 0.5  # of the object's colour in a filled mask: the object under it can still be judged
_LINE = 360  # rows of the frame a pixel of contour: 1 at 480p, 3 at 1080p


@cache
def palette() -> np.ndarray:
    """The colours of the ids 0..255 in PASCAL VOC and DAVIS: (256, 3) uint8, RGB, read only.

    The rule: of an id's bits, every third goes to the same channel, the lowest ones to the channel's highest places.
    """
    ids = np.arange(256, dtype=np.uint8)
    colours = np.zeros((256, 3), np.uint8)
    for bit in range(8):
        colours[:, bit % 3] |= (ids >> bit & 1) << (7 - bit // 3)
    colours.flags.writeable = False
    return colours


def overlay(image: Image, labels: Labels, style: Style = "fill") -> Image:
    """A new picture of the masks: `labels` (H, W) uint8 over `image` (H, W, 3) uint8 RGB; the input is left alone.

    "fill" tints each object in its colour and draws its contour, "outline" draws the contour alone, "cutout" shows
    nothing but the objects. The contour lies within the mask. Raises ValueError where sizes or style do not fit.
    """
    if style not in STYLES:
        raise ValueError(f"style must be one of {', '.join(STYLES)}, got {style!r}")
    if image.shape != (*labels.shape, 3):
        raise ValueError(f"image must be {(*labels.shape, 3)} as the labels are, got {image.shape}")
    if style == "cutout":
        result = np.full_like(image, GREY)
        cv2.copyTo(image, labels, result)
        return result
    result = image.copy()
    line = max(1, round(len(image) / _LINE))
    _paint(result, labels, line if style == "fill" else 2 * line, tint=style == "fill")
    return result


def _paint(image: Image, labels: Labels, line: int, *, tint: bool) -> None:
    """Draw into `image`, in the rectangle around all masks only: the rest stays as it is and costs nothing."""
    x, y, w, h = cv2.boundingRect(labels)
    if not w:
        return
    # With a rim of background: the contour is where a pixel differs from one nearby.
    around = np.s_[max(y - line, 0) : y + h + line, max(x - line, 0) : x + w + line]
    ids, part = np.ascontiguousarray(labels[around]), image[around]
    colours = cv2.applyColorMap(ids, palette().reshape(256, 1, 3))
    if tint:
        cv2.copyTo(cv2.addWeighted(part, 1 - _TINT, colours, _TINT, 0), ids, part)
    edges = cv2.morphologyEx(ids, cv2.MORPH_GRADIENT, np.ones((2 * line + 1, 2 * line + 1), np.uint8))
    cv2.copyTo(colours, cv2.min(edges, ids), part)
