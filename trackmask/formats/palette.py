"""Palette (or grey) PNGs of several objects; the pixel values are the ids, and 255 is void."""

from functools import partial
from pathlib import Path

import numpy as np

from trackmask.errors import DataError
from trackmask.files import shown
from trackmask.formats.pictures import read_picture
from trackmask.formats.shape import Annotations, Picture, Shape, Size

VOID = 255  # nobody can tell whose pixel it is


def read(path: Path) -> Annotations:
    """One file. Raises DataError."""
    values = _values(path)
    picture = Picture(path.name, (values.shape[0], values.shape[1]))
    ids = [int(id_) for id_ in np.unique(values) if id_ not in (0, VOID)]
    shapes = [
        Shape(shown(path.name), picture, f"object {id_}", id_, partial(_one, path, id_), picture.size) for id_ in ids
    ]
    return Annotations((picture,), tuple(shapes))


def _one(path: Path, id_: int, size: Size) -> np.ndarray:
    """Read again: the masks of all frames need not be in memory at once."""
    mask: np.ndarray = _values(path) == id_
    return mask


def _values(path: Path) -> np.ndarray:
    picture = read_picture(path, DataError)
    if picture.mode not in ("P", "L"):
        raise DataError(
            f"{shown(path.name)} is an image of the kind {picture.mode}, not one of ids; save it with its palette"
        )
    return np.asarray(picture)
