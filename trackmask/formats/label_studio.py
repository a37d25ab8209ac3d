"""Label Studio's json: tasks with brush masks, polygons and rectangles.

The frame is the task's `data.frame`, where it has one. What tells an object from others is a region's id or note, as
our export writes them: "object-3", "object 3".
"""

import re
from functools import partial

import numpy as np

from trackmask.formats.coco import size_of
from trackmask.formats.limits import MAX_FRAME, MAX_SHAPES
from trackmask.formats.node import Node
from trackmask.formats.polygons import drawn
from trackmask.formats.runs import from_brush
from trackmask.formats.shape import Annotations, Picture, Shape, Size

_OURS = re.compile(r"object[- ]([0-9]{1,9})")
_PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
_KINDS = ("brushlabels", "polygonlabels", "rectanglelabels")


def read(root: Node) -> Annotations:
    """Of several annotations of a task the last one counts that was not cancelled. Raises DataError."""
    pictures, shapes = list[Picture](), list[Shape]()
    for task in root.items():
        picture = _picture(task.get("data"))
        pictures.append(picture)
        done = [
            one
            for one in task.get("annotations").items()
            if not (one.has("was_cancelled") and one.value["was_cancelled"])
        ]
        regions = done[-1].get("result").items() if done else []
        shapes += [_shape(region, picture) for region in regions if region.get("type").text() in _KINDS]
        if len(shapes) > MAX_SHAPES:
            root.fail(f"tasks with at most {MAX_SHAPES} regions")
    return Annotations(tuple(pictures), tuple(shapes))


def _picture(data: Node) -> Picture:
    texts = [value for _, value in data.fields() if isinstance(value.value, str)]
    name = next((text.value for text in texts if text.value.lower().endswith(_PICTURES)), "")
    frame = data.get("frame").whole(0, MAX_FRAME) if data.has("frame") else None
    return Picture(name.rpartition("?d=")[2].replace("/images/", "/"), None, frame)


def _shape(region: Node, picture: Picture) -> Shape:
    kind, value = region.get("type").text(), region.get("value")
    if region.has("image_rotation") and region.get("image_rotation").value != 0:
        region.get("image_rotation").fail("0: the picture must not be turned")
    names = value.get(kind).items()
    if not names:
        value.get(kind).fail("a list of one label")
    size = size_of(region.get("original_height"), region.get("original_width"))
    make = partial(Shape, region.where, picture, names[0].label(), _number(region), size=size)
    if kind == "brushlabels":
        runs = value.get("rle")
        return make(paint=partial(_brush, runs, runs.wholes()))
    scale = np.array([size[1], size[0]]) / 100  # places are told in percent
    if kind == "polygonlabels":
        corners = value.get("points")
        ring = np.array(corners.points(), float).reshape(-1, 2) * scale
        return make(paint=corners.tried(lambda: drawn([ring])), exact=False)
    x, y, w, h = (value.get(key).number() for key in ("x", "y", "width", "height"))
    return make(box=(x * scale[0], y * scale[1], w * scale[0], h * scale[1]))


def _brush(runs: Node, values: list[int], size: Size) -> np.ndarray:
    return runs.tried(lambda: from_brush(values, size))


def _number(region: Node) -> int | None:
    """Ours, where the tool has kept it."""
    notes = region.optional("meta")
    told = notes.value.get("text") if notes and isinstance(notes.value, dict) else None
    texts = [region.value.get("id"), *(told if isinstance(told, list) else [told])]
    found = (_OURS.fullmatch(text) for text in texts if isinstance(text, str))
    return next((int(match[1]) for match in found if match), None)
