"""LabelMe's json: the shapes on one picture. What tells an object from others of its label is `group_id`."""

from functools import partial

import numpy as np

from trackmask.formats.coco import size_of
from trackmask.formats.limits import MAX_SHAPES
from trackmask.formats.node import Node
from trackmask.formats.pictures import picture_in
from trackmask.formats.polygons import drawn
from trackmask.formats.shape import Annotations, Box, Picture, Shape, Size, placed

_KINDS = ("rectangle", "polygon", "mask", "point")


def read(root: Node, name: str = "") -> Annotations:
    """The picture is called `name`, or as the file says. Raises DataError."""
    told = root.has("imageHeight") and root.has("imageWidth")
    size = size_of(root.get("imageHeight"), root.get("imageWidth")) if told else None
    picture = Picture(name or (root.get("imagePath").text() if root.has("imagePath") else ""), size)
    shapes = root.get("shapes").items()
    if len(shapes) > MAX_SHAPES:
        root.get("shapes").fail(f"a list of at most {MAX_SHAPES} shapes")
    return Annotations((picture,), tuple(_shape(shape, picture) for shape in shapes))


def _shape(shape: Node, picture: Picture) -> Shape:
    kind = shape.get("shape_type").text()
    if kind not in _KINDS:
        shape.get("shape_type").fail("rectangle, polygon, mask or point: other shapes say nothing of an object")
    group = shape.optional("group_id")
    number = None if group is None else group.number_of()
    make = partial(Shape, shape.where, picture, shape.get("label").label(), number)
    corners = shape.get("points")
    points = corners.points()
    if kind == "point":
        if len(points) != 1:
            corners.fail("the one place of a point")
        return make(points=tuple(points))
    if kind == "rectangle":
        return make(box=_box(corners, points))
    if kind == "polygon":
        ring = np.array(points, float).reshape(-1, 2)
        return make(paint=corners.tried(lambda: drawn([ring])), size=picture.size, exact=False)
    if not points:
        corners.fail("the corners of the mask")
    text = shape.get("mask")
    text.text()
    return make(paint=partial(_mask, text, points[0]), size=picture.size)


def _box(corners: Node, points: list[tuple[float, float]]) -> Box:
    if len(points) not in (2, 4):  # LabelMe has written two corners, then all four
        corners.fail("the corners of a rectangle")
    xs, ys = zip(*points, strict=True)
    if min(xs) == max(xs) or min(ys) == max(ys):
        corners.fail("a rectangle with an area")
    return min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)


def _mask(text: Node, corner: tuple[float, float], size: Size) -> np.ndarray:
    """A mask is a picture of the part of the frame that begins at its first corner."""
    part = np.asarray(text.tried(lambda: picture_in(text.text())).convert("L")) > 0
    return placed(part, round(corner[0]), round(corner[1]), size)
