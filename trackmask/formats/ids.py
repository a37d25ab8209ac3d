"""A mask's picture as ids: palette, grey or black and white; with hard edges or soft ones."""

from pathlib import Path

import cv2
import numpy as np
from PIL import Image as Pillow

from trackmask.data import Labels
from trackmask.errors import DataError
from trackmask.files import shown
from trackmask.formats.pictures import read_picture

VOID = 255  # "no one can tell", in masks that carry ids

_HARD = "save it as a PNG with hard edges: 0 and 255 for one object, or the ids 1..254 for several"
_LEAST_PEAK = 32  # grey: masks that reach less far carry ids
_INSIDE = 0.875  # of the brightest grey: what is brighter is inside of a soft mask
_REACH = 7  # pixels, a square: so near to each pixel of a soft edge there is a brighter one
# Measured: blurred and enlarged masks have 0.86 to 1 of the first share and 0.46 to 1 of the second (straight edges may
# have no rim), objects that have a grey each 0 to 0.2 and 0 to 0.43.
_SOFT, _OBJECTS = 0.85, 0.5  # of a rim's pixels have a brighter one near: one soft mask; objects
_AROUND, _ASIDE = 0.3, 0.15  # of the inside's border lies beside the rim, and of the outline is rim: the same


def read_ids(path: Path) -> Labels:
    """The ids in a picture, (H, W) uint8, VOID where nobody can tell.

    Two values, one of them 255 (or a 1-bit image), are one object, id 1; so is a mask with soft edges, cut at half.
    Other greys, and the indices of a palette, are ids. Raises DataError where the file cannot be read, is a picture
    instead of a mask, or may be read in two ways.
    """
    picture = read_picture(path, DataError)
    name = shown(path.name)
    values = _values(name, picture)
    used = np.unique(values[values > 0]).tolist()
    if used == [VOID]:
        values = np.where(values, 1, 0)
    elif picture.mode != "P" and used and used[-1] >= _LEAST_PEAK and _soft(name, values):
        values = np.where(values > used[-1] // 2, 1, 0)
    return np.array(values, np.uint8)


def _values(name: str, picture: Pillow.Image) -> np.ndarray:
    """(H, W) uint8: 0, 255 or ids."""
    if picture.format == "JPEG":
        raise DataError(f"{name} is a JPEG, which blurs a mask; {_HARD}")
    picture.info.pop("transparency", None)  # of a palette: it says nothing about ids, but Pillow warns of it
    if picture.mode == "P":
        if _black_and_white(picture):  # such a palette may well begin with white: the colours count, not the places
            return np.asarray(picture.convert("L"))
        return _from_background(name, np.asarray(picture), _colours(picture))
    if picture.mode in ("1", "L"):
        values = np.asarray(picture)
        return np.where(values, VOID, 0).astype(np.uint8) if values.dtype == bool else values
    if picture.mode not in ("RGB", "RGBA", "LA"):
        raise DataError(f"{name} is an image of the kind {picture.mode}, which is no mask; {_HARD}")
    channels = np.asarray(picture.convert("RGBA"))
    if (channels[..., 3] != 255).any():
        raise DataError(f"{name} is partly transparent, which is no mask; {_HARD}")
    if (channels[..., :2] != channels[..., 1:3]).any():
        raise DataError(f"{name} is a colour picture, not a mask; {_HARD}")
    return channels[..., 0]


def _colours(picture: Pillow.Image) -> np.ndarray:
    """(256, 3) uint8 of a palette; black where it has no entry."""
    entries = np.array(picture.getpalette("RGB") or [], np.uint8).reshape(-1, 3)
    return np.vstack([entries, np.zeros((256 - len(entries), 3), np.uint8)])


def _black_and_white(picture: Pillow.Image) -> bool:
    shades = {colour for _, colour in picture.convert("RGB").getcolors(2) or ()}
    return (255, 255, 255) in shades <= {(0, 0, 0), (255, 255, 255)}


def _from_background(name: str, values: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """With 0 as background: programs that choose a palette by themselves may give it another index.

    Where entry 0 is not black, what lies along almost all of the border is the background; it changes places with 0.
    """
    if not colours[0].any():
        return values
    border = np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])
    counts = np.bincount(border, minlength=256)
    ground = int(counts.argmax())
    if counts[ground] < 0.9 * len(border):
        red, green, blue = colours[0].tolist()
        raise DataError(
            f"{name} has the colour {red},{green},{blue} as entry 0 of its palette, where the background is expected, "
            f"and no other index lies along its border; {_HARD}"
        )
    swap = np.arange(256, dtype=np.uint8)
    swap[[0, ground]] = ground, 0
    swapped: np.ndarray = swap[values]
    return swapped


def _soft(name: str, values: np.ndarray) -> bool:
    """Whether the darker greys are the rim of the brightest one, and not objects of their own. DataError in between.

    In a rim each pixel has a brighter one near it; in the middle of an object it has none.
    """
    inside = values > _INSIDE * values.max()
    rim = (values > 0) & ~inside
    if not rim.any():
        return False
    near = np.ones((_REACH, _REACH), np.uint8)
    rising = (cv2.dilate(values, near) > values)[rim].mean()
    if rising < _OBJECTS:
        return False
    around = _around(inside, rim)
    if rising >= _SOFT and around >= _AROUND:
        return True
    if around < _ASIDE:
        return False
    count = len(np.unique(values)) - 1
    raise DataError(f"{name} may be one object with soft edges, or {count} objects that have a grey each; {_HARD}")


def _around(inside: np.ndarray, rim: np.ndarray) -> float:
    """How far the rim lies between the inside and the background, [0, 1]: void around an object lies outside of it."""
    small = np.ones((3, 3), np.uint8)
    border = inside & (cv2.erode(inside.astype(np.uint8), small) == 0)
    outline = (inside | rim) & (cv2.dilate((~inside & ~rim).astype(np.uint8), small) > 0)
    shares = (cv2.dilate(rim.astype(np.uint8), small) > 0)[border], rim[outline]
    return min((float(share.mean()) for share in shares if share.size), default=0.0)
