"""HOG and a linear SVM as a tracker: what came before learned features.

Histograms of oriented gradients (Dalal and Triggs, CVPR 2005) describe a window; a linear support vector machine,
trained on the first frame alone, tells the object's window from those around it. A window slides around the last
place at a few scales; the best one is the object's box, and carries the first mask.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np

from trackmask.data import Labels, box_of
from trackmask.evaluation.baselines import likeliest, need_mask
from trackmask.evaluation.dataset import Clip
from trackmask.extras import need

CELL = 4  # pixels a side of a histogram's cell, in the picture scaled so that ...
OBJECT = 64  # ... the longer side of the object's first box has so many
BLOCK = 2  # cells a side that are normalised together
BINS = 9  # orientations
REACH = 2.0  # sides of the searched region over those of the box
STEPS = (0.97, 1.0, 1.03)  # change of scale from frame to frame
SMALLEST, LARGEST = 0.3, 3.0  # scale, against the first frame
SHIFTS = (-CELL / 2, 0.0, CELL / 2)  # pixels: the first frame is seen so, too, since objects move by parts of a cell
NEGATIVES = 60  # windows of the surroundings, a view of the first frame
OVERLAP, APART = 0.8, 0.5  # IoU with the object's box: above, a window is the object; below, it is not
COST = 0.01  # the SVM's C


class Place(NamedTuple):
    """Of an object's box, in the scaled picture."""

    x: float  # centre, pixels
    y: float
    scale: float  # of its sides, against the first frame


class HogSvm:
    """A `baselines.Method`, for masks. Needs scikit-image and scikit-learn; ExtraError where they are missing."""

    def __init__(self, seed: int = 0) -> None:
        need("lab", "the method hog-svm", "skimage", "sklearn")
        self.seed = seed

    def __call__(self, clip: Clip, prompt: str) -> Iterator[Labels]:
        need_mask(prompt)
        return self._track(clip, clip.first_mask())

    def _track(self, clip: Clip, first: Labels) -> Iterator[Labels]:
        ids = np.unique(first[first > 0])
        windows = [Window(first == one, self.seed) for one in ids]
        for frame in clip.frames():
            grey = cv2.cvtColor(frame.image, cv2.COLOR_RGB2GRAY)
            for window in windows:
                move = window.follow if frame.index else window.learn
                move(grey)
            yield likeliest([window.mask() for window in windows], ids)


class Window:
    """One object: its box, what tells it from its surroundings, and the mask that it carries."""

    def __init__(self, mask: np.ndarray, seed: int) -> None:
        """`mask` (H, W) bool, not empty: the object in the first frame."""
        x, y, w, h = box_of(mask)  # type: ignore[misc]  # there is one, since the mask is not empty
        self.unit = max(w, h) / OBJECT  # pixels of the frame in one of the scaled picture
        self.first = mask.astype(np.float32)
        self.start = self.place = Place((x + w / 2) / self.unit, (y + h / 2) / self.unit, 1.0)
        self.cells = tuple(max(round(side / self.unit / CELL), 2 * BLOCK) for side in (h, w))
        self.region = tuple(2 * round(REACH * side / 2) - side % 2 for side in self.cells)  # the same middle
        self.random = np.random.default_rng(seed)
        self.weights = np.empty(0)

    def learn(self, grey: np.ndarray) -> None:
        """Train on the first frame, (H, W) uint8."""
        from sklearn.svm import LinearSVC

        small = self._scaled(grey)
        x, y, _ = self.start
        views = [(Place(x + dx, y + dy, step), dx, dy, step) for dx in SHIFTS for dy in SHIFTS for step in STEPS]
        seen = [self._examples(small, *view) for view in views]
        samples, labels = (np.concatenate(part) for part in zip(*seen, strict=True))
        svm = LinearSVC(C=COST, class_weight="balanced", random_state=int(self.random.integers(1 << 31)))
        self.weights = svm.fit(samples, labels).coef_[0].astype(np.float32)

    def follow(self, grey: np.ndarray) -> None:
        """Move to the best window of the next frame, (H, W) uint8."""
        small = self._scaled(grey)
        best = -np.inf
        for step in STEPS:
            at = self.place._replace(scale=float(np.clip(self.place.scale * step, SMALLEST, LARGEST)))
            windows = self._windows(small, at)
            scores = windows.reshape(*windows.shape[:2], -1) @ self.weights
            row, column = np.unravel_index(int(scores.argmax()), scores.shape)
            if scores[row, column] > best:
                best = scores[row, column]
                dy, dx = (CELL * at.scale * (i - (n - 1) / 2) for i, n in zip((row, column), scores.shape, strict=True))
                found = Place(at.x + dx, at.y + dy, at.scale)
        self.place = found

    def mask(self) -> np.ndarray:
        """The first mask where the box is now: (H, W) float32 in [0, 1]."""
        scale = 1 / self.place.scale
        x, y = ((a - b * scale) * self.unit for a, b in zip(self.start[:2], self.place[:2], strict=True))
        back = np.array([[scale, 0, x], [0, scale, y]])
        how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return cv2.warpAffine(self.first, back, self.first.shape[::-1], flags=how)

    def _scaled(self, grey: np.ndarray) -> np.ndarray:
        how = cv2.INTER_AREA if self.unit > 1 else cv2.INTER_LINEAR
        return cv2.resize(grey, None, fx=1 / self.unit, fy=1 / self.unit, interpolation=how)

    def _windows(self, small: np.ndarray, at: Place) -> np.ndarray:
        """The histograms of every window of the region around a place: (rows, columns, values ...) float32."""
        from skimage.feature import hog

        height, width = (CELL * side for side in self.region)
        across = np.array([[at.scale, 0, at.x - at.scale * width / 2], [0, at.scale, at.y - at.scale * height / 2]])
        how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        view = cv2.warpAffine(small, across, (width, height), flags=how, borderMode=cv2.BORDER_REPLICATE)
        blocks = hog(view, BINS, (CELL, CELL), (BLOCK, BLOCK), feature_vector=False).astype(np.float32)
        shape = [side - BLOCK + 1 for side in self.cells]
        return np.lib.stride_tricks.sliding_window_view(blocks, shape, (0, 1))

    def _examples(
        self, small: np.ndarray, at: Place, dx: float, dy: float, scale: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Windows of the first frame around a place that is off by (dx, dy) pixels: (n, values), and labels (n,)."""
        windows = self._windows(small, at)
        rows, columns = (CELL * scale * (np.arange(n) - (n - 1) / 2) for n in windows.shape[:2])
        height, width = (CELL * side for side in self.cells)
        tall = _overlap(rows + dy, height * scale, height)[:, None]
        wide = _overlap(columns + dx, width * scale, width)
        union = height * width * (1 + scale**2) - tall * wide
        iou = tall * wide / union
        good, bad = (np.argwhere(chosen) for chosen in (iou > OVERLAP, iou < APART))
        bad = bad[self.random.permutation(len(bad))[:NEGATIVES]]
        both = np.concatenate((good, bad))
        return windows[both[:, 0], both[:, 1]].reshape(len(both), -1), np.arange(len(both)) < len(good)


def _overlap(centres: np.ndarray, length: float, other: float) -> np.ndarray:
    """Of intervals of a length around each centre with one of length `other` around 0."""
    ends = np.minimum(centres + length / 2, other / 2) - np.maximum(centres - length / 2, -other / 2)
    return ends.clip(0)
