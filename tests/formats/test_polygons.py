import cv2
import numpy as np
import pytest

from trackmask.formats.polygons import KEPT, Outlines, fill, joined, overlap

# numpy warns of pycocotools' decoder.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def masks():
    """By name, each (H, W) bool."""
    yy, xx = np.mgrid[:90, :121]
    noise = np.random.default_rng(0).random((90, 121))
    rings = np.hypot(yy - 45, xx - 60)
    diagonal = np.zeros((90, 121), bool)
    diagonal[3, 3] = diagonal[4, 4] = diagonal[5, 3] = True
    return {
        "pixel": (yy == 0) & (xx == 120),
        "whole picture": np.ones((90, 121), bool),
        "ring in ring": (rings < 40) & (rings > 30) | (rings < 20) & (rings > 10) | (rings < 4),
        "corners touch": diagonal,
        "checkerboard": (yy + xx) % 2 == 0,
        "noise": noise > 0.5,
        "ellipse": ((xx - 60) / 55) ** 2 + ((yy - 45) / 40) ** 2 < 1,
        "blobs": cv2.GaussianBlur(noise, (0, 0), 5) > 0.5,
    }


@pytest.mark.parametrize("name", masks())
def test_polygons_without_tolerance_are_exact(name):
    mask = masks()[name]
    rings = Outlines(0).of(mask)
    assert np.array_equal(fill(rings, mask.shape), mask)
    assert np.array_equal(fill([joined(rings)], mask.shape), mask)


@pytest.mark.parametrize("name", masks())
def test_another_rasteriser_sees_the_same(name):
    coco = pytest.importorskip("pycocotools.mask")
    mask = masks()[name]
    parts = [ring.ravel().tolist() for ring in Outlines(0).of(mask) if len(ring) >= 3]
    theirs = coco.decode(coco.merge(coco.frPyObjects(parts, *mask.shape))).astype(bool)
    assert overlap(theirs, mask) > (0.9999 if name not in ("noise", "checkerboard", "blobs") else 0.98)


def test_simplified_polygons_have_fewer_points_and_say_what_they_lost():
    mask = masks()["ellipse"]
    exact, simple = Outlines(0), Outlines(1)
    few, many = (sum(map(len, outlines.of(mask))) for outlines in (simple, exact))
    assert few < many / 2
    assert overlap(fill(simple.of(mask), mask.shape), mask) >= KEPT
    assert exact.report() == ["1 polygons keep an IoU of 1.0000, 1.0000 at worst"]
    assert simple.report()[0].startswith("2 polygons keep an IoU of 0.9")
    assert Outlines(1).report() == []


def test_a_tolerance_that_loses_too_much_is_lowered():
    mask = np.zeros((40, 40), bool)
    mask[5:12, 5:14] = mask[7:9, 14:30] = True
    assert overlap(fill(Outlines(20).of(mask), mask.shape), mask) >= KEPT


def test_parts_come_by_size_and_holes_inside_their_part():
    mask = masks()["ring in ring"]
    rings = Outlines(0.5).of(mask)
    assert len(rings) == 3
    spans = [np.ptp(ring[:, 0]) for ring in rings]
    assert spans == sorted(spans, reverse=True)
    assert Outlines(1).of(np.zeros((4, 5), bool)) == []


def test_fill_cuts_what_lies_outside():
    square = np.array([[-5.0, -5.0], [2.0, -5.0], [2.0, 3.0], [-5.0, 3.0]])
    expected = np.zeros((4, 6), bool)
    expected[:3, :2] = True
    assert np.array_equal(fill([square], (4, 6)), expected)
    assert not fill([square + 100], (4, 6)).any()
