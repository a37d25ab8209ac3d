"""Tracking from Python in one loop."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from trackmask.data import Image, Labels, ObjectRecord
from trackmask.errors import PromptError
from trackmask.prompts import Box, Point, Prompt, by_frame, check
from trackmask.runtime import Runtime, open_runtime
from trackmask.tracking import Settings, Tracker, discover
from trackmask.video import open_video
from trackmask.video.queues import ahead


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
    runtime: Runtime | None = None,
    settings: Settings = Settings(),
) -> Iterator[TrackedFrame]:
    """Track objects through a video file or a folder of images, a frame at a time, forward.

    `box` (x, y, w, h; pixels, top left corner), `mask` ((H, W), nonzero = object) or `points` ((x, y) on the object)
    mean one object in the first frame; `prompts` any number of objects in any frames. Without all of them the main
    object is found, and tracked from the frame that shows it best. For live pictures use `Tracker`, which this is
    made of. Raises VideoError, PromptError and WeightsError; nothing is written.
    """
    runtime = runtime or open_runtime()
    given = list(prompts)
    if box is not None or mask is not None or np.size(points):
        given.append(Prompt(1, 0, mask=mask, box=box, positive=points))  # type: ignore[arg-type]  # `check` makes pairs
    with open_video(Path(video)) as reader:
        size = reader.info.size
        if not given:
            found = discover(runtime, iter(reader), size)
            if not found:
                raise PromptError(f"no main object was found in {reader.info.name}; give a box, a mask or points")
            given = [Prompt(1, found[0].frame, mask=found[0].mask)]
        waiting = by_frame(check(replace(prompt, frame=prompt.frame or 0), size) for prompt in given)
        tracker = Tracker(runtime, size, settings)
        for frame in ahead(reader.frames(min(waiting))):
            masks = tracker.step(frame.image, waiting.pop(frame.index, ()))
            yield TrackedFrame(frame.index, frame.time, frame.image, masks.labels, masks.objects)
    if waiting:
        raise PromptError(f"there is no frame {min(waiting)} to prompt: the video is shorter")
