"""What tempts a tracker, and comes along as a mask: twins that touch, another scene behind a cut."""

import cv2
import numpy as np
import pytest

from trackmask.training.rivals import Way, add_another, beside, cut_to, layer, twins
from trackmask.training.scenes import Scene

HEIGHT, WIDTH, FRAMES = 120, 200, 4
RED, BLUE = (220, 20, 20), (20, 20, 220)


def moving(colour, x=60, size=30):
    """A square of one colour on grey, which goes to the right."""
    images, masks = [], []
    for t in range(FRAMES):
        mask = np.zeros((HEIGHT, WIDTH), np.uint8)
        mask[40 : 40 + size, x + 5 * t : x + 5 * t + size] = 255
        images.append(np.where(mask[..., None] > 0, colour, 128).astype(np.uint8))
        masks.append(mask)
    return Scene(images, masks, alone=True)


def far_from(a, b):
    """Pixels between two masks."""
    return cv2.distanceTransform(255 - a, cv2.DIST_L2, 5)[b > 0].min()


@pytest.fixture(scope="module")
def blue():
    scene = moving(BLUE)
    return scene.images[0], scene.masks[0]


@pytest.mark.parametrize("in_front", [True, False])
def test_a_layer(blue, in_front):
    """Where both are, the one in front is seen, and its mask alone knows the place."""
    scene = moving(RED)
    middle = np.array([[75.0 + 5 * t + 15, 55.0] for t in range(FRAMES)])  # half over the object
    both = layer(scene, [blue] * FRAMES, Way(middle, np.ones(FRAMES), 0.0, in_front))
    assert not both.alone
    for t in range(FRAMES):
        overlap = both.images[t][45:65, 60 + 5 * t + 18 : 60 + 5 * t + 28]
        assert (overlap == (BLUE if in_front else RED)).all()
        assert not (both.masks[t] & both.others[t]).any()
        assert (both.images[t][cv2.erode(both.others[t], np.ones((5, 5))) > 0] == BLUE).all()
        assert (both.images[t][cv2.erode(both.masks[t], np.ones((5, 5))) > 0] == RED).all()
        hidden, whole = np.count_nonzero(both.masks[t]), np.count_nonzero(scene.masks[t])
        assert hidden < 0.6 * whole if in_front else hidden == whole


def test_beside_means_touching(blue):
    """As large as the object, and within a few pixels of it in some frame of nearly every clip."""
    scene, near, sizes = moving(RED), [], []
    for seed in range(40):
        way = beside(np.random.default_rng(seed), scene, [blue] * FRAMES)
        whole = [
            layer(scene, [blue] * FRAMES, Way(way.middle, way.zoom, way.turn, True)).others[t] for t in range(FRAMES)
        ]
        near.append(min((far_from(scene.masks[t], o) for t, o in enumerate(whole) if o.any()), default=99))
        sizes.append(float(way.zoom.mean()))
    assert np.mean(np.array(near) <= 4) > 0.9
    assert 0.9 < np.median(sizes) < 1.1


def test_a_twin_is_the_object_itself():
    scene = moving(RED)
    looks = [twins(np.random.default_rng(seed), scene) for seed in range(20)]
    assert all(len(look) == FRAMES for look in looks)
    mirrored = 0
    for image, mask in (one for look in looks for one in look):
        assert np.count_nonzero(mask) == 900
        assert np.abs(image[mask > 0].astype(int) - RED).max() < 60
        mirrored += not any((mask == m).all() for m in scene.masks)
    assert 0.2 < mirrored / (20 * FRAMES) < 0.8
    nothing = Scene(scene.images, [np.zeros_like(m) for m in scene.masks], alone=True)
    assert twins(np.random.default_rng(0), nothing) is None


def test_another_object(blue):
    """The reference shows enough of whom it is; now and then the newcomer is asked for."""
    scene, newcomers = moving(RED), 0
    for seed in range(60):
        both = add_another(np.random.default_rng(seed), scene, blue)
        asked = np.median(both.images[0][both.masks[0] > 0], 0)
        newcomers += not all(((m & ~s) == 0).all() for m, s in zip(both.masks, scene.masks, strict=True))
        assert np.count_nonzero(both.masks[0]) >= 200
        assert np.abs(asked - RED).max() < 60 or np.abs(asked - BLUE).max() < 60
        assert all(not (m & o).any() for m, o in zip(both.masks, both.others, strict=True))
    assert 3 < newcomers < 30


def test_a_cut():
    """Behind it the right answer is empty, and the other scene's object lies near; some cut back, some dissolve."""
    scene, other, back, mixed = moving(RED), moving(BLUE, x=20, size=20), 0, 0
    for seed in range(40):
        found = cut_to(np.random.default_rng(seed), scene, other)
        foreign = [not mask.any() for mask in found.masks]
        changed = [not (i == s).all() for i, s in zip(found.images, scene.images, strict=True)]
        first = foreign.index(True)
        assert not foreign[0]
        assert not changed[0]
        assert changed[:first] in ([False] * first, [False] * (first - 1) + [True])  # mixed on one side, and the other
        mixed += changed[first - 1]
        back += not foreign[-1]
        for t, away in enumerate(foreign):
            assert (found.masks[t] == (0 if away else scene.masks[t])).all()
            assert changed[t] or not away
            assert found.others[t].any() or not away
        assert far_from(scene.masks[first - 1], found.others[first]) < 15
    assert 0 < back < 20
    assert 2 < mixed < 20
