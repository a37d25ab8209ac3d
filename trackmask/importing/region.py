"""What the readers give: an object in a frame."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from trackmask.errors import DataError

_NUMBER = re.compile(r"([0-9]+)$")


@dataclass(frozen=True)
class About:
    """The result that an import is for."""

    clip: str
    size: tuple[int, int]  # (height, width)
    given: bool  # whether the user said the clip's name

    def check_size(self, where: str, height: int, width: int) -> None:
        """DataError where a picture of another size is spoken of."""
        if (height, width) != self.size:
            raise DataError(
                f"{where} is {width}x{height} and the video is {self.size[1]}x{self.size[0]}; give masks of its size"
            )


@dataclass(frozen=True, eq=False)
class Region:
    object_id: int | None  # None where the file tells only a name
    name: str
    paint: Callable[[], np.ndarray]  # makes the (H, W) bool mask
    exact: bool  # False for polygons, which differ a little even where nobody has touched them

    def mask(self) -> np.ndarray:
        """(H, W) bool, made anew each time. Raises DataError where the file holds no mask in truth."""
        try:
            return self.paint()
        except (ValueError, OverflowError, IndexError, MemoryError) as error:
            raise DataError(f"a mask of {self.name!r} is damaged ({error}); draw it again, or export again") from error


def frame_of(name: str) -> int:
    """The frame that an image's name ends in: 57 for "clip_00057.jpg". Raises DataError."""
    found = _NUMBER.search(PurePosixPath(name.replace("\\", "/")).stem)
    if not found:
        raise DataError(f"{name} does not end in the number of its frame; keep the names that export gave the images")
    return int(found[1])


def object_number(value: object) -> int | None:
    """An id as tools write it: 3, 3.0 or "3"; None where there is none, or 0. Raises DataError beyond 255."""
    if value is None or value == "":
        return None
    number = int(float(str(value)))
    if not 0 <= number <= 255:
        raise DataError(f"object {value} cannot be: ids go from 1 to 255; number the objects so")
    return number or None


def pasted(crop: np.ndarray, x: int, y: int, size: tuple[int, int]) -> np.ndarray:
    """A (h, w) mask at its place in a (H, W) one; what lies outside is cut off."""
    full = np.zeros(size, bool)
    top, left = max(y, 0), max(x, 0)
    part = crop[top - y : max(size[0] - y, 0), left - x : max(size[1] - x, 0)]
    full[top : top + part.shape[0], left : left + part.shape[1]] = part
    return full
