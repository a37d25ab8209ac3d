from dataclasses import replace
from random import Random

import pytest

from trackmask.data import Doubt, ObjectRecord, State
from trackmask.result import FrameRecord
from trackmask.result.review import ALWAYS, BESIDE, GAP, LIMIT, Range, review
from trackmask.result.worth import STEADY


def seen(object_id=1, confidence=0.95, box=(100, 100, 40, 40), area=1200, **more):
    return ObjectRecord(object_id, more.pop("state", State.TRACKED), confidence, area, box, **more)


def lost(confidence=0.7, state=State.LOST):
    return ObjectRecord(1, state, confidence, 0, None)


def frames(changes, count=60):
    return [FrameRecord(i, i / 25, (changes.get(i, seen()),)) for i in range(count)]


def listed(changes, prompts=(0,), count=60):
    return review(frames(changes, count), {1: list(prompts)})


def found(changes):
    return sorted((item.first, item.last, item.reason) for item in listed(changes))


def test_nothing_to_look_at():
    assert review([], {}) == []
    assert found({}) == []


def test_one_range_over_small_gaps_with_its_lowest_confidence():
    ranges = listed({10: seen(confidence=0.4), 14: seen(confidence=0.3), 40: seen(confidence=0.45)})
    said = {(item.first, item.last, item.reason, item.confidence) for item in ranges}
    assert said == {(10, 14, "low confidence", 0.3), (40, 40, "low confidence", 0.45)}
    assert found({10: seen(confidence=0.4), 10 + GAP: seen(confidence=0.4)}) == [(10, 10 + GAP, "low confidence")]
    assert len(found({10: seen(confidence=0.4), 11 + GAP: seen(confidence=0.4)})) == 2


def test_reasons():
    assert found({10: lost()}) == [(10, 10, "lost"), (11, 11, "found again")]
    assert found({10: seen(state=State.UNCERTAIN, confidence=0.6)}) == [(10, 10, "low confidence")]
    assert found({59: lost(0.4, State.ABSENT)}) == [(59, 59, "low confidence")]
    assert found({59: lost(0.9, State.ABSENT)}) == []
    half = {i: seen(area=600) for i in range(30, 60)}
    assert found(half) == [(30, 30, "sudden change of area")]
    beside = {i: seen(box=(160, 100, 40, 40)) for i in range(30, 60)}
    assert found(beside) == [(30, 30, "jump")]


def test_directions_that_disagree_are_a_reason_where_that_lowers_the_confidence():
    apart = {i: seen(confidence=0.7, agreement=0.2, doubt=Doubt.APART) for i in (10, 12)}
    assert found(apart) == [(10, 12, "two directions disagree")]
    assert found({10: seen(agreement=0.0)}) == []  # one of them was lost, and has nothing to say
    assert found({59: ObjectRecord(1, State.LOST, 0.2, 0, None, 0.0)}) == [(59, 59, "lost")]


def test_cuts_and_returns_are_listed_however_sure_the_masks():
    away = {i: lost(0.99, State.ABSENT) for i in range(20, 30)}
    ranges = review(frames(away), {1: [0]}, {20, 50})
    said = {(item.first, item.last, item.reason) for item in ranges}
    assert said == {(20, 20, "cut"), (30, 30, "found again"), (50, 50, "cut")}


def test_where_a_prompt_says_what_is_there_a_cut_is_no_question():
    away = {i: lost(0.99, State.ABSENT) for i in range(20, 30)}
    assert review(frames(away), {1: [0, 20, 30]}, {20}) == []


def test_the_limit_leaves_out_no_cut():
    many = 3 * LIMIT
    bad = {(GAP + 1) * i + 5: seen(confidence=0.1) for i in range(many)}
    cuts = {(GAP + 1) * i for i in range(1, many)}
    ranges = review(frames(bad, (GAP + 1) * many), {1: [0]}, cuts)
    assert sum(item.reason == "cut" for item in ranges) == many - 1
    assert sum(item.reason != "cut" for item in ranges) == LIMIT


def test_steady_motion_and_small_flicker_are_fine():
    assert found({i: seen(box=(100 + 20 * i, 100, 40, 40), area=1200 + 40 * i) for i in range(60)}) == []
    assert found({i: seen(box=(100 + 6 * (i % 2), 100, 3, 3), area=5 + 4 * (i % 2)) for i in range(60)}) == []


def test_frames_that_are_not_neighbours_are_not_compared():
    assert review([FrameRecord(0, 0, (seen(),)), FrameRecord(2, 0.1, (seen(box=(900, 0, 40, 40)),))], {1: [0]}) == []


def test_first_is_where_a_correction_repairs_most():
    dip, stretch = {5: seen(confidence=0.05)}, {i: seen(confidence=0.3) for i in range(30, 50)}
    long, short = listed(dip | stretch)
    assert (long.first, long.last, short.first) == (30, 49, 5)
    assert 30 <= long.frame < 49
    assert long.worth > short.worth > 0


def test_the_frame_to_correct_is_one_in_which_the_object_is_plainly_seen():
    """Not one in which something hides it: what a correction there shows says little of the other frames."""
    hidden = {i: seen(confidence=0.4, area=300) for i in range(20, 30)}
    behind = {i: seen(confidence=0.6) for i in range(30, 50)}
    (item,) = [one for one in listed(hidden | behind) if one.last == 49]
    assert item.first == 20
    assert item.frame >= 30 + STEADY


def test_what_lies_close_together_is_one_range_for_the_gravest_reason():
    grew, blurred = seen(confidence=0.6, doubt=Doubt.GREW), seen(confidence=0.7, doubt=Doubt.OUTLINE)
    assert found({10: blurred, 14: grew, 20: blurred}) == [(10, 20, "grew suddenly")]
    assert found({10: blurred, 14: seen(area=600), 20: grew}) == [(10, 20, "grew suddenly")]
    assert found({10: grew, 11: lost(0.4), 12: grew}) == [(10, 12, "lost"), (12, 12, "found again")]


def test_the_surer_frames_at_the_ends_of_a_range_are_not_in_it():
    dip = {i: seen(confidence=0.7) for i in range(20, 40)} | {i: seen(confidence=0.3) for i in (26, 30)}
    assert found(dip) == [(26, 30, "low confidence")]
    assert found(dip | {23: seen(confidence=0.59)}) == [(23, 30, "low confidence")]


def test_the_frame_to_correct_may_lie_beside_its_range_and_no_nearer_to_another():
    hidden = {i: seen(confidence=0.3, area=200) for i in range(20, 28)}
    (item,) = [one for one in listed(hidden) if one.reason == "low confidence"]
    assert 28 <= item.frame <= item.last + BESIDE
    assert item.why == "low confidence in frames 20 to 27"
    assert replace(item, frame=item.last).why == "low confidence"
    both = listed(hidden | {i: seen(confidence=0.3, area=200) for i in range(46, 54)})
    frames = sorted(one.frame for one in both if one.reason == "low confidence")
    assert frames[0] <= (28 + 46) / 2 <= frames[1]


def test_where_it_was_lost_the_frame_lies_in_the_range_that_is_left():
    unsure = {index: seen(confidence=0.6) for index in range(20, 45)}
    (item,) = (item for item in listed(unsure | {47: lost(0.1), 48: lost(0.1)}) if item.reason == "lost")
    assert (item.first, item.last) == (47, 48)
    assert item.frame in (47, 48)


def test_where_it_was_lost_somebody_has_to_say_where_it_is():
    gone = {i: lost(0.3) for i in range(20, 30)}
    (item,) = [one for one in listed(gone) if one.reason == "lost"]
    assert item.frame in gone


def test_a_mask_that_a_person_would_mend_is_listed_and_a_fair_one_is_not():
    assert found({10: seen(confidence=0.74, agreement=0.9)}) == [(10, 10, "low confidence")]
    assert found({10: seen(confidence=0.76, agreement=0.9)}) == []
    assert found({10: seen(confidence=0.77)}) == [(10, 10, "low confidence")]  # no other direction has seen it
    assert found({10: seen(confidence=0.81)}) == []
    assert found({59: lost(0.6, State.ABSENT)}) == []
    assert found({59: lost(0.7)}) == [(59, 59, "lost")]
    assert found({59: lost(0.8)}) == []


def test_objects_apart():
    both = [FrameRecord(i, i / 25, (seen(1, 0.4), seen(2, 0.3))) for i in range(3)]
    ranges = review(both, {})
    assert [(item.object_id, item.first, item.last) for item in ranges] == [(2, 0, 2), (1, 0, 2)]


@pytest.mark.parametrize("unsure", [seen(confidence=0.7), seen(state=State.UNCERTAIN), lost()])
def test_an_unsure_prompt_comes_first_however_long_the_list(unsure):
    step = GAP + 1
    bad = {i * step: seen(confidence=0.3) for i in range(1, 2 * LIMIT)}
    ranges = listed({**bad, 0: unsure}, prompts=(0,), count=2 * LIMIT * step)
    assert (ranges[0].reason, ranges[0].frame) == ("unsure of the prompt", 0)
    assert sum(item.reason not in ALWAYS for item in ranges) == LIMIT
    assert [item.unsure_of_the_prompt for item in ranges[:2]] == [True, False]
    assert not any(item.unsure_of_the_prompt for item in listed({**bad, 0: seen(confidence=0.76)}))
    assert found(dict.fromkeys(range(60), lost(0.9, State.ABSENT))) == []  # an empty mask was given


def test_short_list_of_the_worst_and_read_once():
    step = GAP + 1
    stream = (FrameRecord(i * step, 0.0, (seen(confidence=0.4 - i / 1000),)) for i in range(100))
    ranges = review(stream, {})
    assert len(ranges) == LIMIT
    assert ranges == sorted(ranges, key=lambda item: (-item.worth, item.confidence))


def test_a_range_of_an_earlier_version_has_no_frame():
    raw = {"object": 1, "first": 3, "last": 5, "reason": "lost", "confidence": 0.1}
    assert Range.from_json(raw) == Range(1, 3, 5, "lost", 0.1, 3, 0.0)
    item = Range(1, 3, 5, "lost", 0.1, 4, 2.5)
    assert Range.from_json(item.as_json()) == item
    with pytest.raises(KeyError):
        Range.from_json({"object": 1})


def test_before_its_first_prompt_an_object_was_tracked_backward():
    """What was taken up again lies before the frames in which it was not seen, and a cut is crossed from behind."""
    gone = {index: lost(0.9, State.ABSENT) for index in range(8, 14)}
    said = {(item.first, item.reason) for item in listed(gone, prompts=(20,))}
    assert said == {(7, "found again")}
    cut = review(frames({}), {1: [20]}, cuts={20, 40})
    assert {(item.first, item.reason) for item in cut} == {(19, "cut"), (40, "cut")}
    assert review(frames({}), {1: [19, 20]}, cuts={20}) == []
    assert {(item.first, item.reason) for item in review(frames({}), {1: [0, 20]}, cuts={20})} == set()


def test_no_range_goes_over_a_frame_in_which_the_object_was_prompted():
    bad = {i: seen(confidence=0.3) for i in range(20, 31)} | {25: seen(confidence=1.0, area=3000)}
    ranges = listed(bad, prompts=(0, 25))
    assert sorted((item.first, item.last) for item in ranges) == [(20, 24), (26, 30)]
    assert all(item.frame != 25 and (item.frame < 25) == (item.last < 25) for item in ranges)
    two = listed({20: seen(confidence=0.6), 24: seen(confidence=0.6)}, prompts=(20, 24))
    assert sorted((item.frame, item.reason) for item in two) == [
        (20, "unsure of the prompt"),
        (24, "unsure of the prompt"),
    ]


def test_the_frame_to_correct_does_not_lie_beyond_a_prompt():
    """From there the prompt would stand between it and what it is to mend."""
    hidden = {i: seen(confidence=0.3, area=200) for i in range(20, 28)}
    (item,) = [one for one in listed(hidden, prompts=(0, 29)) if one.reason == "low confidence"]
    assert item.frame <= 28
    (item,) = [one for one in listed(hidden, prompts=(18, 60)) if one.reason == "low confidence"]
    assert item.frame >= 19


def test_a_cut_and_a_return_in_one_frame_are_one_place_to_look_at():
    away = {i: lost(0.99, State.ABSENT) for i in range(20, 30)}
    ahead = review(frames(away), {1: [0]}, {30})
    assert [(item.frame, item.reason) for item in ahead] == [(30, "found again")]
    back = review(frames(away), {1: [50]}, {20})
    assert [(item.frame, item.reason) for item in back] == [(19, "found again")]


def test_no_range_goes_over_a_cut():
    bad = {i: seen(confidence=0.3) for i in range(20, 31)}
    ranges = review(frames(bad), {1: [0]}, {24, 28})
    assert {(item.first, item.last) for item in ranges} == {(20, 23), (24, 24), (24, 27), (28, 28), (28, 30)}
    assert all(item.first <= item.frame for item in ranges if item.first in (24, 28))


def test_no_place_to_look_at_is_one_in_which_a_person_has_spoken():
    """Whatever happens; the studio takes a range for settled once its frame is prompted."""
    chance = Random(7)
    for _ in range(60):
        prompts, cuts = (set(chance.sample(range(60), chance.randint(0, 6))) for _ in "ab")
        changes = {i: chance.choice([lost(), lost(0.2), seen(confidence=chance.random())]) for i in range(60)}
        for item in review(frames(changes), {1: sorted(prompts)}, cuts):
            assert item.unsure_of_the_prompt or not prompts & {item.frame, *range(item.first, item.last + 1)}
            span = sorted((item.first, item.last, item.frame))
            assert not cuts & {*range(span[0] + 1, span[-1] + 1)}
