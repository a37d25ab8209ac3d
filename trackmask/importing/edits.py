"""Compares imported masks with a result's, and keeps those that differ."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import cv2
import numpy as np

from trackmask.errors import DataError, OutputExistsError, ResultError
from trackmask.export.job import UNNAMED, unnamed
from trackmask.files import brief, open_regular, writing
from trackmask.formats.limits import MAX_BYTES
from trackmask.formats.pictures import read_picture
from trackmask.formats.png import write_labels
from trackmask.formats.polygons import overlap
from trackmask.formats.shape import Shape
from trackmask.prompts import Prompt
from trackmask.result import EDITS, Result, StagedFolder, is_written

_JSON = "edits.json"
# Pixels: the largest square that differs after a round trip through polygons, with coordinates as whole numbers, moved
# by half a pixel, filled by OpenCV, resampled by Ultralytics. Measured on the samples' masks and drawn ones.
_SLIVER = 2

Change = Literal["changed", "new", "absent"]


@dataclass(frozen=True)
class Edit:
    """An object that a person changed in a frame."""

    folder: Path
    frame: int
    object_id: int
    name: str
    change: Change
    iou: float  # of the mask before and after

    def mask(self) -> np.ndarray:
        """(H, W) bool; empty where the object was taken away. Raises ResultError."""
        picture = read_picture(self.folder / f"{self.frame:05d}.png", ResultError, links=False)
        mask: np.ndarray = np.asarray(picture) == self.object_id
        return mask

    def prompt(self) -> Prompt | None:
        """For the tracker; None where the object was taken away. Raises ResultError."""
        if self.change == "absent":
            return None
        return Prompt(self.object_id, self.frame, mask=self.mask(), source=f"{self.frame:05d}.png")


@dataclass(frozen=True)
class Tally:
    """What an import found."""

    folder: Path  # of the edits; it is there only where something differs
    frames: int  # that the file speaks of and the result has
    changed: int  # masks
    new: int
    absent: int


def read_edits(result: Path) -> list[Edit]:
    """The edits that were imported into a result folder, in order of frame and id; none where nothing was imported.

    Raises ResultError where they are damaged.
    """
    folder = result / EDITS
    if not folder.exists():
        return []
    try:
        with open_regular(folder / _JSON, links=False) as file:
            raw = json.loads(file.read(MAX_BYTES))
        return [_edit(folder, entry) for entry in raw["edits"]]
    except (OSError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise ResultError(f"{folder / _JSON} is damaged ({brief(repr(error))}); import the edits again") from error


def _edit(folder: Path, raw: Mapping[str, Any]) -> Edit:
    if raw["change"] not in get_args(Change):
        raise ValueError(f"edit {raw!r}")
    return Edit(folder, int(raw["frame"]), int(raw["object"]), str(raw["name"]), raw["change"], float(raw["iou"]))


def write_edits(
    result: Result, frames: Mapping[int, list[Shape]], name: str, kind: str, *, absent: bool, overwrite: bool
) -> Tally:
    """`frames` are the shapes on each frame; `name` of the file they come from. Raises as `import_edits` does."""
    known = {info.id: info.name for info in result.objects}
    ours = set(result.frames.indices)
    strange = sorted(index for index, shapes in frames.items() if shapes and index not in ours)
    if strange:
        raise DataError(
            f"{name} speaks of frame {strange[0]}, which {result.folder} does not have; is it another clip?"
        )
    entries: list[dict[str, Any]] = []
    with StagedFolder(result.folder / EDITS, lambda target: _check_free(target, overwrite)) as staged:
        with writing(staged.target):
            for index in sorted(frames.keys() & ours):
                before = result.masks(index)
                labels, found = _compare(before, _by_object(index, frames[index], known, before), absent)
                entries += [{"frame": index, "object": i, "name": known[i], **change} for i, change in found.items()]
                if found:
                    write_labels(staged.path / f"{index:05d}.png", labels)
            document = {"schema": 1, "format": kind, "file": name, "edits": entries}
            (staged.path / _JSON).write_text(json.dumps(document, indent=1) + "\n", "utf-8")
        if entries:
            staged.publish()
    counts = {change: sum(e["change"] == change for e in entries) for change in ("changed", "new", "absent")}
    return Tally(staged.target, len(frames.keys() & ours), **counts)


def _by_object(
    index: int, shapes: Sequence[Shape], known: dict[int, str], before: np.ndarray
) -> dict[int, tuple[np.ndarray, bool]]:
    """Each object once, with its mask from all its shapes, and whether that is exact. New objects join `known`."""
    masks: dict[int, tuple[np.ndarray, bool]] = {}
    for shape in shapes:
        mask = shape.mask(before.shape)
        object_id = _identify(index, shape, mask, known, before)
        others, exact = masks.get(object_id, (np.zeros_like(mask), True))
        masks[object_id] = mask | others, exact and shape.exact
    return dict(sorted(masks.items()))


def _identify(index: int, shape: Shape, mask: np.ndarray, known: dict[int, str], before: np.ndarray) -> int:
    """By its number; else by its name, and where several objects have it by what its mask covers."""
    if shape.number:  # tools write 0 where there is none
        if shape.number > 255:
            raise DataError(f"{shape.where}: object {shape.number} cannot be: ids go from 1 to 255; number them so")
        known.setdefault(shape.number, shape.label or f"object {shape.number}")
        return shape.number
    same = [id_ for id_, name in known.items() if name == shape.label or (shape.label == UNNAMED and unnamed(name))]
    if len(same) > 1:
        covered = np.bincount(before[mask], minlength=256)
        same = sorted(same, key=lambda id_: -covered[id_])[:1]
        if not covered[same[0]]:
            raise DataError(f"frame {index} has a {shape.label!r} without an id, and there are several; give it its id")
    if not same:
        same = [id_ for id_ in range(1, 255) if id_ not in known][:1]
        if not same:
            raise DataError(f"frame {index} has a new object {shape.label!r}, and all ids are taken; give it an id")
        known[same[0]] = shape.label or f"object {same[0]}"
    return same[0]


def _compare(
    before: np.ndarray, masks: Mapping[int, tuple[np.ndarray, bool]], absent: bool
) -> tuple[np.ndarray, dict[int, dict[str, Any]]]:
    """The changed objects as (H, W) uint8 labels, and by id what changed. Where two overlap the higher id wins."""
    labels = np.zeros_like(before)
    found: dict[int, dict[str, Any]] = {}
    for object_id, (mask, exact) in masks.items():
        old = before == object_id
        if mask.any() and _differs(old, mask, exact):
            labels[mask] = object_id
            found[object_id] = {"change": "changed" if old.any() else "new", "iou": round(overlap(old, mask), 4)}
    if absent:
        gone = set(np.unique(before).tolist()) - {0} - {i for i, (mask, _) in masks.items() if mask.any()}
        found |= {object_id: {"change": "absent", "iou": 0.0} for object_id in sorted(gone)}
    return labels, dict(sorted(found.items()))


def _differs(old: np.ndarray, mask: np.ndarray, exact: bool) -> bool:
    """Whether a person has changed a mask. Polygons differ by slivers along the edge even where nobody has."""
    differing = (old ^ mask).astype(np.uint8)
    if exact or not old.any():
        return bool(differing.any())
    return bool(cv2.erode(differing, np.ones((_SLIVER + 1, _SLIVER + 1), np.uint8), borderValue=0).any())


def _check_free(folder: Path, overwrite: bool) -> None:
    if folder.exists() and not (overwrite and (folder / _JSON).exists()):
        raise OutputExistsError(f"{folder} exists already; use those edits first, or say --overwrite to replace them")
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if not is_written(path.name):
            raise OutputExistsError(f"{folder} also holds {path.name}, which --overwrite would delete; move it away")
