"""The shipped weights on the samples: the masks that they gave before, and the true ones where they are known."""

import numpy as np
import pytest
from golden import SAMPLES, kept, tracked
from PIL import Image

from trackmask.metrics import jaccard


@pytest.mark.parametrize("clip", ["bunny", "cat"])
def test_masks_are_what_they_were(clip):
    """If they are better now: python tests/tracking/golden.py"""
    before, checked = kept(clip), 0
    for index, mask in tracked(clip):
        truth = SAMPLES / f"{clip}.truth" / f"{index:05d}.png"
        if index and truth.exists():
            assert jaccard(mask, np.asarray(Image.open(truth)) > 0) > (0.95 if clip == "cat" else 0.85), index
            checked += 1
        if index in before:
            assert jaccard(mask, before[index]) > 0.98, index
    assert len(before) >= 7
    assert checked >= 10
