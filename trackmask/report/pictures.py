"""The pictures of a report: which frames, which part of them, and their bytes inside the page."""

import base64
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO

import cv2
import numpy as np
from PIL import Image as Pillow

from trackmask.data import Frame, Image
from trackmask.draw import overlay
from trackmask.result import FrameRecord, ObjectInfo, Range, Result
from trackmask.video import VideoReader

POSTER, THUMB, PORTRAIT = 960, 256, 160  # pixels, the longer side
CONTEXT = 8  # frames before and after a range: a third of a second
ROOM = 3.0  # the part of the frame that is shown, in sizes of the object: itself, and as much on each side
PART = 0.3  # of the frame's sides, at least: closer up nobody knows what he sees
CLOSE = 1.4  # the part of the frame in an object's portrait, in sizes of the object
QUALITY = 80  # of the JPEGs
GREY = 150  # behind masks without their video: every object's colour stands out from it

Box = tuple[int, int, int, int]  # x, y, w, h in pixels


@dataclass(frozen=True)
class View:
    """A part of a frame, as a picture."""

    place: int  # among the result's frames
    part: Box
    side: int  # of the picture, the longer one, in pixels; never more than the part itself has


@dataclass(frozen=True)
class Row:
    """A range of the review list, and the pictures that tell it."""

    item: Range
    span: tuple[int, int]  # its first and last place among the result's frames
    views: tuple[View, ...]  # in order of the frames


def poster(result: Result) -> View:
    """The whole of the frame that shows the most objects, the surest one among those."""
    height, width = result.source.size

    def shown(frame: FrameRecord) -> tuple[int, float]:
        seen = [item.confidence for item in frame.objects if item.box is not None]
        return len(seen), min(seen, default=0.0)

    place, _ = max(enumerate(map(shown, result.frames)), key=lambda one: one[1])
    return View(place, (0, 0, width, height), POSTER)


def portrait(result: Result, item: ObjectInfo) -> View | None:
    """An object close up: in the frame of its first prompt, or in the first one after it that shows it; None without.

    The overlay on it tells its colour, as everywhere else.
    """
    for place, frame in enumerate(result.frames):
        box = next((record.box for record in frame.objects if record.id == item.id), None)
        if box is not None and frame.index >= item.first_prompt:
            height, width = result.source.size
            side = min(max(round(CLOSE * max(box[2:])), PORTRAIT // 2), width, height)
            x, y = (round(box[i] + box[i + 2] / 2 - side / 2) for i in (0, 1))
            return View(place, (min(max(x, 0), width - side), min(max(y, 0), height - side), side, side), PORTRAIT)
    return None


def row_of(result: Result, item: Range) -> Row | None:
    """The frames before and after a range, one in it, and the one to correct first, which may lie beside it: the one in
    it is the least sure then. None where the result has no frame of the range (it was changed by hand).

    All views show the same part of the picture, so that what moves between them is the object.
    """
    indices = result.frames.indices
    first, last = bisect_left(indices, item.first), bisect_right(indices, item.last) - 1
    if first > last:
        return None
    at = min(bisect_left(indices, item.frame), len(indices) - 1)
    asked = {first - 1, last + 1, at if first <= at <= last else _least_sure(result, item, first, last)}
    asked |= {at if at < first - 1 else first - CONTEXT, at if at > last + 1 else last + CONTEXT}
    places = sorted(place for place in asked if 0 <= place < len(result.frames))
    part = _around(result, places, item.object_id)
    return Row(item, (first, last), tuple(View(place, part, THUMB) for place in places))


def _least_sure(result: Result, item: Range, first: int, last: int) -> int:
    """The place, of those from `first` to `last`, in which the range's object has the lowest confidence."""

    def sure(frame: FrameRecord) -> float:
        return min((record.confidence for record in frame.objects if record.id == item.object_id), default=1.0)

    span = [sure(frame) for frame in result.frames.span(first, last)]
    return first + span.index(min(span))


def shoot(
    result: Result, reader: VideoReader | None, views: Iterable[View], done: Callable[[], None]
) -> Iterator[tuple[View, str]]:
    """Each view as a data URI, in order of the frames: of the masks over their video, or alone where `reader` is None.

    One pass over the video; `done` is called after each of its frames. Raises VideoError where it ends in damage,
    ResultError where masks are missing.
    """
    asked: dict[int, list[View]] = defaultdict(list)
    for view in views:
        asked[result.frames.indices[view.place]].append(view)
    frames: Iterator[Frame] = (Frame(index, 0.0, _blank(result.source.size)) for index in sorted(asked))
    if reader is not None:
        frames = reader.frames(min(asked), max(asked))
    for frame in frames:
        if frame.index in asked:
            picture = overlay(frame.image, result.masks(frame.index))
            yield from ((view, _uri(picture, view)) for view in asked[frame.index])
        done()


def _around(result: Result, places: list[int], object_id: int) -> Box:
    """The part of the frame with the object's boxes in it, as wide to high as the frame; all of it without a box."""
    height, width = result.source.size
    span = result.frames.span(places[0], places[-1])
    records = (record for frame in span for record in frame.objects if record.id == object_id)
    boxes = np.array([record.box for record in records if record.box is not None])
    if not len(boxes):
        return 0, 0, width, height
    left, top = boxes[:, :2].min(0)
    right, bottom = (boxes[:, :2] + boxes[:, 2:]).max(0)
    scale = min(1.0, max(PART, ROOM * (right - left) / width, ROOM * (bottom - top) / height))
    w, h = max(1, round(width * scale)), max(1, round(height * scale))
    x = min(max(0, round((left + right - w) / 2)), width - w)
    y = min(max(0, round((top + bottom - h) / 2)), height - h)
    return x, y, w, h


def _blank(size: tuple[int, int]) -> Image:
    return np.full((*size, 3), GREY, np.uint8)


def _uri(picture: Image, view: View) -> str:
    x, y, w, h = view.part
    part = picture[y : y + h, x : x + w]
    scale = min(1.0, view.side / max(w, h))
    if scale < 1:
        part = cv2.resize(part, (max(1, round(w * scale)), max(1, round(h * scale))), interpolation=cv2.INTER_AREA)
    buffer = BytesIO()
    Pillow.fromarray(np.ascontiguousarray(part)).save(buffer, "JPEG", quality=QUALITY, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getbuffer()).decode("ascii")
