"""A click on what is wrong in a mask that is nearly right, on the sample whose truth is known."""

from pathlib import Path

import numpy as np
import pytest

from trackmask.errors import PromptError
from trackmask.metrics import jaccard
from trackmask.prompts import read_mask
from trackmask.runtime import OnnxRuntime
from trackmask.tracking.prompted import PromptedFrame
from trackmask.tracking.refine import changed, deepest, refine
from trackmask.video import open_video

SAMPLES = Path(__file__).parent.parent.parent / "samples"


@pytest.fixture(scope="module")
def frame() -> PromptedFrame:
    with open_video(SAMPLES / "cat.mp4") as reader:
        return PromptedFrame(OnnxRuntime(threads=2), next(reader.frames(10)).image)


@pytest.fixture(scope="module")
def truth() -> np.ndarray:
    return read_mask(SAMPLES / "cat.truth" / "00010.png")[1]


def holed(truth: np.ndarray) -> tuple[np.ndarray, tuple[float, float]]:
    """The truth without a square of it, and the square's middle."""
    x, y = deepest(truth, (0.5, 0.5))
    mask, side = truth.copy(), 12
    mask[int(y) - side : int(y) + side, int(x) - side : int(x) + side] = False
    return mask, (x, y)


def test_what_is_missing_comes_back(frame: PromptedFrame, truth: np.ndarray) -> None:
    mask, click = holed(truth)
    found = refine(frame, mask, click, on=True)
    assert jaccard(found, truth) > jaccard(mask, truth) + 0.7 * (1 - jaccard(mask, truth))
    assert (found & mask == mask).all()  # nothing else has changed
    assert found[int(click[1]), int(click[0])]


def test_what_is_too_much_goes(frame: PromptedFrame, truth: np.ndarray) -> None:
    rows, columns = np.nonzero(truth)
    mask, x, y = truth.copy(), int(columns.max()), int(np.median(rows))
    mask[y - 15 : y + 15, x : x + 40] = True
    found = refine(frame, mask, (x + 25.5, y + 0.5), on=False)
    assert jaccard(found, truth) > jaccard(mask, truth)
    assert (found | mask == mask).all()
    assert not found[y, x + 25]


def test_a_click_that_says_nothing_new_changes_nothing(frame: PromptedFrame, truth: np.ndarray) -> None:
    assert np.array_equal(refine(frame, truth, deepest(truth, (0.5, 0.5)), on=True), truth)


def test_only_the_part_that_is_clicked_on_changes() -> None:
    mask, found = np.zeros((10, 20), bool), np.zeros((10, 20), bool)
    mask[2:5, 2:6] = True
    found[2:5, 2:9] = found[7:9, 15:18] = True
    assert np.array_equal(changed(mask, found, (7.5, 3.5), on=True), np.pad(np.ones((3, 7), bool), ((2, 5), (2, 11))))
    assert np.array_equal(changed(mask, found, (0.5, 0.5), on=True), mask)
    assert not changed(mask, np.zeros_like(mask), (3.5, 3.5), on=False).any()


def test_a_mask_of_which_a_click_leaves_nothing_is_refused() -> None:
    mask = np.zeros((20, 20), bool)
    mask[5:7, 6] = True
    with pytest.raises(PromptError, match="click on the object first"):
        deepest(mask, (6.0, 6.0))
