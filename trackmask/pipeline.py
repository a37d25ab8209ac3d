"""One video, from file to result folder: decoding, tracking and writing side by side."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from operator import call
from pathlib import Path

from trackmask.data import Frame, Labels, Masks
from trackmask.draw import Style, overlay
from trackmask.errors import PromptError, TrackmaskError, VideoError
from trackmask.export.mark import COMMENT
from trackmask.files import counted, shown
from trackmask.prompts import Moment, Prompt, check, frame_at, placed
from trackmask.result import OVERLAY, FrameFiles, MaskNames, ObjectInfo, ResultWriter, Source
from trackmask.runtime import Runtime
from trackmask.tracking import Course, Settings, discover
from trackmask.video import VideoReader, hash_source, open_video, stamp
from trackmask.video.cache import CachedVideo
from trackmask.video.queues import WriteBehind, prefetch
from trackmask.video.writer import FilmWriter

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Options:
    start: Moment = None  # of the range; None: the video's first frame
    end: Moment = None  # included
    style: Style | None = "fill"  # of the overlay; None: no overlay
    soft: bool = False  # keep the objects' probabilities
    mask_names: MaskNames = "number"  # files by the frame's number; source: as the pictures of a folder are called
    overwrite: bool = False
    discard: bool = False  # overwrite a result with a person's corrections, too
    fast: bool = False  # one pass, not two
    auto: int = 1  # objects to find where there is no prompt, at most
    settings: Settings = Settings()
    threads: int = 0  # of the decoder; 0: as many as FFmpeg likes. Only broken frames depend on it


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

    Each object is tracked forward from its prompts, and backward from its first one to the start of the range; a
    second pass the other way checks and mends that, unless it is to be `fast`. `names` are the objects' names by id.
    `progress` is called with the expected number of frames, and what it returns is called after each frame; a frame
    counts as often as it is tracked. A video that ends in damage leaves a result of the frames before, marked as
    incomplete. Raises a TrackmaskError, with nothing left behind, where there is no result at all.
    """
    before = stamp(video)
    with open_video(video, threads=options.threads) as reader:
        for prompt in prompts:
            check(prompt, reader.info.size)
        files = FrameFiles.named(options.mask_names, reader.info.names)
        with ResultWriter(
            folder, overwrite=options.overwrite, soft=options.soft, discard=options.discard, files=files
        ) as writer:
            start = frame_at(reader, options.start)
            given, found = placed(prompts, reader, start), dict[int, str]()
            if not given:
                given, found = find(reader, runtime, options)
            twice = not options.fast
            with Course(reader, runtime, given, options.settings, start=start, end=options.end, twice=twice) as course:
                count = fill(writer, course, video, options, progress)
            for prompt in given:
                if prompt.mask is not None and prompt.at in writer:
                    mention_an_overlap(prompt, writer.give(prompt.object_id, prompt.at, prompt.mask), names or {})
            size, sha256 = hash_source(video)
            if stamp(video) != before:
                raise VideoError(f"{video} changed while it was tracked; track it again when it is written to its end")
            total = course.video.count if options.end is None else None
            error = course.video.error
            writer.finish(
                source=Source(
                    video, reader.info.name, size, sha256, total, reader.info.size, reader.info.fps, reader.info.names
                ),
                prompts=[prompt.as_json() for prompt in given],
                objects=list(objects_of(given, found | (names or {}))),
                weights_sha256=runtime.weights_sha256,
                weights_folder=runtime.weights_folder,
                ran=runtime.files,
                style=options.style,
                complete=error is None,
                reason=None if error is None else str(error),
            )
    return Outcome(folder, count, error)


def mention_an_overlap(prompt: Prompt, pixels: int, names: Mapping[int, str]) -> None:
    if pixels:
        name = shown(names.get(prompt.object_id, f"object {prompt.object_id}"))
        log.warning(
            "note: %s of the mask of %s in frame %d are shown as another object, whose mask was given, too",
            counted(pixels, "pixel"),
            name,
            prompt.at,
        )


def find(video: VideoReader, runtime: Runtime, options: Options) -> tuple[list[Prompt], dict[int, str]]:
    """The main objects, as prompts in the frame that shows the first of them best, and their names.

    Raises PromptError where there are none.
    """
    with CachedVideo(video, room=0) as whole, closing(prefetch(whole.frames(options.start, options.end))) as frames:
        found = discover(runtime, frames, video.info.size, options.auto)
    if not found:
        raise PromptError(
            f"no main object was found in {video.info.name}; point at one with --box X,Y,W,H or --mask FILE"
        )
    prompts = [Prompt(number, one.frame, mask=one.mask) for number, one in enumerate(found, 1)]
    return prompts, {number: f"object {number}, {one.words}" for number, one in enumerate(found, 1)}


def expected(course: Course) -> int | None:
    """How many frames there probably are to track: for the progress bar only."""
    total, fps, end = course.video.info.frames, course.video.info.fps, course.end
    if total is None:
        return None
    last = total - 1 if end is None else round(end * fps) if isinstance(end, float) else end
    once = max(min(total - 1, last) - course.start + 1, 1) + course.early
    return 2 * once if course.twice else once


def objects_of(prompts: Iterable[Prompt], names: dict[int, str]) -> Iterator[ObjectInfo]:
    frames: dict[int, list[int]] = {}
    for prompt in prompts:
        frames.setdefault(prompt.object_id, []).append(prompt.at)
    for object_id, at in sorted(frames.items()):
        yield ObjectInfo(object_id, names.get(object_id, f"object {object_id}"), min(at), max(at))


def fill(
    writer: ResultWriter,
    course: Course,
    path: Path,
    options: Options,
    progress: Callable[[int | None], Callable[[], None]],
) -> int:
    """Track, and write all frames and the overlay; returns the number of frames. `path` is the video's."""
    count, style = 0, options.style

    def write(step: tuple[Frame, Masks]) -> None:
        frame, masks = step
        writer.write(frame, masks)
        if style is not None and film is not None:
            picture = film.converted(overlay(frame.image, masks.labels, style))
            encoding.put(partial(film.encode, picture, frame.time, frame.until, last=frame.last))

    with (
        overlay_film(writer.folder, course.video, path) if style is not None else nullcontext() as film,
        closing(course.steps(progress(expected(course)))) as steps,
        WriteBehind(call) as encoding,  # a thread for itself: it takes the longest
        WriteBehind(write) as files,
    ):
        for step in steps:
            files.put(step)
            count += 1
    return count


@contextmanager
def overlay_film(folder: Path, video: VideoReader, path: Path) -> Iterator[FilmWriter]:
    """The overlay of a result folder that is being filled, with the sound of its video, the file at `path`; what it
    lacks is logged. Only what the disk refuses ends the run: masks do not depend on a film.
    """
    info = video.info
    sound = path if info.audio else None
    with FilmWriter(
        folder / OVERLAY, info.size, info.fps, sound, aspect=info.aspect, comment=COMMENT, needed=False
    ) as film:
        yield film
    if film.left_out:
        log.warning("note: %s", shown(film.left_out))


def draw_masks(
    folder: Path,
    video: VideoReader,
    path: Path,
    frames: Iterable[Frame],
    labels: Callable[[int], Labels],
    style: Style,
) -> None:
    """The overlay from masks that are written already; `labels` gives those of a frame by its index."""
    with overlay_film(folder, video, path) as film, closing(prefetch(frames)) as read:
        for frame in read:
            film.write(overlay(frame.image, labels(frame.index), style), frame.time, frame.until, last=frame.last)
