import numpy as np
import pytest

from trackmask.draw import GREY, STYLES, overlay, palette

INSIDE, BORDER, OUTSIDE = (50, 60), (40, 60), (5, 5)  # of object 1


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (100, 150, 3), np.uint8)


@pytest.fixture
def labels():
    """Object 1, and object 200 in the frame's corner."""
    result = np.zeros((100, 150), np.uint8)
    result[40:70, 40:90] = 1
    result[90:, 140:] = 200
    return result


def test_palette_is_the_one_of_davis():
    known = {0: (0, 0, 0), 1: (128, 0, 0), 2: (0, 128, 0), 3: (128, 128, 0), 4: (0, 0, 128), 8: (64, 0, 0)}
    known |= {15: (192, 128, 128), 20: (0, 64, 128), 21: (128, 64, 128), 22: (0, 192, 128), 255: (224, 224, 192)}
    assert palette().shape == (256, 3)
    assert palette().dtype == np.uint8
    assert {i: tuple(palette()[i].tolist()) for i in known} == known
    assert len(np.unique(palette(), axis=0)) == 256


@pytest.mark.parametrize("style", STYLES)
def test_overlay_leaves_its_input_alone(image, labels, style):
    copies = image.copy(), labels.copy()
    result = overlay(image, labels, style)
    assert result.shape == image.shape
    assert result.dtype == np.uint8
    assert not np.shares_memory(result, image)
    np.testing.assert_array_equal(image, copies[0])
    np.testing.assert_array_equal(labels, copies[1])


def test_fill_tints_the_object_and_draws_its_contour(image, labels):
    result = overlay(image, labels)
    half = (image[INSIDE].astype(int) + palette()[1]) / 2
    np.testing.assert_allclose(result[INSIDE], half, atol=1)
    np.testing.assert_array_equal(result[BORDER], palette()[1])
    np.testing.assert_array_equal(result[90, 145], palette()[200])
    np.testing.assert_array_equal(result[labels == 0], image[labels == 0])


def test_at_the_frames_edge_there_is_no_contour(image, labels):
    result = overlay(image, labels, "outline")
    np.testing.assert_array_equal(result[99, 145], image[99, 145])


def test_outline_draws_nothing_but_the_contour(image, labels):
    changed = (overlay(image, labels, "outline") != image).any(2)
    assert changed[BORDER]
    assert not changed[INSIDE]
    assert not changed[labels == 0].any()


def test_touching_objects_are_parted(image):
    labels = np.zeros((100, 150), np.uint8)
    labels[20:80, 20:75] = 1
    labels[20:80, 75:130] = 2
    result = overlay(image, labels, "outline")
    np.testing.assert_array_equal(result[50, 74], palette()[1])
    np.testing.assert_array_equal(result[50, 75], palette()[2])


def test_cutout_shows_the_objects_alone(image, labels):
    result = overlay(image, labels, "cutout")
    np.testing.assert_array_equal(result[labels > 0], image[labels > 0])
    assert (result[labels == 0] == GREY).all()


def test_contour_grows_with_the_frame():
    def width(height):
        labels = np.zeros((height, height), np.uint8)
        labels[height // 4 : -height // 4, height // 4 : -height // 4] = 1
        changed = overlay(np.full((height, height, 3), 255, np.uint8), labels, "outline")[height // 2, :, 2] != 255
        return int(changed.sum()) / 2

    assert width(1080) == 3 * width(360)


def test_no_object_no_change(image):
    labels = np.zeros((100, 150), np.uint8)
    np.testing.assert_array_equal(overlay(image, labels), image)
    assert (overlay(image, labels, "cutout") == GREY).all()


def test_wrong_calls(image, labels):
    with pytest.raises(ValueError, match="style"):
        overlay(image, labels, "glow")
    with pytest.raises(ValueError, match=r"\(99, 150, 3\)"):
        overlay(image, labels[1:])
