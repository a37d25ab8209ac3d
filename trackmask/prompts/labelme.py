"""LabelMe's json: the shapes of one picture.

A rectangle becomes a box, a polygon or mask a mask, a point a click; a point whose label begins with '-' a click beside
that object. Shapes of one label and one group_id are one object; without a group_id every rectangle, polygon and mask
is an object of its own, and the points of a label belong to the first one of it.
"""

from pathlib import Path

from trackmask.errors import PromptError
from trackmask.formats import labelme
from trackmask.formats.node import Node
from trackmask.formats.shape import Shape
from trackmask.prompts.gather import Target, check_room, free_id, numbered
from trackmask.prompts.prompt import Prompt

_Key = tuple[str, int | str]  # label; group, or the number of a lone shape


def read(root: Node, path: Path, target: Target) -> tuple[list[Prompt], dict[int, str]]:
    found = labelme.read(root)
    picture = found.pictures[0]
    frame = target.frame(picture.name) if picture.name else None
    check_room(root.file, found.shapes, target.size)
    ids: dict[_Key, int] = {}
    names: dict[int, str] = {}
    pieces = []
    for shape, key in _keyed(found.shapes):
        if key not in ids:
            ids[key] = free_id(root.file, ids.values())
            names[ids[key]] = numbered(key[0], names.values())
        pieces.append(_prompt(shape, ids[key], frame, target))
    return pieces, names


def _keyed(shapes: tuple[Shape, ...]) -> list[tuple[Shape, _Key]]:
    """Each shape with what tells its object from others."""
    keyed: list[tuple[Shape, _Key]] = []
    alone: dict[str, int] = {}  # how many lone shapes with an area each label has
    for shape in shapes:
        label = shape.label.removeprefix("-")
        if not label:
            raise PromptError(f"{shape.where}.label is the sign for a click beside an object; add the object's name")
        if shape.number is not None:
            keyed.append((shape, (label, f"group {shape.number}")))
        elif not shape.points:
            alone[label] = alone.get(label, 0) + 1
            keyed.append((shape, (label, alone[label])))
        else:
            keyed.append((shape, (label, 1)))
    return keyed


def _prompt(shape: Shape, id_: int, frame: int | None, target: Target) -> Prompt:
    if shape.points:
        beside = shape.label.startswith("-")
        return Prompt(id_, frame, negative=shape.points) if beside else Prompt(id_, frame, positive=shape.points)
    if shape.box:
        return Prompt(id_, frame, box=shape.box)
    return Prompt(id_, frame, mask=shape.mask(target.size))
