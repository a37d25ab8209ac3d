"""Tracking from Python in one loop."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trackmask.data import Image, Labels, ObjectRecord
from trackmask.pipeline import Options, find
from trackmask.prompts import Box, Moment, Point, Prompt, frame_at, placed
from trackmask.runtime import Runtime, open_runtime
from trackmask.tracking import Course, Settings
from trackmask.video import open_video


@dataclass(frozen=True, eq=False)
class TrackedFrame:
    index: int  # 0-based
    time: float  # seconds
    image: Image  # (H, W, 3) uint8 RGB
    masks: Labels  # (H, W) uint8: 0 = background, else the object's id
    objects: tuple[ObjectRecord, ...]  # state, confidence, area and box of each

    @property
    def confidence(self) -> float:
        """Of the least sure object, [0, 1]; 1 where there is none yet."""
        return min((record.confidence for record in self.objects), default=1.0)


def track(
    video: str | Path,
    *,
    box: Box | None = None,
    mask: np.ndarray | None = None,
    points: Sequence[Point] = (),
    prompts: Sequence[Prompt] = (),
    start: Moment = None,
    end: Moment = None,
    runtime: Runtime | None = None,
    settings: Settings = Settings(),
) -> Iterator[TrackedFrame]:
    """Track objects through a video file or a folder of images: all its frames in order, one at a time.

    `box` (x, y, w, h; pixels, top left corner), `mask` ((H, W), nonzero = object) or `points` ((x, y) on the object)
    mean one object, id 1, in the first frame; `prompts` any number of objects in any frames. Without all of them the
    main object is found. `start` and `end` (included) are frames, or seconds where they are floats.

    The frames and masks are those of `trackmask run`: an object is tracked forward from its prompts, and backward from
    its first one. Where that lies behind the start, the first frame comes once the frames before it have been tracked
    backward; what waits lies in temporary files, memory stays flat. Nothing else is written.

    Raises, with the first frame: VideoError, PromptError, CallError where `start` or `end` lie outside of the video,
    WeightsError. Raises VideoError behind the last frame where the video is damaged or cut off there.
    """
    runtime = runtime or open_runtime()
    given = list(prompts)
    if box is not None or mask is not None or np.size(points):
        given.append(Prompt(1, mask=mask, box=box, positive=points))  # type: ignore[arg-type]  # `check` makes pairs
    with open_video(Path(video)) as reader:
        begin = frame_at(reader, start)
        given = (
            placed(given, reader, begin) or find(reader, runtime, Options(start=begin, end=end, settings=settings))[0]
        )
        with Course(reader, runtime, given, settings, start=begin, end=end) as course:
            with closing(course.steps()) as steps:
                for frame, masks in steps:
                    yield TrackedFrame(frame.index, frame.time, frame.image, masks.labels, masks.objects)
            if course.video.error is not None:
                raise course.video.error
