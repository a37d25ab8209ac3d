"""Is it the object that was prompted? What it looks like, and how like that something else is.

Three things that err for different reasons are compared: the colours within the mask, the network's memory keys (what
its affinity looks things up by) and the encoder's features at stride 16. How like itself an object is from one time to
another differs: a bus is always the same, a dancer never. So each is measured by itself, as its confidence is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np

from trackmask.data import Image
from trackmask.tracking import crop as crops
from trackmask.tracking.memory import pool
from trackmask.tracking.segment import Observation

LEVELS = 6, 8, 8  # of L*, a* and b*
CELLS = 96  # of the object that are compared, at most: all of them (576) tell no more
# Over 30 clips of DAVIS 2016's training set, nine times each, against the first and the time before: an object's
# likeness to itself is 0.87 in the mean, 0.80 to 0.96 by object; as a share of that, 95 % of its looks are over 0.96,
# and none is below 0.87. In the other clips the tracker, told to take what it is two thirds as sure of as usual, took
# 1,540 things; half of them are below 0.71.
TYPICAL = 0.87  # likeness, before anything is known
STEADY = 0.9  # usual likeness, at most: neighbouring frames are more alike than what comes back ever is
USUAL = 0.2  # of its usual likeness is the last look's
# Shares of the usual likeness:
PROVEN = 0.94  # it is the object: 0.06 % of those things are above
ALIKE = 0.9  # it may be: 1.7 % are above, 0.7 % that are believed as well. Of its own looks 0.4 % are below, 2 % where
# half of it is hidden, 8 % where two thirds are
DOUBT = 0.85  # below it, what is followed may be something else
OTHER = 0.7  # below it, it surely is
ASK = 8  # frames after which it is asked again
PATIENCE = 2  # doubts in a row: what is being hidden by something for a moment looks unlike itself, too


@dataclass(frozen=True, eq=False)
class Appearance:
    """What an object looks like in one frame."""

    colours: np.ndarray  # (384,) float32: the square roots of the shares
    cells: tuple[np.ndarray, ...]  # of each kind of features, (n, C) float32: the object's cells, of length 1

    def likeness(self, other: Appearance) -> float:
        """[0, 1]: the mean of the Bhattacharyya coefficient and, for each kind of features, of how like each cell's
        likest one of the other is, both ways."""
        kinds = [float(self.colours @ other.colours)]
        for ours, theirs in zip(self.cells, other.cells, strict=True):
            cosines = np.einsum("ic,jc->ij", ours, theirs)  # not BLAS, whose sums depend on the number of its threads
            kinds.append(float(cosines.max(1).mean() + cosines.max(0).mean()) / 2)
        return sum(kinds) / len(kinds)


def appearance(image: Image, seen: Observation) -> Appearance | None:
    """What was seen in an image, (H, W, 3) uint8 RGB, looks like; None where the mask is empty."""
    inside = pool(seen.prob, 2) > 0.5
    if not inside.any():
        return None
    level = cv2.cvtColor(crops.cut(image, seen.crop, len(inside)), cv2.COLOR_RGB2LAB)[inside]
    place = level.astype(np.intp) * LEVELS // 256
    colour = (place[:, 0] * LEVELS[1] + place[:, 1]) * LEVELS[2] + place[:, 2]
    counts = np.bincount(colour, minlength=math.prod(LEVELS))
    shares = np.sqrt(counts / counts.sum()).astype(np.float32)
    kinds = seen.features.memory_key[0], seen.features.skip16[0]
    return Appearance(shares, tuple(object_cells(kind, seen.prob) for kind in kinds))


def object_cells(features: np.ndarray, prob: np.ndarray) -> np.ndarray:
    """(n, C) float32 of length 1: features (C, h, w) where the mask (s, s) is, evenly CELLS of them at most; the most
    likely place where it fills none."""
    known = pool(prob, len(prob) // features.shape[1]).ravel()
    places = np.flatnonzero(known > 0.5)
    if not len(places):
        places = np.array([known.argmax()])
    count = min(len(places), CELLS)
    cells = features.reshape(len(features), -1)[:, places[np.arange(count) * len(places) // count]].T
    return np.ascontiguousarray(cells / (np.linalg.norm(cells, axis=1, keepdims=True) + 1e-6))


@dataclass
class Identity:
    """What one object is known to look like, and whether what is seen is the object. Bounded but for its prompts."""

    prompted: tuple[Appearance | None, ...] = ()  # of each prompted frame, kept for ever; None where the mask is empty
    last: Appearance | None = None  # as it was surely seen last
    usual: float = TYPICAL  # likeness of what is surely the object
    same: float = 1.0  # [0, 1]: that what was seen last is the object
    proven: bool = True  # False: it was found again, and may still be a look-alike
    doubts: int = 0  # times in a row that what was followed did not look like it
    unasked: int = 0  # frames since its look was asked

    def anew(self) -> Self:
        """As it stands in the last prompted frame, which is all that it knows."""
        return type(self)(self.prompted[-1:], usual=self.usual)

    def joined(self, prompted: Self) -> Self:
        """As it stands in one more prompted frame: what is followed from there is the object."""
        return type(self)((*self.prompted, *prompted.prompted), usual=self.usual)

    def due(self) -> bool:
        """To be called once a frame: whether its look is to be asked in it."""
        self.unasked += 1
        return self.unasked >= ASK or not self.proven

    def find(self, seen: Appearance | None) -> bool:
        """Whether what is seen, after frames in which the object was not, may be the object."""
        likeness = self.likeness(seen)
        self.same, self.proven, self.doubts = sameness(likeness, ALIKE), likeness >= PROVEN, 0
        return likeness >= ALIKE

    def follow(self, seen: Appearance | None, sure: bool) -> bool:
        """Whether what is followed still is the object. Where the mask is `sure`, too, its look is learnt."""
        self.unasked = 0
        if not self.proven:
            return self.find(seen)
        self.same = sameness(self.likeness(seen), ALIKE if self.doubts else DOUBT)
        self.doubts = 0 if self.same == 1 else self.doubts + 1
        if sure and not self.doubts:
            self.learn(seen)
        return self.doubts < PATIENCE

    def likeness(self, seen: Appearance | None) -> float:
        """How like the object that is, as a share of how like itself it usually is; 1 where nothing is known of it."""
        return self._best(seen) / self.usual if any(self.prompted) else 1.0

    def learn(self, seen: Appearance | None) -> None:
        """That was surely the object."""
        if seen is not None and any(self.prompted):
            self.usual = min(self.usual + USUAL * (self._best(seen) - self.usual), STEADY)
            self.last = seen

    def _best(self, seen: Appearance | None) -> float:
        known = [one for one in (*self.prompted, self.last) if one is not None]
        return max(seen.likeness(one) for one in known) if seen else 0.0


def sameness(likeness: float, enough: float) -> float:
    """[0, 1]: how far that likeness, a share of the usual one, says that it is the object; 1 from `enough` on."""
    return min(max((likeness - OTHER) / (enough - OTHER), 0.0), 1.0)
