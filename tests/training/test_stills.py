"""Clips made from stills, and from real clips with stills: what belongs to the object, and what does not."""

import cv2
import numpy as np
from PIL import Image

from trackmask.formats.png import write_labels
from trackmask.training.scenes import Scene, read_object
from trackmask.training.stills import Stills, drift, move_elsewhere, object_moves, paint, strings


def test_an_object_elsewhere():
    """The object keeps its look and its way; all around it is the other picture."""
    frames = 4
    rng = np.random.default_rng(1)
    images = [np.full((60, 90, 3), 200, np.uint8) for _ in range(frames)]
    masks = []
    for t in range(frames):
        mask = np.zeros((60, 90), np.uint8)
        mask[20:40, 10 + 5 * t : 40 + 5 * t] = 255
        masks.append(mask)
    grounds = drift(rng, rng.integers(0, 100, (50, 50, 3), np.uint8), frames, (60, 90))
    scene = move_elsewhere(Scene(images, masks, alone=True), grounds)
    assert not scene.alone
    for t in range(frames):
        assert (scene.masks[t] & ~masks[t]).max() == 0
        assert scene.masks[t].sum() > 0.8 * masks[t].sum()
        assert (scene.images[t][22:38, 12 + 5 * t : 38 + 5 * t] == 200).all()
        assert (scene.images[t][masks[t] == 0] == grounds[t][masks[t] == 0]).all()
    assert not (grounds[0] == grounds[-1]).all()  # the ground moves


def test_a_still_object_in_a_real_clip():
    rng = np.random.default_rng(2)
    image, mask = np.full((40, 40, 3), 255, np.uint8), np.zeros((40, 40), np.uint8)
    mask[10:30, 10:30] = 255
    grounds = [np.full((60, 90, 3), t, np.uint8) for t in range(3)]
    scene = object_moves(rng, image, mask, grounds)
    for t in range(3):
        away = cv2.dilate(scene.masks[t], np.ones((5, 5), np.uint8)) == 0
        assert (scene.images[t][away] == t).all()
        assert scene.images[t][scene.masks[t] > 0].min() > 127
    assert any(m.any() for m in scene.masks)


def test_thin_things():
    """They start on the object and leave it; painted, they are what the picture shows there."""
    mask = np.zeros((80, 120), np.uint8)
    mask[30:50, 40:80] = 255
    image = np.random.default_rng(0).integers(0, 50, (80, 120, 3), np.uint8)
    for seed in range(5):
        rng = np.random.default_rng(seed)
        thin = strings(rng, mask)
        assert thin[mask > 0].max() == 255
        assert thin[mask == 0].max() > 0
        assert (thin > 127).sum() < mask.sum() / 255
        painted = paint(rng, image, thin)
        assert (painted[thin == 0] == image[thin == 0]).all()
        assert len(np.unique(painted[thin == 255], axis=0)) == 1


def test_thin_parts_belong_to_the_object():
    """They move with it, and are not worn away at its edge, where the rest of the mask is."""
    image, mask, thin = np.zeros((90, 90, 3), np.uint8), np.zeros((90, 90), np.uint8), np.zeros((90, 90), np.uint8)
    mask[30:60, 30:60] = 255
    thin[44:47, 60:85] = 255
    grounds = [np.full((448, 448, 3), 90, np.uint8)]
    without, with_them = (object_moves(np.random.default_rng(3), image, mask, grounds, t) for t in (None, thin))
    more = (with_them.masks[0] > without.masks[0]).sum() / (without.masks[0] > 0).sum()
    assert 0.06 < more < 0.12  # 25 x 3 pixels beside 28 x 28
    assert (with_them.images[0][with_them.masks[0] > 0] < 90).all()


def test_masks_of_all_kinds_are_read(tmp_path):
    """A palette's id 1 has the brightness 38, and a mask of 0 and 1 is black to the eye."""
    object_ = np.zeros((20, 30), bool)
    object_[5:15, 8:20] = True
    ids = object_.astype(np.uint8)
    several = ids.copy()
    several[10:15, 8:20] = 2
    soft = cv2.GaussianBlur(ids * 255, (7, 7), 0)
    write_labels(tmp_path / "palette.png", several)
    for name, values in {"white": ids * 255, "ones": ids, "ids": several, "soft": soft}.items():
        Image.fromarray(values).save(tmp_path / f"{name}.png")
    Image.fromarray(object_).save(tmp_path / "bit.png")
    white_first = Image.fromarray(1 - ids)
    white_first.putpalette([255, 255, 255, 0, 0, 0])
    white_first.save(tmp_path / "white_first.png")
    Image.fromarray(np.dstack([ids * 255] * 3)).save(tmp_path / "rgb.png")
    for name in ("palette", "white", "ones", "ids", "bit", "white_first", "rgb"):
        mask = read_object(tmp_path / f"{name}.png")
        assert mask.dtype == np.uint8
        np.testing.assert_array_equal(mask, object_ * np.uint8(255), err_msg=name)
    np.testing.assert_array_equal(read_object(tmp_path / "soft.png"), np.where(soft > 127, 255, 0))
    Image.fromarray(np.zeros((20, 30, 3), np.uint8)).save(tmp_path / "palette.jpg")
    np.testing.assert_array_equal(Stills(tmp_path)[0][1], object_ * np.uint8(255))
