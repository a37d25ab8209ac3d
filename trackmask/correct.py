"""Correct a result: further prompts, and only the frames that they can change are tracked again."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from trackmask.draw import Style
from trackmask.errors import PromptError, WeightsError
from trackmask.files import counted, shown
from trackmask.pipeline import draw_masks
from trackmask.prompts import Prompt, check
from trackmask.report import kept_up_to_date
from trackmask.result import OVERLAY, ObjectInfo, Result, Revision, frame_at, open_result, prompted, source_video
from trackmask.result import undo as undo_last
from trackmask.runtime import CHECKPOINT, Runtime, open_runtime, running_files
from trackmask.tracking import Reference, Settings, Span, gaps, understand
from trackmask.tracking.both_ways import Tracked, only_object
from trackmask.video import VideoReader, open_video
from trackmask.video.cache import CachedVideo

log = logging.getLogger(__name__)


def correct(
    folder: Path | str,
    prompts: Sequence[Prompt],
    runtime: Runtime | None = None,
    *,
    names: Mapping[int, str] | None = None,
    video: Path | None = None,
    style: Style | None = None,
    settings: Settings = Settings(),
    edits_used: bool = False,
    progress: Callable[[int | None], Callable[[], None]] = lambda total: lambda: None,
) -> Result:
    """Make each prompt a reference of its object for good, and track the object again up to the neighbouring prompts.

    Between two prompts the object is tracked from both and the two are blended by how near each prompt is. An empty
    mask says that the object is not to be seen. An id that the result does not have is a new object; `names` may name
    it. `video` says where the video is, if it has moved. The old version stays in the result's history, for `undo`; a
    report in it is written again. `edits_used`: the prompts are the imported edits. `progress` as for `pipeline.run`.

    Without a `runtime` the weights of the result are used, see `runtime_of`, and without a `style` its overlay's
    (fill, outline or cutout). Logged as a warning are other weights than the result's, and a mask that has nothing in
    common with the object's mask before.

    Raises, with the result as it was: PromptError where a prompt does not fit, VideoError or CallError where the video
    is not the result's, ResultError, OutputError, WeightsError.
    """
    folder = Path(folder)
    runtime = runtime or runtime_of(open_result(folder))
    with kept_up_to_date(folder, video), Revision(folder) as revision, ExitStack() as stack:
        result = revision.result
        if runtime.weights_sha256 != result.weights:
            log.warning("note: %s was made with other weights; the frames tracked now may differ", shown(folder))
        path = source_video(result.source, video)
        first, last = result.frames.indices[0], result.frames.indices[-1]
        prompts = [fitting(prompt, result) for prompt in ([prompts] if isinstance(prompts, Prompt) else prompts)]
        kept = stack.enter_context(CachedVideo(stack.enter_context(open_video(path)), first=first))
        objects = {item.id: item for item in result.objects}
        called = {item.id: item.name for item in result.objects}
        works = {object_id: work_on(result, object_id, prompts) for object_id in sorted({p.object_id for p in prompts})}
        done = progress(sum(work.passes for work in works.values()))
        for object_id, work in works.items():
            name = called[object_id] = called.get(object_id) or (names or {}).get(object_id, f"object {object_id}")
            for frame, record, patch in tracked_again(kept, runtime, settings, work, done):
                lost = revision.replace(frame, record, patch, given=frame.index in work.edited)
                for other, pixels in lost.items():
                    mention_a_loss(frame.index, name, called.get(other, f"object {other}"), pixels)
                if frame.index in work.edited:
                    mention_a_leap(result, revision, frame.index, object_id, name)
            objects[object_id] = ObjectInfo(object_id, name, min(work.known), max(work.known))
        has_overlay = (result.folder / OVERLAY).exists()
        style = style or result.style or "fill"
        if has_overlay:
            draw_masks(revision.folder, kept, path, kept.frames(first, last), revision.labels, style)
        said = {(prompt.object_id, prompt.at) for prompt in prompts}
        given = [dict(entry) for entry in result.prompts if (entry["object"], entry["frame"]) not in said]
        revision.finish(
            given + [prompt.as_json() for prompt in prompts],
            [objects[id_] for id_ in sorted(objects)],
            runtime.weights_sha256,
            weights_folder=runtime.weights_folder,
            ran=runtime.files,
            style=style if has_overlay else None,
            edits_used=edits_used,
        )
    return open_result(folder)


def undo(folder: Path | str) -> Result:
    """Take back the last correction of a result; a report in it is written again.

    Raises ResultError where there is no result, or none that was corrected; OutputError.
    """
    with kept_up_to_date(Path(folder)):
        return undo_last(Path(folder))


def runtime_of(result: Result, device: str = "cpu", threads: int = 0) -> Runtime:
    """The network with the weights that a result was made with; with the shipped ones where those are not there any
    more. `device` and `threads` as for `open_runtime`, which says what is raised.
    """
    folder = result.weights_folder
    with suppress(WeightsError):
        if folder is not None and _same(running_files(folder, device), result):
            return open_runtime(folder, device, threads)
    return open_runtime(None, device, threads)


def _same(files: Mapping[str, str], result: Result) -> bool:
    """Whether files of weights, sha256 by name, are those that a result was made with: a stranger's names a folder."""
    known = {CHECKPOINT: result.weights, **result.ran}
    return all(known.get(name, sha256) == sha256 for name, sha256 in files.items())


@dataclass(frozen=True)
class Work:
    """What is to be done about one object."""

    known: Mapping[int, Prompt]  # all of its prompts, by frame
    edited: Collection[int]  # the frames of those that are new
    gaps: Sequence[tuple[int, int]]  # what they can change, see `tracking.gaps`

    @property
    def passes(self) -> int:
        """Number of frames that are tracked, each as often as it is."""
        return sum(2 * (right - left - 1) for left, right in self.gaps)


def work_on(result: Result, object_id: int, prompts: Sequence[Prompt]) -> Work:
    edited = {prompt.at: prompt for prompt in prompts if prompt.object_id == object_id}
    return Work(references(result, object_id) | edited, set(edited), reach(result, object_id, edited))


def reach(result: Result, object_id: int, edited: Collection[int]) -> list[tuple[int, int]]:
    """What prompts of an object in the `edited` frames can change, see `tracking.gaps`."""
    known, indices = {*edited, *prompted(result.prompts).get(object_id, ())}, result.frames.indices
    return gaps(known, edited, indices[0], indices[-1])


def changed(result: Result, prompts: Sequence[Prompt]) -> dict[int, list[tuple[int, int]]]:
    """By object, the frames of a result that get other masks by prompts that fit it: the first and the last one of all
    in a row."""
    spans: dict[int, list[tuple[int, int]]] = {prompt.object_id: [] for prompt in prompts}
    for object_id, own in spans.items():
        edited = {prompt.at for prompt in prompts if prompt.object_id == object_id}
        between = [(left + 1, right - 1) for left, right in reach(result, object_id, edited)]
        for first, last in sorted([*between, *((frame, frame) for frame in edited)]):
            joins = own and first == own[-1][1] + 1
            own.append((own.pop()[0] if joins else first, last))
    return spans


def tracked_again(
    video: VideoReader, runtime: Runtime, settings: Settings, work: Work, done: Callable[[], None]
) -> Iterator[Tracked]:
    """One object in the edited prompts' frames, and in all frames that they can change."""
    known: dict[int, Reference] = {}
    for frame, masks, reference in understand(video, runtime, work.known, settings):
        known[frame.index] = reference
        if frame.index in work.edited:
            yield only_object(frame, masks)
    yield from Span(video, runtime, known, settings).again(work.gaps, done)


def mention_a_leap(result: Result, revision: Revision, frame: int, object_id: int, name: str) -> None:
    """A frame's old and new mask without a common pixel: the object was lost, or another one was corrected."""
    before, after = result.masks(frame) == object_id, revision.labels(frame) == object_id
    if before.any() and after.any() and not (before & after).any():
        log.warning(
            "note: in frame %d the mask of %s has nothing in common with the one before; if another object was meant, "
            "take it back by trackmask undo",
            frame,
            shown(name),
        )


def mention_a_loss(frame: int, name: str, other: str, pixels: int) -> None:
    """Where a person gives one object what they had said to be another's: the last word is shown."""
    log.warning(
        "note: %s now covers %s of %s in frame %d, still known by its whole mask; correct that, too, "
        "if it was too large",
        shown(name),
        counted(pixels, "pixel"),
        shown(other),
        frame,
    )


def fitting(prompt: Prompt, result: Result) -> Prompt:
    """The prompt as it applies to the result, in a frame of it. Raises PromptError."""
    prompt = check(prompt, result.source.size, absent=True)
    if prompt.frame is None:
        raise PromptError(f"the correction of object {prompt.object_id} has no frame; say which one is put right")
    return replace(prompt, frame=frame_at(result, prompt.frame))


def references(result: Result, object_id: int) -> dict[int, Prompt]:
    """The prompts that an object had, by frame, as the whole masks that they led to."""
    frames = prompted(result.prompts).get(object_id, ())
    return {frame: Prompt(object_id, frame, mask=result.given(object_id, frame)) for frame in frames}
