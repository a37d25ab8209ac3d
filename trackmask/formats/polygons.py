"""Masks as polygons, and back.

Polygons run along the edges of pixels: the pixel in the top left corner is (0,0) (1,0) (1,1) (0,1), so that even one
pixel has its area. A hole is joined to the outline around it by a cut of no width, since most formats know no holes.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial

import cv2
import numpy as np

from trackmask.data import box_of
from trackmask.errors import DataError
from trackmask.formats.limits import MAX_CORNERS
from trackmask.formats.shape import Size

Ring = np.ndarray  # (N, 2) float64, x and y in pixels; the last point is not the first one again
Trace = Callable[[np.ndarray, float], list[Ring]]  # a (H, W) bool mask, which is not empty, and a tolerance in pixels
Paint = Callable[[Sequence[Ring], Size], np.ndarray]  # (H, W) bool

KEPT = 0.98  # IoU with the mask that simplifying must leave


class Outlines:
    """Turns masks into polygons, and remembers what simplifying lost."""

    def __init__(self, tolerance: float, trace: Trace | None = None, paint: Paint | None = None) -> None:
        """`tolerance` in pixels; `trace` and `paint`: the rule that the other side reads polygons by [along edges]."""
        self._tolerance, self._trace, self._paint = tolerance, trace or edges, paint or fill
        self._count, self._sum, self._worst = 0, 0.0, 1.0

    def of(self, mask: np.ndarray) -> list[Ring]:
        """The parts of a (H, W) bool mask, the largest one first. Simplified less where IoU would fall below KEPT."""
        box = box_of(mask)
        if box is None:
            return []
        x, y, w, h = box
        crop = mask[y : y + h, x : x + w]
        tolerance = self._tolerance
        while True:
            rings = self._trace(crop, tolerance)
            iou = overlap(self._paint(rings, crop.shape), crop)
            if iou >= KEPT or tolerance == 0:
                break
            tolerance = tolerance / 2 if tolerance > 0.2 else 0.0
        self._count, self._sum, self._worst = self._count + 1, self._sum + iou, min(self._worst, iou)
        return [ring + np.array([x, y]) for ring in rings]

    def report(self) -> list[str]:
        if not self._count:
            return []
        return [f"{self._count} polygons keep an IoU of {self._sum / self._count:.4f}, {self._worst:.4f} at worst"]


def drawn(rings: Sequence[Ring]) -> Callable[[Size], np.ndarray]:
    """What paints the polygons of one object into a frame. DataError where they are none, or too many corners."""
    if not rings or min(map(len, rings)) < 3 or sum(map(len, rings)) > MAX_CORNERS:
        raise DataError(f"a polygon has 3 to {MAX_CORNERS} points; draw it again")
    return partial(fill, rings)


def fill(rings: Iterable[Ring], size: Size) -> np.ndarray:
    """(H, W) bool: the pixels whose centres lie in an odd number of turns of one of the rings. Points are finite."""
    height, width = size
    mask = np.zeros((height, width), bool)
    for ring in rings:
        left, top = np.maximum(np.floor(ring.min(0)), 0).astype(int).tolist()
        right, bottom = np.minimum(np.ceil(ring.max(0)), (width, height)).astype(int).tolist()
        if left < right and top < bottom:
            mask[top:bottom, left:right] |= _inside(ring - (left, top), (bottom - top, right - left))
    return mask


def _inside(ring: Ring, size: Size) -> np.ndarray:
    """(H, W) bool of one ring: in each row, every edge that is crossed turns what lies right of it."""
    height, width = size
    crossed = np.zeros((height, width + 1), np.uint8)
    for (x0, y0), (x1, y1) in zip(ring.tolist(), np.roll(ring, -1, 0).tolist(), strict=True):
        if y0 == y1:
            continue
        top, bottom = sorted((y0, y1))
        rows = np.arange(max(math.ceil(top - 0.5), 0), min(math.ceil(bottom - 0.5), height))
        at = x0 + (rows + 0.5 - y0) * (x1 - x0) / (y1 - y0)
        crossed[rows, np.clip(np.ceil(at - 0.5), 0, width).astype(int)] ^= 1
    inside: np.ndarray = np.bitwise_xor.accumulate(crossed, axis=1)[:, :width].astype(bool)
    return inside


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """IoU of two masks of the same size; 1 where both are empty."""
    union = np.count_nonzero(one | other)
    return np.count_nonzero(one & other) / union if union else 1.0


def joined(rings: Sequence[Ring]) -> Ring:
    """Several rings as one, joined by cuts of no width. At least one ring."""
    whole = rings[0]
    for ring in rings[1:]:
        whole = _bridge(whole, ring)
    return whole


def edges(mask: np.ndarray, tolerance: float) -> list[Ring]:
    """Along the edges of a (H, W) mask's pixels: one ring a part, holes joined in, by falling area."""
    # In a picture of twice the size contours run through the middles of quarter pixels: rounded up, the edges.
    double = np.repeat(np.repeat(mask.astype(np.uint8), 2, 0), 2, 1)
    return _polygons(double, lambda contour: _simple(_edge(contour), tolerance), least=3)


def centres(mask: np.ndarray, tolerance: float) -> list[Ring]:
    """The same through the middles of the outermost pixels. Of a part that is a line or a pixel, 2 points or 1."""
    return _polygons(mask.astype(np.uint8), lambda contour: _simple(contour.reshape(-1, 2), tolerance) + 0.5, least=1)


def _polygons(picture: np.ndarray, simple: Callable[[np.ndarray], Ring], least: int) -> list[Ring]:
    """Contours as polygons; those of fewer than `least` points are left out."""
    contours, tree = cv2.findContours(picture, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    rings = [simple(contour) for contour in contours]
    parts = []
    for place, (_, _, child, parent) in enumerate(tree.reshape(-1, 4)):
        if parent >= 0 or len(rings[place]) < least:
            continue
        holes = []
        while child >= 0:
            holes += [rings[child]] if len(rings[child]) >= 3 else []
            child = tree.reshape(-1, 4)[child][0]
        parts.append((cv2.contourArea(contours[place]), joined([rings[place], *holes])))
    return [ring for _, ring in sorted(parts, key=lambda part: -part[0])]


def _edge(contour: np.ndarray) -> np.ndarray:
    edge = (contour.reshape(-1, 2) + 1) // 2
    kept: np.ndarray = edge[(edge != np.roll(edge, 1, 0)).any(1)]
    return kept


def _simple(contour: np.ndarray, tolerance: float) -> Ring:
    """(N, 2) whole numbers."""
    if tolerance > 0 and len(contour) > 4:
        contour = cv2.approxPolyDP(contour.astype(np.int32), tolerance, closed=True).reshape(-1, 2)
    ring: Ring = contour.astype(np.float64)
    return ring


def _bridge(outer: Ring, inner: Ring) -> Ring:
    """From a point of `outer` near `inner` over to it, once around it, and back."""
    start = _nearest(inner, outer[_nearest(outer, inner[0])])
    at = _nearest(outer, inner[start])
    return np.concatenate([outer[: at + 1], inner[start:], inner[: start + 1], outer[at:]])


def _nearest(ring: Ring, point: np.ndarray) -> int:
    x, y = (ring - point).T
    return int((x * x + y * y).argmin())
