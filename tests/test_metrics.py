import math

import numpy as np
import pytest

from trackmask.metrics import boundary_f, jaccard, statistics


def square(size: tuple[int, int], top: int, left: int, side: int) -> np.ndarray:
    mask = np.zeros(size, bool)
    mask[top : top + side, left : left + side] = True
    return mask


def slow_boundary(mask: np.ndarray) -> list[tuple[int, int]]:
    """The definition pixel by pixel: on the last row and column only the neighbours inside the image count."""
    height, width = mask.shape
    return [
        (y, x)
        for y in range(height)
        for x in range(width)
        if any(
            mask[y, x] != mask[min(y + dy, height - 1), min(x + dx, width - 1)] for dy, dx in ((0, 1), (1, 0), (1, 1))
        )
    ]


def slow_f(prediction: np.ndarray, truth: np.ndarray, tolerance: float) -> float:
    radius = math.ceil(tolerance * math.hypot(*truth.shape))
    ours, theirs = slow_boundary(prediction), slow_boundary(truth)

    def share_near(points: list[tuple[int, int]], others: list[tuple[int, int]]) -> float:
        near = [any((y - v) ** 2 + (x - u) ** 2 <= radius**2 for v, u in others) for y, x in points]
        return sum(near) / len(near)

    precision, recall = share_near(ours, theirs), share_near(theirs, ours)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def test_jaccard_by_hand() -> None:
    ours, theirs = square((10, 10), 2, 2, 4), square((10, 10), 2, 4, 4)
    assert jaccard(ours, theirs) == pytest.approx(8 / 24)
    assert jaccard(ours, ours) == 1
    assert jaccard(ours, square((10, 10), 7, 7, 3)) == 0


def test_empty_masks() -> None:
    empty, some = np.zeros((10, 10), bool), square((10, 10), 2, 2, 4)
    assert jaccard(empty, empty) == 1
    assert jaccard(empty, some) == jaccard(some, empty) == 0
    assert boundary_f(empty, empty) == 1
    assert boundary_f(empty, some) == boundary_f(some, empty) == 0


def test_a_mask_of_the_whole_image_has_no_boundary() -> None:
    full = np.ones((10, 10), bool)
    assert boundary_f(full, np.zeros((10, 10), bool)) == 1
    assert boundary_f(full, square((10, 10), 2, 2, 4)) == 0


def test_boundary_f_by_hand() -> None:
    # Vertical edges in a 30 x 40 image (diagonal 50): a tolerance of 0.04 is 2 pixels.
    truth, near, far = (np.repeat(np.arange(40)[None] < edge, 30, 0) for edge in (20, 22, 23))
    assert boundary_f(near, truth, 0.04) == 1
    assert boundary_f(far, truth, 0.04) == 0
    assert boundary_f(far, truth, 0.041) == 1  # rounded up to 3 pixels
    # One edge right, one edge wrong: precision 1/2, recall 1.
    both = truth | (np.repeat(np.arange(40)[None] >= 30, 30, 0))
    assert boundary_f(both, truth, 0.04) == pytest.approx(2 / 3)
    assert boundary_f(truth, both, 0.04) == pytest.approx(2 / 3)


def test_the_tolerance_is_a_disk() -> None:
    one, moved = square((30, 40), 10, 10, 1), square((30, 40), 14, 13, 1)
    # Boundaries of 2 x 2 pixels, at the nearest (3, 2) apart: more than 3 pixels, though within a square of 3.
    assert boundary_f(one, moved, 0.06) == 0
    assert boundary_f(one, moved, 0.08) == pytest.approx(slow_f(one, moved, 0.08))
    assert 0 < boundary_f(one, moved, 0.08) < 1


@pytest.mark.parametrize("seed", range(8))
def test_boundary_f_against_brute_force(seed: int) -> None:
    rng = np.random.default_rng(seed)
    coarse = rng.random((2, 6, 9)) < 0.4  # blobs that touch the borders and corners
    ours, theirs = (np.kron(mask, np.ones((6, 7), bool))[: 33 + seed % 3, :61] for mask in coarse)
    ours = np.roll(ours, (seed % 4, 2), (0, 1))
    for tolerance in (0.008, 0.04):
        assert boundary_f(ours, theirs, tolerance) == pytest.approx(slow_f(ours, theirs, tolerance), abs=1e-12)


def test_statistics_by_hand() -> None:
    # Nine values: borders at 1, 3, 5, 7, 9 of nine, shared between the bins.
    mean, recall, decay = statistics([1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2])
    assert mean == pytest.approx(0.6)
    assert recall == pytest.approx(5 / 9)  # 0.5 itself does not count
    assert decay == pytest.approx(0.9 - 0.3)


def test_statistics_round_halves_up() -> None:
    # Seven values: borders 1, 2.5, 4, 5.5, 7 become 1, 3, 4, 6, 7; the bins are frames 1..3 and 6..7.
    assert statistics([1.0, 0.0, 0.0, 0.0, 0.0, 0.5, 0.25]).decay == pytest.approx(1 / 3 - 0.375)


def test_statistics_of_one_value_and_of_many() -> None:
    assert statistics([0.75]) == (0.75, 1.0, 0.0)
    long = [1.0] * 500 + [0.0] * 500  # more frames than a byte counts
    assert statistics(long) == (0.5, 0.5, 1.0)
