"""One object on its way through a video: what is known of it, and how several of them share a picture."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from trackmask.data import State
from trackmask.prompts import Box
from trackmask.tracking import crop as crops
from trackmask.tracking.crop import Crop, out_of
from trackmask.tracking.memory import Memory, join
from trackmask.tracking.parts import main_box


@dataclass(frozen=True, eq=False)
class Seen:
    """What the network says of one object in one crop."""

    crop: Crop
    prob: np.ndarray  # (s, s) float32 over the crop
    iou: float  # predicted
    visible: float  # probability

    @cached_property
    def box(self) -> Box | None:
        """Of the mask: x, y, w, h in pixels of the frame; None where it is empty."""
        box = main_box(self.prob)
        return None if box is None else out_of(box, self.crop, self.prob.shape[0])

    def belief(self) -> float:
        return min(self.iou, self.visible)

    def area(self) -> float:
        """Of the mask, in pixels of the frame."""
        share = int(np.count_nonzero(self.prob > 0.5)) / self.prob.size
        return share * self.crop.width * self.crop.height


@dataclass
class Track:
    """One object."""

    id: int
    references: list[Memory]  # prompted frames: kept for ever
    recent: deque[Memory]
    crop: Crop
    prob: np.ndarray  # (s, s) float32 over the crop: the last mask
    box: Box  # the last one seen: x, y, w, h in pixels of the frame
    state: State
    confidence: float
    area: float  # pixels of the frame, of the whole object as it was last seen
    usual: float  # confidence where it is tracked: some objects are always less certain than others
    since: int = 0  # frames since one of its own entered the memory
    missing: int = 0  # frames without a mask
    found: bool = False  # in the last frame, after frames without a mask: its crop was wide, not fitted

    def memory(self) -> Memory:
        return join(self.references, tuple(self.recent))


def same_memory(tracks: list[Track]) -> Iterable[list[int]]:
    """Indices of the tracks, grouped by how many frames they remember: a batch is rectangular."""
    groups: dict[int, list[int]] = {}
    for index, track in enumerate(tracks):
        groups.setdefault(len(track.references) + len(track.recent), []).append(index)
    return groups.values()


def compete(tracks: list[Track]) -> None:
    """Where another object is likelier, an object's own last mask must not claim the place in the next frame."""
    shares = []
    for track in tracks:
        rival = np.zeros_like(track.prob)
        for other in tracks:
            if other is not track and not other.missing:
                rival = np.maximum(rival, crops.move(other.prob, other.crop, track.crop))
        shares.append(np.where(rival > track.prob, np.minimum(track.prob, 1 - rival), track.prob))
    for track, share in zip(tracks, shares, strict=True):
        track.prob = share
