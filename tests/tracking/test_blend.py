"""What two directions say of a frame, made into one."""

import numpy as np
import pytest

from trackmask.data import ObjectRecord, Patch, State
from trackmask.tracking.blend import Opinion, blend

SIZE = (20, 40)


def opinion(x=None, confidence=0.9, state=State.TRACKED, certain=255):
    """A square at column x; None: nothing was found."""
    patch = None if x is None else Patch(x, 5, np.full((10, 10), certain, np.uint8))
    return Opinion(ObjectRecord(1, state, confidence, 0, None), patch)


def columns(patch):
    found = np.flatnonzero((patch.over(SIZE) > 127).any(0))
    return None if not found.size else (int(found[0]), int(found[-1]))


def test_two_that_agree():
    record, patch = blend(opinion(10, 0.9), opinion(10, 0.7), 0.5, certain=0.5)
    assert columns(patch) == (10, 19)
    assert (record.state, record.agreement) == (State.TRACKED, 1)
    assert 0.7 < record.confidence < 0.9


@pytest.mark.parametrize(
    ("share", "left", "right", "wins"), [(0.2, 0.8, 0.8, 0), (0.8, 0.8, 0.8, 20), (0.6, 0.95, 0.5, 0)]
)
def test_where_they_differ_the_nearer_prompt_counts_and_the_surer_mask(share, left, right, wins):
    record, patch = blend(opinion(0, left), opinion(20, right), share, certain=0.5)
    assert columns(patch) == (wins, wins + 9)
    assert record.agreement == 0


@pytest.mark.parametrize(("share", "prob"), [(0.0, 213), (0.5, 225), (1.0, 238)])
def test_where_they_agree_how_near_they_began_counts_half(share, prob):
    """The probability of a pixel that both take for the object, 200 and 250."""
    _, patch = blend(opinion(10, certain=200), opinion(10, certain=250), share, certain=0.5)
    assert patch.over(SIZE)[10, 15] == pytest.approx(prob, abs=1)


def test_one_that_has_lost_it_takes_nothing_from_the_other():
    """However near it began: it believes that the object is there."""
    record, patch = blend(opinion(10, 0.6), opinion(None, 0.4, State.LOST), 0.99, certain=0.5)
    assert columns(patch) == (10, 19)
    assert (record.state, record.confidence, record.agreement) == (State.TRACKED, 0.6, 0)
    record, _ = blend(opinion(None, 0.4, State.LOST), opinion(10, 0.4), 0.01, certain=0.5)
    assert (record.state, record.confidence) == (State.UNCERTAIN, 0.4)


@pytest.mark.parametrize(("sure", "doubtful"), [(0.95, 0.6), (0.9, 0.7)])
def test_one_that_says_that_it_is_gone_is_weighed_as_any_other(sure, doubtful):
    record, patch = blend(opinion(10, doubtful), opinion(None, sure, State.ABSENT), 0.5, certain=0.5)
    assert columns(patch) is None
    assert record.state == State.ABSENT
    record, patch = blend(opinion(10, sure), opinion(None, doubtful, State.ABSENT), 0.5, certain=0.5)
    assert columns(patch) == (10, 19)
    assert record.state == State.TRACKED


def test_both_found_nothing():
    record, patch = blend(opinion(None, 0.3, State.LOST), opinion(None, 0.9, State.ABSENT), 0.5, certain=0.5)
    assert columns(patch) is None
    assert (record.state, record.agreement) == (State.ABSENT, 1)


def test_weak_masks_that_cancel_each_other_are_lost():
    record, patch = blend(opinion(0, certain=150), opinion(20, certain=150), 0.5, certain=0.5)
    assert columns(patch) is None
    assert record.state == State.LOST
