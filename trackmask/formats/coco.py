"""COCO's json: images, and annotations on them with run lengths, polygons or boxes.

The frame is the image's `frame_id` or `frame_index`, where it has one. What tells an object from others is `track_id`
or `instance_id`, beside the annotation or among its `attributes`, where annotation tools keep it.
"""

import numpy as np

from trackmask.formats.limits import MAX_FRAME, MAX_PIXELS, MAX_SHAPES, MAX_SIDE
from trackmask.formats.node import Node
from trackmask.formats.polygons import drawn
from trackmask.formats.runs import from_coco
from trackmask.formats.shape import Annotations, Picture, Shape, Size

_FRAMES = ("frame_id", "frame_index")
_TRACKS = ("track_id", "instance_id", "object_id")


def read(root: Node) -> Annotations:
    """Raises DataError."""
    pictures = {image.get("id").key(): _picture(image) for image in root.get("images").items()}
    listed = root.optional("categories")
    labels = {item.get("id").key(): item.get("name").label() for item in listed.items()} if listed else {}
    marks = root.get("annotations").items()
    if len(marks) > MAX_SHAPES:
        root.get("annotations").fail(f"a list of at most {MAX_SHAPES} annotations")
    return Annotations(tuple(pictures.values()), tuple(_shape(mark, pictures, labels) for mark in marks))


def size_of(height: Node, width: Node) -> Size:
    """(height, width) that a frame can have. Raises DataError."""
    size = height.whole(1, MAX_SIDE), width.whole(1, MAX_SIDE)
    if size[0] * size[1] > MAX_PIXELS:
        height.fail(f"a height that makes at most {MAX_PIXELS} pixels with the width {size[1]}")
    return size


def _picture(image: Node) -> Picture:
    frame = next((image.get(key).whole(0, MAX_FRAME) for key in _FRAMES if image.has(key)), None)
    size = size_of(image.get("height"), image.get("width")) if image.has("height") and image.has("width") else None
    return Picture(image.get("file_name").text(), size, frame)


def _shape(mark: Node, pictures: dict[int | str, Picture], labels: dict[int | str, str]) -> Shape:
    picture = pictures.get(mark.get("image_id").key())
    if picture is None:
        mark.get("image_id").fail("the id of one of the images")
    category = mark.get("category_id").key() if mark.has("category_id") else None
    label = "" if category is None else labels.get(category, "")
    number = _number(mark)
    given = mark.optional("segmentation")
    if given is None or given.value == []:
        return Shape(mark.where, picture, label, number, box=mark.get("bbox").box())
    if isinstance(given.value, dict):
        size, counts = _size(given.get("size")), given.get("counts")
        lengths = counts.text() if isinstance(counts.value, str) else counts.wholes()
        return Shape(mark.where, picture, label, number, lambda at: counts.tried(lambda: from_coco(lengths, at)), size)
    rings = [_ring(part) for part in given.items()]
    return Shape(mark.where, picture, label, number, given.tried(lambda: drawn(rings)), picture.size, exact=False)


def _number(mark: Node) -> int | None:
    holders = (mark, *([mark.get("attributes")] if isinstance(mark.value.get("attributes"), dict) else []))
    return next((h.get(key).number_of() for h in holders for key in _TRACKS if h.has(key)), None)


def _size(node: Node) -> Size:
    sides = node.items()
    if len(sides) != 2:
        node.fail("[height, width]")
    return size_of(*sides)


def _ring(part: Node) -> np.ndarray:
    flat = part.coordinates()
    if len(flat) % 2:
        part.fail("a polygon x, y, x, y, ...")
    return flat.reshape(-1, 2)
