"""VGG Image Annotator 2: its annotations, or its project; polygons and rectangles.

A region's attributes are the user's own: the label is `label`, `name`, `class` or `type`, else the only one there is;
what tells an object from others is `object_id` or `track_id`.
"""

from functools import partial

import numpy as np

from trackmask.formats.limits import MAX_SHAPES
from trackmask.formats.node import Node
from trackmask.formats.polygons import drawn
from trackmask.formats.shape import Annotations, Picture, Shape

_LABELS = ("label", "name", "class", "type")
_NUMBERS = ("object_id", "track_id")


def read(root: Node) -> Annotations:
    """Raises DataError."""
    pages = root.get("_via_img_metadata") if root.has("_via_img_metadata") else root
    pictures, shapes = list[Picture](), list[Shape]()
    for _, page in pages.fields():
        picture = Picture(page.get("filename").text())
        pictures.append(picture)
        regions = page.get("regions")
        listed = [item for _, item in regions.fields()] if isinstance(regions.value, dict) else regions.items()
        shapes += [_shape(region, picture) for region in listed]
        if len(shapes) > MAX_SHAPES:
            root.fail(f"pages with at most {MAX_SHAPES} regions")
    return Annotations(tuple(pictures), tuple(shapes))


def _shape(region: Node, picture: Picture) -> Shape:
    shape, about = region.get("shape_attributes"), region.get("region_attributes")
    number = next((about.get(key).number_of() for key in _NUMBERS if about.has(key) and about.value[key] != ""), None)
    make = partial(Shape, region.where, picture, _label(about), number)
    kind = shape.get("name").text()
    if kind == "rect":
        x, y, w, h = (shape.get(key).number() for key in ("x", "y", "width", "height"))
        return make(box=(x, y, w, h))
    if kind != "polygon":
        shape.get("name").fail("polygon: other shapes are no masks")
    xs, ys = (shape.get(key).coordinates() for key in ("all_points_x", "all_points_y"))
    if len(xs) != len(ys):
        shape.get("all_points_y").fail(f"a list of {len(xs)} numbers, as many as all_points_x has")
    return make(paint=shape.tried(lambda: drawn([np.stack([xs, ys], 1)])), exact=False)


def _label(about: Node) -> str:
    own = [(key, value) for key, value in about.fields() if key not in _NUMBERS and value.value not in (None, "")]
    named = dict(own)
    chosen = next((named[key] for key in _LABELS if key in named), own[0][1] if len(own) == 1 else None)
    return chosen.label() if chosen else ""
