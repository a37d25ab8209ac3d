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
USUAL = 0.1  # of its usual overlap with the frame before is the last frame's
LITTLE = 0.1  # overlap: what moves that quickly has no usual one
EDGE = 1  # pixel: a mask that comes as near to the frame's edge is cut off by it


def of_mask(seen: Observation, track: Track, size: tuple[int, int]) -> Evidence:
    """Of an object that is seen in a frame of `size` (height, width); `track` stands in the frame before."""
    before, mask, area = track.evidence or Evidence(), seen.prob > 0.5, seen.area()
    edge, grown, shrunk, leapt, usual = at_edge(seen.box, size), 0.0, 0.0, 0.0, before.overlap
    if not track.missing:
        overlap = soft_iou(crops.move(track.prob, track.crop, seen.crop), seen.prob)
        leapt = max(usual - overlap, 0.0) / max(usual, LITTLE)
        usual += USUAL * (overlap - usual) if usual else overlap
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
    return replace(before, quality=1 - visible, iou=0.0, sharp=0.0, leapt=0.0, area=0.0)


def of_both(left: Evidence | None, right: Evidence | None, share: float, way: Evidence | None) -> Evidence | None:
    """Of the blend of two directions' masks, in which the right one counts for `share`. `way`: what that one knows
    whose way here from a prompt tells what has happened to the object; the other way round, what was lost looks as if
    it were won. None where a person has said what is there.
    """
    if left is None or right is None or way is None:
        return None
    return replace(way, quality=left.quality * (1 - share) + right.quality * share)


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
    mask is *uncertain*. An object without one is *absent* or *lost* by what the network says of it: how often that is
    right is what the confidence is for. As it is where there is no evidence: a person has said what is there.
    """
    if record.evidence is None:
        return record
    known, agreement, empty = record.evidence, record.agreement, record.box is None
    confidence = round(calibration.confidence(known, agreement, empty=empty), 4)
    doubt = calibration.doubt(known, agreement, empty=empty) if confidence < CLEAR else None
    if empty:
        state = State.ABSENT if known.quality >= certain else State.LOST
    else:
        state = State.TRACKED if confidence >= certain else State.UNCERTAIN
    return replace(record, confidence=confidence, state=state, doubt=doubt)
