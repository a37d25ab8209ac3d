"""What the tracker knows of an object's mask in a frame, and what is to be said of it.

The tracker itself acts on what the network says (`Evidence.quality`); what people are told is made of all that is
known (`judged`). So a better calibration changes no mask.
"""

from __future__ import annotations

import math
from dataclasses import replace

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
EDGE = 1  # pixel: a mask that comes as near to the frame's edge is cut off by it


def of_mask(seen: Observation, track: Track, size: tuple[int, int]) -> Evidence:
    """Of an object that is seen in a frame of `size` (height, width); `track` stands in the frame before."""
    before, mask, area = track.evidence or Evidence(), seen.prob > 0.5, seen.area()
    last = np.zeros_like(seen.prob) if track.missing else crops.move(track.prob, track.crop, seen.crop)
    edge, grown, shrunk = at_edge(seen.box, size), 0.0, 0.0
    if not track.missing:
        # What comes in over the frame's edge, or leaves there, grows and shrinks as quickly as it likes.
        change = 0.0 if edge or before.edge else math.log((area + 1) / (before.area or track.area + 1))
        grown, shrunk = max(before.grown + change - PACE, 0.0), max(before.shrunk - change - PACE, 0.0)
    return Evidence(
        quality=seen.iou * track.identity.same,
        iou=seen.iou,
        same=track.identity.same,
        sharp=float(seen.prob[mask].sum() / (np.count_nonzero(mask) + seen.prob[~mask].sum())),
        scattered=max(scattered(mask), 0.0 if track.missing else FORGET * before.scattered),
        grown=grown,
        shrunk=shrunk,
        overlap=soft_iou(last, seen.prob),
        area=area + 1,
        edge=edge,
    )


def of_nothing(visible: float, before: Evidence | None) -> Evidence:
    """Of an object that is not seen; `visible`: the probability that it is there all the same."""
    return replace(before or Evidence(), quality=1 - visible, iou=0.0, sharp=0.0, overlap=0.0, area=0.0)


def of_both(left: ObjectRecord, right: ObjectRecord, share: float) -> Evidence | None:
    """Of the blend of two directions' masks, in which the right one counts for `share`: how good the mask is, is what
    both together say; whether it is the object's, what the one says that knows worse. At a `share` of 0 or 1 the other
    one has nothing to say of such a mask. None where a person has said it.
    """
    one, other = left.evidence, right.evidence
    if share in (0, 1):
        return (one, other)[int(share)]
    if one is None or other is None:
        return None
    return Evidence(
        quality=one.quality * (1 - share) + other.quality * share,
        iou=one.iou * (1 - share) + other.iou * share,
        same=one.same * (1 - share) + other.same * share,
        sharp=one.sharp * (1 - share) + other.sharp * share,
        scattered=max(one.scattered, other.scattered),
        grown=max(one.grown, other.grown),
        shrunk=max(one.shrunk, other.shrunk),
        overlap=min(one.overlap, other.overlap),
        area=one.area,
        edge=one.edge or other.edge,
    )


def at_edge(box: Box | None, size: tuple[int, int]) -> bool:
    """Whether a mask's box (x, y, w, h; pixels) reaches the edge of its frame (height, width)."""
    if box is None:
        return False
    x, y, w, h = box
    return min(x, y) <= EDGE or x + w >= size[1] - EDGE or y + h >= size[0] - EDGE


def scattered(mask: np.ndarray) -> float:
    """[0, 1]: how much of a mask, bool, lies outside of its largest connected part."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    areas = stats[1:, cv2.CC_STAT_AREA]
    return float(1 - areas.max() / areas.sum()) if len(areas) else 0.0


def soft_iou(one: np.ndarray, other: np.ndarray) -> float:
    """Of two soft masks of one size, in [0, 1]; 0 where both are empty."""
    return float(np.minimum(one, other).sum() / max(float(np.maximum(one, other).sum()), 1e-6))


def judged(record: ObjectRecord, calibration: Calibration, certain: float) -> ObjectRecord:
    """The record with the confidence that its evidence gives it, and the state that goes with it: below `certain` a
    mask is *uncertain*, an object without one *lost*. As it is where there is no evidence: a person has said what is
    there.
    """
    if record.evidence is None:
        return record
    known, agreement, empty = record.evidence, record.agreement, record.box is None
    confidence = round(calibration.confidence(known, agreement, empty=empty), 4)
    doubt = calibration.doubt(known, agreement, empty=empty) if confidence < CLEAR else None
    high, low = (State.ABSENT, State.LOST) if empty else (State.TRACKED, State.UNCERTAIN)
    return replace(record, confidence=confidence, state=high if confidence >= certain else low, doubt=doubt)
