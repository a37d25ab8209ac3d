"""One video, from file to result folder: decoding, tracking and writing side by side."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from trackmask.data import Frame, Image, Labels, Masks
from trackmask.draw import Style, overlay
from trackmask.errors import PromptError, TrackmaskError, VideoError
from trackmask.files import shown
from trackmask.prompts import Moment, Prompt, by_frame, check
from trackmask.result import OVERLAY, ObjectInfo, ResultWriter, Source
from trackmask.runtime import Runtime
from trackmask.tracking import Settings, Span, Tracker, discover
from trackmask.video import VideoReader, hash_source, open_video, stamp
from trackmask.video.queues import Behind, ahead
from trackmask.video.reader import behind
from trackmask.video.writer import FilmWriter

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Options:
    start: Moment = None  # of the range; None: the video's first frame
    end: Moment = None  # included
    style: Style | None = "fill"  # of the overlay; None: no overlay
    soft: bool = False  # keep the objects' probabilities
    overwrite: bool = False
    discard: bool = False  # overwrite a result with a person's corrections, too
    both: bool = False  # between two prompts of an object, track from both and blend
    auto: int = 1  # objects to find where there is no prompt, at most
    settings: Settings = Settings()
    threads: int = 0  # of the decoder; 0: as many as FFmpeg likes. The pixels do not depend on it


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
    options: Options = Options(),
    names: dict[int, str] | None = None,
    progress: Callable[[int | None], Callable[[], None]] = lambda total: lambda: None,
) -> Outcome:
    """Track the prompted objects through a video, or the main object where there is no prompt, into a result folder.

    Each object is tracked forward from its prompts, and backward from its first one to the start of the range.
    `names` are the objects' names by id. `progress` is called with the expected number of frames, and what it
    returns is called after each frame. A video that ends in damage leaves a result of the frames before, marked as
    incomplete. Raises a TrackmaskError, with nothing left behind, where there is no result at all.
    """
    before = stamp(video)
    with open_video(video, threads=options.threads) as reader:
        for prompt in prompts:
            check(prompt, reader.info.size)
        with ResultWriter(folder, overwrite=options.overwrite, soft=options.soft, discard=options.discard) as writer:
            job = Job(reader, video, runtime, options, writer, progress(expected(reader, options)))
            given = job.track(prompts)
            size, sha256 = hash_source(video)
            if stamp(video) != before:
                raise VideoError(f"{video} changed while it was tracked; track it again when it is written to its end")
            source = Source(video, reader.info.name, size, sha256, job.total, reader.info.size, reader.info.fps)
            writer.finish(
                source=source,
                prompts=[prompt.as_json() for prompt in given],
                objects=list(objects_of(given, job.found | (names or {}))),
                weights_sha256=runtime.weights_sha256,
                complete=job.error is None,
                reason=None if job.error is None else str(job.error),
            )
    return Outcome(folder, job.count, job.error)


def expected(reader: VideoReader, options: Options) -> int | None:
    """How many frames there probably are to track: for the progress bar only."""
    total, fps = reader.info.frames, reader.info.fps
    if total is None:
        return None
    start, end = (
        round(place * fps) if isinstance(place, float) else place
        for place in (options.start or 0, total - 1 if options.end is None else options.end)
    )
    return max(min(total - 1, end) - start + 1, 1)


def objects_of(prompts: Iterable[Prompt], names: dict[int, str]) -> Iterator[ObjectInfo]:
    frames: dict[int, list[int]] = {}
    for prompt in prompts:
        frames.setdefault(prompt.object_id, []).append(prompt.at)
    for object_id, at in sorted(frames.items()):
        yield ObjectInfo(object_id, names.get(object_id, f"object {object_id}"), min(at), max(at))


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
        self.found: dict[int, str] = {}  # names of objects that nobody prompted
        self.total: int | None = None  # frames of the whole video, once its end was seen
        self.error: VideoError | None = None

    def track(self, prompts: Sequence[Prompt]) -> list[Prompt]:
        """The whole range; returns the prompts that were used, each with its frame."""
        start = self.index_of(self.options.start)
        given = [self.placed(prompt, start) for prompt in prompts] or self.find()
        latest = max(prompt.at for prompt in given)
        if latest > start:
            self.reach(latest)
        first: dict[int, int] = {}
        for prompt in given:
            first[prompt.object_id] = min(prompt.at, first.get(prompt.object_id, prompt.at))
        in_one_pass = max(first.values()) == start and not self.options.both
        self.forward([check(prompt, self.reader.info.size) for prompt in given], draw=in_one_pass)
        if max(first.values()) > start:
            self.backward(given, first, start)
        if self.options.both:
            self.between(given)
        if not in_one_pass:
            self.draw_again()
        return given

    def index_of(self, place: Moment) -> int:
        """The frame at a place in the video."""
        if isinstance(place, float):
            return next(self.reader.frames(place, None)).index
        return place or 0

    def placed(self, prompt: Prompt, start: int) -> Prompt:
        frame = start if prompt.frame is None else self.index_of(prompt.frame)
        if frame < start:
            raise PromptError(
                f"the prompt in frame {frame} lies before the start, frame {start}; begin there or earlier"
            )
        return replace(prompt, frame=frame)

    def reach(self, index: int) -> None:
        """Raises PromptError where there is no frame `index` to prompt: not after hours of tracking up to it."""
        frame = next(self.reader.frames(index))
        if behind(frame.index, frame.time, self.options.end):
            raise PromptError(f"the prompt in frame {index} lies behind the end; prompt an earlier frame, or end later")

    def frames(self, start: Moment) -> Iterator[Frame]:
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
        if self.options.end is None:
            self.total = seen + 1

    def find(self) -> list[Prompt]:
        """The main objects, as prompts in the frame that shows the first of them best."""
        with closing(ahead(self.frames(self.options.start))) as frames:
            found = discover(self.runtime, frames, self.reader.info.size, self.options.auto)
        if not found:
            raise PromptError(
                f"no main object was found in {self.reader.info.name}; point at one with --box X,Y,W,H or --mask FILE"
            )
        self.found = {number: f"object {number}, {one.words}" for number, one in enumerate(found, 1)}
        return [Prompt(number, one.frame, mask=one.mask) for number, one in enumerate(found, 1)]

    def forward(self, prompts: Sequence[Prompt], *, draw: bool) -> None:
        """From the first prompt to the end."""
        tracker = Tracker(self.runtime, self.reader.info.size, self.options.settings)
        waiting = by_frame(prompts)
        last = -1
        with ExitStack() as stack:
            film = stack.enter_context(self.film()) if draw and self.options.style else None
            frames = stack.enter_context(closing(ahead(self.frames(min(waiting)))))
            output = stack.enter_context(Behind[tuple[Frame, Masks]](lambda item: self.write(*item, film)))
            for frame in frames:
                output.put((frame, tracker.step(frame.image, waiting.pop(frame.index, ()))))
                last = frame.index
        if waiting:
            raise PromptError(
                f"there is no frame {min(waiting)} to prompt: the last one is {last}; choose one up to it"
            )

    def backward(self, prompts: Sequence[Prompt], first: dict[int, int], start: int) -> None:
        """From each object's first prompt to the start."""
        tracker = Tracker(self.runtime, self.reader.info.size, self.options.settings)
        begin = by_frame(p for p in prompts if p.at == first[p.object_id] and p.at > start)
        with (
            closing(ahead(self.reader.reversed(max(begin), start))) as frames,
            Behind[tuple[Frame, Masks]](lambda item: self.add(*item)) as output,
        ):
            for frame in frames:
                masks = tracker.step(frame.image, begin.get(frame.index, ()))
                output.put((frame, only(masks, {id_ for id_, index in first.items() if index > frame.index})))

    def between(self, prompts: Sequence[Prompt]) -> None:
        """Between the prompts of each object that has several, from both sides."""
        for object_id in sorted({prompt.object_id for prompt in prompts}):
            own = {
                prompt.at: check(prompt, self.reader.info.size) for prompt in prompts if prompt.object_id == object_id
            }
            span = Span(self.reader, self.runtime, self.options.settings, own)
            for left, right in pairwise(sorted(own)):
                for frame, record, patch in span.both_ways(left, right):
                    self.writer.replace(frame, record, patch)

    def write(self, frame: Frame, masks: Masks, film: FilmWriter | None) -> None:
        self.writer.write(frame, masks)
        if film is not None:
            film.write(self.picture(frame.image, masks.labels), frame.time, frame.until, last=frame.last)
        self.count += 1
        self.done()

    def add(self, frame: Frame, masks: Masks) -> None:
        if not masks.objects:
            return
        if self.writer.add(frame, masks):
            self.count += 1
            self.done()

    def draw_again(self) -> None:
        """The overlay, from the masks: a backward pass makes its frames in the wrong order for a film."""
        if self.options.style is None:
            return
        with self.film() as film, closing(ahead(self.frames(self.options.start))) as frames:
            draw_masks(film, frames, self.writer.labels, self.options.style)

    def picture(self, image: Image, labels: Labels) -> Image:
        return overlay(image, labels, self.options.style or "fill")

    def film(self) -> AbstractContextManager[FilmWriter]:
        return overlay_film(self.writer.folder, self.reader, self.video)


@contextmanager
def overlay_film(folder: Path, reader: VideoReader, video: Path) -> Iterator[FilmWriter]:
    """The overlay of a result folder that is being filled, with the sound of its video; what it lacks is logged."""
    with FilmWriter(folder / OVERLAY, reader.info.size, reader.info.fps, video if reader.info.audio else None) as film:
        yield film
    if film.left_out:
        _log.warning("note: %s", shown(film.left_out))


def draw_masks(film: FilmWriter, frames: Iterable[Frame], labels: Callable[[int], Labels], style: Style) -> None:
    """The overlay from masks that are written already; `labels` gives those of a frame by its index."""
    for frame in frames:
        film.write(overlay(frame.image, labels(frame.index), style), frame.time, frame.until, last=frame.last)


def only(masks: Masks, ids: set[int]) -> Masks:
    """Some of a frame's objects."""
    labels = masks.labels.copy()
    for record in masks.objects:
        if record.id not in ids:
            labels[labels == record.id] = 0
    kept = tuple(record for record in masks.objects if record.id in ids)
    return Masks(labels, kept, {id_: patch for id_, patch in masks.patches.items() if id_ in ids})
