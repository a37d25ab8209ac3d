"""Where a new shot begins, in films made of the samples."""

import cv2
import numpy as np
import pytest
from conftest import ROOT

from trackmask.tracking.shots import Shots
from trackmask.video import open_video

SIZE = (360, 480)


@pytest.fixture(scope="module")
def films():
    """The cat's and the bunny's pictures, of one size."""
    return [pictures("cat"), pictures("bunny")]


def pictures(name):
    with open_video(ROOT / "samples" / f"{name}.mp4") as film:
        return [cv2.resize(frame.image, SIZE[::-1], interpolation=cv2.INTER_AREA) for frame in film]


def cuts(images):
    shots = Shots()
    return [index for index, image in enumerate(images) if shots.begins(image)]


def test_a_cut_and_the_cut_back_and_nothing_else(films):
    cat, bunny = films
    film = [*cat[:20], *bunny[:20], *cat[20:40]]
    assert cuts(film) == [20, 40]
    assert cuts(film[::-1]) == [20, 40]  # the same places from behind
    assert cuts(cat) == cuts(bunny) == []


def test_faster_films_have_no_more_cuts(films):
    for images in films:
        assert cuts(images[::2]) == cuts(images[::4]) == []


def test_what_changes_within_a_shot_is_no_cut(films):
    """A shade passing, noise, a pan of a tenth of the width a frame, an object of a quarter of the picture."""
    image = films[0][0]
    assert cuts([image, (image * 0.85).astype(np.uint8), image]) == []
    noise = np.random.default_rng(0).normal(0, 6, image.shape)
    assert cuts([image, np.clip(image + noise, 0, 255).astype(np.uint8)]) == []
    wide = cv2.resize(image, None, fx=2, fy=1)
    assert cuts([wide[:, x : x + 480] for x in range(0, 481, 48)]) == []
    passing = image.copy()
    passing[90:270, 120:360] = (200, 30, 30)
    assert cuts([image, passing, image]) == []


def test_black_frames_are_a_shot_of_their_own(films):
    black = [np.zeros((*SIZE, 3), np.uint8)] * 3
    assert cuts([*films[0][:5], *black, *films[1][:5]]) == [5, 8]


@pytest.mark.parametrize("size", [(1, 1), (24, 16), (1080, 1920)])
def test_pictures_of_any_size(size):
    dark, light = (np.full((*size, 3), value, np.uint8) for value in (10, 240))
    assert cuts([dark, dark, light, light]) == [2]
