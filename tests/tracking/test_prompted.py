"""What boxes and clicks mean in their frame, with the shipped weights: the sample's cat beside somebody salient."""

from itertools import islice

import cv2
import numpy as np
import pytest
from conftest import ROOT

from trackmask.data import State
from trackmask.metrics import jaccard
from trackmask.prompts import Prompt, read_mask
from trackmask.result.review import PROMPTED
from trackmask.runtime import OnnxRuntime
from trackmask.tracking import Tracker
from trackmask.tracking.prompted import PromptedFrame
from trackmask.video import open_video

SAMPLES = ROOT / "samples"


@pytest.fixture(scope="module")
def runtime() -> OnnxRuntime:
    return OnnxRuntime(threads=2)


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    with open_video(SAMPLES / "cat.mp4") as film:
        return next(iter(film)).image


@pytest.fixture(scope="module")
def cat() -> np.ndarray:
    return read_mask(SAMPLES / "cat.mask.png")[1]


def clicks_on(mask: np.ndarray, count: int, seed: int = 0) -> list[tuple[int, int]]:
    """Places of a mask at random, (x, y), 4 pixels from its edge, as a hand clicks."""
    rows, columns = np.nonzero(cv2.erode(mask.astype(np.uint8), np.ones((9, 9))))
    chosen = np.random.default_rng(seed).choice(len(rows), count)
    return [(int(columns[i]), int(rows[i])) for i in chosen]


def test_one_click_anywhere_on_the_cat_is_the_cat(runtime, image, cat):
    for click in clicks_on(cat, 8):
        masks = Tracker(runtime, cat.shape).step(image, [Prompt(1, 0, positive=(click,))])
        assert jaccard(masks.labels == 1, cat) > 0.95, click
        assert masks.objects[0].state == State.TRACKED


def test_a_click_beside_the_object(runtime, image, cat):
    masks = Tracker(runtime, cat.shape).step(image, [Prompt(1, 0, positive=((90, 170),), negative=((250, 60),))])
    assert jaccard(masks.labels == 1, cat) > 0.95


def test_what_the_edge_of_a_crop_cuts_off_is_looked_for(runtime):
    """The shuttle, which goes on to the frame's right edge; the crop that says best what is clicked ends at 446."""
    with open_video(SAMPLES / "cat.mp4") as film:
        (later,) = islice(film, 20, 21)
    x, _, width, _ = PromptedFrame(runtime, later.image).observe(Prompt(1, 0, positive=((330, 110),))).box
    assert x + width > 470


@pytest.mark.parametrize("seed", range(6))
def test_what_is_clicked_is_law_even_where_it_makes_no_sense(runtime, image, seed):
    """Clicks at random, with a box or without: the mask obeys, and says so where it would not have."""
    rng = np.random.default_rng(seed)
    clicks = [(int(x), int(y)) for x, y in zip(rng.integers(0, 480, 6), rng.integers(0, 360, 6), strict=True)]
    box = (0, 0, 480, 360) if seed % 2 else None
    prompt = Prompt(1, 0, box=box, positive=tuple(clicks[:3]), negative=tuple(clicks[3:]))
    masks = Tracker(runtime, (360, 480)).step(image, [prompt])
    assert [masks.labels[y, x] for x, y in clicks] == [1, 1, 1, 0, 0, 0]
    assert masks.objects[0].confidence < PROMPTED  # so it is on the review list


def test_clicks_side_by_side(runtime, image):
    """Nearer to each other than the network's mask is sharp."""
    prompt = Prompt(1, 0, positive=((300, 100), (302, 101)), negative=((301, 100),))
    masks = Tracker(runtime, (360, 480)).step(image, [prompt])
    assert [masks.labels[y, x] for y, x in ((100, 300), (101, 302), (100, 301))] == [1, 1, 0]


def test_what_is_clicked_on_one_object_is_not_another_ones(runtime, image, cat):
    (x, y), *_ = clicks_on(cat, 1)
    given = Prompt(1, 0, mask=cat)
    for prompts in (
        [given, Prompt(2, 0, positive=((x, y),))],
        [Prompt(9, 0, mask=cat), Prompt(2, 0, positive=((x, y),))],
    ):
        assert Tracker(runtime, cat.shape).step(image, prompts).labels[y, x] == 2


class Counting(OnnxRuntime):
    """Counts the crops that it encodes."""

    crops = 0

    def encode(self, crops):
        self.crops += len(crops)
        return super().encode(crops)


def test_a_session_encodes_no_crop_twice_and_says_what_a_new_one_says(image):
    runtime = Counting(threads=2)
    session, prompt = PromptedFrame(runtime, image), Prompt(1, 0, positive=((90, 170),))
    more = Prompt(1, 0, positive=((90, 170),), negative=((250, 60),))
    first = session.observe(prompt)
    encoded = runtime.crops
    assert np.array_equal(session.observe(prompt).prob, first.prob)
    assert runtime.crops == encoded
    again = session.observe(more)
    assert runtime.crops - encoded <= encoded / 2
    assert np.array_equal(again.prob, PromptedFrame(runtime, image).observe(more).prob)
