"""What an annotation file says, whatever its format: objects on pictures.

A reader gives `Annotations`. Whose frame a picture is and which object a shape is, others decide: `prompts` and
`importing`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from trackmask.errors import DataError

Size = tuple[int, int]  # (height, width) in pixels
Box = tuple[float, float, float, float]  # x, y, w, h in pixels; x, y is the top left corner
Point = tuple[float, float]  # x, y in pixels; (0.5, 0.5) is the middle of the first pixel


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture that was annotated, with or without shapes on it."""

    name: str  # of its file as the tool wrote it, folders included; "" where it has none
    size: Size | None = None  # where the file says it
    frame: int | None = None  # of the video, where the file says it


@dataclass(frozen=True, eq=False)
class Shape:
    """An object, or a part of one, on a picture: a mask, a box or points."""

    where: str  # its place in the file, for messages: "clip.json: shapes[3]"
    picture: Picture
    label: str  # the name of the object or of its class
    number: int | None = None  # what tells the object from others of its class, from 0 on; None where nothing does
    paint: Callable[[Size], np.ndarray] | None = None  # makes the (H, W) bool mask
    size: Size | None = None  # of the mask, where the file says it
    exact: bool = True  # False for polygons, which differ a little even where nobody has touched them
    box: Box | None = None
    points: tuple[Point, ...] = ()

    def mask(self, size: Size | None = None) -> np.ndarray:
        """(H, W) bool, made anew each time. DataError where there is none, or one of another `size` than the video."""
        if self.paint is None:
            raise DataError(f"{self.where} is {'a box' if self.box else 'a point'}; draw a polygon or a mask")
        size = size or self.size
        if size is None:
            raise DataError(f"{self.where} does not say how large its picture is; add its height and width")
        if self.size and self.size != size:
            raise DataError(
                f"{self.where} is drawn on {self.size[1]}x{self.size[0]} pixels and the video is {size[1]}x{size[0]}; "
                "give masks of the video's own size"
            )
        try:
            return self.paint(size)
        except MemoryError as error:
            raise DataError(f"{self.where} needs more memory than there is; give smaller masks") from error


@dataclass(frozen=True, eq=False)
class Annotations:
    pictures: tuple[Picture, ...]
    shapes: tuple[Shape, ...]  # in the file's order, each on one of the pictures


def placed(part: np.ndarray, x: int, y: int, size: Size) -> np.ndarray:
    """A (h, w) mask whose top left pixel is (x, y), in a frame of `size`; what lies outside of it is cut off."""
    full = np.zeros(size, bool)
    top, left = max(y, 0), max(x, 0)
    inside = part[top - y : max(size[0] - y, 0), left - x : max(size[1] - x, 0)]
    full[top : top + inside.shape[0], left : left + inside.shape[1]] = inside
    return full
