"""Where a new shot begins: two pictures in a row that have too little in common to be of one shot.

A film's pictures change little from one to the next, whatever moves in them: the colours of most places stay. So each
picture is made small, and the colours in each of 3 x 3 fields are compared with those of the picture before. A flash, a
covered lens and a very fast pan look the same as a cut, which does no harm: what was followed is looked for everywhere.
"""

import cv2
import numpy as np

from trackmask.data import Image

# Least distance of a cut. In 30 clips of DAVIS 2016's training set it is at most 0.16 from each picture to the next, at
# most 0.20 to the next but one (but for a duck in front of a whirling camera: 0.33). Between two of these clips or of
# eight of VSB100, 1,406 pairs of pictures, it is at least 0.20, and over 0.25 for 99.9 % of them.
CUT = 0.25
SMALL = 64, 36  # pixels, width and height of what is compared
FIELDS = 3  # a side
LEVELS = 8  # of L*, a* and b* each, in 8 bits


class Shots:
    """Is told each picture of a video in its order, or in the reverse one, and says where a new shot begins."""

    def __init__(self) -> None:
        self.last: np.ndarray | None = None  # the `colours` of the picture before

    def begins(self, image: Image) -> bool:
        """Whether the picture, (H, W, 3) uint8 RGB, is of another shot than the one before; False for the first."""
        last, self.last = self.last, colours(image)
        return last is not None and distance(last, self.last) > CUT


def colours(image: Image) -> np.ndarray:
    """The square roots of the shares of each colour in each field, (9, 512) float64."""
    # Nine pixels for each are enough: to average all of them takes longer than all the rest.
    few = cv2.resize(image, (3 * SMALL[0], 3 * SMALL[1]), interpolation=cv2.INTER_NEAREST)
    small = cv2.resize(few, SMALL, interpolation=cv2.INTER_AREA)
    level = cv2.cvtColor(small, cv2.COLOR_RGB2LAB).astype(np.intp) * LEVELS // 256
    colour = (level[..., 0] * LEVELS + level[..., 1]) * LEVELS + level[..., 2]
    row, column = (np.arange(side) * FIELDS // side for side in colour.shape)
    place = (row[:, None] * FIELDS + column) * LEVELS**3 + colour
    counts = np.bincount(place.ravel(), minlength=FIELDS**2 * LEVELS**3).reshape(FIELDS**2, -1)
    shares: np.ndarray = np.sqrt(counts / counts.sum(1, keepdims=True))
    return shares


def distance(one: np.ndarray, other: np.ndarray) -> float:
    """One minus the Bhattacharyya coefficient of two pictures' `colours`, the median of the fields, in [0, 1]."""
    return float(np.median(1 - (one * other).sum(1)))
