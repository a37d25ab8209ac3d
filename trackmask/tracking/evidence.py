"""What the tracker knows of an object's mask in a frame, and what is to be said of it.

The tracker itself acts on what the network says (`Evidence.quality`); what people are told is made of all that is
known (`judged`). So a better calibration changes no mask.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from statistics import fmean

import cv2
import numpy as np

from trackmask.data import Evidence, ObjectRecord, State
from trackmask.prompts import Box
from trackmask.runtime import Calibration
from trackmask.tracking import crop as crops
from trackmask.tracking.segment import Observation
from trackmask.tracking.track import Track

PACE = 0.03  # a frame, of the area's logarithm: what comes nearer grows that quickly, what wins a neighbour faster
FORGET = 0.95  # a frame, of what was scattered
CLEAR = 0.85  # confidence from which no doubt is told: most masks of clips that go well are above it
USUAL = 0.1  # of its usual overlap with the frame before is the last frame's
LITTLE = 0.1  # overlap: what moves that quickly has no usual one
ARRIVAL = 5  # frames beside the first direction's beginning that tell whether the second came back to it
EDGE = 1  # pixel: a mask that comes as near to the frame's edge is cut off by it


def of_mask(seen: Observation, track: Track, size: tuple[int, int]) -> Evidence:
    """Of an object that is seen in a frame of `size` (height, width); `track` stands in the frame before."""
    before, mask, area = track.evidence or Evidence(), seen.prob > 0.5, seen.area()
    edge, leapt, usual = at_edge(seen.box, size), 0.0, before.overlap
    if not track.missing:
        overlap = soft_iou(crops.move(track.prob, track.crop, seen.crop), seen.prob)
        leapt = max(usual - overlap, 0.0) / max(usual, LITTLE)
        usual += USUAL * (overlap - usual) if usual else overlap
    # What comes in over the frame's edge, or leaves there, grows and shrinks as quickly as it likes; in another shot
    # all is of another size.
    explained = edge or before.edge or before.away
    change = 0.0 if explained else math.log((area + 1) / (before.area or track.area + 1))
    larger = before.grown - before.shrunk + change
    larger -= min(max(larger, -PACE), PACE)
    return Evidence(
        quality=seen.iou * track.identity.same,
        iou=seen.iou,
        same=track.identity.same,
        sharp=float(seen.prob[mask].sum() / (np.count_nonzero(mask) + seen.prob[~mask].sum())),
        scattered=max(scattered(seen.parts), 0.0 if track.missing else FORGET * before.scattered),
        grown=max(larger, 0.0),
        shrunk=max(-larger, 0.0),
        leapt=leapt,
        overlap=usual,
        area=area + 1,
        edge=edge,
    )


def of_nothing(visible: float, track: Track) -> Evidence:
    """Of an object that is not seen; `visible`: the probability that it is there all the same; `track` stands in the
    frame before.
    """
    before = track.evidence or Evidence(away=track.missing > 0)  # a prompt said what is there, or that nothing is
    return replace(before, quality=1 - visible, iou=0.0, sharp=0.0, leapt=0.0)


def of_both(
    left: Evidence | None, right: Evidence | None, share: float, way: Evidence | None, agreement: float
) -> Evidence | None:
    """Of the blend of two directions' masks, in which the right one counts for `share`, or of two empty ones. `way`:
    what that one knows whose way here from a prompt tells what has happened to the object; the other way round, what
    was lost looks as if it were won. None where a person has said what is there.
    """
    if left is None or right is None or way is None:
        return None
    return replace(way, quality=left.quality * (1 - share) + right.quality * share, agreed=agreement)


def bound(alike: Sequence[float]) -> list[float]:
    """[0, 1]: how well the two directions agree on whose mask it is, in each frame between the one in which the first
    began and the one from which the second has come back; `alike`: IoU of their masks there.

    A frame is bound to the first one's beginning by all those between in which both are with the same thing. Behind
    one in which they are not, the first may have gone on with something else; but if it is bound to where the second
    began, and that one came back to what the first had begun with, it is the same thing all the same.
    """
    back = list(accumulate(reversed(alike), min))[::-1]
    came_back = fmean(alike[:ARRIVAL])
    return [max(left, min(right, came_back)) for left, right in zip(accumulate(alike, min), back, strict=True)]


def at_edge(box: Box | None, size: tuple[int, int]) -> bool:
    """Whether a mask's box (x, y, w, h; pixels) reaches the edge of its frame (height, width)."""
    if box is None:
        return False
    x, y, w, h = box
    return min(x, y) <= EDGE or x + w >= size[1] - EDGE or y + h >= size[0] - EDGE


def scattered(parts: np.ndarray) -> float:
    """[0, 1]: how much of a mask of those `connected` parts lies outside of the largest one."""
    areas = parts[:, cv2.CC_STAT_AREA]
    return float(1 - areas.max() / areas.sum()) if len(areas) else 0.0


def soft_iou(one: np.ndarray, other: np.ndarray) -> float:
    """Of two soft masks of one size, in [0, 1]; 0 where both are empty."""
    return float(np.minimum(one, other).sum() / max(float(np.maximum(one, other).sum()), 1e-6))


def judged(record: ObjectRecord, calibration: Calibration, certain: float) -> ObjectRecord:
    """The record with the confidence that its evidence gives it, and the state that goes with it: below `certain` a
    mask is *uncertain*. An object without one is *absent* or *lost* by what the network says of it: how often that is
    right is what the confidence is for. As it is where there is no evidence: a person has said what is there.
    """
    if record.evidence is None:
        return record
    known, empty = record.evidence, record.box is None
    confidence = round(calibration.confidence(known, empty=empty), 4)
    doubt = calibration.doubt(known, empty=empty) if confidence < CLEAR else None
    if empty:
        state = State.ABSENT if known.quality >= certain else State.LOST
    else:
        state = State.TRACKED if confidence >= certain else State.UNCERTAIN
    return replace(record, confidence=confidence, state=state, doubt=doubt)
