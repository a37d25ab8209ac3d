"""A result folder, read. What lies where in it says layout.py."""

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from trackmask.data import Labels
from trackmask.draw import STYLES, Style
from trackmask.errors import CallError, ResultError, VideoError
from trackmask.files import brief, shown
from trackmask.formats.pictures import read_picture
from trackmask.result.atomic import settle
from trackmask.result.document import Frames, changed, read_document
from trackmask.result.layout import EDITS, GIVEN, HISTORY, JSON, MASKS, SOFT, FrameFiles
from trackmask.result.records import ObjectInfo, Shot, Source, prompted, way_from
from trackmask.result.review import Range
from trackmask.video.reader import check_pixels

_QUOTED = 300  # characters of what a damaged result.json says

_DAMAGED = (KeyError, TypeError, ValueError, AttributeError, OverflowError, ZeroDivisionError)


@dataclass(frozen=True, eq=False)
class Result:
    """A result folder that was read. Ask `open_result` for one."""

    folder: Path
    version: tuple[int, int] | None  # of the folder: a correction puts another one in its place
    tool: str  # "trackmask 0.1.0"
    weights: str  # sha256
    weights_folder: Path | None  # where they lay; None for those that ship with trackmask
    ran: Mapping[str, str]  # sha256 of each file of weights that ran, by name
    style: Style | None  # of the overlay; None where there is none
    complete: bool
    reason: str | None  # why it is not complete
    source: Source  # its path leads to where the video stood; it may have moved since
    files: FrameFiles  # of each frame
    prompts: tuple[Mapping[str, Any], ...]  # as given
    objects: tuple[ObjectInfo, ...]
    shots: tuple[Shot, ...]  # in order; none where they were not looked for, before schema 2
    frames: Frames  # in order, read from the disk; those outside of --start and --end are not there
    review: tuple[Range, ...]  # worst first

    @property
    def cuts(self) -> tuple[int, ...]:
        """The first frame of each shot but the first one."""
        return tuple(shot.first for shot in self.shots[1:])

    def masks(self, index: int) -> Labels:
        """(H, W) uint8, the ids in frame `index`. Raises ResultError where they are missing or damaged."""
        return self._read(self.folder / self.files.mask(index), "P")

    def soft(self, object_id: int, index: int) -> np.ndarray:
        """(H, W) uint8, an object's probability in frame `index`, 255 = certain. Raises ResultError, as `masks`."""
        if not (self.folder / SOFT).is_dir():
            raise ResultError(f"{self.folder} has no soft masks; track the video again with --soft")
        return self._read(self.folder / self.files.soft(object_id, index), "L")

    def given(self, object_id: int, index: int) -> np.ndarray:
        """(H, W) bool: what a person said of an object in a frame that was prompted, whole: also where another object,
        of which they spoke later, is shown above it. Raises ResultError, as `masks`.
        """
        if not self.is_whole(object_id, index):
            return self._read(self.folder / self.files.given(object_id, index), "L") > 0
        mask: np.ndarray = self.masks(index) == object_id
        return mask

    def is_whole(self, object_id: int, index: int) -> bool:
        """Whether all that a person said of an object in a frame is to be seen in its masks."""
        return not (self.folder / self.files.given(object_id, index)).exists()

    def _read(self, path: Path, mode: str) -> np.ndarray:
        try:
            picture = read_picture(path, ResultError, links=False)
        finally:
            if _version(self.folder) != self.version:  # the folder that was read may be the new one by now
                raise changed(self.folder)
        values = np.asarray(picture)
        if picture.mode != mode or values.shape != self.source.size:
            raise ResultError(f"{path} is not a mask of this result; track the video again")
        return values


def open_result(path: Path | str) -> Result:
    """Read a result folder. Raises ResultError where there is none, or one of a newer trackmask."""
    path = Path(path)
    settle(Path(os.path.realpath(path)))
    _refuse_links(path)
    version = _version(path)
    try:
        raw = read_document(path / JSON)
        prompted(raw["prompts"])  # what is no prompt is found here, not where it is first needed
        source = Source.from_json(raw["source"], path)
        check_pixels(f"the video of {path}", *source.size)
        files = FrameFiles.named(raw.get("mask_names", "number"), source.names)
        if files.stems and raw["frames"] and raw["frames"].indices[-1] >= len(files.stems):
            raise ValueError(f"frame {raw['frames'].indices[-1]} of {len(files.stems)} pictures")
        return Result(
            folder=path,
            version=version,
            tool=str(raw["tool"]),
            weights=str(raw["weights"]),
            weights_folder=way_from(path, raw["weights_folder"]) if raw.get("weights_folder") else None,
            ran={str(name): str(sha256) for name, sha256 in raw.get("ran", {}).items()},
            style=_known_style(raw.get("overlay")),
            complete=raw["complete"] is True,
            reason=None if raw["reason"] is None else brief(str(raw["reason"])),
            source=source,
            files=files,
            prompts=tuple(raw["prompts"]),
            objects=_objects(raw["objects"]),
            shots=tuple(Shot(int(item["first"]), int(item["last"])) for item in raw.get("shots", ())),
            frames=raw["frames"],
            review=tuple(Range.from_json(item) for item in raw["review"]),
        )
    except (*_DAMAGED, CallError, VideoError) as error:
        said = shown(repr(error))[:_QUOTED]
        raise ResultError(f"{path / JSON} is damaged ({said}); track the video again") from error


def _objects(raw: Iterable[Any]) -> tuple[ObjectInfo, ...]:
    objects = tuple(map(ObjectInfo.from_json, raw))
    if len({item.id for item in objects}) < len(objects):
        raise ValueError("two objects with one id")
    return objects


def _known_style(value: Any) -> Style | None:
    if value is not None and value not in STYLES:
        raise ValueError(f"there is no style {value!r}")
    return cast(Style | None, value)


def _refuse_links(folder: Path) -> None:
    """A link in a stranger's result would lead reads, and a correction's writes, to files elsewhere."""
    for name in (JSON, MASKS, SOFT, GIVEN, HISTORY, EDITS):
        with suppress(OSError):  # where the machine refuses to look, nothing is read
            if (folder / name).is_symlink():
                raise ResultError(f"{folder / name} is a link, which no result holds; put the folder in its place")


def _version(folder: Path) -> tuple[int, int] | None:
    """Each version of a result is a folder of its own; None where there is no folder."""
    with suppress(OSError):
        about = folder.stat()
        return about.st_dev, about.st_ino
    return None
