"""All prompted objects through a range of a video, forward and backward from their first prompts; once, or twice."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from types import TracebackType
from typing import Self

from trackmask.data import Frame, Masks, beside
from trackmask.errors import PromptError
from trackmask.files import counted
from trackmask.prompts import Moment, Prompt, by_frame, check, plain_moment
from trackmask.runtime import Runtime
from trackmask.tracking.loop import Given, Step, follow
from trackmask.tracking.pile import Pile
from trackmask.tracking.reference import Reference
from trackmask.tracking.tracker import Settings, Tracker
from trackmask.tracking.twice import SecondPass, room_for_twice
from trackmask.video import VideoReader
from trackmask.video.cache import ROOM, CachedVideo
from trackmask.video.queues import prefetch
from trackmask.video.reader import behind


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
        twice: bool = False,
    ) -> None:
        """`prompts` (at least one) have their frames, see `prompts.placed`. `twice`: what one pass finds is checked and
        mended by a second one, see `SecondPass`.

        Raises PromptError where a prompt does not fit the video, or an object has two in one frame.
        """
        self.runtime, self.settings, self.twice = runtime, settings, twice
        self.start, self.end = start, plain_moment(end)
        self.prompts = by_frame(check(prompt, reader.info.size) for prompt in prompts)
        self.references: dict[int, dict[int, Reference]] = {prompt.object_id: {} for prompt in prompts}
        self.first: dict[int, int] = {}  # prompted frame of each object
        for prompt in prompts:
            self.first[prompt.object_id] = min(prompt.at, self.first.get(prompt.object_id, prompt.at))
        # What is read once need not be kept.
        room = ROOM if max(self.prompts) > start else room_for_twice(reader.info.size) if twice else 0
        self.video = CachedVideo(reader, room, start)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.video.__exit__(kind, error, at)

    @property
    def early(self) -> int:
        """How many frames are tracked backward, from an object's first prompt to the start, before all others."""
        latest = max(self.first.values())
        return latest - self.start + 1 if latest > self.start else 0

    def steps(self, done: Callable[[], None] = lambda: None) -> Generator[Step]:
        """The frames of the range in order, each once, with the masks of all objects.

        An object that is first prompted behind the start is tracked backward before the first frame comes. With two
        passes frames come a stretch at a time. `done` is called after each frame of each pass. Damage ends the frames
        early. Raises PromptError where there is no frame to prompt, before anything is tracked.
        """
        self._reach(max(self.prompts))
        with Pile(self.video.info.size) as earlier:
            for masks in self._backward(done):
                earlier.push(masks)
            with closing(self._forward(done)) as steps:
                for frame, masks in steps:
                    yield frame, beside(masks, earlier.pop()) if len(earlier) else masks

    def _forward(self, done: Callable[[], None]) -> Generator[Step]:
        given = {frame: self._given(frame, prompts) for frame, prompts in self.prompts.items()}
        first = self._first_pass(self.video.frames(self.start, self.end), given, done)
        if not self.twice:
            yield from first
            return
        again = prefetch(self.video.frames(self.start, self.end))
        with closing(self._second_pass().over(first, done)) as both, closing(again) as frames:
            for masks, frame in zip(both, frames, strict=False):
                yield frame, masks

    def _first_pass(self, frames: Iterable[Frame], given: Given, done: Callable[[], None]) -> Generator[Step]:
        tracker = Tracker(self.runtime, self.video.info.size, self.settings)
        with closing(follow(tracker, frames, given)) as steps:
            for frame, masks in steps:
                self._understood(tracker, frame, masks)
                done()
                yield frame, masks

    def _second_pass(self) -> SecondPass:
        return SecondPass(self.video, self.runtime, self.references, self.settings)

    def _reach(self, index: int) -> None:
        """Not after hours of tracking up to it is a prompt found to lie behind the end."""
        if index <= self.start:
            return
        frame = self.video.at(index)
        if frame is None:
            count = "" if self.video.count is None else f"; it has {counted(self.video.count, 'frame')}"
            raise PromptError(f"there is no frame {index} to prompt: {self.video.info.name} is shorter{count}")
        if behind(frame.index, frame.time, self.end):
            raise PromptError(f"the prompt in frame {index} lies behind the end; prompt an earlier frame, or end later")

    def _backward(self, done: Callable[[], None]) -> Iterator[Masks]:
        """Objects up to their first prompts, from the last such frame down to the start."""
        if not self.early:
            return
        firsts: dict[int, list[Prompt]] = {}
        for index, prompts in self.prompts.items():
            own = [prompt for prompt in prompts if self.first[prompt.object_id] == index > self.start]
            if own:
                firsts[index] = own
        begin = max(firsts)
        first = self._first_pass(self.video.reversed(begin, self.start), firsts, done)
        yield from self._second_pass().over(first, done) if self.twice else (masks for _, masks in first)

    def _given(self, frame: int, prompts: Sequence[Prompt]) -> list[Prompt | Reference]:
        """A frame's prompts, those that were understood already as references."""
        return [self.references[prompt.object_id].get(frame, prompt) for prompt in prompts]

    def _understood(self, tracker: Tracker, frame: Frame, masks: Masks) -> None:
        for prompt in self.prompts.get(frame.index, ()):
            known = self.references[prompt.object_id]
            if prompt.object_id in tracker.tracks and frame.index not in known:
                known[frame.index] = tracker.reference(prompt, masks)
