"""The passes run: tracker in, masks out. What comes from one direction is shown, and is out of date still: its blend
with the other one takes its place.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Mapping
from contextlib import closing

import numpy as np

from trackmask.data import SURE, Masks, ObjectRecord, Patch, measured
from trackmask.studio.plan import Gap, Pass
from trackmask.studio.session import Session
from trackmask.studio.tracked import Made
from trackmask.tracking import Reference, Span, Tracker, follow, understand
from trackmask.tracking.both_ways import Tracked as One
from trackmask.tracking.loop import Step
from trackmask.tracking.twice import SecondPass
from trackmask.video.cache import CachedVideo

HALF = -1  # the number of a prompt that there is not, in place of the one that was not come from yet


class Work:
    """Tracks passes of one session. `made` is told what is on the disk now, by frame; `step` is called after each frame
    of each direction, and may raise to end it all.
    """

    def __init__(
        self, session: Session, video: CachedVideo, made: Callable[[int, list[Made]], None], step: Callable[[], None]
    ) -> None:
        self._session, self._video, self._told, self._step = session, video, made, step
        self._known: dict[int, dict[int, Reference]] = {}

    def run(self, one: Pass) -> None:
        if one.gaps[0].both:
            self._between(one.gaps[0])
        else:
            self._open_end(one)

    def _open_end(self, one: Pass) -> None:
        """Objects from their outermost prompts on: there and, a stretch at a time, back."""
        session, first, last = self._session, *one.frames
        waiting: deque[tuple[int, float]] = deque()  # frames that the first direction has found, with their times
        steps = follow(
            self._tracker(one), self._video.between(last, first) if one.back else self._video.between(first, last)
        )
        references = {gap.object_id: self._references(gap.object_id) for gap in one.gaps}
        second = SecondPass(self._video, session.runtime, references, session.settings)
        with closing(second.over(self._ahead(one, steps, waiting), self._rest)) as both:
            for masks in both:
                self._keep(one.gaps, *waiting.popleft(), masks)

    def _ahead(self, one: Pass, steps: Generator[Step], waiting: deque[tuple[int, float]]) -> Generator[Step]:
        """The first direction, shown as it comes."""
        with closing(steps):
            for frame, masks in steps:
                cut = (frame.index + 1 if one.back else frame.index) if masks.cut else None
                self._keep(one.gaps, frame.index, frame.time, masks, cut, half=True)
                waiting.append((frame.index, frame.time))
                self._rest()
                yield frame, masks

    def _keep(
        self,
        gaps: tuple[Gap, ...],
        index: int,
        time: float,
        masks: Masks,
        cut: int | None = None,
        *,
        half: bool = False,
    ) -> None:
        records = {record.id: record for record in masks.objects}
        made = [
            Made(records[gap.object_id], masks.labels == gap.object_id, (HALF, HALF) if half else gap.pair)
            for gap in gaps
            if gap.first <= index <= gap.last
        ]
        self._session.tracked.put(index, time, made, cut)
        self._told(index, made)

    def _between(self, gap: Gap) -> None:
        """One object between two prompts, from both."""
        session, left, right = self._session, gap.left or 0, gap.right or 0
        span = Span(self._video, session.runtime, self._references(gap.object_id), session.settings)

        def keep(one: One, *, half: bool) -> None:
            frame, record, patch = one
            self._keep((gap,), frame.index, frame.time, _alone(record, patch, session.size), half=half)
            self._rest()

        for one in span.both_ways(left, right, lambda passed: keep(passed, half=True)):
            keep(one, half=False)

    def _tracker(self, one: Pass) -> Tracker:
        """A tracker that knows all prompts of the objects, and stands in the frame in which the pass begins."""
        session, masks = self._session, {}
        tracker = Tracker(session.runtime, session.size, session.settings)
        for gap in one.gaps:
            prompt = gap.left if gap.right is None else gap.right
            known = self._references(gap.object_id)
            for frame in sorted(known, key=lambda frame: frame == prompt):
                tracker.know(known[frame])
            if one.begin != prompt:
                masks[gap.object_id] = session.labels(one.begin) == gap.object_id
        if masks and (frame_there := self._video.at(one.begin)) is not None:
            tracker.stand(frame_there.image, masks)
        return tracker

    def _rest(self) -> None:
        self._session.turns.rest()
        self._step()

    def _references(self, object_id: int) -> Mapping[int, Reference]:
        """All prompts of an object, by frame, as the tracker understands them."""
        if object_id not in self._known:
            session = self._session
            prompts = {
                frame: session.prompt(object_id, frame, given)
                for frame, given in session.acts.said.of(object_id).items()
            }
            found = understand(self._video, session.runtime, prompts, session.settings)
            self._known[object_id] = {frame.index: reference for frame, _, reference in found}
        return self._known[object_id]


def _alone(record: ObjectRecord, patch: Patch | None, size: tuple[int, int]) -> Masks:
    labels = np.zeros(size, np.uint8)
    if patch is not None:
        labels[patch.over(size) > SURE] = record.id
    return Masks(labels, (measured(record, labels),))
