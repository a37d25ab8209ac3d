"""PNGs of masks, one a frame, as `ids` reads them."""

from functools import partial
from pathlib import Path

import numpy as np

from trackmask.files import shown
from trackmask.formats.ids import VOID, read_ids
from trackmask.formats.shape import Annotations, Picture, Shape, Size


def read(path: Path) -> Annotations:
    """One file. Raises DataError."""
    values = read_ids(path)
    picture = Picture(path.name, (values.shape[0], values.shape[1]))
    ids = [int(id_) for id_ in np.unique(values) if id_ not in (0, VOID)]
    shapes = [
        Shape(shown(path.name), picture, f"object {id_}", id_, partial(_one, path, id_), picture.size) for id_ in ids
    ]
    return Annotations((picture,), tuple(shapes))


def _one(path: Path, id_: int, size: Size) -> np.ndarray:
    """Read again: the masks of all frames need not be in memory at once."""
    mask: np.ndarray = read_ids(path) == id_
    return mask
