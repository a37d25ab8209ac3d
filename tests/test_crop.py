import cv2
import numpy as np
import pytest

from trackmask.crop import FILL, SHRINK, Crop, around, cut, move, paste, shift, square, whole_frame
from trackmask.data import box_of

SIZE = (90, 120)  # height, width
CROPS = [
    Crop(20, 10, 64),
    Crop(-30, -20, 100),
    Crop(70, 40, 96),
    Crop(-15, -40, 160),
    Crop(33, 21, 37),
    Crop(0, 0, 90),
    Crop(100, 70, 48),
]


def disc(x, y, radius, size=SIZE):
    mask = np.zeros(size, np.uint8)
    cv2.circle(mask, (x, y), radius, 255, -1)
    return mask


def soft(size, x, y, wide):
    """A smooth hill, (size, size) float32."""
    rows, columns = np.mgrid[:size, :size]
    return np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * wide**2)).astype(np.float32)


def iou(a, b):
    return (a & b).sum() / max((a | b).sum(), 1)


def test_the_side_follows_the_box():
    assert around((40, 30, 20, 5), (400, 600)).side == 48  # the smallest
    assert around((100, 100, 200, 10), (400, 600)).side == 240  # 1.2 x the longer side
    assert around((0, 0, 600, 400), (400, 600)).side == 600  # the frame's longer side
    found = around((100, 150, 100, 100), (400, 600))
    assert (found.x + found.side / 2, found.y + found.side / 2) == (150, 200)
    assert found.side > 120


def test_a_lost_part_does_not_shrink_the_crop():
    last = Crop(0, 0, 300)
    assert around((100, 100, 20, 20), (400, 600), last).side == round(SHRINK * 300)
    assert around((0, 0, 500, 500), (400, 600), last).side == 600


def test_whole_frame_holds_the_frame():
    assert whole_frame((90, 120)) == Crop(0, -15, 120)
    assert whole_frame((121, 80)).side == 121


def test_a_crop_is_never_empty():
    assert square(5, 5, 0.0).side == 8


@pytest.mark.parametrize("crop", CROPS)
def test_cut_shows_each_place_of_the_frame(crop):
    """The same crop by cv2.warpAffine, from place to place; the picture is smooth, so that filters hardly differ."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    image = np.stack((2 * x, 2 * y, x + y), 2).astype(np.uint8)
    found = cut(image, crop, 64).astype(int)
    unit = crop.side / 64
    offset = unit / 2 - 0.5
    matrix = np.array([[unit, 0, crop.x + offset], [0, unit, crop.y + offset]])
    warp = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    wanted = cv2.warpAffine(image, matrix, (64, 64), flags=warp, borderMode=cv2.BORDER_REPLICATE).astype(int)
    inside = cut(np.full(SIZE, 255, np.uint8), crop, 64, 0) == 255
    assert np.abs(found - wanted)[inside].max() <= 3
    outside = cut(np.full(SIZE, 255, np.uint8), crop, 64, 0) == 0
    assert (found[outside] == FILL).all()


def test_cut_of_nothing_is_all_fill():
    assert (cut(np.full((*SIZE, 3), 9, np.uint8), Crop(300, 0, 50), 32) == FILL).all()
    assert not cut(np.full(SIZE, 255, np.uint8), Crop(-90, 0, 50), 32, 0).any()


@pytest.mark.parametrize("crop", CROPS)
@pytest.mark.parametrize("size", [64, 128])
def test_a_mask_survives_the_way_in_and_back(crop, size):
    mask = disc(75, 45, 25)
    patch = paste(cut(mask, crop, size, 0).astype(np.float32) / 255, crop, SIZE)
    seen = np.zeros(SIZE, bool)
    seen[max(crop.y, 0) : crop.y + crop.side, max(crop.x, 0) : crop.x + crop.side] = True
    full = np.zeros(SIZE, np.uint8)
    full[patch.y : patch.y + patch.prob.shape[0], patch.x : patch.x + patch.prob.shape[1]] = patch.prob
    truth = (mask > 0) & seen
    assert truth.sum() == 0 or iou(full > 127, truth) > 0.95
    assert truth.any() or not (full > 127).any()


def test_paste_outside_of_the_frame_is_nothing():
    assert paste(np.ones((8, 8), np.float32), Crop(120, 0, 50), SIZE) is None
    assert paste(np.ones((8, 8), np.float32), Crop(0, -50, 50), SIZE) is None


@pytest.mark.parametrize("new", [Crop(24, 8, 64), Crop(15, 5, 80), Crop(-10, 20, 100), Crop(30, 25, 40)])
def test_move_equals_cutting_again(new):
    old = Crop(20, 10, 64)
    mask = cv2.GaussianBlur(disc(52, 42, 14), (0, 0), 3)
    moved = move(cut(mask, old, 64, 0).astype(np.float32) / 255, old, new)
    again = cut(mask, new, 64, 0).astype(np.float32) / 255
    assert moved.shape == again.shape
    assert np.abs(moved - again).max() < 0.04


def test_what_the_old_crop_did_not_see_is_empty():
    moved = move(np.ones((64, 64), np.float32), Crop(0, 0, 64), Crop(32, 0, 64))
    assert moved[:, :31].min() == 1
    assert moved[:, 33:].max() == 0


@pytest.mark.parametrize("new", [Crop(24, 8, 64), Crop(15, 5, 80), Crop(-10, 20, 100), Crop(100, 100, 40)])
def test_training_moves_masks_as_tracking_does(new):
    import torch

    from trackmask.training.rollout import carry

    old, prob = Crop(20, 10, 64), soft(64, 30, 40, 8)
    carried = carry(torch.from_numpy(prob)[None, None], torch.tensor([shift(old, new)], dtype=torch.float32))
    assert np.abs(carried[0, 0].numpy() - move(prob, old, new)).max() < 0.02


def test_box_of():
    mask = np.zeros((20, 30), bool)
    assert box_of(mask) is None
    mask[3, 29] = mask[19, 4] = True
    assert box_of(mask) == (4, 3, 26, 17)
