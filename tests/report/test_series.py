"""Curves, bands and axes of a report, of any length in few numbers."""

import re
from itertools import pairwise

import numpy as np
import pytest

from trackmask.data import State
from trackmask.report.series import BUCKETS, Series, bands, cuts, extremes
from trackmask.report.timeline import axis


def test_extremes_keep_every_peak_and_gap():
    values = np.full(10 * BUCKETS, 0.5, np.float32)
    values[[77, 1234]] = 0.1, 0.9
    values[5000:6000] = np.nan
    runs = extremes(values)
    assert len(runs) == 2
    points = [point for run in runs for point in run]
    assert len(points) <= 2 * BUCKETS
    assert all(a[0] < b[0] for a, b in pairwise(points))
    assert (77, pytest.approx(0.1)) in points
    assert (1234, pytest.approx(0.9)) in points
    assert not any(5000 <= place < 6000 for place, _ in points)


def test_extremes_of_a_short_video_are_its_values():
    values = np.array([0.1, np.nan, 0.3, 0.2], np.float32)
    assert extremes(values) == [[(0, pytest.approx(0.1))], [(2, pytest.approx(0.3)), (3, pytest.approx(0.2))]]
    assert extremes(np.full(3, np.nan)) == []


def test_bands_join_equal_states_and_never_hide_the_worst():
    tracked, absent, uncertain, lost = range(4)
    state = np.array([-1, tracked, tracked, absent, lost, tracked], np.int8)
    nothing = np.zeros(len(state), np.float32)
    assert bands(Series(nothing, nothing, state)) == [
        (1, 3, State.TRACKED),
        (3, 4, State.ABSENT),
        (4, 5, State.LOST),
        (5, 6, State.TRACKED),
    ]
    long = np.tile(np.array([tracked, uncertain, tracked, tracked], np.int8), BUCKETS)
    nothing = np.zeros(len(long), np.float32)
    assert bands(Series(nothing, nothing, long)) == [(0, len(long), State.UNCERTAIN)]


@pytest.mark.parametrize("count", [1, 2, 999, 1000, 1001, 123_457])
def test_cuts_cover_everything_once(count):
    edges = cuts(count)
    assert (edges[0], edges[-1]) == (0, count)
    assert len(edges) <= BUCKETS + 1
    assert all(a < b for a, b in pairwise(edges))


@pytest.mark.parametrize(
    ("frames", "ticks"),
    [
        (range(1), ["0"]),
        (range(7, 10), ["7", "8", "9"]),
        (range(48), ["0", "10", "20", "30", "40"]),
        (range(100_000), ["0", "20000", "40000", "60000", "80000"]),
    ],
)
def test_axis_has_few_round_numbers(frames, ticks):
    assert re.findall(r">(\d+)</span>", axis(frames)) == ticks
