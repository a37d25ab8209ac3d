"""Boxes of soft masks, and where they go on beyond the crop that cuts them."""

import numpy as np
import pytest

from trackmask.tracking.crop import Crop, continued, out_of
from trackmask.tracking.parts import connected, main_box

SIZE = (400, 600)  # height, width
CROP = Crop(100, 50, 200, 100)


def prob(rows: slice, columns: slice) -> np.ndarray:
    """A map of 50 x 50: a place is 4 x 2 pixels of CROP."""
    result = np.zeros((50, 50), np.float32)
    result[rows, columns] = 0.9
    return result


@pytest.mark.parametrize(
    ("rows", "columns", "expected"),
    [
        (slice(10, 20), slice(10, 20), (140, 70, 40, 20)),  # within the crop: as it is
        (slice(10, 20), slice(0, 10), (80, 70, 60, 20)),  # cut along 10 places of 2 pixels
        (slice(10, 20), slice(40, 50), (260, 70, 60, 20)),
        (slice(0, 10), slice(10, 20), (140, 10, 40, 60)),  # along 10 places of 4 pixels
        (slice(40, 50), slice(10, 20), (140, 130, 40, 60)),
        (slice(0, 50), slice(0, 50), (0, 0, 400, 350)),  # no further than the frame
    ],
)
def test_a_cut_box_goes_on_by_the_length_of_the_cut(rows, columns, expected):
    seen = prob(rows, columns)
    box = out_of(main_box(connected(seen > 0.5)), CROP, 50)
    assert continued(box, seen, CROP, SIZE) == expected


@pytest.mark.parametrize("crop", [Crop(0, 0, 600, 400), Crop(-20, -10, 640, 420)])
def test_the_frames_edge_cuts_nothing(crop):
    """Nor does a crop's edge beyond it."""
    seen = prob(slice(0, 50), slice(0, 50))
    box = out_of(main_box(connected(seen > 0.5)), crop, 50)
    assert continued(box, seen, crop, SIZE) == box


def test_specks_do_not_move_the_box():
    seen = prob(slice(10, 40), slice(10, 40))
    seen[48, 48] = 0.9
    assert main_box(connected(seen > 0.5)) == (10, 10, 30, 30)
    assert main_box(connected(np.zeros((50, 50), bool))) is None
