"""LabelMe's json: the shapes of one picture.

A rectangle becomes a box, a polygon or mask a mask, a point a click; a point whose label begins with '-' a click beside
that object. Shapes of one label and one group_id are one object; without a group_id every rectangle, polygon and mask
is an object of its own, and the points of a label belong to the first one of it.
"""

from pathlib import Path

import numpy as np

from trackmask.formats.node import Node
from trackmask.prompts.gather import Target, free_id
from trackmask.prompts.prompt import Prompt
from trackmask.prompts.shapes import picture, polygon, size_of

_AREAS = ("rectangle", "polygon", "mask")
_Key = tuple[str, int | str]  # label; group, or the number of a lone shape


def read(root: Node, path: Path, target: Target) -> tuple[list[Prompt], dict[int, str]]:
    frame = target.frame(root.get("imagePath").text()) if root.has("imagePath") else None
    ids: dict[_Key, int] = {}
    pieces = []
    for shape, key in _keyed(root.get("shapes").items()):
        if key not in ids:
            ids[key] = free_id(root.file, ids.values())
        pieces.append(_prompt(shape, ids[key], frame, root, target))
    return pieces, _names(ids)


def _keyed(shapes: list[Node]) -> list[tuple[Node, _Key]]:
    """Each shape with what tells its object from others."""
    keyed: list[tuple[Node, _Key]] = []
    alone: dict[str, int] = {}  # how many lone shapes with an area each label has
    for shape in shapes:
        label, group = _label(shape).removeprefix("-"), shape.optional("group_id")
        if group is not None:
            keyed.append((shape, (label, f"group {group.whole(0)}")))
        elif _kind(shape) in _AREAS:
            alone[label] = alone.get(label, 0) + 1
            keyed.append((shape, (label, alone[label])))
        else:
            keyed.append((shape, (label, 1)))
    return keyed


def _prompt(shape: Node, id_: int, frame: int | None, root: Node, target: Target) -> Prompt:
    kind, points = _kind(shape), shape.get("points").points()
    if kind == "point":
        if len(points) != 1:
            shape.get("points").fail("the one place of a point")
        clicks = tuple(points)
        beside = _label(shape).startswith("-")
        return Prompt(id_, frame, negative=clicks) if beside else Prompt(id_, frame, positive=clicks)
    if kind == "rectangle":
        return Prompt(id_, frame, box=_box(shape, points))
    size = size_of(root.get("imageHeight"), root.get("imageWidth"), target.size)
    if kind == "polygon":
        return Prompt(id_, frame, mask=polygon(shape.get("points"), points, size))
    return Prompt(id_, frame, mask=_placed(shape, points, size))


def _box(shape: Node, points: list[tuple[float, float]]) -> tuple[float, float, float, float]:
    if len(points) not in (2, 4):  # LabelMe has written two corners, then all four
        shape.get("points").fail("the corners of a rectangle")
    xs, ys = zip(*points, strict=True)
    if min(xs) == max(xs) or min(ys) == max(ys):
        shape.get("points").fail("a rectangle with an area")
    return min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)


def _placed(shape: Node, points: list[tuple[float, float]], size: tuple[int, int]) -> np.ndarray:
    """A mask of kind "mask": a picture of the part of the frame that begins at the first point."""
    part = picture(shape.get("mask"))
    x, y = (round(value) for value in points[0]) if points else shape.get("points").fail("the corners of the mask")
    whole = np.zeros(size, bool)
    height, width = part.shape
    if x < 0 or y < 0 or y + height > size[0] or x + width > size[1]:
        shape.get("points").fail(f"corners of the mask, {width}x{height}, within the picture of {size[1]}x{size[0]}")
    whole[y : y + height, x : x + width] = part
    return whole


def _kind(shape: Node) -> str:
    kind = shape.get("shape_type").text()
    if kind not in (*_AREAS, "point"):
        shape.get("shape_type").fail("rectangle, polygon, mask or point: other shapes say nothing of an object")
    return kind


def _label(shape: Node) -> str:
    label = shape.get("label").name()
    if label == "-":
        shape.get("label").fail("the name of an object")
    return label


def _names(ids: dict[_Key, int]) -> dict[int, str]:
    """The label, with a number where several objects share it."""
    names: dict[int, str] = {}
    for (label, _), id_ in ids.items():
        name, number = label, 2
        while name in names.values():
            name, number = f"{label} {number}", number + 1
        names[id_] = name
    return names
