"""One video, from file to result folder: decoding, tracking and writing side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path

from trackmask.data import Frame, Image, Labels, Masks
from trackmask.discover import discover
from trackmask.draw import Style, overlay
from trackmask.errors import PromptError, TrackmaskError, VideoError
from trackmask.film import FilmWriter
from trackmask.prompts import Prompt, check
from trackmask.records import ObjectInfo, Source
from trackmask.result import OVERLAY, ResultWriter
from trackmask.runtime import Runtime
from trackmask.stages import Behind, ahead
from trackmask.tracker import Settings, Tracker
from trackmask.video import VideoReader, hash_source, open_video


@dataclass(frozen=True)
class Options:
    start: int | float | None = None  # an int is a frame, a float seconds
    end: int | float | None = None  # included
    style: Style | None = "fill"  # of the overlay; None: no overlay
    soft: bool = False  # keep the objects' probabilities
    overwrite: bool = False
    settings: Settings = Settings()


@dataclass(frozen=True)
class Outcome:
    folder: Path
    frames: int  # tracked
    error: TrackmaskError | None  # why the result is not complete


def run(
    video: Path,
    folder: Path,
    prompts: Sequence[Prompt],
    runtime: Runtime,
    options: Options = Options(),  # noqa: B008
    progress: Callable[[int | None], Callable[[], None]] = lambda total: lambda: None,
) -> Outcome:
    """Track the prompted objects through a video, or the main object where there is no prompt, into a result folder.

    Prompts count for the first frame of the range. `progress` is called with the expected number of frames, and
    what it returns after each frame. A video that ends in damage leaves a result of the frames before, marked as
    incomplete. Raises a TrackmaskError, with nothing left behind, where there is no result at all.
    """
    with open_video(video) as reader:
        for prompt in prompts:
            check(prompt, reader.info.size)
        with ResultWriter(folder, overwrite=options.overwrite, soft=options.soft) as writer:
            job = Job(reader, video, runtime, options, writer, progress(expected(reader, options)))
            given = job.track(prompts)
            size, sha256 = hash_source(video)
            job.finish(given, Source(video, reader.info.name, size, sha256, job.total, reader.info.size, reader.info.fps))
    return Outcome(folder, job.count, job.error)


def expected(reader: VideoReader, options: Options) -> int | None:
    """How many frames there probably are to track: for the progress bar only."""
    total, fps = reader.info.frames, reader.info.fps
    if total is None:
        return None
    start, end = (
        round(place * fps) if isinstance(place, float) else place for place in (options.start or 0, options.end)
    )
    return max(min(total - 1, total if end is None else end) - start + 1, 1)


class Job:
    """The state of one run."""

    def __init__(
        self,
        reader: VideoReader,
        video: Path,
        runtime: Runtime,
        options: Options,
        writer: ResultWriter,
        done: Callable[[], None],
    ) -> None:
        self.reader, self.video, self.runtime, self.options = reader, video, runtime, options
        self.writer, self.done = writer, done
        self.count = 0
        self.total: int | None = None  # frames of the whole video, once its end was seen
        self.error: VideoError | None = None

    def track(self, prompts: Sequence[Prompt]) -> list[Prompt]:
        """The whole range; the prompts that were used."""
        if prompts:
            frames = self.frames(self.options.start)
            first = next(frames)
            given = [replace(prompt, frame=first.index) for prompt in prompts]
            self.forward(first, frames, [check(prompt, self.reader.info.size) for prompt in given], draw=True)
            return given
        found = self.find()
        start = self.first_index
        frames = self.frames(found.frame)
        at = next(frames)
        self.forward(at, frames, [found], draw=found.frame == start)
        if found.frame > start:
            self.backward(at, start, found)
            self.draw_again()
        return [found]

    def frames(self, start: int | float | None) -> Iterator[Frame]:
        """The frames from `start` on. Damage ends them early; `self.error` then says so."""
        seen = -1
        try:
            for frame in self.reader.frames(start, self.options.end):
                seen = frame.index
                yield frame
        except VideoError as error:
            if seen < 0:
                raise
            self.error = error
        if self.options.end is None and seen >= 0:
            self.total = seen + 1

    def find(self) -> Prompt:
        frames = self.frames(self.options.start)
        first = next(frames)
        self.first_index = first.index
        with closing(ahead(chain_first(first, frames))) as line:
            found = discover(self.runtime, line, self.reader.info.size)
        if found is None:
            raise PromptError(
                f"no main object was found in {self.reader.info.name}; point at one with --box X,Y,W,H or --mask FILE"
            )
        return Prompt(object_id=1, frame=found.frame, mask=found.mask)

    def forward(self, first: Frame, frames: Iterable[Frame], prompts: list[Prompt], *, draw: bool) -> None:
        tracker = Tracker(self.runtime, self.reader.info.size, self.options.settings)
        with ExitStack() as stack:
            film = stack.enter_context(self.film()) if draw and self.options.style else None
            line = stack.enter_context(closing(ahead(chain_first(first, frames))))
            output = stack.enter_context(Behind(lambda item: self.write(*item, film)))
            for frame in line:
                output.put((frame, tracker.step(frame, prompts if frame.index == first.index else ())))

    def backward(self, at: Frame, start: int, prompt: Prompt) -> None:
        tracker = Tracker(self.runtime, self.reader.info.size, self.options.settings)
        tracker.step(at, [prompt])
        with (
            closing(ahead(self.reader.reversed(at.index - 1, start))) as line,
            Behind[tuple[Frame, Masks]](lambda item: self.write(*item, None)) as output,
        ):
            for frame in line:
                output.put((frame, tracker.step(frame)))

    def write(self, frame: Frame, masks: Masks, film: FilmWriter | None) -> None:
        self.writer.write(frame, masks)
        if film is not None:
            film.write(self.picture(frame.image, masks.labels), frame.time)
        self.count += 1
        self.done()

    def draw_again(self) -> None:
        """The overlay, from the masks: a backward pass makes its frames in the wrong order for a film."""
        if self.options.style is None:
            return
        with self.film() as film, closing(ahead(self.frames(self.options.start))) as line:
            for frame in line:
                film.write(self.picture(frame.image, self.writer.labels(frame.index)), frame.time)

    def picture(self, image: Image, labels: Labels) -> Image:
        return overlay(image, labels, self.options.style or "fill")

    def film(self) -> FilmWriter:
        sound = self.video if self.reader.info.audio else None
        return FilmWriter(self.writer.folder / OVERLAY, self.reader.info.size, self.reader.info.fps, sound)

    def finish(self, prompts: list[Prompt], source: Source) -> None:
        objects = [ObjectInfo(p.object_id, f"object {p.object_id}", p.frame, p.frame) for p in prompts]
        self.writer.finish(
            source=source,
            prompts=prompts,
            objects=objects,
            weights_sha256=self.runtime.weights_sha256,
            complete=self.error is None,
            reason=None if self.error is None else str(self.error),
        )


def chain_first(first: Frame, rest: Iterable[Frame]) -> Iterator[Frame]:
    yield first
    yield from rest
