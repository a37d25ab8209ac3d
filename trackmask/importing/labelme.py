"""labelme: masks and polygons, by `group_id`, else by the label."""

import base64
import json
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Pillow

from trackmask.errors import DataError
from trackmask.formats.polygons import fill
from trackmask.importing.region import About, Region, frame_of, object_number, pasted


def read(path: Path, about: About) -> dict[int, list[Region]]:
    """`path` is the folder of the json files, or the one above. Raises DataError, OSError, or what damage leads to."""
    folder = path / about.clip if (path / about.clip).is_dir() else path
    found = {}
    for file in sorted(folder.glob("*.json")):
        raw = json.loads(file.read_bytes())
        about.check_size(file.name, raw["imageHeight"], raw["imageWidth"])
        found[frame_of(file.name)] = [_region(shape, file.name, about) for shape in raw["shapes"]]
    return found


def _region(shape: dict[str, Any], where: str, about: About) -> Region:
    number, label, kind = object_number(shape.get("group_id")), str(shape["label"]), shape["shape_type"]
    points = np.array(shape["points"], float)
    if kind == "polygon":
        return Region(number, label, partial(fill, [points], about.size), exact=False)
    if kind != "mask":
        raise DataError(f"{where} has a {kind} named {label!r}; draw polygons or masks")
    return Region(number, label, partial(_mask, shape["mask"], points, about), exact=True)


def _mask(text: str, points: np.ndarray, about: About) -> np.ndarray:
    try:
        with Pillow.open(BytesIO(base64.b64decode(text))) as picture:
            crop = np.asarray(picture) > 0
    except (OSError, SyntaxError, Pillow.DecompressionBombError) as error:
        raise ValueError(f"no PNG: {error}") from error
    x, y = np.rint(points[0]).astype(int).tolist()
    return pasted(crop, x, y, about.size)
