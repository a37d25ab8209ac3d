"""The passes run: tracker in, masks out. What comes from one direction is there at once; its blend with the other one
takes its place.

A frame is up to date once both directions have seen it. Stopped at an open end, it goes on behind the last such frame;
between two prompts both directions go on where they were.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing

import numpy as np

from trackmask.data import SURE, Frame, Masks, Patch, measured
from trackmask.studio.acts import Said
from trackmask.studio.plan import Gap, Pass, halves
from trackmask.studio.session import Session
from trackmask.studio.tracked import Made, Pair
from trackmask.tracking import Reference, Tracker, follow, judged, understand
from trackmask.tracking.blend import Opinion, blend
from trackmask.tracking.loop import Step
from trackmask.tracking.pile import Pile
from trackmask.tracking.twice import SecondPass
from trackmask.video import open_video
from trackmask.video.cache import CachedVideo


def run(
    session: Session,
    said: Said,
    todo: Iterable[Pass],
    made: Callable[[int, list[Made]], None],
    step: Callable[[], None],
) -> None:
    """Track all passes; `made` and `step` as in `Work`. A film that turns out to be damaged on the way, though it could
    be counted, is noted as such. Raises VideoError, OutputError, and what `step` raises.
    """
    with CachedVideo(open_video(session.place.video)) as video:
        work = Work(session, said, video, made, step)
        try:
            for one in todo:
                work.run(one)
        finally:
            if video.error is not None:
                session.ends_early(session.times[: video.count], str(video.error))


class Work:
    """Tracks passes of one session. `made` is told what is on the disk now, by frame; `step` is called after each frame
    of each direction, and may raise to end it all.
    """

    def __init__(
        self,
        session: Session,
        said: Said,
        video: CachedVideo,
        made: Callable[[int, list[Made]], None],
        step: Callable[[], None],
    ) -> None:
        self._session, self._said, self._video, self._told, self._step = session, said, video, made, step
        self._known: dict[int, dict[int, Reference]] = {}

    def run(self, one: Pass) -> None:
        if one.gaps[0].both:
            self._between(one.gaps[0])
        else:
            self._open_end(one)

    # --- behind the last prompts, or before the first ones -------------------------------------------------------

    def _open_end(self, one: Pass) -> None:
        """Objects from their outermost prompts on: there and, a stretch at a time, back."""
        waiting: deque[tuple[int, float]] = deque()  # frames that the first direction has found, with their times
        references = {gap.object_id: self._references(gap.object_id) for gap in one.gaps}
        second = SecondPass(self._video, self._session.runtime, references, self._session.settings)
        with closing(second.over(self._ahead(one, waiting), self._rest)) as both:
            for masks in both:
                self._keep(one.gaps, *waiting.popleft(), masks)

    def _ahead(self, one: Pass, waiting: deque[tuple[int, float]]) -> Generator[Step]:
        """The first direction, shown as it comes."""
        with closing(self._follow(one)) as steps:
            for frame, masks in steps:
                cut = (frame.index + 1 if one.back else frame.index) if masks.cut else None
                self._keep(one.gaps, frame.index, frame.time, masks, cut, half=True)
                waiting.append((frame.index, frame.time))
                self._rest()
                yield frame, masks

    def _keep(
        self,
        gaps: Sequence[Gap],
        index: int,
        time: float,
        masks: Masks,
        cut: int | None = None,
        *,
        half: bool = False,
    ) -> None:
        records = {record.id: record for record in masks.objects}
        self._put(
            index,
            time,
            [
                Made(
                    records[gap.object_id],
                    masks.labels == gap.object_id,
                    gap.half if half else gap.pair,
                    masks.patches.get(gap.object_id),
                )
                for gap in gaps
                if gap.first <= index <= gap.last
            ],
            cut,
        )

    # --- between two prompts -------------------------------------------------------------------------------------

    def _between(self, gap: Gap) -> None:
        """One object from the left up to the right, and back, where each frame becomes the blend of both."""
        half, last = halves(gap, self._session.tracked.series.get(gap.object_id))
        with Pile(self._session.size) as waiting:
            for frame in range(gap.first, half):
                waiting.push(self._kept(gap, frame))
            if half <= last:
                self._go(
                    Pass((gap,), half - 1, (half, last), False),
                    lambda frame, masks: self._half(gap, frame, masks, waiting),
                )
            self._go(
                Pass((gap,), last + 1, (gap.first, last), True),
                lambda frame, masks: self._blend(gap, frame, waiting.pop(), masks),
            )

    def _go(self, one: Pass, found: Callable[[Frame, Masks], None]) -> None:
        with closing(self._follow(one)) as steps:
            for frame, masks in steps:
                found(frame, masks)
                self._rest()

    def _half(self, gap: Gap, frame: Frame, masks: Masks, waiting: Pile) -> None:
        waiting.push(masks)
        self._one(frame, masks, gap.object_id, gap.half)

    def _blend(self, gap: Gap, frame: Frame, ours: Masks, theirs: Masks) -> None:
        left, right = (Opinion(one.objects[0], one.patches.get(gap.object_id)) for one in (ours, theirs))
        share = (frame.index - gap.first + 1) / (gap.last - gap.first + 2)
        record, patch = blend(left, right, share, self._session.settings.certain)
        labels = np.where(patch.over(self._session.size) > SURE, np.uint8(gap.object_id), np.uint8(0))
        said = judged(measured(record, labels), self._session.runtime.calibration, self._session.settings.certain)
        self._one(frame, Masks(labels, (said,), {gap.object_id: patch}), gap.object_id, gap.pair)

    def _one(self, frame: Frame, masks: Masks, object_id: int, pair: Pair) -> None:
        self._put(
            frame.index,
            frame.time,
            [Made(masks.objects[0], masks.labels == object_id, pair, masks.patches.get(object_id))],
        )

    def _kept(self, gap: Gap, frame: int) -> Masks:
        """What the first direction had found in a frame when it was stopped."""
        tracked = self._session.tracked
        labels = np.where(tracked.labels(frame) == gap.object_id, np.uint8(gap.object_id), np.uint8(0))
        record, patch = tracked.record(gap.object_id, frame), Patch(0, 0, np.where(labels, np.uint8(255), np.uint8(0)))
        return Masks(labels, () if record is None else (record,), {gap.object_id: patch})

    # --- what both need ------------------------------------------------------------------------------------------

    def _put(self, index: int, time: float, made: list[Made], cut: int | None = None) -> None:
        self._session.tracked.put(index, time, made, cut)
        self._told(index, made)

    def _rest(self) -> None:
        self._session.turns.rest()
        self._step()

    def _follow(self, one: Pass) -> Generator[Step]:
        first, last = one.frames
        frames = self._video.reversed(last, first) if one.back else self._video.frames(first, last)
        return follow(self._tracker(one), frames)

    def _tracker(self, one: Pass) -> Tracker:
        """A tracker that knows all prompts of the objects, and stands in the frame in which the pass begins."""
        session, masks = self._session, {}
        tracker = Tracker(session.runtime, session.size, session.settings)
        for gap in one.gaps:
            prompt, known = gap.right if one.back else gap.left, self._references(gap.object_id)
            for frame in sorted(known, key=lambda frame, prompt=prompt: frame == prompt):  # type: ignore[misc]
                tracker.know(known[frame])
            if one.begin != prompt:
                masks[gap.object_id] = session.labels(one.begin, self._said) == gap.object_id
        if masks and (there := self._video.at(one.begin)) is not None:
            tracker.stand(there.image, masks)
        return tracker

    def _references(self, object_id: int) -> Mapping[int, Reference]:
        """All prompts of an object, by frame, as the tracker understands them: each is looked at once."""
        if object_id not in self._known:
            session, givens, kept = self._session, self._said.of(object_id), self._session.understood
            found = {at: kept.get((object_id, at, given.number)) for at, given in givens.items()}
            missing = {at: session.prompt(object_id, at, givens[at]) for at, known in found.items() if known is None}
            for frame, _, reference in understand(self._video, session.runtime, missing, session.settings):
                found[frame.index] = reference
                kept.put((object_id, frame.index, givens[frame.index].number), reference, _size(reference))
            self._known[object_id] = {at: known for at, known in found.items() if known is not None}
        return self._known[object_id]


def _size(reference: Reference) -> int:
    """Bytes, but for what is small."""
    memories = sum(memory.keys.nbytes + memory.values.nbytes for memory in reference.track.past.references)
    return memories + (0 if reference.patch is None else reference.patch.prob.nbytes)
