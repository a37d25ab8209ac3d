"""What a mask's picture means: soft edges are one object, greys and palettes are ids, and nothing is guessed."""

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from trackmask.errors import DataError
from trackmask.formats.ids import VOID, read_ids

SIZE = (180, 240)


def blob():
    """(H, W) uint8: 255 in an object with thick and thin parts."""
    mask = np.zeros(SIZE, np.uint8)
    cv2.ellipse(mask, (110, 90), (70, 40), 20, 0, 360, 255, -1)
    cv2.line(mask, (60, 150), (110, 90), 255, 9)
    return mask


def read(tmp_path, values, palette=None):
    picture = Pillow.fromarray(values)
    if palette is not None:
        picture.putpalette(np.asarray(palette, np.uint8).tobytes())
    picture.save(tmp_path / "m.png")
    return read_ids(tmp_path / "m.png")


def enlarged(mask, times, how):
    small = cv2.resize(mask, None, fx=1 / times, fy=1 / times, interpolation=cv2.INTER_AREA)
    return cv2.resize(small, mask.shape[::-1], interpolation=how)


SOFT = {
    "blurred a little": lambda mask: cv2.GaussianBlur(mask, (0, 0), 0.7),
    "blurred": lambda mask: cv2.GaussianBlur(mask, (0, 0), 4),
    "blurred, of half the brightness": lambda mask: cv2.GaussianBlur(mask, (0, 0), 3) // 2,
    "enlarged": lambda mask: enlarged(mask, 2, cv2.INTER_LINEAR),
    "enlarged by cubes": lambda mask: enlarged(mask, 3, cv2.INTER_CUBIC),
    "few greys": lambda mask: cv2.GaussianBlur(mask, (0, 0), 1) // 64 * 64 + (mask == 255) * np.uint8(0),
}


@pytest.mark.parametrize("name", SOFT)
def test_a_soft_mask_is_one_object_cut_at_half(tmp_path, name):
    values = SOFT[name](blob())
    assert len(np.unique(values)) > 2
    found = read(tmp_path, values)
    assert np.unique(found).tolist() == [0, 1]
    assert np.array_equal(found == 1, values > values.max() // 2)
    both = blob() > 0
    assert np.count_nonzero(both & (found > 0)) / np.count_nonzero(both | (found > 0)) > 0.95


def test_greys_that_were_scaled_up(tmp_path):
    """As an editor leaves them: 64, 128 and 191 around 255, and straight edges without any."""
    values = np.zeros(SIZE, np.uint8)
    values[40:120, 50:150] = 255
    for place, grey in enumerate((191, 128, 64)):
        values[40:120, 150 + place] = values[40:120, 49 - place] = grey
    found = read(tmp_path, values)
    assert np.array_equal(found, values >= 128)


def circles(*greys, radius=30):
    values = np.zeros(SIZE, np.uint8)
    for place, grey in enumerate(greys):
        cv2.circle(values, (40 + 40 * place, 90), radius, grey, -1)
    return values


@pytest.mark.parametrize("greys", [(127, 255, 60), (50, 100, 150, 200), (1, 2, 3), (255, 254, 253), (200, 40)])
def test_objects_that_have_a_grey_each_are_objects(tmp_path, greys):
    values = circles(*greys)
    assert np.array_equal(read(tmp_path, values), values)


def test_void_around_an_object_is_no_inside(tmp_path):
    values = circles(120, radius=6)
    values[cv2.dilate(values, np.ones((7, 7), np.uint8)) > values] = VOID
    assert np.array_equal(read(tmp_path, values), values)


def test_what_may_be_read_in_two_ways_is_refused(tmp_path):
    values = circles(255, radius=40)
    cv2.circle(values, (40, 90), 40, 128, 4)
    with pytest.raises(DataError, match="may be one object with soft edges, or 2 objects that have a grey each"):
        read(tmp_path, values)


COLOURS = np.array([[200, 30, 30], [0, 0, 0], [30, 200, 30]], np.uint8)


def test_a_palette_whose_first_entry_is_not_the_background(tmp_path):
    """Index 1 is black and lies along the border; 0 and 2 are objects."""
    values = np.ones(SIZE, np.uint8)
    values[50:80, 60:90], values[100:130, 60:90] = 0, 2
    found = read(tmp_path, values, COLOURS)
    assert np.unique(found).tolist() == [0, 1, 2]
    assert np.array_equal(found == 1, values == 0)
    assert np.array_equal(found == 2, values == 2)
    values[:, :120] = 0
    with pytest.raises(DataError, match="200,30,30 as entry 0 of its palette"):
        read(tmp_path, values, COLOURS)


def test_a_palette_whose_first_entry_is_the_background_in_colour(tmp_path):
    values = np.zeros(SIZE, np.uint8)
    values[50:80, 60:90] = 2
    assert np.array_equal(read(tmp_path, values, COLOURS), values)


def test_a_palette_s_indices_are_never_soft(tmp_path):
    values = SOFT["blurred"](blob())
    ramp = np.arange(256, dtype=np.uint8)[:, None] * np.array([1, 0, 1], np.uint8)
    assert np.array_equal(read(tmp_path, values, ramp), values)
