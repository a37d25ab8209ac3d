"""CVAT's xml 1.1, for video (tracks) and for images: polygons and masks.

What tells an object from others of its label is the attribute `object_id` or `track_id`.
"""

import re
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError, iterparse

import numpy as np

from trackmask.errors import DataError
from trackmask.files import shown
from trackmask.formats.coco import size_of
from trackmask.formats.limits import MAX_FRAME, MAX_QUOTED, MAX_SHAPES, MAX_SIDE, MAX_VALUES
from trackmask.formats.node import Node, read_bytes
from trackmask.formats.polygons import drawn
from trackmask.formats.runs import from_rows
from trackmask.formats.shape import Annotations, Picture, Shape, Size, placed

_SHAPES = ("polygon", "mask", "box", "polyline", "points", "ellipse", "cuboid", "skeleton")
_NAMES = ("object_id", "track_id")  # of the attribute that tells the object
_NUMBERS = re.compile(r"[-0-9.,; ]*")
_LENGTHS = re.compile(r" *[0-9]{1,9} *(, *[0-9]{1,9} *)*")


def read(path: Path) -> Annotations:
    """Raises DataError."""
    file, raw = _File(shown(path.name)), read_bytes(path)
    if raw.count(b"<") > MAX_VALUES:
        raise DataError(f"{file.name} has more than {MAX_VALUES // 10**6} million tags; export fewer frames at a time")
    try:
        for event, element in iterparse(BytesIO(raw), ("start", "end")):
            file.take(event, element)
    except (ParseError, ValueError, LookupError) as error:  # the latter two: an encoding that nobody knows
        raise DataError(f"{file.name} is no XML ({shown(str(error))[:MAX_QUOTED]}); export it again") from error
    return Annotations(tuple(file.pictures.values()), tuple(file.shapes))


@dataclass
class _File:
    """What was read until now. Elements are let go of as soon as they are read: memory holds the shapes alone."""

    name: str
    size: Size | None = None  # of the video, where the file says it
    pictures: dict[int | str, Picture] = field(default_factory=dict)  # by name, or frame
    shapes: list[Shape] = field(default_factory=list)
    parent: dict[str, str] = field(default_factory=dict)  # attributes of the image or track that is being read
    image: Picture | None = None

    def take(self, event: str, element: Element) -> None:
        if event == "start":
            if element.tag in ("image", "track"):
                self.parent = dict(element.attrib)
                self.image = self._image() if element.tag == "image" else None
            return
        if element.tag == "original_size":
            sides = {side: element.findtext(side) for side in ("height", "width")}
            node = Node(self.name, "original_size", sides)
            self.size = size_of(_number(node, "height"), _number(node, "width"))
        elif element.tag in _SHAPES:
            self._shape(element)
        if element.tag not in ("attribute", "width", "height"):  # their parents read them
            element.clear()

    def _image(self) -> Picture:
        node = Node(self.name, "image", self.parent)
        name = node.get("name").text()
        return self.pictures.setdefault(name, Picture(name, size_of(_number(node, "height"), _number(node, "width"))))

    def _shape(self, element: Element) -> None:
        node = Node(self.name, f"{element.tag} {len(self.shapes) + 1}", dict(element.attrib))
        if len(self.shapes) >= MAX_SHAPES:
            raise DataError(f"{self.name} has more than {MAX_SHAPES} shapes; export fewer frames at a time")
        picture = self.image or self._frame(_number(node, "frame").whole(0, MAX_FRAME))
        if node.has("outside") and node.value["outside"] == "1":
            return
        label = Node(self.name, node.place, self.parent | element.attrib).get("label").name()
        number = next((_id(node, entry) for entry in element.iter("attribute") if entry.get("name") in _NAMES), None)
        if element.tag == "polygon":
            points = _points(node.get("points"))
            paint = node.tried(lambda: drawn([points]))
            self.shapes.append(Shape(node.where, picture, label, number, paint, picture.size, exact=False))
        elif element.tag == "mask":
            self.shapes.append(Shape(node.where, picture, label, number, _mask(node), picture.size))
        else:
            raise DataError(f"{node.where} is a {element.tag} named {label!r}; draw polygons or masks")

    def _frame(self, frame: int) -> Picture:
        return self.pictures.setdefault(frame, Picture("", self.size, frame))


def _mask(node: Node) -> partial[np.ndarray]:
    x, y = (_number(node, key).whole(-MAX_SIDE, MAX_SIDE) for key in ("left", "top"))
    size = size_of(_number(node, "height"), _number(node, "width"))
    text = node.get("rle").text()
    if not _LENGTHS.fullmatch(text):
        node.get("rle").fail("run lengths with commas between them")
    return partial(_painted, node, text, x, y, size)


def _painted(node: Node, text: str, x: int, y: int, part: Size, size: Size) -> np.ndarray:
    return placed(node.tried(lambda: from_rows([int(run) for run in text.split(",")], part)), x, y, size)


def _points(node: Node) -> np.ndarray:
    """ "x,y;x,y;..." → (n, 2) float64."""
    text = node.text()
    pairs = [pair.split(",") for pair in text.split(";")] if _NUMBERS.fullmatch(text) else [[]]
    if any(len(pair) != 2 for pair in pairs):
        node.fail("points x,y;x,y;...")
    flat = [_parsed(value) for pair in pairs for value in pair]
    return Node(node.file, node.place, flat).coordinates().reshape(-1, 2)


def _id(node: Node, entry: Element) -> int | None:
    text = (entry.text or "").strip()
    return Node(node.file, f"{node.place}.{entry.get('name')}", _parsed(text)).whole(0) if text else None


def _number(node: Node, key: str) -> Node:
    """A number that stands in a text."""
    given = node.get(key)
    return Node(given.file, given.place, _parsed(given.text()))


def _parsed(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
