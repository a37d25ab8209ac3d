import numpy as np
import pytest

from trackmask.tracking.prompt_maps import box_map, click_maps


def test_box():
    maps = box_map((16, 8, 32, 40), 64)
    assert maps.shape == (2, 16, 16)
    assert maps.dtype == np.float32
    assert not maps[0].any()
    wanted = np.ones((16, 16), np.float32)
    wanted[2:12, 4:12] = 0
    assert (maps[1] == wanted).all()


def test_box_over_the_edge():
    maps = box_map((-20, 32, 200, 200), 64)
    assert maps[1, :8].min() == 1
    assert maps[1, 8:].max() == 0


def test_box_beside_the_crop_leaves_nothing_inside():
    assert box_map((-50, -50, 20, 20), 64)[1].min() == 1
    assert box_map((70, 10, 20, 20), 64)[1].min() == 1


def test_half_covered_pixels_are_grey():
    assert box_map((2, 0, 64, 64), 64)[1, 5, 0] == pytest.approx(0.5, abs=0.01)


def test_clicks():
    maps = click_maps([(10, 30)], [(50, 2), (4, 60)], 64)
    assert maps.shape == (2, 16, 16)
    assert maps.dtype == np.float32
    assert np.unravel_index(maps[0].argmax(), (16, 16)) == (7, 2)
    assert maps[0].max() == pytest.approx(1, abs=0.01)
    assert maps[1, 0, 12] > 0.9
    assert maps[1, 14, 0] > 0.8
    assert maps[1, 7, 7] < 0.01


def test_no_clicks():
    assert not click_maps([], [], 64).any()
