"""Two directions' opinions on an object in a frame, made into one."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from trackmask.data import SURE, ObjectRecord, Patch, State
from trackmask.metrics import jaccard
from trackmask.tracking.evidence import of_both

VISIBLE = 0.5  # probability of 'not visible' up to which an object that is not found is believed to be there
ALIKE = 0.5  # of what nearness counts is left out where both agree: two masks of one thing err in different places
SUREST = 0.98  # confidence that two directions are weighed by, at most


class Opinion(NamedTuple):
    """Of one direction on one object in a frame."""

    record: ObjectRecord
    patch: Patch | None  # its soft mask; None where it is empty
    trust: float = 1.0  # [0, 1]: in the direction, whatever it says of itself


def blend(
    left: Opinion, right: Opinion, share: float, certain: float, *, prompted: bool = False
) -> tuple[ObjectRecord, Patch]:
    """Each counts for how near it has begun (the right one for `share`), the more the less the two agree; for the odds
    that it is right; and as far as it is trusted. One that has lost an object which it believes to be there takes
    nothing from the other.

    The record's `agreement` says how far the two are one; its area and box are the left one's. `certain`: the
    confidence from which a mask is no more called uncertain; `prompted`: the right one has begun in a prompt, too.
    """
    nearer = right if prompted and share > 0.5 else left
    x, y, probs = side_by_side(left.patch, right.patch)
    masks = [prob > SURE for prob in probs]
    agreement = float(jaccard(*masks))
    share += ALIKE * agreement * (0.5 - share)
    nearness = 1 - share, share
    weights = [near * one.trust * odds(one.record.quality) for near, one in zip(nearness, (left, right), strict=True)]
    lost = [has_lost(one) for one in (left, right)]
    if lost[0] != lost[1]:
        weights = [float(not one) for one in lost]
    share = weights[1] / sum(weights)
    prob = np.round(probs[0] * (1 - share) + probs[1] * share).astype(np.uint8)
    confidence = left.record.quality * (1 - share) + right.record.quality * share
    state, shown = (left if share < 0.5 else right).record.state, bool((prob > SURE).any())
    if shown:
        state = State.TRACKED if confidence >= certain else State.UNCERTAIN
    elif state in (State.TRACKED, State.UNCERTAIN):
        state = State.LOST
    alike = [one for one, mask in zip((left, right), masks, strict=True) if bool(mask.any()) == shown]
    evidence = alike[0].record.evidence if alike else None  # of a mask, or of none, as it is
    if len(alike) == 2:
        evidence = of_both(left.record.evidence, right.record.evidence, share, nearer.record.evidence, agreement)
    said = replace(left.record, state=state, confidence=round(confidence, 4), agreement=round(agreement, 4))
    return replace(said, evidence=evidence), Patch(x, y, prob)


def has_lost(one: Opinion) -> bool:
    """Whether it believes an object to be there that it has not found: what the network says, not what people are
    told."""
    if one.record.evidence is None or one.patch is not None:
        return one.record.state == State.LOST
    return one.record.quality <= VISIBLE


def odds(confidence: float) -> float:
    """Clipped, so that neither side is ever all or nothing."""
    bounded = min(max(confidence, 1 - SUREST), SUREST)
    return bounded / (1 - bounded)


def side_by_side(one: Patch | None, other: Patch | None) -> tuple[int, int, list[np.ndarray]]:
    """Both probabilities over the smallest rectangle that holds both patches, and its top left corner (x, y)."""
    patches = [patch for patch in (one, other) if patch is not None]
    x, y = min((patch.x for patch in patches), default=0), min((patch.y for patch in patches), default=0)
    right = max((patch.x + patch.prob.shape[1] for patch in patches), default=0)
    bottom = max((patch.y + patch.prob.shape[0] for patch in patches), default=0)
    size = bottom - y, right - x
    moved = [None if patch is None else replace(patch, x=patch.x - x, y=patch.y - y) for patch in (one, other)]
    return x, y, [np.zeros(size, np.uint8) if patch is None else patch.over(size) for patch in moved]
