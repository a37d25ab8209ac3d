"""Tracking from Python: frame by frame, or into a result folder."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np

from trackmask.data import Image, Labels, ObjectRecord, is_name
from trackmask.draw import Style
from trackmask.errors import CallError, PromptError
from trackmask.pipeline import Options, find
from trackmask.pipeline import run as track_into
from trackmask.prompts import Box, Moment, Point, Prompt, frame_at, placed
from trackmask.result import MaskNames, Result, default_folder, open_result
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
    fast: bool = False,
    runtime: Runtime | None = None,
    settings: Settings = Settings(),
) -> Generator[TrackedFrame]:
    """Track objects through a video file or a folder of images: all its frames in order, one at a time.

    `box` (x, y, w, h; pixels, top left corner), `mask` ((H, W), nonzero = object) or `points` ((x, y) on the object)
    mean one object, id 1, in the first frame; `prompts` any number of objects in any frames. Without all of them the
    main object is found. `start` and `end` (included) are frames, or seconds where they are floats.

    The frames and masks are those of `run`: an object is tracked forward from its prompts, and backward from its first
    one; then a second pass, the other way, checks and mends that. So frames come in stretches, ten seconds long at
    most. With `fast` there is one pass, and each frame comes as it is tracked; only those before a late prompt are
    tracked first. What waits lies in temporary files, memory stays flat. Nothing else is written. It can be left at any
    frame.

    Raises, with the first frame: VideoError, PromptError, CallError where `start` or `end` lie outside of the video,
    WeightsError. Raises VideoError behind the last frame where the video is damaged or cut off there.
    """
    runtime = runtime or open_runtime()
    said = _said(box, mask, points, prompts)
    with open_video(Path(video)) as reader:
        begin = frame_at(reader, start)
        given = placed(said, reader, begin) or find(reader, runtime, Options(start=begin, end=end))[0]
        with Course(reader, runtime, given, settings, start=begin, end=end, twice=not fast) as course:
            with closing(course.steps()) as steps:
                for frame, masks in steps:
                    yield TrackedFrame(frame.index, frame.time, frame.image, masks.labels, masks.objects)
            if course.video.error is not None:
                raise course.video.error


def run(
    video: str | Path,
    out: str | Path | None = None,
    *,
    box: Box | None = None,
    mask: np.ndarray | None = None,
    points: Sequence[Point] = (),
    prompts: Sequence[Prompt] = (),
    names: Mapping[int, str] | None = None,
    start: Moment = None,
    end: Moment = None,
    style: Style | None = "fill",
    soft: bool = False,
    mask_names: MaskNames = "number",
    overwrite: bool = False,
    fast: bool = False,
    auto: int = 1,
    runtime: Runtime | None = None,
    settings: Settings = Settings(),
    progress: Callable[[int | None], Callable[[], None]] = lambda total: lambda: None,
) -> Result:
    """Track objects through a video into a result folder, as `trackmask run` does: masks, overlay, result.json.

    `out` is the folder, VIDEO.trackmask in the current one if none is said. Objects and range are said as for `track`;
    `names` by id. `style` is the overlay's: fill, outline, cutout, or None for no overlay. `soft` keeps the objects'
    probabilities. `mask_names`: the masks' files are called by the frame's number, or ("source") as the pictures of a
    folder are; a film's frames have numbers alone. `overwrite` replaces an earlier result, but none that a person
    corrected. `fast`: one pass, not two. `auto`: how many main objects to find where none is said, at most. `progress`
    is called with the number of frames to expect (None: unknown; each as often as it is tracked), and what it returns
    after each frame.

    A video that is damaged or cut off leaves the frames before: the result's `complete` is False then, and its `reason`
    says why. Raises, with nothing left behind: VideoError, PromptError, CallError, OutputExistsError, OutputError,
    WeightsError.
    """
    if style not in (None, *get_args(Style)):
        raise CallError(f"there is no style {style!r}; give one of {', '.join(get_args(Style))}, or None")
    if not isinstance(auto, int) or auto < 1:
        raise CallError(f"auto={auto!r}: give how many objects to find at most, from 1 on")
    for name in (names or {}).values():
        if not is_name(name):
            raise CallError(f"{name!r} cannot be an object's name; give 1 to 200 characters on one line")
    video = Path(video)
    options = Options(
        start=start,
        end=end,
        style=style,
        soft=soft,
        mask_names=mask_names,
        overwrite=overwrite,
        fast=fast,
        auto=auto,
        settings=settings,
    )
    said = _said(box, mask, points, prompts)
    folder = Path(out) if out is not None else default_folder(video)
    outcome = track_into(video, folder, said, runtime or open_runtime(), options, dict(names or {}), progress)
    return open_result(outcome.folder)


def _said(box: Box | None, mask: np.ndarray | None, points: Sequence[Point], prompts: Sequence[Prompt]) -> list[Prompt]:
    """All prompts that a call names. One object may be named without writing a Prompt."""
    if not isinstance(prompts, Prompt | Iterable):
        raise PromptError(f"{prompts!r} is no list of prompts; write [trackmask.Prompt(object_id=1, box=(x, y, w, h))]")
    prompts = [prompts] if isinstance(prompts, Prompt) else list(prompts)
    if box is None and mask is None and not np.size(points):
        return prompts
    return [*prompts, Prompt(1, mask=mask, box=box, positive=points)]  # type: ignore[arg-type]  # `placed` makes pairs
