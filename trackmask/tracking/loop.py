"""The one loop: frames, each with its prompts, through a tracker. Whatever tracks a video goes through it."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing

from trackmask.data import Frame, Masks
from trackmask.errors import PromptError
from trackmask.prompts import Prompt
from trackmask.runtime import Runtime
from trackmask.tracking.reference import Reference
from trackmask.tracking.tracker import Settings, Tracker
from trackmask.video import VideoReader
from trackmask.video.queues import prefetch

Step = tuple[Frame, Masks]
Given = Mapping[int, Sequence[Prompt | Reference]]  # by frame


def follow(tracker: Tracker, frames: Iterable[Frame], prompts: Given | None = None) -> Generator[Step]:
    """Each frame, in the order in which they come, with its masks; the next ones are read in the meantime.

    `prompts`, by frame, are taken as the truth as their frames come by. Ending early (`close`) ends the reading, too.
    Raises PromptError where a prompt's frame never came, and what reading the frames raises.
    """
    waiting = dict(prompts or {})
    last = -1
    with closing(prefetch(frames)) as read:
        for frame in read:
            last = frame.index
            yield frame, tracker.step(frame.image, waiting.pop(last, ()))
    if waiting:
        raise PromptError(f"there is no frame {min(waiting)} to prompt: the last one is {last}; choose one up to it")


def understand(
    video: VideoReader, runtime: Runtime, prompts: Mapping[int, Prompt], settings: Settings = Settings()
) -> Iterator[tuple[Frame, Masks, Reference]]:
    """Each prompt of one object, by frame, with its masks and as a reference, in order of the frames."""
    for index in sorted(prompts):
        tracker = Tracker(runtime, video.info.size, settings)
        for frame, masks in follow(tracker, video.frames(index, index), {index: [prompts[index]]}):
            yield frame, masks, tracker.reference(prompts[index], masks)
