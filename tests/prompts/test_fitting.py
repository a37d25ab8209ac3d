"""What fits a video passes in the tracker's form; what does not is told in one sentence, whatever it was written in."""

import re
from pathlib import Path

import numpy as np
import pytest

from trackmask.errors import PromptError
from trackmask.prompts import Prompt, check

SIZE = (40, 60)
WHOLE = np.ones(SIZE, bool)


def test_what_fits_passes_and_boxes_are_cut() -> None:
    given = Prompt(255, 9, mask=WHOLE)
    found = check(given, SIZE, 10)
    assert (found.object_id, found.frame, found.box) == (255, 9, None)
    assert found.mask is given.mask
    assert check(Prompt(1, 10**6, box=(-5, 30, 15, 20)), SIZE).box == (0, 30, 10, 10)
    assert check(Prompt(1, 0, box=(50, -1, 100, 100)), SIZE).box == (50, 0, 10, 40)
    assert check(Prompt(1, 0, mask=~WHOLE), SIZE, absent=True).mask is not None


def test_numpy_s_numbers_and_masks_of_whole_numbers_are_taken() -> None:
    found = check(
        Prompt(np.uint8(3), np.int64(2), box=np.array([1, 2, 3, 4.5]), positive=np.array([[2, 3]]), negative=[[9, 9]]),
        SIZE,
    )
    assert (found.object_id, found.frame, found.box) == (3, 2, (1, 2, 3, 4.5))
    assert (type(found.object_id), type(found.frame), type(found.box[0])) == (int, int, float)
    assert (found.positive, found.negative) == (((2, 3),), ((9, 9),))
    assert type(check(Prompt(1, np.float32(0.5), box=(1, 1, 5, 5)), SIZE).frame) is float
    for values in (WHOLE.astype(np.uint8), WHOLE.astype(np.int64) * 255, WHOLE.tolist()):
        np.testing.assert_array_equal(check(Prompt(1, mask=values), SIZE).mask, WHOLE)


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        (Prompt(0, 0, box=(0, 0, 5, 5)), "object 0 cannot be"),
        (Prompt(256, 0, box=(0, 0, 5, 5)), "object 256 cannot be"),
        (Prompt("dog", 0, box=(0, 0, 5, 5)), "ids go from 1 to 255"),
        (Prompt(1, 10, box=(0, 0, 5, 5)), "there is no frame 10: the video has 10"),
        (Prompt(1, -1, box=(0, 0, 5, 5)), "there is no frame -1"),
        (Prompt(1, "3s", box=(0, 0, 5, 5)), "'3s' is no place in a video"),
        (Prompt(1, float("nan"), box=(0, 0, 5, 5)), "nan is no place in a video"),
        (Prompt(1, 0), "has no mask, box or click"),
        (Prompt(1, 0, negative=((1, 1),)), "has no mask, box or click"),
        (Prompt(1, 0, mask=np.ones((60, 40), bool), source="dir/m.png"), "m.png is 40x60 and the video is 60x40"),
        (Prompt(1, 0, mask=~WHOLE), "the mask of object 1 is empty"),
        (Prompt(1, 0, mask="first.png"), "the mask 'first.png' is a name"),
        (Prompt(1, 0, mask=Path("first.png")), "the mask 'first.png' is a name"),
        (Prompt(1, 0, mask=np.ones((*SIZE, 3), bool)), "shape (40, 60, 3)"),
        (Prompt(1, 0, mask=WHOLE * 0.7), "mask > 0.5"),
        (Prompt(1, 0, mask=np.arange(2400).reshape(SIZE) % 3), "holds 2 objects"),
        (Prompt(1, 0, box=(60, 0, 5, 5)), "the box 60,0,5,5 is outside of the frame (60x40)"),
        (Prompt(1, 0, box=(0, -5, 5, 5)), "is outside of the frame (60x40)"),
        (Prompt(1, 0, box=(1, 2, 3)), "write X,Y,W,H in pixels"),
        (Prompt(1, 0, box="1,2,3,4"), "write X,Y,W,H in pixels"),
        (Prompt(1, 0, box=7), "7 is not a box"),
        (Prompt(1, 0, box=(1, 2, 0, 4)), "has no area"),
        (Prompt(1, 0, box=(1, 2, float("inf"), 4)), "has no area"),
        (Prompt(1, 0, box=(0.5, 0.25, 0.2, 0.5)), "write it in pixels: 30,10,12,20"),
        (Prompt(1, 0, box=(0, 0, 1, 1)), "write it in pixels: 0,0,60,40"),
        (Prompt(1, 0, box=(20, 10, 50, 35)), "two corners, write 20,10,30,25 (X,Y,W,H), and if not, 20,10,40,30"),
        (Prompt(1, 0, positive=((60, 0),)), "the click 60,0 is outside"),
        (Prompt(1, 0, positive=((0.5, 0.25),)), "write pixels: 30,10"),
        (Prompt(1, 0, positive=(20, 10)), "one click, and clicks are a list of them; write ((20, 10),)"),
        (Prompt(1, 0, positive=((20,),)), "write X,Y in pixels"),
        (Prompt(1, 0, positive=5), "5 are no clicks"),
        ((20, 10, 5, 5), "tuple is no prompt"),
    ],
)
def test_what_does_not_fit_is_told(prompt: Prompt, words: str) -> None:
    with pytest.raises(PromptError, match=re.escape(words)):
        check(prompt, SIZE, 10)


def test_a_box_that_only_rounding_takes_over_the_edge_is_no_riddle() -> None:
    assert check(Prompt(1, 0, box=(1, 1, 60, 39.5)), SIZE).box == (1, 1, 59, 39)
