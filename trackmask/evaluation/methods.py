"""The methods to measure, by name; and trackmask itself as one: the tracker fed with a clip's pictures and a prompt."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import numpy as np

from trackmask.data import Labels, VideoInfo, box_of
from trackmask.errors import CallError
from trackmask.evaluation.baselines import Method, copy_first_mask, dis_flow
from trackmask.evaluation.dataset import FPS, Clip
from trackmask.evaluation.places import PlaceTracker
from trackmask.prompts import Prompt
from trackmask.runtime import Runtime, open_runtime
from trackmask.tracking import Course, Settings, discover
from trackmask.video import VideoReader
from trackmask.video.made import MadeVideo


class TrackmaskMethod:
    """A `baselines.Method` for the prompts "mask", "box" (around the true first mask) and "none". `fast`: one pass."""

    def __init__(self, runtime: Runtime, settings: Settings = Settings(), *, fast: bool = False) -> None:
        self.runtime, self.settings, self.fast = runtime, settings, fast

    def __call__(self, clip: Clip, prompt: str) -> Iterator[Labels]:
        if prompt not in ("mask", "box", "none"):
            raise CallError(f"there is no prompt of kind {prompt!r}; give mask, box or none")
        return self.tracked(clip, prompt)

    def tracked(self, clip: Clip, prompt: str) -> Iterator[Labels]:
        with as_video(clip) as video:
            prompts = self.found(video) if prompt == "none" else true_prompts(clip, prompt)
            if not prompts:
                yield from (np.zeros(video.info.size, np.uint8) for _ in video)
                return
            with (
                Course(video, self.runtime, prompts, self.settings, twice=not self.fast) as course,
                closing(course.steps()) as steps,
            ):
                yield from (masks.labels for _, masks in steps)

    def found(self, video: VideoReader) -> list[Prompt]:
        """The main object, in the frame that shows it best."""
        return [
            Prompt(1, main.frame, mask=main.mask)
            for main in discover(self.runtime, video.frames(), video.info.size)[:1]
        ]


def true_prompts(clip: Clip, kind: str) -> list[Prompt]:
    """The objects of the first frame, each as its true mask, or the box around that."""
    truth = clip.first_mask()
    masks = {id_: truth == id_ for id_ in np.unique(truth[truth > 0]).tolist()}
    if kind == "mask":
        return [Prompt(id_, 0, mask=mask) for id_, mask in masks.items()]
    return [Prompt(id_, 0, box=box_of(mask)) for id_, mask in masks.items()]


def as_video(clip: Clip) -> VideoReader:
    """A clip as any other video. Decodes the first frame: raises what `Clip.frames` raises."""
    height, width = next(clip.frames()).image.shape[:2]
    return MadeVideo(VideoInfo(clip.name, (height, width), Fraction(FPS), len(clip), "images"), clip.frames)


def open_method(
    name: str, weights: Path | None = None, device: str = "cpu", threads: int = 0, *, fast: bool = False
) -> Method:
    """The method of that name, on the command line: trackmask, copy, flow or features.

    `weights`, `device` and `threads` as for `open_runtime`, where the method has a network; `fast`: one pass of
    trackmask. Raises what `open_runtime` raises.
    """
    if name == "copy":
        return copy_first_mask
    if name == "flow":
        return dis_flow
    runtime = open_runtime(weights, device, threads)
    return PlaceTracker(runtime) if name == "features" else TrackmaskMethod(runtime, fast=fast)
