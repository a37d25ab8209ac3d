"""The values that all rooms share."""

import numpy as np

from trackmask.data import Evidence, ObjectRecord, State, measured


def test_a_record_is_measured_by_the_labels() -> None:
    labels = np.zeros((20, 30), np.uint8)
    labels[5:8, 10:14] = 2
    said = ObjectRecord(2, State.TRACKED, 0.9, 77, (0, 0, 7, 11), evidence=Evidence())
    found = measured(said, labels)
    assert (found.state, found.confidence, found.area, found.box) == (State.TRACKED, 0.9, 12, (10, 5, 4, 3))


def test_where_others_have_taken_all_of_it_nothing_is_left_of_its_mask() -> None:
    said = ObjectRecord(2, State.TRACKED, 0.9, 77, (0, 0, 7, 11), evidence=Evidence())
    found = measured(said, np.ones((20, 30), np.uint8))
    assert (found.state, found.confidence, found.area, found.box, found.evidence) == (State.LOST, 0.0, 0, None, None)
