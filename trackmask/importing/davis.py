"""Palette (or grey) PNGs named by their frames; the pixel values are the ids, 255 is void."""

from functools import partial
from pathlib import Path

import numpy as np

from trackmask.errors import DataError
from trackmask.formats.png import read_picture
from trackmask.importing.region import About, Region, frame_of

_VOID = 255


def read(path: Path, about: About) -> dict[int, list[Region]]:
    """`path` is the folder of the PNGs, one of clips, or a DAVIS tree. Raises DataError, or OSError."""
    return {frame_of(file.name): _regions(file, about) for file in sorted(_folder(path, about).glob("*.png"))}


def _folder(path: Path, about: About) -> Path:
    trees = sorted((path / "Annotations").glob(f"*/{about.clip}"))
    places = [*trees, path / "Annotations" / about.clip, path / about.clip, path]
    return next((place for place in places if place.is_dir()), path)


def _regions(file: Path, about: About) -> list[Region]:
    values = _values(file)
    about.check_size(file.name, *values.shape)
    ids = [int(i) for i in np.unique(values) if i not in (0, _VOID)]
    return [Region(i, f"object {i}", partial(_one, file, i), exact=True) for i in ids]


def _one(file: Path, object_id: int) -> np.ndarray:
    """Read again: the masks of all frames need not be in memory at once."""
    mask: np.ndarray = _values(file) == object_id
    return mask


def _values(file: Path) -> np.ndarray:
    picture = read_picture(file, DataError)
    if picture.mode not in ("P", "L"):
        raise DataError(f"{file.name} is an image of the kind {picture.mode}, not one of ids; save it with its palette")
    return np.asarray(picture)
