"""trackmask explain: one frame of a result, and what each part of the network made of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from trackmask.correct import references
from trackmask.errors import OutputExistsError, PromptError
from trackmask.files import write_whole, writing
from trackmask.lab.explain.inside import look_inside
from trackmask.lab.explain.replay import Moment, Replay
from trackmask.lab.explain.sheet import draw_sheet
from trackmask.network.model import TrackNet
from trackmask.prompts import Point
from trackmask.result import Result, frame_at, source_video, the_object
from trackmask.runtime import Runtime
from trackmask.tracking.crop import Crop, shown
from trackmask.video import open_video


def explain(
    result: Result,
    index: int,
    net: TrackNet,
    runtime: Runtime,
    out: Path,
    *,
    object_id: int | str | None = None,
    place: Point | None = None,
    video: Path | None = None,
    overwrite: bool = False,
) -> None:
    """Write a sheet (PNG) on frame `index` of a result. `runtime` and `net` are of the same weights.

    The object is tracked again from the prompts of the result, alone, so that what is shown is what these weights do
    now. `place` is in pixels of the frame; the middle of the object where none is said. Raises PromptError where
    frame, object or place do not fit the result; OutputExistsError; what reading the video raises.
    """
    if out.exists() and not overwrite:
        raise OutputExistsError(f"{out} exists already; choose another file with -o, or say --overwrite")
    object_id = the_object(result, object_id)
    prompts = references(result, object_id)
    check_frame(result, index, set(prompts))
    with open_video(source_video(result.source, video)) as reader:
        moment = Replay(reader, runtime, prompts).until(index)
    x, y = place or middle(moment)
    cell = cell_at(moment.crop, (x, y), runtime.size // 8)
    if cell is None:
        raise PromptError(f"the place {x:.0f},{y:.0f} is not in what the network saw of frame {index}; {seen(moment)}")
    name = next(item.name for item in result.objects if item.id == object_id)
    sheet = draw_sheet(moment, look_inside(net, moment, cell), (x, y), f"{result.source.name}, {name}")
    with writing(out.parent):
        out.parent.mkdir(parents=True, exist_ok=True)
    write_whole(out, sheet)


def check_frame(result: Result, index: int, prompted: set[int]) -> None:
    """Raises PromptError where the network found nothing in that frame: it is not there, or a prompt is."""
    if frame_at(result, index) in prompted:
        raise PromptError(f"frame {index} was prompted: its mask was given, not tracked; choose another frame")


def middle(moment: Moment) -> Point:
    """The pixel deepest inside of the object, (x, y); the crop's middle where there is no mask."""
    import cv2

    (record,) = moment.masks.objects
    if not record.area:
        return moment.crop.middle
    mask = np.pad((moment.masks.labels == record.id).astype(np.uint8), 1)  # the frame's edge is an edge, too
    y, x = np.unravel_index(int(cv2.distanceTransform(mask, cv2.DIST_L2, 5).argmax()), mask.shape)
    return float(x - 1), float(y - 1)


def cell_at(crop: Crop, place: Point, grid: int) -> tuple[int, int] | None:
    """Row and column of a place (x, y) of the frame in the crop's grid; None outside of it."""
    column, row = int((place[0] - crop.x) * grid // crop.width), int((place[1] - crop.y) * grid // crop.height)
    return (row, column) if 0 <= row < grid and 0 <= column < grid else None


def seen(moment: Moment) -> str:
    """The crop, within the frame, in words."""
    left, top, right, bottom = shown(moment.crop, moment.frame.image.shape[:2])
    return f"choose x from {left} to {right - 1} and y from {top} to {bottom - 1}"
