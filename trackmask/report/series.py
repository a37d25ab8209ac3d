"""What the records say of one object over time, cut down to what a screen can show without losing a single dip."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from trackmask.data import State
from trackmask.result import Result

BUCKETS = 1000  # a timeline has two points for each: no screen shows more
STATES = (State.TRACKED, State.ABSENT, State.UNCERTAIN, State.LOST)  # the later, the more it needs a look


@dataclass(frozen=True, eq=False)
class Series:
    """One object at each of the n frames of a result; places count from 0, whatever the first frame's index is."""

    confidence: np.ndarray  # (n,) float32 in [0, 1], nan where the object has no record
    area: np.ndarray  # (n,) float32 in pixels, nan likewise
    state: np.ndarray  # (n,) int8, a place in STATES, -1 without a record

    def share(self, state: State) -> float:
        """The part of the object's frames in a state, in [0, 1]."""
        known = int((self.state >= 0).sum())
        return int((self.state == STATES.index(state)).sum()) / known if known else 0.0


def read_series(result: Result) -> dict[int, Series]:
    """By object id, in the order of the result's objects."""
    count = len(result.frames)
    found = {
        item.id: Series(
            np.full(count, np.nan, np.float32), np.full(count, np.nan, np.float32), np.full(count, -1, np.int8)
        )
        for item in result.objects
    }
    for place, frame in enumerate(result.frames):
        for record in frame.objects:
            if record.id in found:
                one = found[record.id]
                one.confidence[place], one.area[place] = record.confidence, record.area
                one.state[place] = STATES.index(record.state)
    return found


def cuts(count: int) -> list[int]:
    """Where the buckets of `count` places begin, and `count` itself; up to BUCKETS places each is its own."""
    buckets = min(count, BUCKETS)
    return [count * bucket // buckets for bucket in range(buckets + 1)]


def extremes(values: np.ndarray) -> list[list[tuple[int, float]]]:
    """The lowest and the highest value of each bucket as (place, value), in runs without a gap: (n,), nan = gap."""
    runs: list[list[tuple[int, float]]] = [[]]
    for start, part in _buckets(values):
        if np.isnan(part).all():
            runs.append([])
            continue
        for offset in sorted({int(np.nanargmin(part)), int(np.nanargmax(part))}):
            runs[-1].append((start + offset, float(part[offset])))
    return [run for run in runs if run]


def worst(series: Series) -> tuple[list[float], list[float], list[int]]:
    """Of each bucket: the lowest confidence and area (nan without a record), and the state that most needs a look."""
    low = [[float(np.fmin.reduce(part)) for _, part in _buckets(values)] for values in (series.confidence, series.area)]
    return low[0], low[1], [int(part.max()) for _, part in _buckets(series.state)]


def bands(series: Series) -> list[tuple[int, int, State]]:
    """The object's states as (first place, place after the last, state); a bucket counts as its worst frame."""
    edges = cuts(len(series.state))
    found: list[tuple[int, int, State]] = []
    for bucket, code in enumerate(worst(series)[2]):
        if code < 0:
            continue
        start, end, state = edges[bucket], edges[bucket + 1], STATES[code]
        if found and found[-1][1:] == (start, state):
            start = found.pop()[0]
        found.append((start, end, state))
    return found


def _buckets(values: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    edges = cuts(len(values))
    return ((start, values[start:end]) for start, end in pairwise(edges))
