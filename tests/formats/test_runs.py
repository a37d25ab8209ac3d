"""Run lengths: as the tools write them, and that what does not fill the picture is refused before memory is touched."""

import numpy as np
import pytest

from trackmask.errors import DataError
from trackmask.formats.runs import from_brush, from_coco, from_rows, to_brush, to_coco, to_rows

SIZES = ((1, 1), (1, 7), (37, 53), (200, 301))


def masks():
    rng = np.random.default_rng(5)
    for size in SIZES:
        for density in (0, 0.02, 0.5, 0.97, 1):
            yield rng.random(size) < density


@pytest.mark.parametrize("mask", list(masks()), ids=lambda mask: f"{mask.shape}, {mask.mean():.2f}")
def test_what_is_written_is_read_again(mask):
    assert np.array_equal(from_rows(to_rows(mask), mask.shape), mask)
    assert np.array_equal(from_brush(to_brush(mask), mask.shape), mask)


@pytest.mark.parametrize("mask", list(masks()), ids=lambda mask: f"{mask.shape}, {mask.mean():.2f}")
def test_coco_s_compressed_counts_are_those_of_its_own_tool(mask):
    pytest.importorskip("pycocotools")
    packed = to_coco(mask)
    assert np.array_equal(from_coco(packed["counts"], mask.shape), mask)


def test_compressed_counts_without_the_tool():
    # 6 columns of 5: 3 rows clear, 14 set, 13 clear; then 33 = 1 + 32 takes two characters.
    assert from_coco("3>=", (5, 6)).sum() == 14
    assert from_coco("2Q1", (5, 7)).sum() == 33
    assert np.flatnonzero(from_coco([0, 5, 595], (20, 30))[:, 0]).tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    "counts",
    [[], [5, 5], [601], [-1, 601], [2**63 - 1, 2**63 - 1, 602], [10**400], "", "1", "3>=", "\x01", "P" * 9, "Q"],
)
def test_counts_that_do_not_fill_the_picture(counts):
    with pytest.raises(DataError, match="export"):
        from_coco(counts, (20, 30))


@pytest.mark.parametrize(
    "values", [[], [300], [-1], [0] * 8, to_brush(np.ones((5, 5), bool)), to_brush(np.ones((4, 4), bool))[:-1]]
)
def test_brushes_that_do_not_fill_the_picture(values):
    with pytest.raises(DataError, match="export"):
        from_brush(values, (4, 4))


def test_a_brush_that_names_its_values_one_by_one():
    """A run of the other kind, which our writer never makes: a 0 bit, then a value each."""
    bits = f"{8:032b}{7:05b}" + "0010" * 4 + "0" + "00" + f"{7:03b}" + "".join(f"{v:08b}" for v in [0] * 4 + [255] * 4)
    bits += "0" * (-len(bits) % 8)
    values = [int(bits[place : place + 8], 2) for place in range(0, len(bits), 8)]
    assert from_brush(values, (1, 2)).tolist() == [[False, True]]
