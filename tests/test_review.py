import pytest

from trackmask.data import ObjectRecord, State
from trackmask.records import FrameRecord
from trackmask.review import GAP, LIMIT, Range, review


def seen(object_id=1, confidence=0.9, state=State.TRACKED, box=(100, 100, 40, 40), area=1200):
    return ObjectRecord(object_id, state, confidence, area, box)


def lost(confidence=0.7, state=State.LOST):
    return ObjectRecord(1, state, confidence, 0, None)


def frames(changes, count=60):
    return [FrameRecord(i, i / 25, (changes.get(i, seen()),)) for i in range(count)]


def found(changes):
    return [(item.first, item.last, item.reason) for item in review(frames(changes))]


def test_nothing_to_look_at():
    assert review([]) == []
    assert found({}) == []


def test_one_range_over_small_gaps_with_its_lowest_confidence():
    ranges = review(frames({10: seen(confidence=0.4), 14: seen(confidence=0.3), 40: seen(confidence=0.45)}))
    assert ranges == [Range(1, 10, 14, "low confidence", 0.3), Range(1, 40, 40, "low confidence", 0.45)]
    assert found({10: seen(confidence=0.4), 10 + GAP: seen(confidence=0.4)}) == [(10, 10 + GAP, "low confidence")]
    assert len(found({10: seen(confidence=0.4), 11 + GAP: seen(confidence=0.4)})) == 2


def test_reasons():
    assert found({10: lost()}) == [(10, 10, "lost")]
    assert found({10: seen(state=State.UNCERTAIN, confidence=0.6)}) == [(10, 10, "low confidence")]
    assert found({10: lost(0.4, State.ABSENT)}) == [(10, 10, "low confidence")]
    assert found({10: lost(0.9, State.ABSENT)}) == []
    half = {i: seen(area=600) for i in range(30, 60)}
    assert found(half) == [(30, 30, "sudden change of area")]
    beside = {i: seen(box=(160, 100, 40, 40)) for i in range(30, 60)}
    assert found(beside) == [(30, 30, "jump")]


def test_steady_motion_and_small_flicker_are_fine():
    assert found({i: seen(box=(100 + 20 * i, 100, 40, 40), area=1200 + 40 * i) for i in range(60)}) == []
    assert found({i: seen(box=(100 + 6 * (i % 2), 100, 3, 3), area=5 + 4 * (i % 2)) for i in range(60)}) == []


def test_frames_that_are_not_neighbours_are_not_compared():
    assert review([FrameRecord(0, 0, (seen(),)), FrameRecord(2, 0.1, (seen(box=(900, 0, 40, 40)),))]) == []


def test_worst_first():
    changes = {5: seen(confidence=0.1), 25: lost(0.9), 45: seen(confidence=0.05)}
    assert [first for first, *_ in found(changes)] == [25, 45, 5]


def test_objects_apart():
    both = [FrameRecord(i, i / 25, (seen(1, 0.4), seen(2, 0.3))) for i in range(3)]
    assert [(item.object_id, item.first, item.last) for item in review(both)] == [(2, 0, 2), (1, 0, 2)]


def test_short_list_of_the_worst_and_read_once():
    step = GAP + 1
    stream = (FrameRecord(i * step, 0.0, (seen(confidence=0.4 - i / 1000),)) for i in range(100))
    ranges = review(stream)
    assert [item.first // step for item in ranges] == list(range(99, 99 - LIMIT, -1))
    assert ranges[0].confidence == pytest.approx(0.301)
