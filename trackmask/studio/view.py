"""A session as the page sees it: JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from trackmask.draw import palette
from trackmask.result import Range
from trackmask.result.records import FrameRecord
from trackmask.result.review import review
from trackmask.studio.acts import Said
from trackmask.studio.jobs import Job
from trackmask.studio.plan import ranges, stale
from trackmask.studio.session import Session
from trackmask.studio.tracked import LETTERS, STATES

_EVEN = 1e-3  # seconds that a frame may be away from its place at an even rate, as containers round


@dataclass
class Review:
    """The ranges to look at. Making them takes half a second for 20,000 frames: until they are made anew, a prompt in
    one of them settles it. Frames that are out of date are none to look at: they will be tracked again.
    """

    ranges: tuple[Range, ...] = ()

    def renew(self, session: Session) -> bool:
        """Whether there are others now than before."""
        said, before = session.acts.said, self.ranges
        prompts: dict[int, list[int]] = {}
        for object_id, frame in sorted(said.givens):
            prompts.setdefault(object_id, []).append(frame)
        self.ranges = tuple(review(_records(session, said), prompts, session.tracked.cuts))
        return self.ranges != before

    def left(self, session: Session) -> list[Range]:
        said = session.acts.said
        return [
            item
            for item in self.ranges
            if item.object_id in said.names
            and (item.unsure_of_the_prompt or (item.object_id, item.frame) not in said.givens)
        ]


def _records(session: Session, said: Said) -> Iterator[FrameRecord]:
    """Of all frames, without those that are out of date."""
    old = {
        object_id: {frame for first, last in found for frame in range(first, last + 1)}
        for object_id, found in stale(said, session.tracked, session.range).items()
    }
    for frame in sorted({frame for _, frame in said.givens} | session.tracked.times.keys()):
        records = tuple(record for record in session.records(frame, said) if frame not in old[record.id])
        yield FrameRecord(frame, session.time(frame), records)


def state_of(session: Session, clip: str, to_review: Review, job: Job | None) -> dict[str, Any]:
    """All that the page needs to know but pictures and masks."""
    revision = session.revision  # first: whatever is newer comes again, with a higher one
    info, said = session.info, session.acts.said
    height, width = info.size
    return {
        "clip": clip,
        "name": info.name,
        "width": width,
        "height": height,
        "aspect": float(info.aspect),
        "frames": session.count,
        "counted": session.counted,
        "fps": float(info.fps),
        "fps_exact": f"{info.fps.numerator}/{info.fps.denominator}",
        "times": uneven(session),
        "sound": info.audio,
        "revision": revision,
        "objects": [{"id": id_, "name": name, "color": colour(id_)} for id_, name in sorted(said.names.items())],
        "prompts": [
            {
                "object": object_id,
                "frame": frame,
                "kind": given.kind,
                "positive": given.positive,
                "negative": given.negative,
                "box": given.box,
                "painted": bool(given.painted),
            }
            for (object_id, frame), given in sorted(said.givens.items())
        ],
        "undo": session.told(session.acts.last),
        "redo": session.told(session.acts.next),
        "stale": {str(id_): found for id_, found in stale(said, session.tracked, session.range).items()},
        "tracked": {str(id_): tracked_ranges(session, id_) for id_ in said.names},
        "review": [range_json(item) for item in to_review.left(session)],
        "cuts": sorted(session.tracked.cuts),
        "job": None if job is None else job.as_json(),
        "saved": not session.dirty and session.saved is not None,
        "folder": session.place.result.name,
        "notes": list(session.notes),
    }


def timeline(session: Session, object_id: int) -> dict[str, Any]:
    """State and confidence of an object in each frame."""
    count = session.count
    states, confidence = np.zeros(count, np.uint8), np.full(count, np.nan, np.float32)
    if (series := session.tracked.series.get(object_id)) is not None:
        length = min(count, len(series.state))
        states[:length] = series.state[:length]
        confidence[:length] = np.where(states[:length] > 0, series.confidence[:length], np.nan)
    for frame in session.acts.said.of(object_id):
        if frame < count and (record := session.record(object_id, frame)) is not None:
            states[frame], confidence[frame] = STATES.index(record.state) + 1, record.confidence
    letters = np.frombuffer(LETTERS.encode(), np.uint8)[states].tobytes().decode()
    known = [None if np.isnan(value) else value for value in np.round(confidence.astype(np.float64), 4).tolist()]
    return {"object": object_id, "first": 0, "states": letters, "confidence": known}


def points(session: Session, frame: int, objects: Iterable[int]) -> Iterator[dict[str, Any]]:
    """Of a frame that was just tracked."""
    for object_id in objects:
        if (record := session.record(object_id, frame)) is not None:
            letter = LETTERS[STATES.index(record.state) + 1]
            yield {"object": object_id, "frame": frame, "state": letter, "confidence": record.confidence}


def tracked_ranges(session: Session, object_id: int) -> list[tuple[int, int]]:
    """The frames in which something is known of an object."""
    every = np.zeros(session.count, bool)
    if (series := session.tracked.series.get(object_id)) is not None:
        length = min(len(every), len(series.state))
        every[:length] = series.state[:length] > 0
    for frame in session.acts.said.of(object_id):
        every[frame : frame + 1] = True
    return ranges(every)


def uneven(session: Session) -> bool:
    """Whether the frames come at another rate than the nominal one."""
    times = np.asarray(session.times, np.float64)
    return bool(len(times) and np.abs(times - np.arange(len(times)) / float(session.info.fps)).max() > _EVEN)


def range_json(item: Range) -> dict[str, Any]:
    about = item.as_json()
    del about["worth"]
    return about


def colour(object_id: int) -> str:
    red, green, blue = palette()[object_id].tolist()
    return f"#{red:02x}{green:02x}{blue:02x}"
