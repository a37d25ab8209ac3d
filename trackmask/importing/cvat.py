"""CVAT 1.1, for video and for images: polygons and masks, by the attribute `object_id`, else by the label."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from xml.etree.ElementTree import Element, iterparse

import numpy as np

from trackmask.errors import DataError
from trackmask.formats.polygons import fill
from trackmask.importing.region import About, Region, frame_of, object_number, pasted

_IGNORED = ("tag", "attribute")


def read(path: Path, about: About) -> dict[int, list[Region]]:
    """Raises DataError, OSError, or what a damaged file leads to."""
    found: dict[int, list[Region]] = {}
    for element in _elements(path):
        if element.tag == "original_size":
            about.check_size(str(path.name), int(_text(element, "height")), int(_text(element, "width")))
        elif element.tag == "image":
            about.check_size(element.attrib["name"], int(element.attrib["height"]), int(element.attrib["width"]))
            regions = found.setdefault(frame_of(element.attrib["name"]), [])
            regions += [_region(shape, shape.attrib["label"], about) for shape in element if shape.tag not in _IGNORED]
        else:
            for shape in element:
                regions = found.setdefault(int(shape.attrib["frame"]), [])
                if shape.attrib.get("outside") != "1":
                    regions.append(_region(shape, element.attrib["label"], about))
    return found


def _elements(path: Path) -> Iterator[Element]:
    """The parts that matter, one by one; each is let go of before the next."""
    for _, element in iterparse(path):
        if element.tag in ("original_size", "image", "track"):
            yield element
            element.clear()


def _region(shape: Element, label: str, about: About) -> Region:
    ids = (entry.text for entry in shape.iter("attribute") if entry.attrib["name"] in ("object_id", "track_id"))
    number = object_number(next(ids, None))
    if shape.tag == "polygon":
        ring = np.array([point.split(",") for point in shape.attrib["points"].split(";")], float)
        return Region(number, label, partial(fill, [ring], about.size), exact=False)
    if shape.tag != "mask":
        raise DataError(f"{label!r} is a {shape.tag}; draw polygons or masks")
    x, y, w, h = (int(float(shape.attrib[key])) for key in ("left", "top", "width", "height"))
    runs = np.array([int(run) for run in shape.attrib["rle"].split(",")])
    if w > about.size[1] or h > about.size[0] or runs.min() < 0 or runs.sum() != w * h:
        raise ValueError(f"{len(runs)} runs do not fill {w}x{h} pixels")
    crop = np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(h, w)
    return Region(number, label, partial(pasted, crop, x, y, about.size), exact=True)


def _text(element: Element, name: str) -> str:
    return element.findtext(name) or ""
