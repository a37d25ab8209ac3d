"""COCO instances. Images are told by their names, objects by `track_id`, else by the name of their category."""

import json
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from trackmask.errors import DataError
from trackmask.extras import need
from trackmask.formats.polygons import fill
from trackmask.importing.region import About, Region, frame_of, object_number


def read(path: Path, about: About) -> dict[int, list[Region]]:
    """`path` is the json, or the folder of an export. Raises DataError, OSError, or what a damaged file leads to."""
    raw = json.loads(_file(path).read_bytes())
    names = {entry["id"]: str(entry["name"]) for entry in raw["categories"]}
    frames = {image["id"]: frame_of(image["file_name"]) for image in _images(raw["images"], about)}
    found: dict[int, list[Region]] = {frame: [] for frame in frames.values()}
    for entry in raw["annotations"]:
        if entry["image_id"] in frames:
            found[frames[entry["image_id"]]].append(_region(entry, names, about))
    return found


def _file(path: Path) -> Path:
    if not path.is_dir():
        return path
    files = sorted((path / "annotations").glob("*.json"))
    if len(files) != 1:
        raise DataError(f"{path} has {len(files)} json files in annotations/; give the one to import")
    return files[0]


def _images(images: list[dict[str, Any]], about: About) -> list[dict[str, Any]]:
    """Those of the clip: its name is the folder of the image, and only one clip may do without."""
    clips = {_folder(image["file_name"]) for image in images}
    ours = [image for image in images if _folder(image["file_name"]) == about.clip]
    if not ours and not about.given and len(clips) == 1:
        ours = images
    if not ours and images:
        raise DataError(f"there is no clip {about.clip!r} in it, but {', '.join(sorted(clips))}; say which with --clip")
    for image in ours:
        about.check_size(image["file_name"], image["height"], image["width"])
    return ours


def _folder(name: str) -> str:
    return PurePosixPath(name.replace("\\", "/")).parent.name


def _region(entry: dict[str, Any], names: dict[int, str], about: About) -> Region:
    kept = entry.get("attributes") or {}
    ids = (entry.get("track_id"), kept.get("track_id"), kept.get("object_id"))
    number = next((found for found in map(object_number, ids) if found is not None), None)
    segmentation = entry["segmentation"]
    if isinstance(segmentation, list):
        rings = [np.array(ring, float).reshape(-1, 2) for ring in segmentation]
        return Region(number, names[entry["category_id"]], partial(fill, rings, about.size), exact=False)
    about.check_size(f"annotation {entry.get('id')}", *segmentation["size"])
    return Region(number, names[entry["category_id"]], partial(_decode, segmentation), exact=True)


def _decode(segmentation: dict[str, Any]) -> np.ndarray:
    """(H, W) bool of a compressed or an open RLE."""
    need("export", "COCO's RLE", "pycocotools")
    from pycocotools import mask as rle

    if isinstance(segmentation["counts"], list):
        segmentation = rle.frPyObjects(segmentation, *segmentation["size"])
    return np.asarray(rle.decode(segmentation), bool)
