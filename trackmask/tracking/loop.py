"""The one loop: frames, each with its prompts, through a tracker. Whatever tracks a video goes through it.

`follow` is the loop itself, in either direction. `Course` is all prompted objects through a range of a video: forward
from each one's first prompt to the end, and backward from it to the start.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from types import TracebackType
from typing import Self

from trackmask.data import Frame, Masks, beside, only
from trackmask.errors import PromptError
from trackmask.prompts import Moment, Prompt, by_frame, check, plain_moment
from trackmask.runtime import Runtime
from trackmask.tracking.pile import Pile
from trackmask.tracking.reference import Reference
from trackmask.tracking.tracker import Settings, Tracker
from trackmask.video import VideoReader
from trackmask.video.cache import ROOM, CachedVideo
from trackmask.video.queues import prefetch
from trackmask.video.reader import behind

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


class Course:
    """All prompted objects on their way through a range of a video: forward from each one's prompts to the end, and
    backward from its first one to the start. A context manager: leaving it deletes what waits on disk.

    `references` holds each prompt, by object and frame, from when it was understood on: none is looked at twice.
    `video` is the video as it can be read again, at no cost where there is room; after damage it says so in `error`.
    """

    def __init__(
        self,
        reader: VideoReader,
        runtime: Runtime,
        prompts: Sequence[Prompt],
        settings: Settings = Settings(),
        *,
        start: int = 0,
        end: Moment = None,
        again: bool = False,
    ) -> None:
        """`prompts` (at least one) have their frames, see `prompts.placed`. `again`: the caller will read `video`, too.

        Raises PromptError where a prompt does not fit the video, or an object has two in one frame.
        """
        self.runtime, self.settings, self.start, self.end = runtime, settings, start, plain_moment(end)
        self.prompts = by_frame(check(prompt, reader.info.size) for prompt in prompts)
        self.references: dict[int, dict[int, Reference]] = {prompt.object_id: {} for prompt in prompts}
        self.first: dict[int, int] = {}  # prompted frame of each object
        for prompt in prompts:
            self.first[prompt.object_id] = min(prompt.at, self.first.get(prompt.object_id, prompt.at))
        # What is read once need not be kept.
        self.video = CachedVideo(reader, ROOM if again or max(self.prompts) > start else 0, start)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.video.__exit__(kind, error, at)

    @property
    def early(self) -> int:
        """How many frames lie before some object's first prompt: they are tracked twice."""
        return max(max(self.first.values()) - self.start, 0)

    def steps(self, done: Callable[[], None] = lambda: None) -> Generator[Step]:
        """The frames of the range in order, each once, with the masks of all objects.

        An object that is first prompted behind the start is tracked backward before the first frame comes; `done` is
        called after each frame of that. Damage ends the frames early. Raises PromptError where there is no frame to
        prompt, before anything is tracked.
        """
        self._reach(max(self.prompts))
        with Pile() as earlier:
            for masks in self._backward():
                earlier.push(masks)
                done()
            tracker = Tracker(self.runtime, self.video.info.size, self.settings)
            given = {frame: self._given(frame, prompts) for frame, prompts in self.prompts.items()}
            for frame, masks in follow(tracker, self.video.frames(self.start, self.end), given):
                self._understood(tracker, frame, masks)
                yield frame, beside(masks, earlier.pop()) if len(earlier) else masks

    def _reach(self, index: int) -> None:
        """Not after hours of tracking up to it is a prompt found to lie behind the end."""
        if index <= self.start:
            return
        frame = self.video.at(index)
        if frame is None:
            count = "" if self.video.count is None else f"; it has {self.video.count} frames"
            raise PromptError(f"there is no frame {index} to prompt: {self.video.info.name} is shorter{count}")
        if behind(frame.index, frame.time, self.end):
            raise PromptError(f"the prompt in frame {index} lies behind the end; prompt an earlier frame, or end later")

    def _backward(self) -> Iterator[Masks]:
        """Objects before their first prompts, from the last such frame down to the start."""
        if not self.early:
            return
        firsts: dict[int, list[Prompt]] = {}
        for index, prompts in self.prompts.items():
            own = [prompt for prompt in prompts if self.first[prompt.object_id] == index > self.start]
            if own:
                firsts[index] = own
        tracker, begin = Tracker(self.runtime, self.video.info.size, self.settings), max(self.first.values())
        for frame, masks in follow(tracker, self.video.reversed(begin, self.start), firsts):
            self._understood(tracker, frame, masks)
            if frame.index < begin:
                yield only(masks, {id_ for id_, first in self.first.items() if first > frame.index})

    def _given(self, frame: int, prompts: Sequence[Prompt]) -> list[Prompt | Reference]:
        """A frame's prompts, those that were understood already as references."""
        return [self.references[prompt.object_id].get(frame, prompt) for prompt in prompts]

    def _understood(self, tracker: Tracker, frame: Frame, masks: Masks) -> None:
        for prompt in self.prompts.get(frame.index, ()):
            known = self.references[prompt.object_id]
            if prompt.object_id in tracker.tracks and frame.index not in known:
                known[frame.index] = tracker.reference(prompt, masks)
