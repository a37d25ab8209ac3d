"""What is known of each mask, and that what is said of it changes no mask."""

from dataclasses import replace

import numpy as np
import pytest
from scripted import HueRuntime
from test_tracker import BLUE, GREEN, RED, SIZE, mask, scene, start

from trackmask.data import Evidence, ObjectRecord, Patch, State
from trackmask.prompts import Prompt
from trackmask.runtime import Calibration
from trackmask.runtime.calibration import Factor
from trackmask.tracking import judged
from trackmask.tracking.blend import Opinion, blend
from trackmask.tracking.evidence import bound, of_both, of_mask, scattered, soft_iou
from trackmask.tracking.parts import connected
from trackmask.tracking.pile import Pile
from trackmask.tracking.segment import Observation

LOW = Calibration((Factor(-2.0, {}),), (Factor(-2.0, {}),), (Factor(-2.0, {}),))  # 0.12, whatever is known


@pytest.fixture
def runtime():
    return HueRuntime()


def evidence(tracker, *frames):
    """After each frame."""
    return [tracker.step(scene(*things)).objects[0].evidence for things in frames]


def test_what_stays_as_it_is_has_nothing_against_it(runtime):
    runtime.certain = 0.97
    known = evidence(start(runtime, (RED, 100, 80, 60)), *[((RED, 100 + i, 80, 60),) for i in range(8)])[-1]
    assert (known.quality, known.iou, known.same) == (pytest.approx(0.9), pytest.approx(0.9), 1)
    assert known.sharp == pytest.approx(0.97, abs=0.02)
    assert (known.scattered, known.grown, known.edge) == (0, pytest.approx(0, abs=0.03), False)
    assert known.shrunk == pytest.approx(0, abs=0.03)
    assert known.leapt == pytest.approx(0, abs=0.05)
    assert known.overlap > 0.9


def test_a_slow_approach_is_none_of_growth_but_a_neighbour_won_is(runtime):
    sides = [round(60 * 1.01**i) for i in range(40)]
    slow = evidence(start(runtime, (RED, 60, 60, 60)), *[((RED, 60, 60, side),) for side in sides])[-1]
    assert slow.grown < 0.1
    tracker = start(runtime, (RED, 60, 60, 60))
    still, joined, later = evidence(tracker, *[((RED, 60, 60, 60),), *[((RED, 60, 60, 60), (RED, 120, 60, 60))] * 2])
    assert still.grown == 0
    assert joined.grown == pytest.approx(np.log(2), abs=0.1)
    assert 0 < later.grown < joined.grown  # what stays so is forgotten slowly
    (gone,) = evidence(tracker, ((RED, 60, 60, 60),))
    assert (gone.grown, gone.shrunk) == (0, pytest.approx(0, abs=0.1))  # it is as large as it was


def test_what_was_hidden_for_a_while_is_no_larger_than_before(runtime):
    tracker = start(runtime, (RED, 60, 60, 60))
    half, whole, nothing = evidence(tracker, ((RED, 60, 60, 42),), ((RED, 60, 60, 60),), ())
    assert half.shrunk == pytest.approx(np.log(2), abs=0.15)
    assert max(whole.grown, whole.shrunk) == pytest.approx(0, abs=0.1)
    assert (nothing.shrunk, nothing.area) == (whole.shrunk, whole.area)  # what comes back is compared with the last one


def test_what_comes_over_the_edge_may_grow_and_a_prompt_begins_anew(runtime):
    comes = [((RED, x, 80, 80),) for x in range(-60, 1, 10)]
    known = evidence(start(runtime, (RED, -70, 80, 80)), *comes)
    assert all(one.edge for one in known)
    assert max(one.grown for one in known) == 0
    tracker = start(runtime, (RED, 60, 60, 60))
    evidence(tracker, ((RED, 60, 60, 60), (RED, 120, 60, 60)))
    both = (RED, 60, 60, 60), (RED, 120, 60, 60)
    given = tracker.step(scene(*both), [Prompt(1, 2, mask=mask(both[0]) | mask(both[1]))]).objects[0]
    assert (given.evidence, given.confidence) == (None, 1)
    assert evidence(tracker, both)[0].grown < 0.1  # not 0.7


def test_a_leap_is_measured_by_how_the_object_usually_moves(runtime):
    quick = [((RED, x, 80, 60),) for x in range(62, 150, 8)]
    tracker = start(runtime, (RED, 54, 80, 60))
    known = evidence(tracker, *quick)
    assert known[-1].overlap == pytest.approx(52 / 68, abs=0.03)
    assert max(one.leapt for one in known) < 0.05
    (leap,) = evidence(tracker, ((RED, 190, 80, 60),))
    assert leap.leapt == pytest.approx(1 - (20 / 100) / (52 / 68), abs=0.05)


def test_where_a_person_has_said_that_it_is_not_there_it_is_no_wonder_either(runtime):
    tracker = start(runtime, (RED, 60, 60, 60))
    tracker.step(scene(), [Prompt(1, 1, mask=np.zeros(SIZE, bool))])
    assert [known.away for known in evidence(tracker, (), ())] == [True, True]


def test_sharp_is_the_iou_of_a_mask_with_its_own_probabilities(runtime):
    track = start(runtime, (RED, 100, 80, 60)).tracks[1]
    prob = np.zeros_like(track.prob)
    prob[10:20, 10:20], prob[30:40, 10:20] = 0.8, 0.3
    seen = Observation(track.crop, None, prob, iou=0.9, visible=1.0)
    assert of_mask(seen, track, SIZE).sharp == pytest.approx(80 / (100 + 30))


def test_pieces():
    one = np.zeros((40, 40), bool)
    assert scattered(connected(one)) == 0
    one[2:10, 2:12] = True
    assert scattered(connected(one)) == 0
    one[20:30, 20:22] = True
    assert scattered(connected(one)) == pytest.approx(0.2)
    assert soft_iou(one.astype(np.float32), one * np.float32(0.5)) == pytest.approx(0.5)
    assert soft_iou(np.zeros((2, 2)), np.zeros((2, 2))) == 0


def test_an_object_that_is_not_seen(runtime):
    runtime.missed = 0.2
    tracker = start(runtime, (RED, 60, 60, 60))
    (known,) = evidence(tracker, ((BLUE, 200, 60, 60),))
    assert (known.quality, known.iou, known.edge, known.away) == (pytest.approx(0.8), 0, False, False)
    left = start(runtime, (RED, -20, 60, 60))
    assert [one.edge for one in evidence(left, ((RED, -30, 60, 60),), (), ())] == [True] * 3  # it went over the edge


def test_behind_a_cut_it_is_no_wonder_that_an_object_is_not_seen(runtime):
    tracker = start(runtime, (RED, 60, 60, 60))
    white = np.full((*SIZE, 3), 255, np.uint8)
    first = tracker.step(white)
    assert first.cut
    assert [first.objects[0].evidence.away, tracker.step(white).objects[0].evidence.away] == [True, True]


def test_what_is_said_changes_no_mask_and_nothing_that_is_remembered(runtime):
    low = HueRuntime()
    low.calibration = LOW
    frames = [((RED, 60 + 3 * i, 60, 50), (GREEN, 200, 100, 40)) for i in range(12)] + [((GREEN, 200, 100, 40),)] * 3
    trackers = [start(one, (RED, 60, 60, 50)) for one in (runtime, low)]
    for things in frames:
        ours, theirs = (tracker.step(scene(*things)) for tracker in trackers)
        assert (ours.labels == theirs.labels).all()
        assert theirs.objects[0].confidence == pytest.approx(0.1192, abs=1e-4)
        assert theirs.objects[0].quality == ours.objects[0].quality
    assert len(trackers[0].tracks[1].past.recent) == len(trackers[1].tracks[1].past.recent) == 1


def test_below_certain_a_mask_is_uncertain_and_what_a_person_said_stays():
    record = ObjectRecord(1, State.TRACKED, 0.9, 10, (0, 0, 5, 2), evidence=Evidence(quality=0.9))
    assert (judged(record, LOW, 0.5).state, judged(record, LOW, 0.1).state) == (State.UNCERTAIN, State.TRACKED)
    empty = replace(record, state=State.ABSENT, box=None, area=0)
    assert judged(empty, LOW, 0.5) == replace(empty, confidence=0.1192)  # by what the network says of it
    assert judged(replace(empty, evidence=Evidence(quality=0.4)), LOW, 0.5).state == State.LOST
    said = replace(record, evidence=None)
    assert judged(said, LOW, 0.5) is said


def test_of_two_directions_the_way_from_the_prompt_tells_what_has_happened():
    left, right = Evidence(0.9, 0.8, grown=0.4, leapt=0.1), Evidence(0.5, 0.6, shrunk=0.5, scattered=0.3, leapt=0.2)
    both = of_both(left, right, 0.25, left, 0.6)
    assert (both.quality, both.iou, both.agreed) == (pytest.approx(0.8), 0.8, 0.6)
    assert (both.grown, both.shrunk, both.scattered, both.leapt) == (0.4, 0, 0, 0.1)
    assert of_both(left, right, 0.25, right, 1.0).shrunk == 0.5
    assert of_both(left, None, 0.5, left, 1.0) is None


def test_a_frame_is_bound_to_the_prompt_by_those_between_or_by_a_second_direction_that_came_back_to_it():
    assert bound([0.9, 0.8, 0.95]) == [0.9, 0.8, pytest.approx(0.8833, abs=1e-4)]
    dip = [1.0] * 6 + [0.9, 0.3, 0.8, 0.2, 0.9, 0.95]  # behind something, of which both make something else
    assert bound(dip) == [1.0] * 6 + [0.9, 0.3, 0.3, 0.2, 0.9, 0.95]
    astray = [0.6] * 5 + [0.1] + [1.0] * 6  # the second began with something else, and did not come back
    assert bound(astray) == pytest.approx([0.6] * 5 + [0.1] + [0.6] * 6)
    assert bound([0.4]) == [0.4]


def square():
    return Patch(0, 0, np.full((4, 4), 255, np.uint8))


@pytest.mark.parametrize(("share", "prompted", "grown"), [(0.3, True, 0.4), (0.7, True, 0), (0.7, False, 0.4)])
def test_a_second_pass_that_began_in_no_prompt_knows_no_way(share, prompted, grown):
    patch = square()
    left, right = (
        Opinion(ObjectRecord(1, State.TRACKED, 0.9, 16, (0, 0, 4, 4), evidence=known), patch)
        for known in (Evidence(0.9, grown=0.4), Evidence(0.9))
    )
    record, _ = blend(left, right, share, 0.5, prompted=prompted)
    assert record.evidence.grown == grown
    assert record.evidence.agreed == 1
    other = right._replace(patch=Patch(20, 20, patch.prob))
    assert blend(left, other, share, 0.5, prompted=prompted)[0].evidence.agreed == 0


def test_of_a_mask_and_none_that_one_is_known_which_it_is():
    seen = Opinion(ObjectRecord(1, State.TRACKED, 0.9, 16, (0, 0, 4, 4), evidence=Evidence(0.9)), square())
    gone = Opinion(ObjectRecord(1, State.ABSENT, 0.95, 0, None, evidence=Evidence(0.95)), None)
    record, shown = blend(seen, gone, 0.1, 0.5)
    assert shown.prob.max() > 127
    assert (record.evidence.quality, record.evidence.agreed) == (0.9, None)  # one alone says what it is
    record, shown = blend(seen, gone, 0.9, 0.5)
    assert shown.prob.max() <= 127
    assert record.evidence.quality == 0.95


def test_it_waits_on_disk_with_the_masks(runtime):
    tracker = start(runtime, (RED, 60, 60, 60))
    masks = tracker.step(scene((RED, 62, 60, 60)))
    with Pile(masks.labels.shape) as pile:
        pile.push(masks)
        assert pile.pop().objects[0].evidence == masks.objects[0].evidence
