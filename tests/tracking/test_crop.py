import cv2
import numpy as np
import pytest

from trackmask.data import box_of
from trackmask.tracking.crop import (
    FILL,
    SHRINK,
    STRETCH,
    Crop,
    around,
    cut,
    move,
    paste,
    shift,
    square,
    whole_frame,
    within,
)

SIZE = (90, 120)  # height, width
CROPS = [
    Crop(20, 10, 64, 64),
    Crop(-30, -20, 100, 100),
    Crop(70, 40, 96, 96),
    Crop(-15, -40, 160, 160),
    Crop(33, 21, 37, 37),
    Crop(0, 0, 90, 90),
    Crop(100, 70, 48, 48),
    Crop(0, 0, 120, 90),
    Crop(30, -10, 50, 90),
    Crop(40, 20, 90, 50),
]
NEW = [Crop(24, 8, 64, 64), Crop(15, 5, 80, 80), Crop(-10, 20, 100, 100), Crop(10, 12, 90, 60)]


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
    assert found.middle == (150, 200)
    assert found.width == found.height > 120


def test_a_lost_part_does_not_shrink_the_crop():
    last = Crop(0, 0, 300, 300)
    assert around((100, 100, 20, 20), (400, 600), last).side == round(SHRINK * 300)
    assert around((0, 0, 500, 500), (400, 600), last).side == 600


def test_a_crop_in_the_frames_corner_remembers_its_square():
    """Else the search for a lost object would not widen there."""
    crop = around((0, 0, 40, 40), (400, 600), Crop(0, 0, 300, 300))
    assert crop.width == crop.height == 165
    assert crop.side == 291


@pytest.mark.parametrize("size", [(90, 120), (121, 80), (480, 854), (1920, 1080)])
def test_whole_frame_is_the_frame(size):
    assert whole_frame(size) == Crop(0, 0, size[1], size[0])


@pytest.mark.parametrize("size", [(100, 300), (300, 100)])
def test_a_long_frame_is_not_stretched_beyond_measure(size):
    crop = whole_frame(size)
    assert crop.side == 300
    assert max(crop.width / crop.height, crop.height / crop.width) == pytest.approx(STRETCH, rel=0.01)
    assert crop.middle == pytest.approx((size[1] / 2, size[0] / 2), abs=0.5)


def overlaps(start, length, end):
    return sum(0 <= place < end for place in range(start, start + length))


@pytest.mark.parametrize("x", range(-130, 200, 55))
@pytest.mark.parametrize("y", range(-130, 200, 55))
@pytest.mark.parametrize("side", [40, 100, 160])
def test_within_leaves_out_what_no_frame_has(x, y, side):
    before = Crop(x, y, side, side)
    after = within(before, SIZE)
    for start, length, old, end in ((after.x, after.width, x, 120), (after.y, after.height, y, 90)):
        assert old <= start <= start + length <= old + side  # never more than there was
        kept, there = overlaps(start, length, end), overlaps(old, side, end)
        assert kept == there or kept == length  # all of the frame that it showed, or nothing else
        assert length == max(there, -(-side * 10 // 18))
    assert max(after.width, after.height) <= STRETCH * min(after.width, after.height)


def test_a_crop_is_never_empty():
    assert square(5, 5, 0.0).side == 8


@pytest.mark.parametrize("crop", CROPS)
def test_cut_shows_each_place_of_the_frame(crop):
    """The same crop by cv2.warpAffine, from place to place; the picture is smooth, so that filters hardly differ."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    image = np.stack((2 * x, 2 * y, x + y), 2).astype(np.uint8)
    found = cut(image, crop, 64).astype(int)
    across, down = crop.width / 64, crop.height / 64
    matrix = np.array([[across, 0, crop.x + across / 2 - 0.5], [0, down, crop.y + down / 2 - 0.5]])
    warp = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    wanted = cv2.warpAffine(image, matrix, (64, 64), flags=warp, borderMode=cv2.BORDER_REPLICATE).astype(int)
    inside = cut(np.full(SIZE, 255, np.uint8), crop, 64, 0) == 255
    assert np.abs(found - wanted)[inside].max() <= 3
    outside = cut(np.full(SIZE, 255, np.uint8), crop, 64, 0) == 0
    assert (found[outside] == FILL).all()


def test_cut_of_nothing_is_all_fill():
    assert (cut(np.full((*SIZE, 3), 9, np.uint8), Crop(300, 0, 50, 50), 32) == FILL).all()
    assert not cut(np.full(SIZE, 255, np.uint8), Crop(-90, 0, 50, 50), 32, 0).any()


@pytest.mark.parametrize("crop", CROPS)
@pytest.mark.parametrize("size", [64, 128])
def test_a_mask_survives_the_way_in_and_back(crop, size):
    mask = disc(75, 45, 25)
    patch = paste(cut(mask, crop, size, 0).astype(np.float32) / 255, crop, SIZE)
    seen = np.zeros(SIZE, bool)
    seen[max(crop.y, 0) : crop.y + crop.height, max(crop.x, 0) : crop.x + crop.width] = True
    full = np.zeros(SIZE, np.uint8)
    full[patch.y : patch.y + patch.prob.shape[0], patch.x : patch.x + patch.prob.shape[1]] = patch.prob
    truth = (mask > 0) & seen
    assert truth.sum() == 0 or iou(full > 127, truth) > 0.95
    assert truth.any() or not (full > 127).any()


def test_paste_outside_of_the_frame_is_nothing():
    assert paste(np.ones((8, 8), np.float32), Crop(120, 0, 50, 50), SIZE) is None
    assert paste(np.ones((8, 8), np.float32), Crop(0, -50, 50, 50), SIZE) is None


@pytest.mark.parametrize("new", [*NEW, Crop(30, 25, 40, 40)])
def test_move_equals_cutting_again(new):
    old = Crop(20, 10, 64, 64)
    mask = cv2.GaussianBlur(disc(52, 42, 14), (0, 0), 3)
    moved = move(cut(mask, old, 64, 0).astype(np.float32) / 255, old, new)
    again = cut(mask, new, 64, 0).astype(np.float32) / 255
    assert moved.shape == again.shape
    assert np.abs(moved - again).max() < 0.04


def test_what_the_old_crop_did_not_see_is_empty():
    moved = move(np.ones((64, 64), np.float32), Crop(0, 0, 64, 64), Crop(32, 0, 64, 64))
    assert moved[:, :31].min() == 1
    assert moved[:, 33:].max() == 0


@pytest.mark.parametrize("new", [*NEW, Crop(100, 100, 40, 40)])
def test_training_moves_masks_as_tracking_does(new):
    import torch

    from trackmask.training.rollout import carry

    old, prob = Crop(20, 10, 64, 64), soft(64, 30, 40, 8)
    carried = carry(torch.from_numpy(prob)[None, None], torch.tensor([shift(old, new)], dtype=torch.float32))
    assert np.abs(carried[0, 0].numpy() - move(prob, old, new)).max() < 0.02


def test_box_of():
    mask = np.zeros((20, 30), bool)
    assert box_of(mask) is None
    mask[3, 29] = mask[19, 4] = True
    assert box_of(mask) == (4, 3, 26, 17)
