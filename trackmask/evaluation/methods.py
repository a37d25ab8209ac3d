"""The methods to measure, by name; and trackmask itself as one: the tracker fed with a clip's pictures and a prompt."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np

from trackmask.data import Labels, box_of
from trackmask.errors import CallError
from trackmask.evaluation.baselines import Method, copy_first_mask, dis_flow
from trackmask.evaluation.dataset import Clip
from trackmask.evaluation.places import PlaceTracker
from trackmask.prompts import Prompt
from trackmask.runtime import Runtime, open_runtime
from trackmask.tracking import Settings, Tracker, discover, follow


class TrackmaskMethod:
    """A `baselines.Method` for the prompts "mask", "box" (around the true first mask) and "none"."""

    def __init__(self, runtime: Runtime, settings: Settings = Settings()) -> None:
        self.runtime, self.settings = runtime, settings

    def __call__(self, clip: Clip, prompt: str) -> Iterator[Labels]:
        if prompt == "none":
            return self.unprompted(clip)
        if prompt not in ("mask", "box"):
            raise CallError(f"there is no prompt of kind {prompt!r}; give mask, box or none")
        return self.prompted(clip, prompt)

    def prompted(self, clip: Clip, kind: str) -> Iterator[Labels]:
        truth = clip.first_mask()
        prompts = []
        for id_ in np.unique(truth[truth > 0]).tolist():
            mask = truth == id_
            given = {"mask": mask} if kind == "mask" else {"box": box_of(mask)}
            prompts.append(Prompt(object_id=id_, frame=0, **given))
        tracker = Tracker(self.runtime, truth.shape, self.settings)
        for _, masks in follow(tracker, clip.frames(), {0: prompts}):
            yield masks.labels

    def unprompted(self, clip: Clip) -> Iterator[Labels]:
        """Forwards and backwards from the frame that shows the main object best. Holds the clip in memory."""
        frames = list(clip.frames())
        size = frames[0].image.shape[:2]
        found = discover(self.runtime, iter(frames), size)
        if not found:
            yield from (np.zeros(size, np.uint8) for _ in frames)
            return
        main = found[0]
        given = {main.frame: [Prompt(object_id=1, frame=main.frame, mask=main.mask)]}
        labels: dict[int, Labels] = {}
        for part in (frames[main.frame :], frames[main.frame :: -1]):
            steps = follow(Tracker(self.runtime, size, self.settings), part, given)
            labels |= {frame.index: masks.labels for frame, masks in steps}
        yield from chain(labels[frame.index] for frame in frames)


def open_method(name: str, weights: Path | None = None, device: str = "cpu", threads: int = 0) -> Method:
    """The method of that name, on the command line: trackmask, copy, flow or features.

    `weights`, `device` and `threads` as for `open_runtime`, where the method has a network. Raises what that raises.
    """
    if name == "copy":
        return copy_first_mask
    if name == "flow":
        return dis_flow
    runtime = open_runtime(weights, device, threads)
    return PlaceTracker(runtime) if name == "features" else TrackmaskMethod(runtime)
