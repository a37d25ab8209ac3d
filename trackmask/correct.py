"""Correct a result: further prompts, and only the frames that they can change are tracked again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from trackmask.draw import Style
from trackmask.errors import PromptError
from trackmask.pipeline import draw_masks
from trackmask.prompts import Prompt, check
from trackmask.report import kept_up_to_date
from trackmask.result import OVERLAY, ObjectInfo, Result, Revision, open_result, prompted, source_video
from trackmask.runtime import Runtime
from trackmask.tracking import Reference, Settings, Span, understand
from trackmask.tracking.both_ways import Tracked, only_object
from trackmask.video import VideoReader, open_video
from trackmask.video.cache import CachedVideo


def correct(
    folder: Path,
    prompts: Sequence[Prompt],
    runtime: Runtime,
    *,
    names: Mapping[int, str] | None = None,
    video: Path | None = None,
    style: Style = "fill",
    settings: Settings = Settings(),
    edits_used: bool = False,
    done: Callable[[], None] = lambda: None,
) -> Result:
    """Make each prompt a reference of its object for good, and track the object again up to the neighbouring prompts.

    Between two prompts the object is tracked from both and the two are blended by how near each prompt is. An empty
    mask says that the object is not to be seen. An id that the result does not have is a new object; `names` may name
    it. `edits_used`: the prompts are the imported edits. `done` is called after each frame. The old version stays in
    the result's history; a report in it is written again. Raises a TrackmaskError, with the result as it was, where a
    prompt does not fit or the video has moved.
    """
    open_result(folder)
    with kept_up_to_date(folder, video), Revision(folder) as revision, ExitStack() as stack:
        result = revision.result
        path = source_video(result.source, video)
        first, last = result.frames.indices[0], result.frames.indices[-1]
        prompts = [fitting(prompt, result, first, last) for prompt in prompts]
        kept = stack.enter_context(CachedVideo(stack.enter_context(open_video(path)), first=first))
        objects = {item.id: item for item in result.objects}
        for object_id in sorted({prompt.object_id for prompt in prompts}):
            edited = {prompt.at: prompt for prompt in prompts if prompt.object_id == object_id}
            known = references(result, object_id) | edited
            for frame, record, patch in tracked_again(kept, runtime, settings, known, set(edited), (first, last)):
                revision.replace(frame, record, patch)
                done()
            name = (
                objects[object_id].name if object_id in objects else (names or {}).get(object_id, f"object {object_id}")
            )
            objects[object_id] = ObjectInfo(object_id, name, min(known), max(known))
        if (result.folder / OVERLAY).exists():
            draw_masks(revision.folder, kept, path, kept.frames(first, last), revision.labels, style)
        said = {(prompt.object_id, prompt.at) for prompt in prompts}
        given = [dict(entry) for entry in result.prompts if (entry["object"], entry["frame"]) not in said]
        given += [prompt.as_json() for prompt in prompts]
        revision.finish(given, [objects[id_] for id_ in sorted(objects)], runtime.weights_sha256, edits_used=edits_used)
    return open_result(folder)


def tracked_again(
    video: VideoReader,
    runtime: Runtime,
    settings: Settings,
    prompts: Mapping[int, Prompt],
    edited: Collection[int],
    ends: tuple[int, int],
) -> Iterator[Tracked]:
    """One object in the edited prompts' frames, and in all frames that they can change."""
    known: dict[int, Reference] = {}
    for frame, masks, reference in understand(video, runtime, prompts, settings):
        known[frame.index] = reference
        if frame.index in edited:
            yield only_object(frame, masks)
    yield from Span(video, runtime, known, settings).again(edited, *ends)


def fitting(prompt: Prompt, result: Result, first: int, last: int) -> Prompt:
    if not first <= prompt.at <= last:
        raise PromptError(f"frame {prompt.at} is not in this result; it has frames {first} to {last}")
    return check(prompt, result.source.size, absent=True)


def references(result: Result, object_id: int) -> dict[int, Prompt]:
    """The prompts that an object had, by frame, as the masks that they led to."""
    frames = prompted(result.prompts).get(object_id, ())
    return {frame: Prompt(object_id, frame, mask=result.masks(frame) == object_id) for frame in frames}
