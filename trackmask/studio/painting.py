"""Strokes and polygons as pixels."""

from collections.abc import Iterable

import cv2
import numpy as np

from trackmask.studio.acts import Act

_FINE = 4  # bits behind the point of OpenCV's coordinates: a sixteenth of a pixel
_EDGE = 0.5  # pixels: OpenCV fills what its outline touches, too; so much less, and areas are right


def painted(mask: np.ndarray, acts: Iterable[Act]) -> np.ndarray:
    """A mask (H, W) bool after strokes and polygons; the input is left alone."""
    result = mask.astype(np.uint8)
    for act in acts:
        # A point (x, y) lies in the pixel (floor(x), floor(y)), whose middle OpenCV calls (floor(x), floor(y)).
        points = np.round((np.array(act["points"], np.float64).reshape(-1, 2) - 0.5) * (1 << _FINE)).astype(np.int32)
        if act["do"] == "polygon":
            cv2.fillPoly(result, [points], int(act["add"]), cv2.LINE_8, _FINE)
        else:
            _brush(result, points, max(float(act["radius"]) - _EDGE, 0.0), int(act["add"]))
    return result.astype(bool)


def _brush(mask: np.ndarray, points: np.ndarray, radius: float, value: int) -> None:
    """A round brush along a line."""
    for point in points:
        cv2.circle(mask, tuple(map(int, point)), round(radius * (1 << _FINE)), value, cv2.FILLED, cv2.LINE_8, _FINE)
    for (x1, y1), (x2, y2) in zip(points[:-1].tolist(), points[1:].tolist(), strict=True):
        across = np.array([y1 - y2, x2 - x1], np.float64)
        length = float(np.hypot(*across))
        if length:
            side = across / length * radius * (1 << _FINE)
            one, other = np.array((x1, y1)), np.array((x2, y2))
            band = np.round(np.array((one + side, other + side, other - side, one - side)))
            cv2.fillConvexPoly(mask, band.astype(np.int32), value, cv2.LINE_8, _FINE)
