"""Which frames are out of date, and the passes that track them.

A frame is up to date where it was tracked from the prompts that stand before and behind it now. A change of one prompt
puts out of date what lies between its neighbours, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from trackmask.studio.acts import Given, Said
from trackmask.studio.tracked import Pair, Series, Tracked

Direction = Literal["forward", "backward", "both", "all"]
Range = tuple[int, int]  # frames, both ends included
HALF = -1  # in place of the number of the prompt, or the end, that a frame was not yet tracked from


@dataclass(frozen=True)
class Gap:
    """The frames of one object between two of its prompts, before the first or behind the last one."""

    object_id: int
    left: int | None  # the prompt's frame before it
    right: int | None  # and behind it
    first: int
    last: int
    pair: Pair  # of the prompts' numbers

    @property
    def both(self) -> bool:
        return self.left is not None and self.right is not None

    @property
    def half(self) -> Pair:
        """The pair of a frame that only one direction has seen yet: the one from the left, if there is a prompt."""
        return (HALF, self.pair[1]) if self.left is None else (self.pair[0], HALF)


@dataclass(frozen=True)
class Pass:
    """Frames of objects that are tracked together, one way, or one object's both ways."""

    gaps: tuple[Gap, ...]  # several only one way, from the same frame
    begin: int  # the frame that it starts in, which is known
    frames: Range  # that are tracked
    back: bool  # from the last one to the first one

    @property
    def count(self) -> int:
        """Frames; each is tracked twice."""
        return self.frames[1] - self.frames[0] + 1


def gaps(object_id: int, givens: Mapping[int, Given], ends: Range) -> list[Gap]:
    """All gaps of an object between the `ends`; `givens` by frame. None for an object of which nothing was said."""
    order = sorted(frame for frame in givens if ends[0] <= frame <= ends[1])
    found = []
    for left, right in pairwise([None, *order, None]) if order else ():
        first, last = ends[0] if left is None else left + 1, ends[1] if right is None else right - 1
        pair = (0 if left is None else givens[left].number, 0 if right is None else givens[right].number)
        if first <= last:
            found.append(Gap(object_id, left, right, first, last, pair))
    return found


def out_of_date(gap: Gap, series: Series | None) -> np.ndarray:
    """Of each frame of a gap, whether it has to be tracked: (n,) bool."""
    result = np.ones(gap.last - gap.first + 1, bool)
    if series is not None:
        pair, state = (x[gap.first : gap.last + 1] for x in (series.pair, series.state))
        result[: len(pair)] = (pair != gap.pair).any(1) | (state == 0)
    return result


def halves(gap: Gap, series: Series | None) -> tuple[int, int]:
    """Of a gap between two prompts, the first frame that has to be tracked from the left, and the last one that has to
    be from the right: those before were found from the left alone when it was stopped, those behind are up to date.
    """
    if series is None:
        return gap.first, gap.last
    pair = np.zeros((gap.last - gap.first + 1, 2), np.int32)
    known = series.pair[gap.first : gap.last + 1]
    pair[: len(known)] = known
    there, both = (pair == gap.half).all(1), (pair == gap.pair).all(1)
    last = gap.last - int(np.argmin(np.append(both[::-1], False)))
    return min(gap.first + int(np.argmin(np.append(there, False))), last + 1), last


def stale(said: Said, tracked: Tracked, ends: Range) -> dict[int, list[Range]]:
    """The frames that have to be tracked, by object; `ends` of all frames that may be."""
    found = {}
    for object_id in said.names:
        every = np.zeros(ends[1] + 1, bool)
        for gap in gaps(object_id, said.of(object_id), ends):
            every[gap.first : gap.last + 1] = out_of_date(gap, tracked.series.get(object_id))
        found[object_id] = ranges(every)
    return found


def passes(
    said: Said, tracked: Tracked, ends: Range, direction: Direction, at: int, objects: Iterable[int] | None = None
) -> list[Pass]:
    """What has to be tracked from the frame `at`, in that direction, in the order in which people want it."""
    wanted = [
        gap
        for object_id in (said.names if objects is None else objects)
        for gap in gaps(object_id, said.of(object_id), ends)
        if _lies(gap, direction, at) and out_of_date(gap, tracked.series.get(object_id)).any()
    ]
    between = [Pass((gap,), gap.left or 0, (gap.first, gap.last), False) for gap in wanted if gap.both]
    ahead = _together([_ahead(gap, tracked) for gap in wanted if gap.right is None])
    behind = _together([_behind(gap, tracked) for gap in wanted if gap.left is None])
    return sorted([*between, *ahead, *behind], key=lambda one: (_way(one, at), one.back))


def _lies(gap: Gap, direction: Direction, at: int) -> bool:
    if direction == "forward":
        return gap.last >= at and gap.left is not None
    if direction == "backward":
        return gap.first <= at and gap.right is not None
    return direction == "all" or gap.first - 1 <= at <= gap.last + 1


def _ahead(gap: Gap, tracked: Tracked) -> Pass:
    """From where what is up to date ends."""
    todo = np.flatnonzero(out_of_date(gap, tracked.series.get(gap.object_id)))
    first = gap.first + int(todo[0])
    return Pass((gap,), first - 1, (first, gap.first + int(todo[-1])), False)


def _behind(gap: Gap, tracked: Tracked) -> Pass:
    todo = np.flatnonzero(out_of_date(gap, tracked.series.get(gap.object_id)))
    last = gap.first + int(todo[-1])
    return Pass((gap,), last + 1, (gap.first + int(todo[0]), last), True)


def _together(every: Sequence[Pass]) -> list[Pass]:
    """Passes one way that begin in the same frame are one: a picture is decoded once for all objects."""
    groups: dict[int, list[Pass]] = {}
    for one in every:
        groups.setdefault(one.begin, []).append(one)
    return [
        Pass(
            tuple(gap for one in group for gap in one.gaps),
            begin,
            (min(one.frames[0] for one in group), max(one.frames[1] for one in group)),
            group[0].back,
        )
        for begin, group in groups.items()
    ]


def _way(one: Pass, at: int) -> int:
    """Frames from `at` to the pass."""
    return max(one.frames[0] - at, at - one.frames[1], 0)


def ranges(chosen: np.ndarray) -> list[Range]:
    """The runs of True in (n,) bool, as first and last places."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], chosen.astype(np.int8), [0]))))
    return [(first, last - 1) for first, last in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)]
