"""Correct a result: one more prompt, and only the frames that it can change are tracked again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from trackmask.draw import Style, overlay
from trackmask.errors import PromptError
from trackmask.film import FilmWriter
from trackmask.prompts import Prompt, check
from trackmask.result import OVERLAY, Result, open_result
from trackmask.revision import Revision
from trackmask.runtime import Runtime
from trackmask.source import source_video
from trackmask.span import Span
from trackmask.stages import ahead
from trackmask.tracker import Settings
from trackmask.video import VideoReader, open_video


def correct(
    folder: Path,
    prompt: Prompt,
    runtime: Runtime,
    *,
    video: Path | None = None,
    style: Style = "fill",
    settings: Settings = Settings(),  # noqa: B008
    done: Callable[[], None] = lambda: None,
) -> Result:
    """Make `prompt` a reference of its object for good, and track the object again up to the neighbouring prompts.

    Between two prompts the object is tracked from both and the two are blended by how near each prompt is. An empty
    mask says that the object is not to be seen. The old version stays in the result's history. Raises a
    TrackmaskError, with the result as it was, where the prompt does not fit or the video has moved.
    """
    result = open_result(folder)
    path = source_video(result, video)
    known = {frame.index for frame in result.frames}
    if prompt.at not in known:
        raise PromptError(f"frame {prompt.at} is not in this result; it has frames {min(known)} to {max(known)}")
    if prompt.object_id not in {item.id for item in result.objects}:
        ids = ", ".join(f"{item.id} ({item.name})" for item in result.objects)
        raise PromptError(f"object {prompt.object_id} is not in this result; it has {ids}")
    empty = prompt.mask is not None and not prompt.mask.any()
    prompt = prompt if empty else check(prompt, result.source.size)
    prompts = references(result, prompt)
    with open_video(path) as reader, Revision(result) as revision:
        span = Span(reader, runtime, settings, prompts)
        for frame, record, patch in span.around(prompt.at, min(known), max(known)):
            revision.replace(frame, record, patch)
            done()
        if (result.folder / OVERLAY).exists():
            draw(revision, reader, path if reader.info.audio else None, style, min(known), max(known))
        same = (prompt.object_id, prompt.at)
        given = [entry for entry in result.prompts if (entry["object"], entry["frame"]) != same]
        objects = [
            replace(item, first_prompt=min(prompts), last_prompt=max(prompts)) if item.id == prompt.object_id else item
            for item in result.objects
        ]
        revision.finish([*map(dict, given), prompt.as_json()], objects, runtime.weights_sha256)
    return open_result(folder)


def references(result: Result, prompt: Prompt) -> dict[int, Prompt]:
    """All prompts of the object by frame: the new one, and the old ones as the masks that they led to."""
    prompts = {
        entry["frame"]: Prompt(prompt.object_id, entry["frame"], mask=result.masks(entry["frame"]) == prompt.object_id)
        for entry in result.prompts
        if entry["object"] == prompt.object_id
    }
    return prompts | {prompt.at: prompt}


def draw(revision: Revision, reader: VideoReader, sound: Path | None, style: Style, first: int, last: int) -> None:
    """The overlay once more, from the masks."""
    with (
        FilmWriter(revision.folder / OVERLAY, reader.info.size, reader.info.fps, sound) as film,
        closing(ahead(reader.frames(first, last))) as frames,
    ):
        for frame in frames:
            film.write(overlay(frame.image, revision.labels(frame.index), style), frame.time)
