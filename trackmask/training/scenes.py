"""Short clips with the truth, and the pictures and masks that they are made of."""

from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from trackmask.errors import DataError
from trackmask.formats.pictures import read_picture

Random = np.random.Generator

_BLACK_AND_WHITE = {(0, 0, 0), (255, 255, 255)}
SHADES = 8  # a grey mask of more values has soft edges


@dataclass(frozen=True, eq=False)
class Scene:
    """A short clip with the truth: what every source of training data yields."""

    images: list[np.ndarray]  # (H, W, 3) uint8 RGB
    masks: list[np.ndarray]  # (H, W) uint8, 0 or 255
    alone: bool  # nothing else in the first frame could be meant by 'the main object'
    others: list[np.ndarray] = field(default_factory=list)  # as masks, of what else is known; empty: of nothing

    @property
    def rivals(self) -> list[np.ndarray]:
        """One mask a frame of what is not the object and could be taken for it, as far as it is known."""
        return self.others or [np.zeros_like(mask) for mask in self.masks]


def blend(below: np.ndarray, above: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """uint8 pictures (H, W, 3), alpha (H, W) uint8"""
    weight = alpha[..., None].astype(np.uint16)
    return ((above * weight + below * (255 - weight) + 127) // 255).astype(np.uint8)


def soften(mask: np.ndarray) -> np.ndarray:
    """A mask (H, W) uint8 as an alpha: a little inside of it and soft, since its edge carries some of the ground."""
    return cv2.GaussianBlur(cv2.erode(mask, np.ones((3, 3), np.uint8)), (3, 3), 0)


def harden(alpha: np.ndarray) -> np.ndarray:
    """(H, W) uint8 → 0 or 255"""
    return cv2.threshold(alpha, 127, 255, cv2.THRESH_BINARY)[1]


def read_rgb(path: Path) -> np.ndarray:
    """A picture, (H, W, 3) uint8 RGB. Raises DataError."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise DataError(f"{path} cannot be read as an image; replace or remove it")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def read_object(path: Path) -> np.ndarray:
    """The mask of an object, (H, W) uint8, 0 or 255. Raises DataError.

    Whatever is not 0 belongs to it in a mask with a palette or of one bit, and in a grey one of a few values, which are
    ids; in one of many values, whose edges are soft, what is brighter than the middle.
    """
    picture = read_picture(path, DataError)
    if picture.mode == "P" and {colour for _, colour in picture.convert("RGB").getcolors(2) or ()} <= _BLACK_AND_WHITE:
        picture = picture.convert("L")  # such a palette may begin with white: the colours count, not the places
    values = np.asarray(picture if picture.mode in ("1", "L", "P") else picture.convert("L"))
    ids = values.dtype == bool or picture.mode == "P" or np.count_nonzero(np.bincount(values.ravel())) <= SHADES
    return np.where(values > (0 if ids else 127), 255, 0).astype(np.uint8)
