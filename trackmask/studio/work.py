"""The passes run: tracker in, masks out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing

import numpy as np

from trackmask.data import SURE, Frame, ObjectRecord, Patch, measured
from trackmask.studio.plan import Gap, Pass
from trackmask.studio.session import Session
from trackmask.studio.tracked import Made, Pair
from trackmask.tracking import Reference, Span, Tracker, follow, understand
from trackmask.tracking.both_ways import Tracked as Step
from trackmask.video.cache import CachedVideo

HALF = -1  # the number of a prompt that no prompt has: what came from one side alone is out of date still

Told = Callable[[Frame, list[Made]], None]  # each frame as it was tracked; may raise to end it all


class Work:
    """Tracks passes of one session; what is made is on the disk before it is told."""

    def __init__(self, session: Session, video: CachedVideo, told: Told) -> None:
        self._session, self._video, self._told = session, video, told
        self._known: dict[int, dict[int, Reference]] = {}

    def run(self, one: Pass) -> None:
        if len(one.gaps) == 1 and one.gaps[0].both:
            self._both_ways(one.gaps[0])
        else:
            self._one_way(one)

    def _one_way(self, one: Pass) -> None:
        tracker = self._tracker(one)
        first, last = one.frames
        frames = self._video.reversed(last, first) if one.back else self._video.frames(first, last)
        with closing(follow(tracker, frames)) as steps:
            for frame, masks in steps:
                records = {record.id: record for record in masks.objects}
                made = [
                    Made(records[gap.object_id], masks.labels == gap.object_id, gap.pair)
                    for gap in one.gaps
                    if gap.first <= frame.index <= gap.last
                ]
                cut = (frame.index + 1 if one.back else frame.index) if masks.cut else None
                self._keep(frame, made, cut)

    def _tracker(self, one: Pass) -> Tracker:
        """A tracker that knows all prompts of the objects, and stands in the frame in which the pass begins."""
        session = self._session
        tracker, masks = Tracker(session.runtime, session.size, session.settings), {}
        for gap in one.gaps:
            prompt = gap.left if gap.right is None else gap.right
            known = self._references(gap.object_id)
            for frame in (*(f for f in known if f != prompt), prompt):
                if frame is not None:
                    tracker.know(known[frame])
            if one.begin != prompt:
                masks[gap.object_id] = session.labels(one.begin) == gap.object_id
        if masks and (frame_of := self._video.at(one.begin)) is not None:
            tracker.stand(frame_of.image, masks)
        return tracker

    def _both_ways(self, gap: Gap) -> None:
        """From the left first, which is shown meanwhile; then the blend of both."""
        session = self._session
        span = Span(self._video, session.runtime, self._references(gap.object_id), session.settings)

        def keep(step: Step, pair: Pair) -> None:
            frame, record, patch = step
            self._keep(frame, [_made(record, patch, session.size, pair)])

        left, right = gap.left or 0, gap.right or 0
        for step in span.both_ways(left, right, lambda passed: keep(passed, (gap.pair[0], HALF))):
            keep(step, gap.pair)

    def _keep(self, frame: Frame, made: list[Made], cut: int | None = None) -> None:
        self._session.tracked.put(frame.index, frame.time, made, cut)
        self._told(frame, made)
        self._session.turns.rest()

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


def _made(record: ObjectRecord, patch: Patch | None, size: tuple[int, int], pair: Pair) -> Made:
    mask = np.zeros(size, bool) if patch is None else patch.over(size) > SURE
    return Made(measured(record, np.where(mask, np.uint8(record.id), np.uint8(0))), mask, pair)
