"""YOLO's segmentation as Ultralytics reads it: a text file a picture, and in each line a class and a polygon.

Ultralytics cuts the polygon's coordinates down to whole pixels and fills it with OpenCV, the pixels under its edge
included. So a polygon runs through the middles of the outermost pixels, half a pixel inside of their edges.
"""

import json
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from trackmask.errors import DataError
from trackmask.files import shown
from trackmask.formats.limits import MAX_CORNERS
from trackmask.formats.node import Node, read_bytes
from trackmask.formats.polygons import Ring, centres, joined
from trackmask.formats.shape import Annotations, Picture, Shape, Size

_CLASSES = 10_000  # more is no list of names
_NAME = re.compile(r"\s*(?:-|[0-9]+\s*:)\s+(.+)")  # "  0: cat", or "- cat"
_UPLOADED = re.compile(r"^[0-9a-f]{8}-")  # what Label Studio puts before a file's name
_FRAME = re.compile(r"^(.*?)[_-]?([0-9]+)$")


def trace(mask: np.ndarray, tolerance: float) -> list[Ring]:
    """A (H, W) bool mask, which is not empty, as one polygon; parts and holes are joined by cuts of no width."""
    ring = joined(centres(mask, tolerance))
    return [ring if len(ring) >= 3 else np.resize(ring, (3, 2))]  # fewer points are taken for a box


def paint(rings: Sequence[Ring], size: Size) -> np.ndarray:
    """(H, W) bool: polygons of pixels as Ultralytics fills them."""
    mask = np.zeros(size, np.uint8)
    for ring in rings:
        cv2.fillPoly(mask, [ring.astype(np.int32)], 1)
    return mask.astype(bool)


def read(path: Path, names: Sequence[str], clip: str = "") -> Annotations:
    """One picture's file, called `clip`_00012, or OTHER_00012: 00012 in the folder of that name. Raises DataError."""
    stem = _UPLOADED.sub("", path.stem)
    own = stem.removeprefix(f"{clip}_")
    picture = Picture(f"{clip}/{own}" if own != stem else _FRAME.sub(r"\1/\2", stem))
    lines = _text(path).split("\n")
    shapes = [_shape(path, number, line, picture, names) for number, line in enumerate(lines, 1) if line.strip()]
    return Annotations((picture,), tuple(shapes))


def read_names(path: Path) -> list[str]:
    """The classes in order: of data.yaml, or of classes.txt with one a line. Raises DataError."""
    text = _text(path)
    if path.suffix == ".txt":
        names = [line.strip() for line in text.splitlines() if line.strip()]
    else:
        _, _, rest = f"\n{text}".partition("\nnames:")
        first, _, below = rest.partition("\n")
        listed = first.strip().strip("[]{}")
        names = re.split(r",\s*", listed) if listed else _below(below)
        names = [re.sub(r"^[0-9]+\s*:\s+", "", name) for name in names]
    names = [_unquoted(name) for name in names]
    if not names or len(names) > _CLASSES:
        raise DataError(f"{shown(path.name)} has no list 'names:' of the classes; write one")
    return [Node(shown(path.name), f"name {place}", name).name() for place, name in enumerate(names)]


def _below(text: str) -> list[str]:
    """The items of a list that begins on the next line, up to what is none."""
    found = []
    for line in text.splitlines():
        match = _NAME.fullmatch(line)
        if not match:
            break
        found.append(match[1])
    return found


def _unquoted(name: str) -> str:
    name = name.strip()
    if name.startswith('"'):
        try:
            return str(json.loads(name))
        except ValueError:
            return name
    return name.strip("'")


def _shape(path: Path, number: int, line: str, picture: Picture, names: Sequence[str]) -> Shape:
    where = f"{shown(path.name)}: line {number}"
    try:
        kind, *values = (float(value) for value in line.split())
    except ValueError:
        raise DataError(f"{where} must be a class and numbers; export it again") from None
    ring = np.array(values)
    if not (0 <= kind < len(names) and kind.is_integer()):
        raise DataError(f"{where} has a class that no name stands for; the names are in data.yaml or classes.txt")
    if len(ring) == 4:
        raise DataError(f"{where} is a box; draw polygons")
    if len(ring) % 2 or not 6 <= len(ring) <= 2 * MAX_CORNERS or not (np.abs(ring) <= 2).all():
        raise DataError(f"{where} must be a class and 3 to {MAX_CORNERS} points x y from 0 to 1; export it again")
    return Shape(where, picture, names[int(kind)], None, partial(_painted, ring.reshape(-1, 2)), exact=False)


def _painted(ring: Ring, size: Size) -> np.ndarray:
    return paint([ring * size[::-1]], size)


def _text(path: Path) -> str:
    try:
        return read_bytes(path).decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise DataError(f"{shown(path.name)} is not a text; export it again") from None
