"""Whose place it is where objects overlap: the likeliest one's, and what a person has given is the truth."""

from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT

import trackmask
from trackmask import Prompt
from trackmask.data import Masks, ObjectRecord, Patch, State, beside, label_map
from trackmask.errors import PromptError
from trackmask.prompts import by_frame, check, read_mask
from trackmask.runtime import OnnxRuntime

CAT = ROOT / "samples" / "cat.mp4"
SIZE = (300, 480)


@pytest.fixture(scope="module")
def runtime() -> OnnxRuntime:
    return OnnxRuntime(threads=1)


def half(top: int) -> np.ndarray:
    """A wrong mask that takes in the cat and much more."""
    mask = np.zeros(read_mask(ROOT / "samples" / "cat.mask.png")[1].shape, bool)
    mask[top:] = True
    return mask


def cat(index: int) -> np.ndarray:
    return read_mask(ROOT / "samples" / "cat.truth" / f"{index:05d}.png")[1]


def test_each_place_belongs_to_the_likeliest_and_to_the_first_in_doubt() -> None:
    left = Patch(0, 0, np.full((4, 6), 200, np.uint8))
    right = Patch(3, 0, np.full((4, 5), 220, np.uint8))
    weak = Patch(0, 0, np.full((4, 8), 127, np.uint8))
    labels = label_map([(5, left), (2, right), (9, weak)], (4, 8))
    assert labels[0].tolist() == [5, 5, 5, 2, 2, 2, 2, 2]
    same = Patch(0, 0, np.full((1, 2), 255, np.uint8))
    assert label_map([(7, same), (3, same)], (1, 2)).tolist() == [[7, 7]]


def test_what_comes_from_the_other_direction_takes_its_places_where_it_is_likelier() -> None:
    def masks(id_: int, prob: int, x: int) -> Masks:
        patch = Patch(x, 0, np.full((2, 4), prob, np.uint8))
        labels = label_map([(id_, patch)], (2, 6))
        return Masks(labels, (ObjectRecord(id_, State.TRACKED, 0.9, int((labels > 0).sum()), None),), {id_: patch})

    both = beside(masks(1, 150, 0), masks(2, 230, 2))
    assert both.labels[0].tolist() == [1, 1, 2, 2, 2, 2]
    assert [(record.id, record.area) for record in both.objects] == [(1, 4), (2, 8)]


@pytest.mark.parametrize(("wrong", "right"), [(1, 2), (2, 1)])
def test_a_painted_mask_is_kept_whatever_is_followed_there(runtime: OnnxRuntime, wrong: int, right: int) -> None:
    prompts = [Prompt(wrong, 0, mask=half(60)), Prompt(right, 3, mask=cat(3))]
    *_, last = trackmask.track(CAT, prompts=prompts, end=3, runtime=runtime)
    np.testing.assert_array_equal(last.masks == right, cat(3))


def test_an_object_that_is_prompted_later_is_there_before(runtime: OnnxRuntime) -> None:
    prompts = [Prompt(1, 0, mask=half(60)), Prompt(2, 4, mask=cat(4))]
    frames = list(trackmask.track(CAT, prompts=prompts, end=4, runtime=runtime))
    np.testing.assert_array_equal(frames[0].masks == 1, half(60))  # what was painted there is the truth
    for index in (1, 2, 3):
        mask = frames[index].masks == 2
        assert (mask & cat(index)).sum() > 0.3 * cat(index).sum()


def test_a_correction_takes_its_places_from_a_wrong_neighbour(runtime: OnnxRuntime, tmp_path: Path) -> None:
    prompts = [Prompt(1, 0, mask=cat(0)), Prompt(2, 0, mask=half(60) & ~cat(0))]
    trackmask.run(CAT, tmp_path / "r", prompts=prompts, end=3, style=None, runtime=runtime)
    wider = half(100)
    corrected = trackmask.correct(tmp_path / "r", Prompt(1, 2, mask=wider), runtime)
    np.testing.assert_array_equal(corrected.masks(2) == 1, wider)
    for frame in corrected.frames:
        for record in frame.objects:
            assert record.area == (corrected.masks(frame.index) == record.id).sum()


def test_one_pixel_is_not_clicked_with_two_meanings() -> None:
    with pytest.raises(PromptError, match="on object 1 and beside it"):
        check(Prompt(1, 0, positive=((60.2, 110.3),), negative=((60.7, 110.6),)), SIZE)
    with pytest.raises(PromptError, match="on object 1 and on object 2 in frame 0"):
        by_frame([Prompt(1, 0, positive=((60, 110),)), Prompt(2, 0, positive=((60, 110.5),))])
