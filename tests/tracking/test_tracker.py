"""The tracker's steps, with a runtime that finds things by their hue: each answer and what is made of it."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scripted import HueRuntime

from trackmask.data import State
from trackmask.errors import CallError
from trackmask.metrics import jaccard
from trackmask.prompts import Prompt
from trackmask.tracking import Settings, Tracker, evidence
from trackmask.tracking.identity import Identity

SIZE = (240, 320)
RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)

Thing = tuple[tuple[int, int, int], int, int, int]  # colour, x, y, side


def scene(*things: Thing) -> np.ndarray:
    """Squares on black, the later ones in front."""
    image = np.zeros((*SIZE, 3), np.uint8)
    for colour, x, y, side in things:
        image[max(y, 0) : max(y + side, 0), max(x, 0) : max(x + side, 0)] = colour
    return image


def mask(thing: Thing) -> np.ndarray:
    return scene(thing).any(2)


def prompt(thing: Thing, object_id: int = 1) -> Prompt:
    return Prompt(object_id, 0, mask=mask(thing))


@pytest.fixture
def runtime() -> HueRuntime:
    return HueRuntime()


def start(runtime: HueRuntime, *things: Thing, settings: Settings = Settings()) -> Tracker:
    """A tracker that was given the first of the things."""
    tracker = Tracker(runtime, SIZE, settings)
    tracker.step(scene(*things), [prompt(things[0])])
    return tracker


# --- following -----------------------------------------------------------------------------------------------------


def test_a_moving_object_is_followed_to_the_pixel(runtime):
    tracker = start(runtime, (RED, 40, 60, 50))
    for x in range(45, 200, 5):
        masks = tracker.step(scene((RED, x, 60 + x // 10, 50)))
        assert jaccard(masks.labels == 1, mask((RED, x, 60 + x // 10, 50))) > 0.9
        (record,) = masks.objects
        assert (record.state, record.confidence) == (State.TRACKED, pytest.approx(0.9))
        assert record.box == pytest.approx((x, 60 + x // 10, 50, 50), abs=2)


def test_the_last_mask_says_which_of_two_alike_is_meant(runtime):
    """It must be moved along with the crop, which jumps here: else it lies on the other one."""
    tracker = start(runtime, (RED, 100, 100, 40), (RED, 170, 100, 40))
    for step in range(1, 12):
        x = 100 + 5 * step
        masks = tracker.step(scene((RED, x, 100, 40), (RED, x + 70, 100, 40)))
        assert jaccard(masks.labels == 1, mask((RED, x, 100, 40))) > 0.9


def test_the_last_mask_is_given_where_it_lies_in_the_new_crop(runtime):
    tracker = start(runtime, (RED, 100, 100, 40))
    for x in (104, 108, 112):
        tracker.step(scene((RED, x, 100, 40)))
    previous = runtime.decoded[-1][0][0, 0]
    track = tracker.tracks[1]
    across = len(previous) / track.crop.width
    columns = np.flatnonzero((previous > 0.5).any(0))
    assert columns[0] == pytest.approx((108 - track.crop.x) * across, abs=1.5)
    assert columns[-1] == pytest.approx((148 - track.crop.x) * across, abs=1.5)


def test_a_crop_that_cuts_the_object_is_followed_by_one_that_shows_the_rest(runtime):
    tracker = start(runtime, (RED, 100, 100, 40))
    masks = tracker.step(scene((RED, 125, 100, 40)))  # the crop reaches 14 pixels beyond the object
    assert jaccard(masks.labels == 1, mask((RED, 125, 100, 40))) > 0.9
    assert runtime.encoded == 3


def test_one_look_a_frame_is_enough_where_nothing_happens(runtime):
    tracker = start(runtime, (RED, 100, 100, 40))
    for _ in range(5):
        tracker.step(scene((RED, 100, 100, 40)))
    assert runtime.encoded == 6


def test_objects_share_a_batch(runtime):
    tracker = Tracker(runtime, SIZE)
    red, blue = (RED, 30, 30, 40), (BLUE, 200, 120, 60)
    tracker.step(scene(red, blue), [prompt(red, 4), prompt(blue, 9)])
    masks = tracker.step(scene(red, blue))
    assert len(runtime.decoded) == 1
    assert jaccard(masks.labels == 4, mask(red)) > 0.9
    assert jaccard(masks.labels == 9, mask(blue)) > 0.9


# --- states --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("iou", "visible", "state", "confidence"),
    [
        (0.5, 0.9, State.TRACKED, 0.5),
        (0.49, 0.9, State.UNCERTAIN, 0.49),
        (0.9, 0.51, State.TRACKED, 0.9),
        (0.9, 0.49, State.ABSENT, 0.51),
    ],
)
def test_what_it_says_is_what_it_was_told(runtime, iou, visible, state, confidence):
    thing = (RED, 100, 100, 40)
    tracker = start(runtime, thing)
    runtime.iou, runtime.visible = iou, visible
    masks = tracker.step(scene(thing))
    (record,) = masks.objects
    assert (record.state, record.confidence) == (state, pytest.approx(confidence, abs=1e-4))
    assert masks.labels.any() == (state in (State.TRACKED, State.UNCERTAIN))


def test_believed_visible_and_not_found_is_lost(runtime):
    tracker = start(runtime, (RED, 100, 100, 40))
    runtime.missed = 0.8
    (record,) = tracker.step(scene()).objects
    assert (record.state, record.confidence, record.area) == (State.LOST, pytest.approx(0.2, abs=1e-4), 0)


def test_the_search_widens_to_the_whole_frame_and_the_object_is_found_there(runtime):
    tracker = start(runtime, (RED, 20, 20, 40))
    sides = []
    for _ in range(15):
        assert not tracker.step(scene()).labels.any()
        sides.append(tracker.tracks[1].crop.side)
    assert all(one < other for one, other in pairwise(sides) if one < 320)
    assert sides[-1] == 320
    runtime.iou = 0.95  # as much as it usually is: 1 in the prompt
    masks = tracker.step(scene((RED, 250, 150, 40)))
    assert jaccard(masks.labels == 1, mask((RED, 250, 150, 40))) > 0.8
    masks = tracker.step(scene((RED, 250, 150, 40)))
    assert jaccard(masks.labels == 1, mask((RED, 250, 150, 40))) > 0.9
    assert tracker.tracks[1].crop.side < 100  # fitted again, not shrunk by 3 % from the whole frame


@pytest.mark.parametrize(
    ("likeness", "iou", "found"), [(0.92, 0.75, False), (0.92, 0.95, True), (0.95, 0.6, False), (0.95, 0.75, True)]
)
def test_the_less_it_looks_like_the_object_the_more_it_must_be_believed(runtime, monkeypatch, likeness, iou, found):
    tracker = start(runtime, (RED, 100, 100, 40))
    for _ in range(3):
        tracker.step(scene((RED, 100, 100, 40)))
    tracker.step(scene())
    monkeypatch.setattr(Identity, "likeness", lambda self, seen: likeness)
    runtime.iou = iou  # usually it is 0.9, or 1 in the prompt
    assert tracker.step(scene((RED, 100, 100, 40))).labels.any() == found


def test_what_is_left_of_it_at_the_frame_s_edge_is_not_learnt_as_its_look(runtime, monkeypatch):
    learnt = []
    monkeypatch.setattr(Identity, "learn", lambda self, seen: learnt.append(seen))
    tracker = start(runtime, (RED, 100, 100, 40))
    for x in [100] * 8:
        tracker.step(scene((RED, x, 100, 40)))
    assert len(learnt) == 1
    for x in [*range(120, 315, 20), *[314] * 16]:
        assert tracker.step(scene((RED, x, 100, 40))).labels.any()
    assert len(learnt) == 2  # on its way, and not where six columns of it are left


# --- memory --------------------------------------------------------------------------------------------------------


def test_of_its_own_frames_it_remembers_a_few_and_only_sure_ones(runtime):
    thing = (RED, 100, 100, 40)
    tracker = start(runtime, thing, settings=Settings(recent=2, every=3, sure=0.7))
    known = []
    for iou in (0.9, 0.9, 0.69, 0.69, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9):
        runtime.iou = iou
        tracker.step(scene(thing))
        known.append(len(tracker.tracks[1].past.recent))
    assert known == [0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2]
    assert len(tracker.tracks[1].past.references) == 1
    assert [given[2].shape[1] for given in runtime.decoded] == [1, 1, 1, 1, 1, 2, 2, 2, 3, 3, 3]


def test_a_mask_that_may_be_another_object_s_is_not_remembered(runtime, monkeypatch):
    def doubted(*seen):
        return replace(evidence.of_mask(*seen), quality=0.6)

    monkeypatch.setattr("trackmask.tracking.tracker.of_mask", doubted)
    thing = (RED, 100, 100, 40)
    tracker = start(runtime, thing, settings=Settings(every=1, sure=0.7))
    for _ in range(3):
        tracker.step(scene(thing))
    assert not tracker.tracks[1].past.recent


def test_without_recent_frames_it_remembers_the_prompts_alone(runtime):
    thing = (RED, 100, 100, 40)
    tracker = start(runtime, thing, settings=Settings(recent=0))
    for _ in range(8):
        tracker.step(scene(thing))
    assert not tracker.tracks[1].past.recent


def test_what_is_remembered_outlives_a_cut(runtime):
    thing = (RED, 100, 100, 40)
    tracker = start(runtime, thing, settings=Settings(every=1))
    tracker.step(scene(thing))
    remembered = tracker.tracks[1].past.recent
    assert tracker.step(np.full((*SIZE, 3), 255, np.uint8)).cut
    assert tracker.tracks[1].past.recent == remembered
    assert len(remembered) == 1


def test_each_prompt_stays(runtime):
    red, blue = (RED, 100, 100, 40), (BLUE, 200, 60, 60)
    tracker = start(runtime, red)
    for _ in range(3):
        tracker.step(scene(red))
    masks = tracker.step(scene(red, blue), [prompt(blue)])  # a correction: it was the blue one
    assert (masks.labels == 1).sum() == mask(blue).sum()
    assert len(tracker.tracks[1].past.references) == 2
    assert tracker.tracks[1].confidence == 1


def test_a_mask_that_lies_over_another_crop_than_the_features_is_not_remembered(runtime):
    tracker = start(runtime, (RED, 20, 100, 40), settings=Settings(every=1))
    tracker.step(scene((RED, 45, 100, 40)))  # seen through a second crop
    assert not tracker.tracks[1].past.recent
    tracker.step(scene((RED, 45, 100, 40)))
    assert len(tracker.tracks[1].past.recent) == 1


# --- merging -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("certain", "shown"), [(0.45, False), (0.55, True), (0.7, True)])
def test_a_pixel_belongs_to_the_object_from_one_half_on(runtime, certain, shown):
    thing = (RED, 100, 100, 40)
    tracker = start(runtime, thing)
    runtime.certain = certain
    masks = tracker.step(scene(thing))
    assert (masks.labels == 1).any() == shown
    if shown:
        assert jaccard(masks.labels == 1, mask(thing)) > 0.9
        assert masks.soft(1)[120, 120] == pytest.approx(255 * certain, abs=2)


def test_where_two_masks_are_even_the_lower_id_has_the_pixel(runtime):
    tracker = Tracker(runtime, SIZE)
    left, right = (RED, 100, 100, 60), (BLUE, 130, 100, 60)
    masks = tracker.step(scene(left, right), [prompt(right, 2), prompt(left, 1)])
    assert (masks.labels == 1).sum() == 60 * 60
    assert (masks.labels == 2).sum() == 30 * 60


def test_a_painted_mask_has_its_pixels_whoever_is_as_sure_of_them(runtime):
    thing = (RED, 100, 100, 40)
    tracker = start(runtime, thing)
    assert (tracker.step(scene(thing)).labels == 1).any()
    assert (tracker.step(scene(thing), [prompt(thing, 2)]).labels[mask(thing)] == 2).all()


def test_of_two_that_claim_a_place_the_less_sure_one_gives_it_up_in_the_next_frame(runtime):
    tracker = Tracker(runtime, SIZE)
    image = np.zeros((*SIZE, 3), np.uint8)
    image[60:180, 100:180] = RED  # two that touch and look the same: both are seen as one thing
    left, right = image.any(2), image.any(2)
    left[:, 140:] = right[:, :140] = False
    tracker.step(image, [Prompt(1, 0, mask=left), Prompt(2, 0, mask=right)])
    runtime.certain = (0.6, 0.9)
    masks = tracker.step(image)
    assert (masks.labels == 1).sum() == 0
    assert jaccard(masks.labels == 2, image.any(2)) > 0.9
    tracker.step(image)
    less_sure, surer = runtime.decoded[-1][0][:, 0]
    assert less_sure.max() <= 0.5
    assert surer.max() == pytest.approx(0.9, abs=0.02)


def test_a_covered_object_has_no_area_and_is_lost(runtime):
    tracker = Tracker(runtime, SIZE)
    thing = (RED, 100, 100, 60)
    masks = tracker.step(scene(thing), [prompt(thing, 1), prompt(thing, 2)])
    assert [(record.state, record.area) for record in masks.objects] == [(State.TRACKED, 3600), (State.LOST, 0)]


def test_the_picture_must_have_the_size_that_was_said(runtime):
    tracker = start(runtime, (RED, 100, 100, 40))
    with pytest.raises(CallError, match="240, 320"):
        tracker.step(np.zeros((100, 100, 3), np.uint8))


@pytest.mark.parametrize("one_shot", [False, True])
def test_no_cut_is_seen_where_all_is_known_to_be_one_shot(runtime, one_shot):
    tracker = Tracker(runtime, SIZE, one_shot=one_shot)
    tracker.step(scene((RED, 100, 100, 40)), [prompt((RED, 100, 100, 40))])
    assert tracker.step(np.full((*SIZE, 3), 255, np.uint8)).cut is not one_shot
