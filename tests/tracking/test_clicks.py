"""Masks that are set right where clicks contradict them, and the choice between several crops' masks."""

from dataclasses import replace

import numpy as np
import pytest

from trackmask.data import Patch
from trackmask.prompts import Prompt
from trackmask.runtime import Features
from trackmask.tracking.clicks import DISC, DOUBT, clicked, contradicted, holds, obedient
from trackmask.tracking.crop import Crop
from trackmask.tracking.prompted import agreement, likeliest
from trackmask.tracking.segment import Observation

CROP = Crop(100, 200, 64, 64)  # a pixel of the frame is a pixel of the mask
NOTHING = Features(*[np.zeros((1, 1, 1, 1), np.float32)] * len(Features._fields))


def seen(*parts: tuple[slice, slice], iou: float = 0.8, crop: Crop = CROP) -> Observation:
    """A mask of 64 x 64 of which those parts, rows and columns, are the object."""
    prob = np.zeros((64, 64), np.float32)
    for part in parts:
        prob[part] = 0.9
    return Observation(crop, NOTHING, prob, iou, 1.0)


def prompt(on: list[tuple[float, float]], beside: list[tuple[float, float]] = ()) -> Prompt:
    """Clicks in pixels of the mask, (x, y)."""
    positive, negative = (tuple((x + 100, y + 200) for x, y in clicks) for clicks in (on, beside))
    return Prompt(1, 0, positive=positive, negative=negative)


LEFT, RIGHT = np.s_[10:30, 5:25], np.s_[10:30, 40:60]


def test_what_obeys_stays_as_it_is():
    one = seen(LEFT, RIGHT)
    assert obedient(one, prompt([(10, 20)], [(30, 20), (500, 20)])) is one  # the last one lies outside of the crop


def test_a_part_that_is_clicked_beside_the_object_is_left_out_without_a_doubt():
    found = obedient(seen(LEFT, RIGHT), prompt([(10, 20)], [(50, 20)]))
    assert (found.prob == seen(LEFT).prob).all()
    assert found.iou == 0.8


def test_a_part_that_is_clicked_both_ways_stays_but_for_a_disc():
    found = obedient(seen(LEFT), prompt([(10, 20)], [(20, 20)]))
    gone = (seen(LEFT).prob > 0.5) & (found.prob <= 0.5)
    assert gone.sum() == pytest.approx(np.pi * DISC**2, rel=0.1)
    assert gone[20, 20]
    assert found.iou == 0.8  # one of two


def test_a_click_that_is_left_out_is_taken_in_with_a_disc_and_a_mask_beside_all_clicks_is_doubted():
    found = obedient(seen(LEFT), prompt([(50, 20)]))
    new = (found.prob > 0.5) & (seen(LEFT).prob <= 0.5)
    assert new.sum() == pytest.approx(np.pi * DISC**2, rel=0.1)
    assert new[20, 50]
    assert found.iou == 0.8 * DOUBT


@pytest.mark.parametrize("between", [1, 2, 3])
def test_the_border_between_two_clicks_lies_in_their_middle(between):
    clicks = prompt([(30, 40)], [(30 + between, 40)])
    for mask in (seen(), seen(np.s_[:, :])):
        found = obedient(mask, clicks)
        assert not contradicted(found, clicks)


def test_a_crop_holds_the_clicks_on_the_object():
    assert holds(CROP, prompt([(0, 0), (63.9, 63.9)], [(99, 0)]))
    assert not holds(CROP, prompt([(64, 0)]))


def test_pixels_that_are_clicked_are_set_where_the_patch_reaches():
    patch = Patch(10, 20, np.full((5, 5), 100, np.uint8))
    found = clicked(patch, [(12.7, 20.2), (0, 0)], [(14, 24)])
    assert found.prob[0, 2] == 255
    assert found.prob[4, 4] == 0
    assert np.count_nonzero(found.prob != 100) == 2
    assert (patch.prob == 100).all()


# --- which of several is meant -------------------------------------------------------------------------------------


def test_agreement_is_the_iou_whatever_the_crops():
    wide = Crop(68, 168, 128, 128)  # around CROP, half as sharp: LEFT lies at (32 + 5) / 2
    one, other = seen(LEFT), seen(np.s_[21:31, 18:28], crop=wide)
    assert agreement(one, [one, other]) == pytest.approx(1, abs=0.15)
    assert agreement(one, [one, seen(RIGHT)]) == 0
    assert agreement(one, [one, seen(LEFT, RIGHT)]) == pytest.approx(0.5, abs=0.01)
    assert agreement(one, [one]) == 0


def test_the_surer_the_larger_and_the_one_that_others_agree_with():
    on = prompt([(10, 20)])
    part, whole = seen(np.s_[15:25, 6:12]), seen(LEFT)
    assert likeliest([replace(whole, iou=0.9), replace(whole, iou=0.7)], on) == 0
    assert likeliest([whole, seen(LEFT)], on) == 1
    assert likeliest([replace(part, iou=0.9), whole, seen(LEFT)], on) == 2


def test_of_two_the_one_that_obeys_but_not_a_part_for_one_click():
    on = prompt([(10, 20)], [(50, 20)])
    both, left = seen(LEFT, RIGHT), seen(LEFT)
    assert likeliest([left, both], on) == 0
    assert likeliest([seen(np.s_[18:22, 8:12], iou=0.6), replace(both, iou=0.8)], on) == 1
